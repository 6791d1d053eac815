"""Look at what the gates refused: how much, by which rule, and where each record is."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.quarantined import quarantine_job, quarantine_options

if __name__ == "__main__":
    sys.exit(main("quarantine", __doc__, quarantine_job, lambda: datetime.now(UTC), quarantine_options))
