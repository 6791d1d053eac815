"""Ingest, promote and report, for one day."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.work import promote_options, run_job

if __name__ == "__main__":
    sys.exit(main("run", __doc__, run_job, lambda: datetime.now(UTC), promote_options))
