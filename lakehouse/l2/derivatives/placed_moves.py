"""Movements of units with what demand is counted by: the unit's component and group, and the day at either end."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.derivatives.units_states import step_rank
from lakehouse.l2.derivatives.units_steps import movement_steps

UNKNOWN = "unknown"
"""Stands in a key where no record says which facility, region or group it is."""
SHIPPED, RECEIVED = "shipped", "received"
OF_UNIT = ("component", "product_code", "abo_rhd", "doses", "collected_at")


def placed_moves(steps: DataFrame, units: DataFrame, places: DataFrame) -> DataFrame:
    """One row a movement; what a movement is, and which unit a bag means, `steps` (`steps_of_units`) say.

    Returns:
        distribution_id, request_id, kind, is_issue, unit_id, component, product_code, abo_rhd, doses, collected_at
        (NULL where the unit is not here), from_facility_id, to_facility_id, to_kind (NULL where no known destination is
        named), left_on (local to the origin), arrived_at (NULL until it arrived), arrived_on (local to the goal).
    """
    known = units.select("unit_id", *OF_UNIT, "is_assumed", "made_at_facility_id")
    maker = F.coalesce("made_at_facility_id", F.lit(UNKNOWN))
    goal = F.when(F.col("has_goal"), F.col("to_kind"))
    return (
        movement_steps(_with_receipt(steps))
        .join(known, "unit_id", how="left")
        .withColumn("from_facility_id", F.coalesce(F.col("facility_id"), maker))
        .withColumn("has_goal", F.col("to_facility_id").isNotNull())
        .withColumn("to_facility_id", F.coalesce(F.col("to_facility_id"), maker))
        .join(F.broadcast(_goals(places)), "to_facility_id", how="left")
        .withColumn("arrived_on", _arrived_on())
        .withColumn("arrived_at", _arrived_at())
        .select(
            F.col("record_key").alias("distribution_id"),
            "request_id",
            "kind",
            "is_issue",
            "unit_id",
            *OF_UNIT,
            "from_facility_id",
            "to_facility_id",
            goal.alias("to_kind"),
            F.col("on").alias("left_on"),
            "arrived_at",
            "arrived_on",
        )
    )


def first_place_per_npi(places: DataFrame) -> DataFrame:
    """NPI -> facility_id, region and timezone; of several facilities with one NPI, the first by id."""
    first = F.min(F.struct("facility_id", "region", "timezone")).alias("place")
    named = places.withColumn("npi", F.coalesce("npi", "facility_id"))
    return named.groupBy("npi").agg(first).select("npi", "place.*")


def named_places(places: DataFrame) -> DataFrame:
    """What tables on facilities say of each: facility_id, facility_name, facility_kind, region."""
    return places.select(
        "facility_id", F.col("name").alias("facility_name"), F.col("kind").alias("facility_kind"), "region"
    )


def _goals(places: DataFrame) -> DataFrame:
    return places.select(
        F.col("facility_id").alias("to_facility_id"),
        F.col("kind").alias("to_kind"),
        F.col("timezone").alias("arrival_zone"),
    )


def _with_receipt(steps: DataFrame) -> DataFrame:
    """The movements and receipts; `next_in` is the unit's next receipt, where no other movement comes before it."""
    in_order = Window.partitionBy("unit_id").orderBy("at", step_rank(), "record_key")
    following = F.lead(F.struct("what", "at")).over(in_order)
    is_told = F.col("unit_id").isNotNull() & (following["what"] == RECEIVED)
    told = steps.where(F.col("what").isin(SHIPPED, RECEIVED))
    return told.withColumn("next_in", F.when(is_told, following["at"]))


def _is_at_once() -> Column:
    """Whether the source tells of no receipts, as CrimsonCache does: there a movement arrives as it leaves."""
    return F.coalesce("is_assumed", F.col("kind").isNull())


def _arrived_at() -> Column:
    return F.coalesce(F.col("arrived_at"), F.col("next_in"), F.when(_is_at_once(), F.col("at")))


def _arrived_on() -> Column:
    zone = F.coalesce("arrival_zone", F.lit("UTC"))
    return F.coalesce(F.col("arrived_on"), local_date(F.col("next_in"), zone), F.when(_is_at_once(), F.col("on")))
