"""What the quality of collection counts. A row is a donation, a unit or a culture, with what it adds to each sum.

Every frame here has facility_id, `on` (the day of collection) and some of the sums of `process_quality`.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.conformed.order import ORDER
from lakehouse.l2.derivatives.look_backs_results import is_culture, opens
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.units import DISPOSITIONS, UNREPORTED
from lakehouse.l2.derivatives.units_donations import (
    UTC,
    by_reference,
    is_before_collection,
    is_final,
    is_reactive,
    reference,
    results_of_donations,
)

DONORS = ("first_time", "repeat")
OF_DONATIONS = ("donations", "rejected", "qns", "reactive", "confirmed")
CULTURE = "bacterial"
DISCARDS = {
    "culture": r"cultur|bacteri",
    "reactive": r"reactive",
    "recall": r"recall",
    "donor_callback": r"call.?back",
}
"""Why a unit was discarded -> words of the reason that tell it, the first that fits; all else is `other`."""
OTHER = "other"
SECONDS_AN_HOUR = 3600


def donations_counted(collections: DataFrame, test_results: DataFrame, as_of: date) -> DataFrame:
    """Donations drawn by the end of `as_of`, told apart by the standing of their donor."""
    drawn = collections.where(F.col("donated_on") <= F.lit(as_of))
    tested = _tested(test_results, collections, as_of)
    known = drawn.join(tested, "donation_key", how="left").withColumns(_verdicts(as_of))
    is_first_time = F.col("is_first_time")
    verdicts = {"donations": F.lit(True)} | {name: F.col(f"is_{name}") for name in OF_DONATIONS[1:]}
    return known.select(
        *_place(F.col("facility_id"), F.col("donated_on")),
        *[
            (is_so & (is_first_time if who == "first_time" else ~is_first_time)).cast("int").alias(f"{name}_{who}")
            for name, is_so in verdicts.items()
            for who in DONORS
        ],
    )


def placed_units(units: DataFrame, collections: DataFrame, as_of: date) -> DataFrame:
    """Units with `on` and `place_id`: day and facility of their donation, else of their making; and its `zone`.

    To be used on units with `is_remade`.
    """
    origin = collections.where(F.col("donated_on") <= F.lit(as_of)).select(
        "donation_key", "donated_on", F.col("facility_id").alias("drawn_at_id"), "zone", "reject_reason"
    )
    joined = units.join(origin, "donation_key", how="left")
    is_drawn = F.col("donated_on").isNotNull()
    return joined.select(
        "unit_id",
        "state",
        "is_reactive",
        F.coalesce("donated_on", "prepared_on").alias("on"),
        F.when(is_drawn, F.col("drawn_at_id")).otherwise(F.col("made_at_facility_id")).alias("place_id"),
        F.coalesce("zone", F.lit(UTC)).alias("zone"),
        "collected_at",
        F.when(is_drawn & ~F.col("is_remade"), F.col("released_at")).alias("first_released_at"),
        "reject_reason",
    )


def units_counted(placed: DataFrame, dispositions: DataFrame) -> DataFrame:
    """Units (`placed_units`): released when, discarded why, ended how."""
    reason = F.max_by("reason", F.struct(*ORDER)).alias("reason")
    reasons = dispositions.where(F.col("kind") == "discarded").groupBy("unit_id").agg(reason)
    state, released_at = F.col("state"), F.col("first_released_at")
    hours = (released_at.cast("double") - F.col("collected_at").cast("double")) / F.lit(SECONDS_AN_HOUR)
    why = F.when(state == "discarded", _discard_class())
    return placed.join(reasons, "unit_id", how="left").select(
        *_place(F.col("place_id"), F.col("on")),
        F.lit(1).alias("units"),
        released_at.isNotNull().cast("int").alias("released"),
        F.when(hours < 0, 0.0).otherwise(hours).alias("release_hours"),
        (state == "discarded").cast("int").alias("discarded"),
        *[(why == name).cast("int").alias(f"discarded_{name}") for name in (*DISCARDS, OTHER)],
        state.isin(*DISPOSITIONS, *UNREPORTED).cast("int").alias("units_ended"),
        (state.isin(*DISPOSITIONS) & (state != "lost")).cast("int").alias("units_fate_known"),
    )


def cultures(test_results: DataFrame, collections: DataFrame, placed: DataFrame, as_of: date) -> DataFrame:
    """Units, or donations where the result names no unit, that were cultured by the end of `as_of`."""
    drawn = collections.where(F.col("donated_on") <= F.lit(as_of))
    located = drawn.withColumns({"on": F.col("donated_on"), "place_id": F.col("facility_id")})
    of_donations = by_reference(located, "on", "place_id", "zone", "collected_at")
    names = of_donations.withColumnRenamed("donation_key", "thing").unionByName(
        placed.select(
            F.col("unit_id").alias("reference"),
            F.col("unit_id").alias("thing"),
            "on",
            "place_id",
            "zone",
            "collected_at",
        )
    )
    results = test_results.where((F.col("marker") == CULTURE) & is_final())
    found = results.withColumn("reference", F.coalesce("unit_id", reference())).join(names, "reference", how="inner")
    is_out = local_date(F.col("resulted_at"), F.col("zone")) <= F.lit(as_of)
    seen = found.where(is_out & ~is_before_collection(F.col("resulted_at"), F.col("collected_at")))
    once = seen.groupBy("thing", "place_id", "on").agg(F.max(is_reactive().cast("int")).alias("culture_positive"))
    return once.select(*_place(F.col("place_id"), F.col("on")), F.lit(1).alias("cultured"), "culture_positive")


def _tested(test_results: DataFrame, collections: DataFrame, as_of: date) -> DataFrame:
    """One row a donation with results on blood, not cultures: was it reactive as look-back takes it, was it confirmed?

    Confirmed is what a supplemental test found, or in the end NAT of this donation alone; that no stage is announced
    after a repeat does not make a repeat one.
    """
    results = results_of_donations(test_results.where(~is_culture()), collections, as_of)
    is_confirming = (F.col("stage") == "supplemental") | (is_final() & (F.col("method") == "nat_single"))
    return results.groupBy("donation_key").agg(
        F.max(opens()).alias("is_found_reactive"),
        F.max(opens() & F.coalesce(is_confirming, F.lit(False))).alias("is_confirmed_reactive"),
    )


def _verdicts(as_of: date) -> dict[str, Column]:
    """Flags of a donation. CrimsonCache's `test_result` counts where no result exists."""
    reason, is_out = F.col("reject_reason"), F.coalesce(F.col("tested_on") <= F.lit(as_of), F.lit(True))
    has_failed = ~F.col("is_collected")
    by_flag = F.col("is_found_reactive").isNull() & ~F.col("test_result")
    is_told = ((reason == "reactive") | by_flag) & is_out
    reactive = F.coalesce("is_found_reactive", F.lit(False)) | F.coalesce(is_told, F.lit(False))
    is_qns = (reason == "qns") | (has_failed & reason.isNull())
    is_rejected = has_failed | reactive | (reason.isNotNull() & (reason != "reactive"))
    return {
        "is_reactive": reactive,
        "is_confirmed": F.coalesce("is_confirmed_reactive", F.lit(False)),
        "is_qns": F.coalesce(is_qns, F.lit(False)),
        "is_rejected": F.coalesce(is_rejected, F.lit(False)),
    }


def _discard_class() -> Column:
    """By the reason given for the unit, else by its donation's; a reactive unit without any is discarded for that."""
    told = F.lower(F.coalesce("reason", "reject_reason"))
    by_words = F.when(told.isNull() & F.col("is_reactive"), "reactive").otherwise(OTHER)
    for name, words in reversed(DISCARDS.items()):
        by_words = F.when(told.rlike(words), name).otherwise(by_words)
    return by_words


def _place(facility_id: Column, on: Column) -> tuple[Column, Column]:
    return F.coalesce(facility_id, F.lit(UNKNOWN)).alias("facility_id"), on.alias("on")
