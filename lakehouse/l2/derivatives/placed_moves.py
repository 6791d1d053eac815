"""Movements of units with what demand is counted by: the unit's component and group, and the kinds of both ends."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import event_date

UNKNOWN = "unknown"
"""Stands in a key where no record says which facility, region or group it is."""


def placed_moves(distribution: DataFrame, units: DataFrame, donations: DataFrame, places: DataFrame) -> DataFrame:
    """One row a movement.

    Returns:
        distribution_id, request_id, kind, unit_id, component, abo_rhd (NULL where its unit is not here),
        from_facility_id, from_kind, to_facility_id, to_kind, left_at, left_on (local to the origin),
        arrived_at (NULL until it arrived), arrived_on (local to the destination).
    """
    return (
        _ends(_with_unit(distribution, units, donations), places)
        .withColumn("left_at", F.coalesce("shipped_at", "distributed_at"))
        .withColumn("arrived_at", _arrived_at())
        .select(
            "distribution_id",
            "request_id",
            "kind",
            "unit_id",
            "component",
            "abo_rhd",
            "from_facility_id",
            "from_kind",
            "to_facility_id",
            "to_kind",
            "left_at",
            event_date(F.col("left_at"), _is_bare("left_at"), F.col("from_zone")).alias("left_on"),
            "arrived_at",
            event_date(F.col("arrived_at"), _is_bare("arrived_at"), F.col("to_zone")).alias("arrived_on"),
        )
    )


def first_place_per_npi(places: DataFrame) -> DataFrame:
    """NPI -> facility_id, kind, region, timezone; of several facilities with one NPI, the first by id."""
    first = F.min(F.struct("facility_id", "kind", "region", "timezone")).alias("place")
    return places.where(F.col("npi").isNotNull()).groupBy("npi").agg(first).select("npi", "place.*")


def _with_unit(distribution: DataFrame, units: DataFrame, donations: DataFrame) -> DataFrame:
    by_bag = _unit_of_bag(units, donations)
    known = units.select(
        "unit_id", "component", "abo_rhd", "made_at_facility_id", F.col("received_at").alias("_last_in")
    )
    return (
        distribution.join(by_bag, (F.col("bag_id") == F.col("_bag")) & F.col("unit_id").isNull(), how="left")
        .withColumn("unit_id", F.coalesce("unit_id", "_unit"))
        .join(known, "unit_id", how="left")
    )


def _unit_of_bag(units: DataFrame, donations: DataFrame) -> DataFrame:
    """Bags that name exactly one unit: _bag, _unit. A bag shared by two donations names none."""
    bags = donations.select(F.col("bag_id").alias("_bag"), "donation_key")
    return (
        bags.join(units.select("unit_id", "donation_key"), "donation_key", how="inner")
        .groupBy("_bag")
        .agg(F.count("*").alias("_units"), F.min("unit_id").alias("_unit"))
        .where(F.col("_units") == 1)
        .select("_bag", "_unit")
    )


def _ends(moves: DataFrame, places: DataFrame) -> DataFrame:
    """Add where from and where to; a movement that names a hospital by its NPI alone goes there."""
    by_npi = first_place_per_npi(places).select(F.col("npi"), F.col("facility_id").alias("_npi_facility_id"))
    return (
        moves.join(F.broadcast(by_npi), "npi", how="left")
        .withColumn("to_facility_id", F.coalesce("to_facility_id", "_npi_facility_id", F.lit(UNKNOWN)))
        .withColumn("from_facility_id", F.coalesce("from_facility_id", "made_at_facility_id", F.lit(UNKNOWN)))
        .join(F.broadcast(_end(places, "from")), "from_facility_id", how="left")
        .join(F.broadcast(_end(places, "to")), "to_facility_id", how="left")
        .withColumn("from_zone", F.coalesce("from_zone", F.lit("UTC")))
        .withColumn("to_zone", F.coalesce("to_zone", F.lit("UTC")))
    )


def _end(places: DataFrame, end: str) -> DataFrame:
    return places.select(
        F.col("facility_id").alias(f"{end}_facility_id"),
        F.col("kind").alias(f"{end}_kind"),
        F.col("timezone").alias(f"{end}_zone"),
    )


def _arrived_at() -> Column:
    """As the movement says, else the unit's receipt since; a source that tells no shipping time delivers at once."""
    received_since = F.when(F.col("_last_in") >= F.col("left_at"), F.col("_last_in"))
    at_once = F.when(F.col("shipped_at").isNull(), F.col("distributed_at"))
    return F.coalesce("received_at", received_since, at_once)


def _is_bare(instant: str) -> Column:
    """Whether the day of `instant` is the bare date that the movement was sent with."""
    return F.col("is_date_only") & (F.col(instant) == F.col("distributed_at"))
