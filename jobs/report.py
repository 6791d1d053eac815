"""Write the report on the current release, or on another one."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.reported import release_option, report_job

if __name__ == "__main__":
    sys.exit(main("report", __doc__, report_job, lambda: datetime.now(UTC), release_option))
