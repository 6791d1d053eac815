"""A row is the part of a postal area that lies in one state and region, by what donors' records say.

An area is the first three characters of a postal code. Where it crosses a border it has a row on either side, so that
it points to one region.

Slice: the whole table, which is small; records of donors touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, sk, surrogate, unknown_named
from lakehouse.table import TEXT, Field, Table

AREA = ("postal_area", "state", "region")
TABLE = Table(
    tier="l2",
    name="dim_postal_area",
    grain="a postal area within a state and a region, or the unknown one",
    key=("postal_area_sk",),
    fields=(
        own_sk("postal_area_sk"),
        sk("region_sk", "dim_region", "its region"),
        Field("postal_area", TEXT, "first 3 characters of the postal code", required=True),
        Field("state", TEXT, "its state", required=True),
    ),
    law="every postal_area_sk of dim_donor is here",
)


def build(donor_versions: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every area that a donor lives or lived in, whatever the day.

    Args:
        donor_versions: all versions of donors.
        places: only to make the unknown member from.
        as_of: not used: an area does not happen.
        params: not used.
    """
    keys = {
        "postal_area_sk": surrogate("postal_area", *map(F.col, AREA)),
        "region_sk": surrogate("region", F.col("region")),
    }
    areas = donor_versions.select(*[unknown_named(F.col(name)).alias(name) for name in AREA]).distinct()
    return members(areas.withColumns(keys), TABLE, places)
