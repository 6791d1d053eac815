"""The law of restatements: what a release says it changed is what its figures changed by."""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.restatements_figures import DEMAND, INVENTORY, QUALITY, SCORECARD, Restated
from lakehouse.l2.laws.law import Law, sides
from lakehouse.table import NUMBER

LAW = "restatements"


def restatements_add_up(  # noqa: PLR0913, PLR0917 -- an argument is a table
    restatements: DataFrame,
    restatements_before: DataFrame,
    inventory_daily: DataFrame,
    inventory_daily_before: DataFrame,
    regional_demand: DataFrame,
    regional_demand_before: DataFrame,
    facility_scorecard: DataFrame,
    facility_scorecard_before: DataFrame,
    process_quality: DataFrame,
    process_quality_before: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Per table, sums of the counts that this release restated, and of the counts themselves, now less before.

    Each count is weighted by its place among the figures: else one that is restated for another would not show.
    """
    tables = (
        (INVENTORY, inventory_daily, inventory_daily_before),
        (DEMAND, regional_demand, regional_demand_before),
        (SCORECARD, facility_scorecard, facility_scorecard_before),
        (QUALITY, process_quality, process_quality_before),
    )
    last = restatements_before.agg(F.coalesce(F.max("restatement_number"), F.lit(0)).alias("last_number"))
    here = restatements.join(F.broadcast(last), F.col("restatement_number") > F.col("last_number"))
    weights = {(of.table.name, name): weight for of, *_ in tables for name, weight in _weights(of).items()}
    weight = F.create_map(*[F.lit(part) for key, value in weights.items() for part in (".".join(key), value)])
    of_figure = F.try_element_at(weight, F.concat_ws(".", "restated_table", "figure"))
    said = F.round((F.col("now_is") - F.col("was")) * 100).cast("long") * of_figure
    both = [here.select("restated_table", said.alias("left"), F.lit(0).cast("long").alias("right"))]
    both += [_changed(of, now, before, as_of) for of, now, before in tables]
    total = [F.coalesce(F.sum(side), F.lit(0)).alias(side) for side in ("left", "right")]
    summed = reduce(DataFrame.unionByName, both).groupBy("restated_table").agg(*total)
    law = F.concat(F.lit(f"{LAW}."), "restated_table")
    return summed.select(law.alias("law"), *sides(LAW, F.col("left"), F.col("right"))[1:])


def _changed(of: Restated, now: DataFrame, before: DataFrame, as_of: date) -> DataFrame:
    """One row a table: its counts over the periods that both releases speak about, now less before, in hundredths."""
    span = F.broadcast(of.span(now, before, as_of))
    is_in = F.col(of.period).between(F.col("from_on"), F.col("until_on"))
    told = [rows.join(span, is_in).select(_weighted(of, sign)) for rows, sign in ((now, 1), (before, -1))]
    total = F.coalesce(F.sum("weighted"), F.lit(0)).cast("long").alias("right")
    name = F.lit(of.table.name).alias("restated_table")
    return told[0].unionByName(told[1]).agg(total).select(name, F.lit(0).cast("long").alias("left"), "right")


def _weighted(of: Restated, sign: int) -> Column:
    hundredths = [
        F.when(F.array_contains("told", name), (F.col(name) * 100).cast("long") * (sign * weight)).otherwise(0)
        for name, weight in _weights(of).items()
    ]
    return reduce(Column.__add__, hundredths).alias("weighted")


def _weights(of: Restated) -> dict[str, int]:
    counts = [field.name for field in of.sums if field.type != NUMBER]
    return {name: weight for weight, name in enumerate(counts, 1)}


LAWS = (
    Law(
        LAW,
        "per table, the sum of now_is - was of a release's counts, in hundredths and weighted = their sum now - before",
        restatements_add_up,
    ),
)
