"""Why figures are restated. A row is a batch, and some figures of a slice over days, that records of it changed.

Shelves are told exactly: by the changes of place and standing that the lives of touched units have now, and had not
before, or the other way round. Figures that lives don't tell (ages, crossmatches, who a unit went to) are traced to
every batch with a changed record about a unit that moved at the facility in the month.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.conformed.changes import REQUEST
from lakehouse.l2.derivatives.inventory_daily import legs
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.regional_demand_requests import COUNTS, placed_requests
from lakehouse.l2.derivatives.restatements_figures import DEMAND, INVENTORY, QUALITY, SCORECARD, Restated, slice_of
from lakehouse.l2.derivatives.shelf_demand import SHELF
from lakehouse.l2.kept import kept

OPEN_END = "9999-12-31"
UNTOLD_BY_LIVES = (
    "crossmatched_units",
    "crossmatch_transfusion_ratio",
    "aged_receipts",
    "receipt_age_days",
    "mean_age_at_receipt_days",
    "aged_transfusions",
    "transfusion_age_days",
    "mean_age_at_transfusion_days",
    "o_neg_to_others",
    "o_neg_to_unknown",
    "o_neg_to_others_share",
)


def causes_by_lives(
    units_touched: DataFrame, unit_moves: DataFrame, unit_moves_before: DataFrame, places: DataFrame
) -> DataFrame:
    """Causes in the lives of touched units: what moved, of what shelf, and until when that shows.

    Args:
        units_touched: `touched_units`.
        unit_moves: changes of place and standing.
        unit_moves_before: the same in the release before.
        places: `all_facilities`: regions.

    Returns:
        batch, restated_table, slice, figures (NULL for all of the table), from_on, until_on.
    """
    ids = units_touched.select("unit_id").distinct()
    both = _legs(unit_moves, 1).unionByName(_legs(unit_moves_before, -1)).join(ids, "unit_id", "left_semi")
    of_leg = ("unit_id", "on", *SHELF, "flow", "standing", "sign", "doses")
    known = kept(both.groupBy(*of_leg).agg(F.sum("times").alias("times")).join(units_touched, "unit_id"))
    changed = known.where(F.col("times") != 0)
    flows = changed.where(F.col("flow").isNotNull()).withColumns(_on_the_day("on"))
    regions = F.broadcast(places.select("facility_id", "region"))
    used = flows.where(F.col("flow") == "transfused").join(regions, "facility_id", "left")
    month = _over_the_month("on")
    found = [
        _cause(_stays(changed), INVENTORY, F.array("figure")),
        _cause(flows, INVENTORY, F.array("flow")),
        _cause(used.withColumn("region", F.coalesce("region", F.lit(UNKNOWN))), DEMAND, F.array("flow")),
        _cause(changed.withColumns(month), SCORECARD),
        _cause(known.withColumns(month), SCORECARD, _texts(UNTOLD_BY_LIVES)),
    ]
    return reduce(DataFrame.unionByName, found)


def causes_by_ends(units_touched: DataFrame, units: DataFrame) -> DataFrame:
    """Causes in the months of ends: a unit that is given up counts where its dating ended, not when it was given up.

    Args:
        units_touched: `touched_units`.
        units: `OF_UNIT` of all units, as they are and as they were.

    Returns:
        as `causes_by_lives`.
    """
    ended = units.where(F.col("ended_on").isNotNull()).join(units_touched, "unit_id")
    placed = ended.withColumn("facility_id", F.coalesce("ended_at_facility_id", F.lit(UNKNOWN)))
    return _cause(placed.withColumns(_over_the_month("ended_on")), SCORECARD)


def causes_by_requests(
    changed_records: DataFrame, units_touched: DataFrame, moves: DataFrame, requests: DataFrame, places: DataFrame
) -> DataFrame:
    """Causes in requests, in movements that fill them, and in the units that these carry.

    Args:
        changed_records: what came since the release before.
        units_touched: `touched_units`.
        moves: `placed_moves`.
        requests: as they are and as they were.
        places: `all_facilities`.

    Returns:
        as `causes_by_lives`.
    """
    named = changed_records.where(F.col("about") == REQUEST).select("batch", F.col("name").alias("request_id"))
    carried = moves.where(F.col("request_id").isNotNull()).join(units_touched, "unit_id").select("batch", "request_id")
    placed = placed_requests(requests, places).join(named.unionByName(carried).distinct(), "request_id")
    of_day = _cause(placed.withColumns(_on_the_day("demand_on")), DEMAND, _texts(COUNTS))
    return of_day.unionByName(_cause(placed.withColumns(_over_the_month("demand_on")), SCORECARD))


def causes_by_collection(
    donations_touched: DataFrame, units_touched: DataFrame, units: DataFrame, donations: DataFrame
) -> DataFrame:
    """Causes in donations and their units, in the month and at the facility of collection, else of making.

    Args:
        donations_touched: `touched_donations`.
        units_touched: `touched_units`.
        units: `OF_UNIT` of all units, as they are and as they were.
        donations: `OF_DONATION` of all donations, as they are and as they were.

    Returns:
        as `causes_by_lives`.
    """
    origins = donations.select("donation_key", "donated_on", "facility_id")
    made = units.join(units_touched, "unit_id").join(origins, "donation_key", "left")
    is_drawn = F.col("donated_on").isNotNull()
    of_units = made.select(
        "batch",
        F.coalesce("donated_on", "prepared_on").alias("on"),
        F.when(is_drawn, F.col("facility_id")).otherwise(F.col("made_at_facility_id")).alias("facility_id"),
    )
    of_donations = donations_touched.select("batch", F.col("donated_on").alias("on"), "facility_id")
    both = of_donations.unionByName(of_units).withColumn("facility_id", F.coalesce("facility_id", F.lit(UNKNOWN)))
    return _cause(both.withColumns(_over_the_month("on")), QUALITY)


def _legs(unit_moves: DataFrame, times: int) -> DataFrame:
    on = F.col("moved_on").alias("on")
    return unit_moves.select(
        "unit_id", on, "component", "abo_rhd", "doses", F.lit(times).alias("times"), F.inline(legs())
    )


def _stays(changed: DataFrame) -> DataFrame:
    """From when until when a unit is on a shelf, or available there, in one of the two releases alone."""
    is_available = F.when(F.col("standing") == "available", "available")
    figure = F.explode(F.array_compact(F.array(F.lit("closing"), is_available))).alias("figure")
    stay = ("batch", "unit_id", *SHELF, "figure")
    days = changed.select("*", figure).groupBy(*stay, "on").agg(F.sum(F.col("sign") * F.col("times")).alias("change"))
    in_order = Window.partitionBy(*stay).orderBy("on")
    differs = F.sum("change").over(in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)) != 0
    until_on = F.coalesce(F.date_sub(F.lead("on").over(in_order), 1), F.lit(OPEN_END).cast("date"))
    return days.withColumns({"from_on": F.col("on"), "until_on": until_on, "differs": differs}).where("differs")


def _on_the_day(on: str) -> dict[str, Column]:
    return {"from_on": F.col(on), "until_on": F.col(on)}


def _over_the_month(on: str) -> dict[str, Column]:
    return {name: F.trunc(on, "month") for name in ("from_on", "until_on")}


def _texts(names: tuple[str, ...]) -> Column:
    return F.array(*map(F.lit, names))


def _cause(rows: DataFrame, of: Restated, figures: Column | None = None) -> DataFrame:
    every = F.lit(None).cast("array<string>")
    return rows.select(
        "batch",
        F.lit(of.table.name).alias("restated_table"),
        slice_of(*of.keys),
        (every if figures is None else figures).alias("figures"),
        "from_on",
        "until_on",
    ).distinct()
