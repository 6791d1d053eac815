"""`python -m datagen`."""

import sys

from datagen.cli import main

sys.exit(main(sys.argv[1:]))
