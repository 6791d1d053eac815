"""A row is a region of the service.

Slice: the whole table, which is small; records of donors, facilities, hospitals, sessions and employees touch it.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, surrogate
from lakehouse.table import TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="dim_region",
    grain="a region that any record names, or the unknown one",
    key=("region_sk",),
    fields=(own_sk("region_sk"), Field("region", TEXT, "name of the region", required=True)),
    law="every region_sk of dim_postal_area, dim_site, dim_facility and dim_employee is here",
)


def build(
    donor_versions: DataFrame,
    places: DataFrame,
    donation_events: DataFrame,
    employees: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every region, whatever the day.

    Args:
        donor_versions: regions that donors live or lived in.
        places: `all_facilities`.
        donation_events: sessions.
        employees: members of staff.
        as_of: not used: a region does not happen.
        params: not used.
    """
    sources = (donor_versions, places, donation_events, employees)
    named = reduce(DataFrame.unionByName, [source.select("region") for source in sources])
    return members(named.distinct().withColumn("region_sk", surrogate("region", F.col("region"))), TABLE, places)
