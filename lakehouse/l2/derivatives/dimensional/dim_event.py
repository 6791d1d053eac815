"""A row is a donation session, planned ones too.

Slice: a session; its record and its facility's touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, sk, surrogate
from lakehouse.l2.derivatives.dimensional.sessions import sited_sessions
from lakehouse.table import DATE, INSTANT, INT, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="dim_event",
    grain="a donation session, or the unknown one",
    key=("event_sk",),
    fields=(
        own_sk("event_sk"),
        sk("site_sk", "dim_site", "where it is held"),
        Field("event_id", TEXT, "id of the session", required=True),
        Field("starts_on", DATE, "day on which it starts, local to its facility"),
        Field("starts_at", INSTANT, "its start"),
        Field("ends_at", INSTANT, "its end"),
        Field("planned_units", INT, "units planned"),
        Field("appointments", INT, "appointments made"),
        Field("total_units", INT, "units collected, as the session's record says"),
    ),
    law="rows = donation_events + 1",
)


def build(donation_events: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every session on record: one that is still to come is known as planned.

    Args:
        donation_events: sessions.
        places: `all_facilities`: time zones, regions.
        as_of: not used: facts are cut at it, not what they point to.
        params: not used.
    """
    sessions = sited_sessions(donation_events, places)
    return members(sessions.withColumn("event_sk", surrogate("event", F.col("event_id"))), TABLE, places)
