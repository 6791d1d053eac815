"""What leaves a shelf (a component of a group at a facility) for use: the demand that its stock must cover."""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.placed_moves import UNKNOWN

SHELF = ("facility_id", "component", "abo_rhd")


def shelf_demand(
    units: DataFrame,
    moves: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    window_days: int,
) -> DataFrame:
    """Units that demand took from each shelf in the `window_days` complete local days that end with `as_of`.

    A hospital's demand is what it transfused. Any other facility's is what it issued to hospitals less what came
    back from them, each counted on its own day and by the group of the unit itself.

    Returns:
        facility_id, component, abo_rhd, demand_units (INT, above 0).
    """
    first_day = as_of - timedelta(days=window_days - 1)
    kinds = F.broadcast(places.select("facility_id", "kind"))
    return (
        _transfused(units)
        .unionByName(_issued_and_returned(moves))
        .where(F.col("day").between(first_day, as_of))
        .join(kinds, "facility_id", how="left")
        .where(F.col("is_hospital_use") == F.coalesce(F.col("kind") == "hospital", F.lit(False)))
        .groupBy(*SHELF)
        .agg(F.sum("taken").cast("int").alias("demand_units"))
        .where(F.col("demand_units") > 0)
        .select(*SHELF, "demand_units")
    )


def shelf(facility_id: Column) -> tuple[Column, Column, Column]:
    """The shelf of a unit at `facility_id`."""
    return (
        F.coalesce(facility_id, F.lit(UNKNOWN)).alias("facility_id"),
        F.col("component"),
        F.coalesce("abo_rhd", F.lit(UNKNOWN)).alias("abo_rhd"),
    )


def _transfused(units: DataFrame) -> DataFrame:
    return units.where(F.col("state") == "transfused").select(
        *shelf(F.col("ended_at_facility_id")),
        F.col("ended_on").alias("day"),
        F.lit(1).alias("taken"),
        F.lit(True).alias("is_hospital_use"),
    )


def _issued_and_returned(moves: DataFrame) -> DataFrame:
    is_return = F.coalesce(F.col("kind") == "return", F.lit(False))
    where = F.when(is_return, F.col("to_facility_id")).otherwise(F.col("from_facility_id"))
    return moves.where(F.col("component").isNotNull() & (F.col("is_issue") | is_return)).select(
        *shelf(where),
        F.when(is_return, F.col("arrived_on")).otherwise(F.col("left_on")).alias("day"),
        F.when(is_return, -1).otherwise(1).alias("taken"),
        F.lit(False).alias("is_hospital_use"),
    )
