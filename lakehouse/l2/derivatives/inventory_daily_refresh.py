"""The inventory refreshed: each shelf goes on from what it held before the first day that a changed move touches."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.inventory_daily import (
    INS,
    OUTS,
    day_before,
    days_of_shelves,
    legs_of,
    moved_by_day,
)
from lakehouse.l2.derivatives.shelf_demand import SHELF
from lakehouse.l2.derivatives.unit_moves import STANDINGS
from lakehouse.l2.kept import kept_for_unions
from lakehouse.l2.slices.refreshed import Refreshed

HELD = (*STANDINGS, "closing_doses", "available_doses")
ALWAYS = date(1900, 1, 1)


def refresh(
    unit_moves: DataFrame,
    unit_moves_before: DataFrame,
    inventory_daily_before: DataFrame,
    places: DataFrame,
    *,
    touched: DataFrame,
    as_of: date,
    as_of_before: date,
    params: Mapping[str, Any],
) -> Refreshed:
    """The shelves that a run touches, each from the first day that it touches on.

    Args:
        unit_moves: the moves now.
        unit_moves_before: the moves of the release before.
        inventory_daily_before: the inventory of the release before.
        places: `all_facilities`, the same in both.
        touched: unit_id of the units whose moves may have changed.
        as_of: last local day that counts.
        as_of_before: that of the release before, the same or earlier.
        params: inventory_history_days.
    """
    before = day_before(as_of, params)
    changed = _changed_since(unit_moves, unit_moves_before, touched, before)
    since = kept_for_unions(_since(changed, inventory_daily_before, before, as_of_before))
    shelves = F.broadcast(since)
    moved = legs_of(unit_moves, before).join(shelves, list(SHELF)).where(F.col("stock_on") >= F.col("since"))
    opened = _opening(inventory_daily_before.join(shelves, list(SHELF)).where(F.col("stock_on") < F.col("since")))
    told = days_of_shelves(moved_by_day(moved).unionByName(opened), places, as_of, before)
    rows = told.join(shelves, list(SHELF)).where(F.col("stock_on") >= F.col("since")).drop("since")
    is_shelf = " AND ".join(f"old.{column} = gone.{column}" for column in SHELF)
    is_gone = f"(old.stock_on >= gone.since OR old.stock_on <= DATE'{before}')"
    return Refreshed(rows, since, f"{is_shelf} AND {is_gone}")


def _changed_since(now: DataFrame, before: DataFrame, touched: DataFrame, day: date) -> DataFrame:
    """SHELF and the first day of a leg that is there now and was not, or the other way round."""

    def legs(moves: DataFrame) -> DataFrame:
        return legs_of(moves.join(F.broadcast(touched), "unit_id", "left_semi"), day)

    there, was = kept_for_unions(legs(now)), kept_for_unions(legs(before))
    different = there.exceptAll(was).unionByName(was.exceptAll(there))
    return different.groupBy(*SHELF).agg(F.min("stock_on").alias("changed_on"))


def _since(changed: DataFrame, before: DataFrame, day: date, as_of_before: date) -> DataFrame:
    """SHELF and `since` of every shelf: its first changed day, or the day after the release before's.

    A shelf of which the release before tells nothing earlier, or only of days that the table tells of no more, has
    nothing to go on from: it is told from all its moves.
    """
    next_day = as_of_before + timedelta(days=1)
    told = before.groupBy(*SHELF).agg(F.min("stock_on").alias("told_from"))
    found = told.join(changed, list(SHELF), "full").withColumn(
        "since", F.least(F.coalesce("changed_on", F.lit(next_day)), F.lit(next_day))
    )
    goes_on = (F.col("told_from") < F.col("since")) & (F.col("since") > F.lit(day + timedelta(days=1)))
    since = F.when(F.coalesce(goes_on, F.lit(False)), F.col("since")).otherwise(F.lit(ALWAYS))
    return found.select(*SHELF, since.alias("since"))


def _opening(earlier: DataFrame) -> DataFrame:
    """What each shelf held before `since`, as one day's change that no flow brought: the day before."""
    last = F.max_by(F.struct(*HELD), "stock_on").alias("last")
    held = earlier.groupBy(*SHELF, "since").agg(last)
    nothing = [F.lit(0).alias(name) for name in (*INS, *OUTS)]
    return held.select(F.date_sub("since", 1).alias("stock_on"), *SHELF, *nothing, "last.*")
