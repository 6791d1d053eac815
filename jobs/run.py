"""Ingest, promote and report, for one day."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.work import run_job, run_options

if __name__ == "__main__":
    sys.exit(main("run", __doc__, run_job, lambda: datetime.now(UTC), run_options))
