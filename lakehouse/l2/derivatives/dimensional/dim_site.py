"""A row is a place where sessions are held: a fixed site, or where a mobile one stood.

Slice: the whole table, which is small; records of sessions and facilities touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, sk, surrogate, unknown_named
from lakehouse.l2.derivatives.dimensional.sessions import SITE, sited_sessions
from lakehouse.table import TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="dim_site",
    grain="a site by its facility, name, kind and region, or the unknown one",
    key=("site_sk",),
    fields=(
        own_sk("site_sk"),
        sk("region_sk", "dim_region", "its region"),
        Field("site_name", TEXT, "name of the site", required=True),
        Field("site_kind", TEXT, "fixed, mobile, school, workplace or unknown", required=True),
        Field("facility_id", TEXT, "the collecting facility", required=True),
    ),
    law="every site_sk of dim_event is here",
)


def build(donation_events: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every site that a session names, whatever the day.

    Args:
        donation_events: sessions.
        places: `all_facilities`: regions, where a session names none.
        as_of: not used: a site does not happen.
        params: not used.
    """
    named = [unknown_named(F.col(name)).alias(name) for name in SITE]
    known = sited_sessions(donation_events, places).select("site_sk", *named).distinct()
    return members(known.withColumn("region_sk", surrogate("region", F.col("region"))), TABLE, places)
