"""What a law is, and the two sides that it weighs."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.pipeline import parameters


@dataclass(frozen=True)
class Law:
    """One law: `sentence` says it; `check(<frame>…, *, as_of, params)` counts both sides.

    The check gives rows of law (`name`, or `name.<part>`), left, right and difference.
    """

    name: str
    sentence: str
    check: Callable[..., DataFrame]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the frames that the check reads."""
        return parameters(self.check)


def counted(frame: DataFrame, *, left: bool, feed: Column | None = None) -> DataFrame:
    """One row a row of `frame`, on one side of the balance."""
    return frame.select(
        (F.lit("") if feed is None else feed).alias("feed"),
        F.lit(int(left)).cast("long").alias("left"),
        F.lit(int(not left)).cast("long").alias("right"),
    )


def summed() -> tuple[Column, Column]:
    """Both sides, added up over rows of `counted`."""
    return F.coalesce(F.sum("left"), F.lit(0)).alias("left"), F.coalesce(F.sum("right"), F.lit(0)).alias("right")


def added(law: str, both: DataFrame) -> DataFrame:
    """The one row of a law whose sides are rows of `counted`."""
    return both.agg(*summed()).select(*sides(law, F.col("left"), F.col("right")))


def sides(law: str, left: Column, right: Column) -> tuple[Column, ...]:
    """The columns of a law's row."""
    named = F.lit(law).alias("law")
    return (
        named,
        left.cast("long").alias("left"),
        right.cast("long").alias("right"),
        (left - right).cast("long").alias("difference"),
    )
