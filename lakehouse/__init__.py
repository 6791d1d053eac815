"""A lakehouse for a regional blood supply, on PySpark and Delta Lake."""
