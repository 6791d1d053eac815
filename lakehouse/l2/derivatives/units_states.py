"""The state of a unit at the end of the as-of day, from the steps of its life. A row is a unit.

Every function adds columns to a frame of units that has `steps`: the steps known, sorted by time.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date, start_of_day
from lakehouse.l2.derivatives.units_donations import is_before_collection
from lakehouse.l2.derivatives.units_steps import RANK

HOLDS = ("quarantined", "recalled", "quarantine_lifted")
RESERVATIONS = ("reserved", "unreserved")
USES = ("admitted", "shipped")
STEP_FIELDS = (
    "record_key",
    "what",
    "latest_at",
    "on",
    "zone",
    "is_date_only",
    "facility_id",
    "to_facility_id",
    "arrived_at",
    "arrived_on",
    "is_issue",
    "is_emergency",
    "kind",
    "patient_key",
    "request_id",
    "recorded",
)


def timelines(steps: DataFrame) -> DataFrame:
    """One row a unit: its steps as one array, sorted by time, then `RANK`, then record."""
    ranks = F.create_map(*[part for what, rank in RANK.items() for part in (F.lit(what), F.lit(rank))])
    ranked = steps.withColumn("rank", F.try_element_at(ranks, F.col("what")))
    step = F.struct("at", "rank", *STEP_FIELDS)
    return (
        ranked.where(F.col("unit_id").isNotNull())
        .groupBy("unit_id")
        .agg(F.sort_array(F.collect_list(step)).alias("all_steps"))
    )


def with_steps(units: DataFrame, as_of: date) -> DataFrame:
    """Add `steps` (facts of the as-of day or before) and the steps that decide the state."""
    day = F.lit(as_of)
    facts = F.filter("all_steps", lambda step: ~is_before_collection(step["latest_at"], F.col("collected_at")))
    placed = units.withColumn("all_steps", facts)
    seen = placed.withColumn("steps", F.filter("all_steps", lambda step: step["on"] <= day))
    is_used_later = F.exists("all_steps", lambda step: (step["on"] > day) & step["what"].isin(*USES))
    return seen.withColumns(
        {
            "moved": _last(lambda step: step["what"] == "shipped"),
            "receipt": _last(lambda step: step["what"] == "received"),
            "hold": _last(lambda step: step["what"].isin(*HOLDS)),
            "reservation": _last(lambda step: step["what"].isin(*RESERVATIONS)),
            "admission": _first(lambda step: step["what"] == "admitted"),
            "consumption": _last(lambda step: step["what"] == "consumed"),
            "order": _last(lambda step: step["request_id"].isNotNull()),
            "disposition": _last_recorded_end(),
            "released_at": _first(lambda step: step["what"] == "released")["at"],
            "issued_at": _first(lambda step: step["is_issue"])["at"],
            "arrived_at": F.array_max(
                F.transform("steps", lambda step: F.when(step["arrived_on"] <= day, step["arrived_at"]))
            ),
            "is_reactive": F.col("is_reactive") | F.exists("steps", lambda step: step["what"] == "reactive"),
            "is_used_later": F.coalesce(is_used_later, F.lit(False)),
        }
    )


def with_place(units: DataFrame, as_of: date) -> DataFrame:
    """Add where the unit is or was last, and whether it is on its way.

    A movement is over when it says that it arrived, or a receipt follows. For an assumed unit, whose source tells
    of no receipts, it is over at once.
    """
    moved, receipt = F.col("moved"), F.col("receipt")
    own_arrival = F.when(moved["arrived_on"] <= F.lit(as_of), moved["arrived_at"])
    is_received = F.coalesce(receipt["at"] >= moved["at"], F.lit(False))
    is_over = F.col("is_assumed") | own_arrival.isNotNull() | is_received
    maker = F.col("made_at_facility_id")
    at_receipt = F.coalesce(receipt["facility_id"], moved["to_facility_id"], maker)
    place = (
        F.when(moved.isNull(), F.coalesce(receipt["facility_id"], maker))
        .when(is_received, at_receipt)
        .when(is_over, F.coalesce(moved["to_facility_id"], maker))
        .otherwise(F.coalesce(moved["facility_id"], receipt["facility_id"], maker))
    )
    return units.withColumns(
        {
            "is_moving": moved.isNotNull() & ~is_over,
            "place_id": place,
            "received_at": F.greatest("arrived_at", receipt["at"]),
        }
    )


def with_end(units: DataFrame, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Add `end`: the state that ended the unit, when and where, and who received it; NULL while it lasts.

    To be used on a frame with `place_id` and `is_reporting` (the facility there reports dispositions).
    """
    disposition, consumption = F.col("disposition"), F.col("consumption")
    moved = F.col("moved")
    dated = units.withColumn("expires_on", local_date(F.col("expires_at"), F.col("zone")))
    is_exported = F.coalesce(moved["kind"] == "export", F.lit(False))
    given_up_on = F.date_add("expires_on", int(params["presumed_outdated_days"]))
    presumed = F.when(F.col("is_reporting"), "presumed_outdated").otherwise("fate_unknown")
    end = (
        F.when(disposition.isNotNull(), _end_at(disposition["kind"], disposition, disposition["patient_key"]))
        .when(consumption.isNotNull(), _end_at(F.lit("consumed"), consumption))
        .when(is_exported, _end_at(F.lit("exported"), moved))
        .otherwise(_end_by_status(as_of))
    )
    is_given_up = given_up_on <= F.lit(as_of)
    by_record = dated.withColumn("end", end)
    return by_record.withColumn(
        "end", F.when(F.col("end").isNotNull(), F.col("end")).when(is_given_up, _expired(presumed))
    )


def with_state(units: DataFrame, as_of: date) -> DataFrame:
    """Add `state` and the start of the reservation that holds."""
    moved, reservation, hold = F.col("moved"), F.col("reservation"), F.col("hold")
    was_moved_on = F.coalesce(moved["at"] > reservation["at"], F.lit(False))
    is_reserved = (reservation["what"] == "reserved") & ~was_moved_on
    is_held = F.coalesce(hold["what"] != "quarantine_lifted", F.lit(False))
    is_quarantined = is_held | F.col("is_reactive") | F.col("is_label_disputed")
    is_tested = F.coalesce(F.col("tested_on") <= F.lit(as_of), F.lit(False))
    is_free = F.col("status").isin("available", "reserved") | ((F.col("status") == "used") & is_tested)
    is_stock = (
        F.col("released_at").isNotNull()
        | F.col("issued_at").isNotNull()
        | F.col("is_imported")
        | F.coalesce(is_free, F.lit(False))
    )
    holds = F.coalesce(is_reserved, F.lit(False)) | F.coalesce(F.col("status") == "reserved", F.lit(False))
    state = (
        F.when(F.col("end").isNotNull(), F.col("end")["state"])
        .when(F.col("is_moving"), "in_transit")
        .when(is_quarantined, "quarantined")
        .when(holds, "reserved")
        .when(is_stock, "available")
        .otherwise("in_process")
    )
    live = F.when(F.col("end").isNull() & is_reserved, reservation)
    return units.withColumns({"state": state, "live_reservation": live})


def _end_by_status(as_of: date) -> Column:
    """The end that CrimsonCache's `status` tells of, for an assumed unit.

    Used: transfused, dated by the admission, else the distribution, else undated. Discarded: dated by the test.
    Available (or reserved) past its dating: outdated.
    """
    status, day = F.col("status"), F.lit(as_of)
    use = F.when(F.col("admission").isNotNull(), F.col("admission")).otherwise(F.col("moved"))
    is_used = (status == "used") & (use.isNotNull() | ~F.col("is_used_later"))
    is_discarded = (status == "discarded") & F.coalesce(F.col("tested_on") <= day, F.lit(True))
    is_outdated = status.isin("available", "reserved") & (F.col("expires_on") <= day)
    by_hospital = F.coalesce(use["to_facility_id"], use["facility_id"])
    tested_at = start_of_day(F.col("tested_on"), F.col("zone"))
    return (
        F.when(is_used, _end(F.lit("transfused"), use["at"], use["on"], by_hospital, use["patient_key"]))
        .when(is_discarded, _end(F.lit("discarded"), tested_at, F.col("tested_on")))
        .when(is_outdated, _expired(F.lit("outdated")))
    )


def _expired(state: Column) -> Column:
    return _end(state, F.col("expires_at"), F.col("expires_on"))


def _end_at(state: Column, step: Column, patient_key: Column | None = None) -> Column:
    """An end by a step; its day is counted where the step was, else where the unit was made."""
    is_placeless = step["zone"].isNull() & ~step["is_date_only"]
    on = F.when(is_placeless, local_date(step["at"], F.col("zone"))).otherwise(step["on"])
    return _end(state, step["at"], on, step["facility_id"], patient_key)


def _end(
    state: Column, at: Column, on: Column, facility_id: Column | None = None, patient_key: Column | None = None
) -> Column:
    nobody = F.lit(None).cast("string")
    place = F.coalesce(nobody if facility_id is None else facility_id, F.col("place_id"))
    return F.struct(
        state.alias("state"),
        at.alias("at"),
        on.alias("on"),
        place.alias("facility_id"),
        (nobody if patient_key is None else patient_key).alias("patient_key"),
    )


def _last(matches: Callable[[Column], Column]) -> Column:
    return F.try_element_at(F.filter("steps", matches), F.lit(-1))


def _first(matches: Callable[[Column], Column]) -> Column:
    return F.try_element_at(F.filter("steps", matches), F.lit(1))


def _last_recorded_end() -> Column:
    """Of several live dispositions, the later recorded is current, whenever each happened."""
    ends = F.filter("steps", lambda step: step["what"] == "ended")
    by_record = F.array_max(
        F.transform(ends, lambda step: F.struct(step["recorded"].alias("recorded"), step.alias("step")))
    )
    return by_record["step"]
