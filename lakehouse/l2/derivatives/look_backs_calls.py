"""What opens a look-back of a donation or a unit, not of a donor: cultures, calls of donors, recalls, lots."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, event_date, local_date, start_of_day
from lakehouse.l2.derivatives.look_backs_results import DONATION_ONLY, is_culture, opens
from lakehouse.l2.derivatives.units_donations import UTC, is_before_collection
from lakehouse.table import TEXT

REACTIVE, CULTURE, CALL, RECALL = "reactive_result", "positive_culture", "donor_callback", "recalled"
BAG_LOT, KIT_LOT = "bag_lot", "kit_lot"
UNIT_ONLY, LOT = "unit", "lot"


def called_cases(
    test_results: DataFrame,
    unit_events: DataFrame,
    dated: DataFrame,
    units: DataFrame,
    places: DataFrame,
    as_of: date,
) -> DataFrame:
    """One row a record of a culture, a call or a recall, with the donation (a unit where it has none) that it names.

    Records about units that are not here open nothing yet: they wait in `refused_events`.
    """
    named = _results(test_results).unionByName(_events(unit_events))
    known = units.select("unit_id", "donation_key", "donor_key", "collected_at")
    zones = F.broadcast(places.select("facility_id", F.col("timezone").alias("zone")))
    timed = _timed(named.join(known, on="unit_id", how="inner").join(zones, on="facility_id", how="left"))
    facts = timed.where(~is_before_collection(F.col("latest_at"), F.col("collected_at")))
    has_donation = F.col("donation_key").isNotNull()
    of_units = facts.withColumns(
        {
            "unit_id": F.when(~has_donation, F.col("unit_id")),
            "window_rule": F.when(has_donation, DONATION_ONLY).otherwise(UNIT_ONLY),
        }
    )
    calls = of_units.unionByName(_rejected(dated), allowMissingColumns=True)
    return calls.where(F.col("triggered_on") <= F.lit(as_of)).drop("collected_at", "latest_at")


def is_call() -> Column:
    """Whether an event of a unit says that its donor called back."""
    is_hold = F.col("kind").isin("quarantined", "recalled")
    return F.coalesce(is_hold & (F.col("reason") == CALL), F.lit(False))


def _results(test_results: DataFrame) -> DataFrame:
    """Results that name a unit: cultures, and others, which are held against the donation that they name as well."""
    opening = test_results.where(opens() & F.col("unit_id").isNotNull())
    return opening.select(
        "unit_id",
        F.when(is_culture(), CULTURE).otherwise(REACTIVE).alias("trigger"),
        "marker",
        F.col("resulted_at").alias("moment"),
        F.lit(False).alias("is_date_only"),
        F.lit(None).cast(TEXT).alias("facility_id"),
        F.lit("test_results").alias("opened_by_feed"),
        F.col("test_id").alias("opened_by_record"),
    )


def _events(unit_events: DataFrame) -> DataFrame:
    """Recalls, and holds because the donor called."""
    events = unit_events.where(is_call() | (F.col("kind") == RECALL))
    return events.select(
        "unit_id",
        F.when(is_call(), CALL).otherwise(RECALL).alias("trigger"),
        F.lit(None).cast(TEXT).alias("marker"),
        F.col("happened_at").alias("moment"),
        "is_date_only",
        "facility_id",
        F.lit("unit_events").alias("opened_by_feed"),
        F.col("unit_event_id").alias("opened_by_record"),
    )


def _timed(records: DataFrame) -> DataFrame:
    """Add the local day (UTC's where no known facility is named), and the first and last instant that is meant."""
    zone, is_day = F.coalesce("zone", F.lit(UTC)), F.col("is_date_only")
    on = F.col("triggered_on")
    days = records.withColumn("triggered_on", event_date(F.col("moment"), is_day, zone))
    return days.withColumns(
        {
            "triggered_at": F.when(is_day, start_of_day(on, zone)).otherwise(F.col("moment")),
            "latest_at": F.when(is_day, end_of_day(on, zone)).otherwise(F.col("moment")),
        }
    ).drop("moment", "is_date_only", "facility_id", "zone")


def _rejected(dated: DataFrame) -> DataFrame:
    """Donations rejected because the donor called: known since the record says so."""
    return dated.where(F.col("reject_reason") == CALL).select(
        "donation_key",
        "donor_key",
        F.lit(CALL).alias("trigger"),
        F.col("recorded_at").alias("triggered_at"),
        local_date(F.col("recorded_at"), F.col("zone")).alias("triggered_on"),
        F.lit("donations").alias("opened_by_feed"),
        F.col("donation_key").alias("opened_by_record"),
        F.lit(DONATION_ONLY).alias("window_rule"),
    )


def recalled_lots(params: Mapping[str, Any], as_of: date) -> dict[str, date]:
    """The lots that conf names as recalled by the as-of day, each with that day."""
    days = {lot: date.fromisoformat(str(day)) for lot, day in dict(params["look_back_lots"]).items()}
    return {lot: day for lot, day in sorted(days.items()) if day <= as_of}


def lot_cases(dated: DataFrame, test_results: DataFrame, lots: Mapping[str, date]) -> DataFrame:
    """One row a donation collected in a lot of `lots`, and a result of a test kit of one."""
    bags = dated.select(F.lit(BAG_LOT).alias("trigger"), F.col("bag_lot").alias("lot"))
    kits = test_results.select(F.lit(KIT_LOT).alias("trigger"), F.col("kit_lot").alias("lot"))
    day = F.create_map(*[F.lit(part) for pair in lots.items() for part in pair])[F.col("lot")]
    found = bags.unionByName(kits).where(F.col("lot").isin(*lots)).withColumn("triggered_on", day)
    return found.withColumns(
        {
            "triggered_at": F.col("triggered_on").cast("timestamp"),
            "window_rule": F.lit(LOT),
            "opened_by_feed": F.lit("params"),
            "opened_by_record": F.lit("look_back_lots"),
        }
    )
