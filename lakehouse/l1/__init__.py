"""L1, bronze: every delivered record, typed, append-only, with its file, line and batch."""
