"""The derivatives: tables built from the conformed ones, each for one question, by a pure function."""
