"""List the releases, or roll back to an older one."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.work import release_job, release_options

if __name__ == "__main__":
    sys.exit(main("release", __doc__, release_job, lambda: datetime.now(UTC), release_options))
