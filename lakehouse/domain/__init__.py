"""Facts of the field as data and Columns: groups, dating, intervals, check characters. No session, no I/O."""
