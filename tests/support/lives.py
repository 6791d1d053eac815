"""Lives of units for tests: conformed rows in a few words, and the builds over them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.pipeline import L2_TABLES, SHARED, parameters
from lakehouse.l2.shared import Frames
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

Rows = Iterable[Mapping[str, Any]]

PARAMS = DEFINITIONS | {"presumed_outdated_days": 3, "required_markers": ["abo_rhd", "hiv"]}
VERSION = {"is_void": False, "warnings": [], "_order_at": "2024-01-01", "_batch_seq": 1, "_file_id": 1, "_line": 1}
CENTRE, HOSPITAL, EXTERNAL = "C1", "H1", "X1"
NEW_YORK = "America/New_York"
FACILITIES = (
    {"facility_id": CENTRE, "kind": "processing", "region": "North", "timezone": NEW_YORK},
    {"facility_id": HOSPITAL, "kind": "hospital", "npi": "111", "region": "South", "timezone": NEW_YORK},
    {"facility_id": "H2", "kind": "hospital", "npi": "222", "region": "South", "timezone": NEW_YORK},
    {"facility_id": EXTERNAL, "kind": "external", "region": "Far", "timezone": "UTC"},
)
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "components": {"component": "red_cells", "abo_rhd": "O+", "facility_id": CENTRE},
    "donations": {"is_assumed_date": False},
    "unit_events": {"is_date_only": False},
    "distribution": {"is_date_only": False},
    "dispositions": {"is_date_only": False},
    "test_results": {"is_final": True, "result": "non_reactive"},
}


def conformed(spark: SparkSession, feed: str, rows: Rows = ()) -> DataFrame:
    """Conformed rows of a feed: what is not said is the default of that feed, else NULL."""
    return frame(spark, CONFORMED[feed].table, [{**VERSION, **DEFAULTS.get(feed, {}), **row} for row in rows])


def inputs(
    spark: SparkSession,
    build: Callable[..., DataFrame],
    feeds: Mapping[str, Rows],
    made: Mapping[str, DataFrame] = MappingProxyType({}),
) -> dict[str, DataFrame]:
    """The frames that `build` asks for, but for derivatives: conformed ones, and shared ones over them and `made`.

    Facilities are `FACILITIES` unless said.
    """
    given = {"facilities": FACILITIES, **feeds}

    def of_table(name: str) -> DataFrame:
        return made[name] if name in made else conformed(spark, name, given.get(name, ()))

    shared = Frames(of_table)
    wanted = [name for name in parameters(build) if (name in CONFORMED or name in SHARED) and name not in made]
    return dict(zip(wanted, shared.of(wanted), strict=True))


def frames_of(spark: SparkSession, build: Callable[..., DataFrame], rows: Mapping[str, Rows]) -> list[DataFrame]:
    """The frames that `build` takes, in order, over these rows of tables; a table that is not named is empty."""
    return Frames(lambda name: frame(spark, L2_TABLES[name], rows.get(name, ()))).of(parameters(build))


def built(
    spark: SparkSession, build: Callable[..., DataFrame], as_of: str, *frames: DataFrame, **feeds: Rows
) -> DataFrame:
    """What `build` makes of the feeds at a day; `frames` come first (units, for what is built on them)."""
    made = dict(zip(parameters(build), frames, strict=False))
    tables = inputs(spark, build, feeds, made)
    return build(*frames, **tables, as_of=date.fromisoformat(as_of), params=PARAMS)
