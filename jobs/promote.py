"""Gate what L1 holds, conform it, build the derivatives, audit them and publish a release."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.work import promote_job, promote_options

if __name__ == "__main__":
    sys.exit(main("promote", __doc__, promote_job, lambda: datetime.now(UTC), promote_options))
