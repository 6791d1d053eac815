"""Take every new landing file into L1."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.work import ingest_job

if __name__ == "__main__":
    sys.exit(main("ingest", __doc__, ingest_job, lambda: datetime.now(UTC)))
