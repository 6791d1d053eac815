"""The state of a unit at the end of the as-of day, from the steps of its life. A row is a unit.

Every function adds columns to a frame of units; a step is a struct with `at`, its rank and `STEP_FIELDS`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import last_day, local_date, start_of_day
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
    "kind",
    "patient_key",
    "request_id",
)


def with_steps(units: DataFrame, steps: DataFrame, as_of: date) -> DataFrame:
    """Add the steps that decide the state of each unit: facts of the as-of day or before.

    Plain aggregates, for they are compiled, which functions on arrays are not. Steps at one instant are taken in
    the order of `RANK`, then of their record.
    """
    columns = [name for name in units.columns if name != "unit_id"]
    happened = steps.withColumn("step", as_step())
    kept = happened.select("unit_id", "step", "is_issue", F.col("recorded").alias("step_recorded"))
    lives = units.join(kept, on="unit_id", how="left")
    is_fact = ~is_before_collection(F.col("step")["latest_at"], F.col("collected_at"))
    is_past = F.col("step")["on"] <= F.lit(as_of)
    judged = lives.withColumns({"is_seen": is_fact & is_past, "is_to_come": is_fact & ~is_past})
    own = F.first(F.struct(*columns)).alias("unit")
    decided = judged.groupBy("unit_id").agg(own, *_deciding(as_of))
    found = decided.select("unit_id", "unit.*", *[name for name in decided.columns if name not in {"unit_id", "unit"}])
    reactive_at = F.least("reactive_at", "cultured_at")
    return found.withColumns({"reactive_at": reactive_at, "is_reactive": reactive_at.isNotNull()})


def as_step() -> Column:
    """A row of `units_steps` as a struct that sorts by its instant, its rank and its record."""
    return F.struct("at", step_rank(), *STEP_FIELDS)


def step_rank() -> Column:
    """The `RANK` of a step."""
    ranks = F.create_map(*[part for what, rank in RANK.items() for part in (F.lit(what), F.lit(rank))])
    return F.try_element_at(ranks, F.col("what")).alias("rank")


def deciding_steps(is_seen: Column) -> dict[str, Column]:
    """Aggregates over the steps of a unit that decide its place and standing: of all of them, or up to each."""
    step = F.col("step")

    def seen(*whats: str) -> Column:
        return F.when(is_seen & step["what"].isin(*whats), step)

    return {
        "moved": F.max(seen("shipped")),
        "receipt": F.max(seen("received")),
        "hold": F.max(seen(*HOLDS)),
        "reservation": F.max(seen(*RESERVATIONS)),
        "released_at": F.min(seen("released")["at"]),
        "issued_at": F.min(F.when(is_seen & F.col("is_issue"), step["at"])),
    }


def _deciding(as_of: date) -> tuple[Column, ...]:
    """Aggregates over the steps of a unit; a step is one of the past, but for `is_used_later`."""
    step, is_seen = F.col("step"), F.col("is_seen")

    def seen(*whats: str) -> Column:
        return F.when(is_seen & step["what"].isin(*whats), step)

    arrived = F.when(is_seen & (step["arrived_on"] <= F.lit(as_of)), step["arrived_at"])
    ended = F.when(is_seen & (step["what"] == "ended"), F.struct("step_recorded", "step"))
    is_used_later = F.max(F.col("is_to_come") & step["what"].isin(*USES))
    return (
        *[aggregate.alias(name) for name, aggregate in deciding_steps(is_seen).items()],
        F.min(seen("admitted")).alias("admission"),
        F.max(seen("consumed")).alias("consumption"),
        F.max(F.when(is_seen & step["request_id"].isNotNull(), step)).alias("order"),
        # Of several live dispositions the later recorded is current, whenever each happened.
        F.max(ended)["step"].alias("disposition"),
        F.max(arrived).alias("arrived_at"),
        F.min(seen("reactive")["at"]).alias("cultured_at"),
        F.coalesce(is_used_later, F.lit(False)).alias("is_used_later"),
    )


def with_place(units: DataFrame, day: Column) -> DataFrame:
    """Add where the unit is or was last at the end of a day (`place_id`), and whether it is on its way (`is_moving`).

    A movement is over when it says that it arrived, or a receipt follows. For an assumed unit, whose source tells
    of no receipts, it is over at once.
    """
    moved, receipt = F.col("moved"), F.col("receipt")
    own_arrival = F.when(moved["arrived_on"] <= day, moved["arrived_at"])
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
    return units.withColumns({"is_moving": moved.isNotNull() & ~is_over, "place_id": place})


def with_end(units: DataFrame, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Add `end`: the state that ended the unit, when and where, and who received it; NULL while it lasts.

    To be used on a frame with `place_id`, the `place_zone` there and `is_reporting` (that facility reports
    dispositions). What nobody reports ended with the last day of its dating, local to where it is.
    """
    disposition, consumption = F.col("disposition"), F.col("consumption")
    moved = F.col("moved")
    dated = units.withColumn("expires_on", last_day(F.col("expires_at"), F.coalesce("place_zone", "zone")))
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
    """Add `state` and the reservation that holds."""
    end = F.col("end")
    state = F.when(end.isNotNull(), end["state"]).otherwise(standing(F.lit(as_of)))
    live = F.when(end.isNull() & is_reserved(), F.col("reservation"))
    return units.withColumns({"state": state, "live_reservation": live})


def standing(day: Column) -> Column:
    """The state, at the end of a day, of a unit that has not ended."""
    hold, status = F.col("hold"), F.col("status")
    is_held = F.coalesce(hold["what"] != "quarantine_lifted", F.lit(False))
    is_quarantined = is_held | F.col("is_reactive") | F.col("is_label_disputed")
    is_tested = F.coalesce(F.col("tested_on") <= day, F.lit(False))
    is_free = status.isin("available", "reserved") | ((status == "used") & is_tested)
    is_stock = (
        F.col("released_at").isNotNull()
        | F.col("issued_at").isNotNull()
        | F.col("is_imported")
        | F.coalesce(is_free, F.lit(False))
    )
    holds = F.coalesce(is_reserved(), F.lit(False)) | F.coalesce(status == "reserved", F.lit(False))
    return (
        F.when(F.col("is_moving"), "in_transit")
        .when(is_quarantined, "quarantined")
        .when(holds, "reserved")
        .when(is_stock, "available")
        .otherwise("in_process")
    )


def is_reserved() -> Column:
    """Whether the last word on a reservation is that it holds, and the unit was not moved on since."""
    moved, reservation = F.col("moved"), F.col("reservation")
    was_moved_on = F.coalesce(moved["at"] > reservation["at"], F.lit(False))
    return (reservation["what"] == "reserved") & ~was_moved_on


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
