"""A row is a donation session: what was planned, who came, who was sent away and why, what was collected, by how many.

Visits, donations and hours of staff that name no session known by the as-of day are in one row, `unknown`.

Slice: a session. A record touches the session that it names; a donor's record, and a donation earlier than all
known, touch the sessions at which that donor gave (for who came the first time).
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.domain.deferrals import CLASSES, deferral_class
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.units_donations import UTC
from lakehouse.table import DATE, INSTANT, INT, NUMBER, TEXT, Field, Table

HOURS = "decimal(12,2)"
SESSION = ("facility_id", "site_name", "site_kind", "event_region", "planned_units", "appointments", "total_units")
_WHY = {
    "low_hemoglobin": "low haemoglobin or haematocrit",
    "blood_pressure": "pulse or blood pressure",
    "travel": "travel",
    "tattoo": "a tattoo or piercing",
    "drug_use": "the use of drugs",
    "high_risk": "high-risk behaviour or exposure",
    "other_non_medical": "another reason that is not medical",
    "other_medical": "another medical reason",
    "unclassified": "a reason not told, or told in other words",
}
_COUNTS = {
    "visits": "visits recorded, appointments not kept included",
    "no_shows": "of them, appointments not kept",
    "presented": "donors who came: all other visits, and donations that name no visit",
    "deferred": "visits that ended with a deferral",
    **{f"deferred_{name}": f"of them, for {_WHY[name]}" for name in CLASSES},
    "left": "visits of donors who left by themselves",
    "failed": "collections begun that gave no unit",
    "collected": "collections begun that did not fail",
    "first_time": "of collected, of donors who had not given before",
    "staff": "employees at the session",
}

TABLE = Table(
    tier="l2",
    name="blood_drives",
    grain="a donation session begun by the end of the as-of day; one row 'unknown' for what names no such session",
    key=("event_id",),
    fields=(
        Field("event_id", TEXT, "the session; 'unknown' for what names none that is known", required=True),
        Field("session_on", DATE, "local day on which it began; null for 'unknown'"),
        Field("starts_at", INSTANT, "when it began"),
        Field("facility_id", TEXT, "the collecting facility"),
        Field("facility_name", TEXT, "its name; null where it is not listed"),
        Field("region", TEXT, "region of the facility, else as the session says; 'unknown' where neither", True),
        Field("site_name", TEXT, "name of the site"),
        Field("site_kind", TEXT, "fixed, mobile, school or workplace"),
        Field("planned_units", INT, "units planned"),
        Field("appointments", INT, "appointments made"),
        Field("total_units", INT, "units collected as the session's record counts them"),
        *(Field(name, INT, doc, required=True) for name, doc in _COUNTS.items()),
        Field("staff_hours", NUMBER, "hours worked at the session", required=True),
        Field(
            "show_rate",
            NUMBER,
            "appointments kept / appointments; kept are those without a no-show, and no more than presented",
        ),
        Field("deferred_share", NUMBER, "deferred / presented; null where nobody came"),
        Field("low_hemoglobin_share", NUMBER, "deferred_low_hemoglobin / presented"),
        Field("yield_to_plan", NUMBER, "collected / planned_units; null where no plan is known, or none was made"),
        Field("first_time_share", NUMBER, "first_time / collected; null where nothing was"),
        Field("staff_hours_per_unit", NUMBER, "staff_hours / collected; null where nothing was, or no hours are known"),
    ),
    law="the sum of visits = visits by as-of; the sum of collected and failed = dated donations by as-of",
)


def build(
    donation_events: DataFrame,
    donor_visits: DataFrame,
    collections: DataFrame,
    event_employees: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every session begun by the end of `as_of`, its own local day.

    Args:
        donation_events: sessions and their plans.
        donor_visits: who came, or did not.
        collections: donations with the standing of their donors.
        event_employees: who worked there, how long.
        places: `all_facilities`: time zones, regions and names.
        as_of: sessions, visits and donations of later days are not seen.
        params: none is read.
    """
    sessions = _sessions(donation_events, places)
    parts = [sessions, _visits(donor_visits), _donations(collections), _staff(event_employees)]
    rows = reduce(lambda more, frame: more.unionByName(frame, allowMissingColumns=True), parts)
    summed = (
        _placed(rows, sessions, as_of)
        .groupBy("event_id")
        .agg(
            F.first("session", ignorenulls=True).alias("session"),
            *[F.coalesce(F.sum(name), F.lit(0)).cast("int").alias(name) for name in _COUNTS],
            F.coalesce(F.sum("staff_hours").cast("double"), F.lit(0.0)).alias("staff_hours"),
        )
    )
    region = F.coalesce("region", "event_region", F.lit(UNKNOWN))
    return summed.select("*", "session.*").withColumn("region", region).withColumns(_rates()).select(*TABLE.columns)


def _sessions(donation_events: DataFrame, places: DataFrame) -> DataFrame:
    """One row a session: its id, and all that its own record tells, as `session`."""
    known = places.select("facility_id", F.col("name").alias("facility_name"), "region", "timezone")
    zone = F.coalesce("timezone", F.lit(UTC))
    located = donation_events.withColumnRenamed("region", "event_region").join(
        F.broadcast(known), "facility_id", how="left"
    )
    dated = located.withColumns({"zone": zone, "session_on": local_date(F.col("starts_at"), zone)})
    own = F.struct("session_on", "starts_at", "facility_name", "region", *SESSION)
    return dated.select("event_id", "zone", own.alias("session"))


def _visits(donor_visits: DataFrame) -> DataFrame:
    outcome = F.col("outcome")
    is_deferred = outcome == "deferred"
    why = F.when(is_deferred, deferral_class(F.col("deferral_code"), F.col("deferral_reason")))
    return donor_visits.select(
        "event_id",
        F.col("visited_at").alias("at"),
        F.lit(1).alias("visits"),
        (outcome == "no_show").cast("int").alias("no_shows"),
        (outcome != "no_show").cast("int").alias("presented"),
        is_deferred.cast("int").alias("deferred"),
        *[(why == name).cast("int").alias(f"deferred_{name}") for name in CLASSES],
        (outcome == "left").cast("int").alias("left"),
    )


def _donations(collections: DataFrame) -> DataFrame:
    """Donations, which also tell of a donor who came where the source sends no visits."""
    is_collected = F.col("is_collected")
    return collections.select(
        "event_id",
        F.col("donated_on").alias("on"),
        F.col("visit_id").isNull().cast("int").alias("presented"),
        (~is_collected).cast("int").alias("failed"),
        is_collected.cast("int").alias("collected"),
        (is_collected & F.col("is_first_time")).cast("int").alias("first_time"),
    ).where(F.col("on").isNotNull())


def _staff(event_employees: DataFrame) -> DataFrame:
    """Who worked there, in exact hours, so that any order of rows adds up to the same.

    Hours below 0 are a slip that passed with a warning, and are not known.
    """
    hours = F.when(F.col("hours") >= 0, F.col("hours"))
    return event_employees.select("event_id", hours.cast(HOURS).alias("staff_hours"), F.lit(1).alias("staff"))


def _placed(rows: DataFrame, sessions: DataFrame, as_of: date) -> DataFrame:
    """Rows of the as-of day and before, under a session that had begun by then, else under `unknown`.

    A session, and hours of staff, are of the session's day; what names no known session has no other.
    """
    starts = sessions.select(
        "event_id", F.col("zone").alias("own_zone"), F.col("session")["session_on"].alias("began_on")
    )
    joined = rows.drop("zone").join(starts, "event_id", how="left")
    visited_on = local_date(F.col("at"), F.coalesce("own_zone", F.lit(UTC)))
    on = F.coalesce(visited_on, F.col("on"), F.col("began_on"), F.lit(as_of))
    has_begun = F.coalesce(F.col("began_on") <= F.lit(as_of), F.lit(False))
    return joined.where(on <= F.lit(as_of)).withColumn(
        "event_id", F.when(has_begun, F.col("event_id")).otherwise(UNKNOWN)
    )


def _rates() -> dict[str, Column]:
    return {
        "show_rate": F.try_divide(_kept_appointments(), _above_0("appointments")),
        "deferred_share": F.try_divide("deferred", "presented"),
        "low_hemoglobin_share": F.try_divide("deferred_low_hemoglobin", "presented"),
        "yield_to_plan": F.try_divide("collected", _above_0("planned_units")),
        "first_time_share": F.try_divide("first_time", "collected"),
        "staff_hours_per_unit": F.try_divide(_above_0("staff_hours"), F.col("collected")),
    }


def _kept_appointments() -> Column:
    """Who came unannounced kept none; where no-shows are not told of, no more can have been kept than donors came."""
    return F.greatest(F.least(F.col("appointments") - F.col("no_shows"), "presented"), F.lit(0))


def _above_0(name: str) -> Column:
    return F.when(F.col(name) > 0, F.col(name))
