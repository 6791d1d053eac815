"""What a scorecard counts. A row is a thing that happened at a facility on a local day, and what it adds to the sums.

Every frame here has `PLACE` and some of `COUNTS`, `QUANTITIES` and the seconds of `AGES`; a sum that a frame lacks
gets nothing from it. Platelets count in adult doses (one where a unit does not say how many), all else in units.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, event_date
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.regional_demand_requests import judged_requests
from lakehouse.l2.derivatives.units_donations import is_before_collection
from lakehouse.table import DOSES

PLACE = ("facility_id", "component", "on")
OF_REQUESTS = (
    "requests",
    "requests_with_urgency",
    "urgent_requests",
    "requested_patient",
    "cancelled_patient",
    "filled_patient",
    "filled_exact_patient",
    "requested_stock",
    "cancelled_stock",
    "filled_stock",
    "filled_exact_stock",
    "filled_late",
)
COUNTS = (
    *OF_REQUESTS,
    "transfused_units",
    "crossmatched_units",
    "aged_receipts",
    "aged_transfusions",
)
QUANTITIES = (
    "collected",
    "received",
    "issued",
    "returned",
    "came_back",
    "transfused",
    "outdated",
    "presumed_outdated",
    "wasted",
    "discarded",
    "discarded_after_release",
    "transfused_o_neg",
    "o_neg_to_others",
    "o_neg_to_unknown",
)
AGES = {"receipt_age_days": "receipt_age_seconds", "transfusion_age_days": "transfusion_age_seconds"}
"""Days are summed as whole seconds: fractions would add up to another last digit in another order."""
OUTDATED = ("outdated", "presumed_outdated")
SECONDS_A_DAY = 86_400


def quantity() -> Column:
    """What a unit counts: a platelet unit its adult doses, any other one. Doses below 0 are a slip: not known."""
    doses = F.when((F.col("component") == "platelets") & (F.col("doses") >= 0), F.col("doses"))
    return F.coalesce(doses, F.lit(1)).cast(DOSES)


def made_and_ended(units: DataFrame) -> DataFrame:
    """Units where and when they were made of a donation, and where and when they ended. Reads `is_remade`."""
    state, much = F.col("state"), quantity()
    is_used = state == "transfused"
    age = _age_seconds(F.col("ended_at"))
    is_from_here = ~F.col("is_imported") & ~F.col("is_remade")
    made = {"collected": F.when(is_from_here, much)}
    ended = {
        "transfused_units": is_used.cast("int"),
        "transfused": F.when(is_used, much),
        "outdated": F.when(state.isin(*OUTDATED), much),
        "presumed_outdated": F.when(state == "presumed_outdated", much),
        "wasted": F.when(state == "wasted", much),
        "discarded": F.when(state == "discarded", much),
        "discarded_after_release": F.when((state == "discarded") & _was_stock(), much),
        "aged_transfusions": (is_used & age.isNotNull()).cast("int"),
        "transfusion_age_seconds": F.when(is_used, age),
    }
    return _at("made_at_facility_id", "prepared_on", units, made).unionByName(
        _at("ended_at_facility_id", "ended_on", units, ended), allowMissingColumns=True
    )


def o_neg_transfused(units: DataFrame, patients: DataFrame) -> DataFrame:
    """O-negative units transfused, by the patient's group as the last admission up to the day told it."""
    used = units.where((F.col("state") == "transfused") & (F.col("abo_rhd") == "O-"))
    told = patients.where(F.col("abo_rhd").isNotNull()).select(
        "patient_key", "admitted_on", "admission_key", F.col("abo_rhd").alias("patient_abo_rhd")
    )
    was_told_by_then = (F.col("used.patient_key") == F.col("told.patient_key")) & (
        F.col("admitted_on") <= F.col("ended_on")
    )
    known = used.alias("used").join(told.alias("told"), was_told_by_then, how="left")
    latest = F.max(F.struct("admitted_on", "admission_key", "patient_abo_rhd"))["patient_abo_rhd"]
    once = known.groupBy("unit_id", "ended_at_facility_id", "component", "ended_on", "doses").agg(latest.alias("whose"))
    much, whose = quantity(), F.col("whose")
    found = {
        "transfused_o_neg": much,
        "o_neg_to_others": F.when(whose != "O-", much),
        "o_neg_to_unknown": F.when(whose.isNull(), much),
    }
    return _at("ended_at_facility_id", "ended_on", once, found)


def moved(moves: DataFrame) -> DataFrame:
    """Movements (`placed_moves`) where and when they left, and where and when they arrived."""
    much, is_return = quantity(), F.coalesce(F.col("kind") == "return", F.lit(False))
    age = F.when(~is_return, _age_seconds(F.col("arrived_at")))
    left = {"issued": F.when(F.col("is_issue"), much), "returned": F.when(is_return, much)}
    arrived = {
        "received": F.when(~is_return, much),
        "came_back": F.when(is_return, much),
        "aged_receipts": age.isNotNull().cast("int"),
        "receipt_age_seconds": age,
    }
    return _at("from_facility_id", "left_on", moves, left).unionByName(
        _at("to_facility_id", "arrived_on", moves, arrived), allowMissingColumns=True
    )


def crossmatched(unit_events: DataFrame, units: DataFrame, places: DataFrame, methods: Sequence[str]) -> DataFrame:
    """Reservations with a crossmatch by one of `methods`; those that can't be a fact are not counted."""
    zones = F.broadcast(places.select("facility_id", "timezone"))
    known = units.select("unit_id", "component", "collected_at")
    zone = F.coalesce("timezone", F.lit("UTC"))
    on = event_date(F.col("happened_at"), F.col("is_date_only"), zone)
    latest_at = F.when(F.col("is_date_only"), end_of_day(on, zone)).otherwise(F.col("happened_at"))
    reserved = unit_events.where((F.col("kind") == "reserved") & F.col("method").isin(*methods))
    facts = (
        reserved.join(known, "unit_id", how="left")
        .join(zones, "facility_id", how="left")
        .where(~is_before_collection(latest_at, F.col("collected_at")))
        .withColumn("crossmatched_on", on)
    )
    return _at("facility_id", "crossmatched_on", facts, {"crossmatched_units": F.lit(1)})


def requested(blood_requests: DataFrame, moves: DataFrame, places: DataFrame, *, as_of: date) -> DataFrame:
    """Orders, judged as `regional_demand` judges them, on the day and at the hospital that they are demand of."""
    requests = judged_requests(blood_requests, moves, places, as_of=as_of)
    is_patient = F.col("order_kind") == "patient"
    of_kind = {
        f"{name}_{kind}": F.when(is_kind, F.col(counted)).otherwise(0)
        for kind, is_kind in (("patient", is_patient), ("stock", ~is_patient))
        for name, counted in (
            ("requested", "requested"),
            ("cancelled", "cancelled"),
            ("filled", "filled_on_time"),
            ("filled_exact", "filled_exact"),
        )
    }
    filled = F.least("received", F.col("requested") - F.col("cancelled"))
    others = {
        "requests": F.lit(1),
        "requests_with_urgency": F.col("urgency").isNotNull().cast("int"),
        "urgent_requests": F.coalesce(F.col("urgency").isin("urgent", "emergency"), F.lit(False)).cast("int"),
        "filled_late": filled - F.col("filled_on_time"),
    }
    return _at("facility_id", "demand_on", requests, of_kind | others)


def _at(facility: str, on: str, frame: DataFrame, sums: dict[str, Column]) -> DataFrame:
    return frame.select(
        F.coalesce(facility, F.lit(UNKNOWN)).alias("facility_id"),
        F.coalesce("component", F.lit(UNKNOWN)).alias("component"),
        F.col(on).alias("on"),
        *[value.alias(name) for name, value in sums.items()],
    )


def _was_stock() -> Column:
    """Whether the unit could have been issued: only then is it the stock's loss, not the laboratory's."""
    return F.col("released_at").isNotNull() | F.col("issued_at").isNotNull() | F.col("is_imported")


def _age_seconds(at: Column) -> Column:
    """Seconds since collection; a bare date is the start of its day, which may lie before the hour of collection."""
    seconds = F.unix_seconds(at) - F.unix_seconds("collected_at")
    return F.when(seconds < 0, 0).otherwise(seconds)
