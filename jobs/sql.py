"""Ask the released tables in Spark SQL: one statement with -e, or interactively."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.sql import sql_job, sql_options

if __name__ == "__main__":
    sys.exit(main("sql", __doc__, sql_job, lambda: datetime.now(UTC), sql_options))
