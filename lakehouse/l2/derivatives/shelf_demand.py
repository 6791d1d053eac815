"""What leaves a shelf (a component of a group at a facility) for use: the demand that its stock must cover."""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.placed_moves import UNKNOWN, placed_moves

SHELF = ("facility_id", "component", "abo_rhd")


def shelf_demand(
    units: DataFrame,
    distribution: DataFrame,
    donations: DataFrame,
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
    moves = placed_moves(distribution, units, donations, places).where(F.col("component").isNotNull())
    kinds = F.broadcast(places.select("facility_id", "kind"))
    used = _transfused(units).unionByName(_issued(moves)).unionByName(_returned(moves))
    return (
        used.where(F.col("day").between(first_day, as_of))
        .join(kinds, "facility_id", how="left")
        .where(F.col("is_hospital_use") == F.coalesce(F.col("kind") == "hospital", F.lit(False)))
        .groupBy(*SHELF)
        .agg(F.sum("taken").cast("int").alias("demand_units"))
        .where(F.col("demand_units") > 0)
        .select(*SHELF, "demand_units")
    )


def shelf(facility_id: str) -> tuple[Column, Column, Column]:
    """The shelf of a unit that `facility_id` names the place of."""
    return (
        F.coalesce(facility_id, F.lit(UNKNOWN)).alias("facility_id"),
        F.col("component"),
        F.coalesce("abo_rhd", F.lit(UNKNOWN)).alias("abo_rhd"),
    )


def _transfused(units: DataFrame) -> DataFrame:
    transfused = units.where(F.col("state") == "transfused")
    return _taken(transfused, "ended_at_facility_id", "ended_on", 1, is_hospital_use=True)


def _issued(moves: DataFrame) -> DataFrame:
    return _taken(moves.where("is_issue"), "from_facility_id", "left_on", 1, is_hospital_use=False)


def _returned(moves: DataFrame) -> DataFrame:
    back = moves.where(F.col("kind") == "return")
    return _taken(back, "to_facility_id", "arrived_on", -1, is_hospital_use=False)


def _taken(rows: DataFrame, facility_id: str, day: str, sign: int, *, is_hospital_use: bool) -> DataFrame:
    return rows.select(
        *shelf(facility_id),
        F.col(day).alias("day"),
        F.lit(sign).alias("taken"),
        F.lit(is_hospital_use).alias("is_hospital_use"),
    )
