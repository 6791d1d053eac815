"""Trace donors, donations, units, facilities and patients to each other; every unit's fate, in a spreadsheet."""

import sys
from datetime import UTC, datetime

from lakehouse.cli import main
from lakehouse.traced import look_back_job, look_back_options

if __name__ == "__main__":
    sys.exit(main("look_back", __doc__, look_back_job, lambda: datetime.now(UTC), look_back_options))
