"""A row is a facility of the supply chain, those known only as hospitals by their NPI included.

Slice: the whole table, which is small; records of facilities and hospitals touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, sk, surrogate
from lakehouse.table import TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="dim_facility",
    grain="a facility, or the unknown one",
    key=("facility_sk",),
    fields=(
        own_sk("facility_sk"),
        sk("region_sk", "dim_region", "its region"),
        Field("facility_id", TEXT, "id of the facility; of a hospital without one its NPI", required=True),
        Field("npi", TEXT, "National Provider Identifier, for hospitals", required=True),
        Field("kind", TEXT, "collection, processing, hub, hospital, external or unknown", required=True),
        Field("name", TEXT, "name of the facility", required=True),
        Field("timezone", TEXT, "IANA time zone that its days are counted in", required=True),
    ),
    law="rows = facilities + hospitals that are no facility + 1",
)


def build(places: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every facility, whatever the day.

    Args:
        places: `all_facilities`.
        as_of: not used: a facility does not happen.
        params: not used.
    """
    keys = {
        "facility_sk": surrogate("facility", F.col("facility_id")),
        "region_sk": surrogate("region", F.col("region")),
    }
    return members(places.withColumns(keys), TABLE, places)
