"""States that a lake should not be in: each derivative is built, every law holds, and what is odd has its place."""

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.config import load_config
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import SCHEMA
from lakehouse.l2.kept import kept
from lakehouse.l2.laws import LAWS
from lakehouse.l2.pipeline import CHANGED_RECORDS, DERIVATIVES, L2_TABLES, PAST, in_order, table_of
from lakehouse.l2.shared import Frames
from tests.support.lives import FACILITIES, Rows, conformed
from tests.support.rows import frame
from tests.unit.l2.derivatives.test_unit_moves import FEEDS

PARAMS = load_config("local").params
AS_OF = date(2024, 3, 20)
BEFORE_ALL = date(2024, 1, 1)
NOWHERE: dict[str, Rows] = {"facilities": ()}


def built(spark: SparkSession, as_of: date, **feeds: Rows) -> dict[str, DataFrame]:
    """Every table of a first release, by name; a law that does not hold fails."""
    given = {"facilities": FACILITIES, **FEEDS, **feeds}
    tables = {feed: kept(conformed(spark, feed, given.get(feed, ()))) for feed in CONFORMED}
    tables["donor_versions"] = frame(spark, L2_TABLES["donor_versions"], ())

    def of_table(name: str) -> DataFrame:
        if name == CHANGED_RECORDS:
            return spark.createDataFrame([], SCHEMA)
        return frame(spark, L2_TABLES[table_of(name)], ()) if name.endswith(PAST) else tables[table_of(name)]

    frames = Frames(of_table)
    for step in in_order(DERIVATIVES):
        tables[step.table.name] = kept(step.build(*frames.of(step.inputs), as_of=as_of, params=PARAMS))
    weighed = [row for law in LAWS for row in law.check(*frames.of(law.inputs), as_of=as_of, params=PARAMS).collect()]
    assert [row for row in weighed if row["left"] != row["right"]] == []
    assert len(weighed) > len(LAWS)
    return tables


@pytest.fixture(scope="module")
def nowhere(spark: SparkSession) -> dict[str, DataFrame]:
    """The lake knows no facility: that feed never came."""
    return built(spark, AS_OF, **NOWHERE)


def test_unknown_facilities__keep_their_units_and_their_names(nowhere: dict[str, DataFrame]) -> None:
    assert nowhere["units"].count() > 30
    stock = nowhere["inventory_daily"].where(f"stock_on = date'{AS_OF}' and closing > 0").collect()
    assert {row["facility_id"] for row in stock} >= {"C1", "H2", "unknown"}
    assert sum(row["closing"] for row in stock) == nowhere["units"].where("is_on_hand or state = 'in_transit'").count()


def test_unknown_facilities__are_of_the_region_unknown(nowhere: dict[str, DataFrame]) -> None:
    assert {row["region"] for row in nowhere["regional_demand"].select("region").distinct().collect()} == {"unknown"}
    assert nowhere["regional_demand"].agg({"transfused": "sum"}).first()[0] > 0


def test_as_of_before_all_data__tells_of_nothing(spark: SparkSession) -> None:
    tables = built(spark, BEFORE_ALL)
    found = {name: rows.count() for name, rows in tables.items() if name not in CONFORMED}
    calendars = {"dim_date", "dim_region", "dim_site", "dim_event", "dim_facility", "dim_employee", "dim_product",
                 "dim_donor", "dim_postal_area", "facility_scorecard"}  # fmt: skip
    assert {name: count for name, count in found.items() if count and name not in calendars} == {}
