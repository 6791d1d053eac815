"""A row is a tenth of the donors of a year ago, by the chance to return that they were given: and how many did return.

The chances are those of `donor_retention` as they would have been told 12 months before the as-of day: their shares
were counted over the year before that, so what they are held against was not known when they were made. Slice: the
whole table; every donation of the last 36 months touches it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.donor_retention_history import donor_histories
from lakehouse.l2.derivatives.donor_return import CELL, history_start, shares, standings
from lakehouse.table import DATE, INT, NUMBER, Field, Table

TENTHS = 10

TABLE = Table(
    tier="l2",
    name="donor_return_calibration",
    grain="a tenth of the donors who had given and could give 12 months before as-of, by the chance they were given",
    key=("decile",),
    fields=(
        Field("decile", INT, "1 (least likely) to 10; donors of one chance stay together, so a tenth may lack", True),
        Field("donors", INT, "donors in it", required=True),
        Field("returned", INT, "of them, gave in the 12 months up to as-of", required=True),
        Field("predicted_mean", NUMBER, "mean of the chances they were given", required=True),
        Field("predicted_low", NUMBER, "the least of them", required=True),
        Field("predicted_high", NUMBER, "the greatest of them", required=True),
        Field("observed_share", NUMBER, "returned / donors", required=True),
        Field("told_on", DATE, "the day that the chances were told for: 12 months before as-of", required=True),
        Field("as_of", DATE, "the last day that a return counted", required=True),
    ),
    law="donors = donors who had given by told_on, without those deferred for good or dead by then",
)


def build(donor_lives: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """What came of the chances told a year ago; no row where the lake knows less than 36 months of donations.

    Args:
        donor_lives: the records of each donor.
        as_of: last local day that counts.
        params: return_prior_donors.
    """
    histories = donor_histories(donor_lives, as_of=as_of)
    today = F.lit(as_of)
    told_on, learnt_on = F.add_months(today, -12), F.add_months(today, -24)
    start = history_start(histories)
    learnt = shares(standings(histories, start, origin=learnt_on, until=told_on), start, params)
    stood = standings(histories, start, origin=told_on, until=today, fitted_at=learnt_on).where("is_enough")
    cells = stood.groupBy(*CELL).agg(F.count("*").alias("donors"), F.count_if("has_returned").alias("returned"))
    told = cells.join(F.broadcast(learnt), list(CELL), how="left").withColumn("decile", _decile())
    chance, mean = F.col("probability"), F.col("expected") / F.col("donors")
    return (
        told.groupBy("decile")
        .agg(
            F.sum("donors").cast("int").alias("donors"),
            F.sum("returned").cast("int").alias("returned"),
            F.sum(chance * F.col("donors")).alias("expected"),
            F.min(chance).alias("predicted_low"),
            F.max(chance).alias("predicted_high"),
        )
        # The sum of equal chances is rounded: held between its bounds, the mean of them is not above the greatest.
        .withColumn("predicted_mean", F.greatest("predicted_low", F.least("predicted_high", mean)))
        .withColumn("observed_share", F.col("returned") / F.col("donors"))
        .withColumn("told_on", told_on)
        .withColumn("as_of", today)
        .select(*TABLE.columns)
    )


def _decile() -> Column:
    """The tenth in which the middle donor of a cell stands; there are some hundred cells, whatever the donors."""
    upwards = Window.orderBy("probability", *CELL)
    up_to_here = F.sum("donors").over(upwards.rowsBetween(Window.unboundedPreceding, 0))
    in_all = F.sum("donors").over(upwards.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing))
    middle = (up_to_here - F.col("donors") / 2) / in_all
    return F.ceil(middle * TENTHS).cast("int")
