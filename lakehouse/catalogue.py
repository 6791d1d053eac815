"""Every table of the lake, by its path below the root, such as `l1/donors`, `l2/donors`, `ops/files`."""

from lakehouse.gates.holds import HOLDS
from lakehouse.gates.profile import PROFILE
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.results import GATE_RESULTS
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import FILES
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.release import RELEASES
from lakehouse.storage.leases import LEASES
from lakehouse.table import Table

L1: tuple[Table, ...] = tuple(feed.l1 for feed in FEEDS.values())
OPS: tuple[Table, ...] = (FILES, QUARANTINE, HOLDS, GATE_RESULTS, PROFILE, RELEASES, LEASES)
TABLES: dict[str, Table] = {table.path: table for table in (*L1, *L2_TABLES.values(), *OPS)}
