"""The only Delta and file I/O of the lake."""
