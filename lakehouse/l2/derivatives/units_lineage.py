"""How units descend from units, through as many makings as the lake follows. A row is a unit and an ancestor of it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.kept import kept

DOUBLINGS = 3
DEPTH = 2**DOUBLINGS  # a pool of pools that was irradiated, thawed and divided is five steps from its donations
STEP = " > "


def lineage(unit_parents: DataFrame) -> DataFrame:
    """Every unit with every ancestor of its, up to `DEPTH` makings apart.

    Each round puts two chains together and so doubles how far they reach, which takes fewer joins than to go on by
    one making at a time. A chain of n makings is put together in one way only: of the longest known, and a rest.

    Returns:
        unit_id, ancestor_id, generation (makings between them), kind (of the unit's own making), path (the kinds of
        all of them, from the ancestor on), made_at (of the last of them).
    """
    pairs = unit_parents.select(
        "unit_id",
        F.col("parent_unit_id").alias("ancestor_id"),
        F.lit(1).alias("generation"),
        "kind",
        "made_at",
        F.concat(F.lit(STEP), F.coalesce("kind", F.lit("made"))).alias("path"),
    )
    for number in range(DOUBLINGS):
        pairs = kept(pairs.unionByName(_joined(pairs.where(F.col("generation") == 2**number), pairs)))
    return pairs


def _joined(near: DataFrame, far: DataFrame) -> DataFrame:
    """Chains of `near` makings that go on from where those of `far` end."""
    later = near.select(
        "unit_id",
        F.col("ancestor_id").alias("between_id"),
        F.col("generation").alias("later_generation"),
        "kind",
        F.col("made_at").alias("later_made_at"),
        F.col("path").alias("later_path"),
    )
    earlier = far.drop("kind").withColumnRenamed("unit_id", "between_id")
    return later.join(earlier, on="between_id", how="inner").select(
        "unit_id",
        "ancestor_id",
        (F.col("generation") + F.col("later_generation")).alias("generation"),
        "kind",
        F.greatest("made_at", "later_made_at").alias("made_at"),
        F.concat("path", "later_path").alias("path"),
    )
