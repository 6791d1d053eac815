"""A row is a figure of a past day or month that a release tells otherwise than the release before it.

It says what the figure was, what it is now, and which batches changed it. None is named where hindsight restates, as
when a unit is given up as presumed outdated, a month's shares after that, or a definition is set otherwise. Late
records, corrections, withdrawals and replays all show here; figures that the release before did not speak about don't.

The table accumulates: what each release restated stays for `restatement_history_days`, under a number that counts up,
so that one query tells how a figure went. A release that is rolled back takes its restatements along. A run that
changes nothing restates nothing, so the same day told again adds no row.

Slice: a figure's day or month; touched by whatever touches that in its table.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.restatements_causes import (
    causes_by_collection,
    causes_by_ends,
    causes_by_lives,
    causes_by_requests,
)
from lakehouse.l2.derivatives.restatements_figures import DEMAND, INVENTORY, OF_SLICE, QUALITY, RESTATED, SCORECARD
from lakehouse.l2.derivatives.restatements_touched import (
    OF_DONATION,
    OF_UNIT,
    as_told_twice,
    touched_donations,
    touched_units,
)
from lakehouse.l2.derivatives.units_donations import dated_donations
from lakehouse.l2.kept import kept
from lakehouse.table import DATE, INT, NUMBER, TEXT, TEXTS, Field, Table

TABLE = Table(
    tier="l2",
    name="restatements",
    grain="a figure of a past day or month that a release told otherwise than the release before it",
    key=("restatement_number", "restated_table", "period_on", "slice", "figure"),
    fields=(
        Field("restatement_number", INT, "counts up with each release that restated anything", required=True),
        Field("as_of", DATE, "as-of day of the release that restated", required=True),
        Field(
            "as_of_before",
            DATE,
            "as-of day of the release before it; null where it told of no stock",
        ),
        Field("restated_table", TEXT, "one of: " + ", ".join(of.table.name for of in RESTATED), required=True),
        Field("period_on", DATE, "the day, or the first day of the month, that the figure is about", required=True),
        Field("slice", TEXT, 'rest of the key of the table\'s row, such as "H1 / red_cells / O+"', required=True),
        Field("facility_id", TEXT, "the facility; null where the table is by region"),
        Field("region", TEXT, "the region, as the newer of the two says; null where no record tells"),
        Field("component", TEXT, "the component; null where the table is not by component"),
        Field("abo_rhd", TEXT, "the group; null where the table is not by group"),
        Field("figure", TEXT, "column of the table", required=True),
        Field("was", NUMBER, "what the release before said; 0 for a count of a row that it had not; null as there"),
        Field("now_is", NUMBER, "what the release says; likewise"),
        Field(
            "batches",
            TEXTS,
            "batches whose records changed the slice, sorted; empty where none was traced, as of hindsight",
            required=True,
        ),
    ),
    law="per table, the sum of now_is - was of a release's counts = their sum now - their sum before, over the periods "
    "that both speak about",
)
OF_ROW = ("restated_table", "period_on", "slice", *OF_SLICE, "figure", "was", "now_is")


def build(  # noqa: PLR0913, PLR0917 -- an argument is a table
    changed_records: DataFrame,
    inventory_daily: DataFrame,
    inventory_daily_before: DataFrame,
    inventory_daily_came: DataFrame,
    inventory_daily_went: DataFrame,
    regional_demand: DataFrame,
    regional_demand_before: DataFrame,
    regional_demand_came: DataFrame,
    regional_demand_went: DataFrame,
    facility_scorecard: DataFrame,
    facility_scorecard_before: DataFrame,
    facility_scorecard_came: DataFrame,
    facility_scorecard_went: DataFrame,
    process_quality: DataFrame,
    process_quality_before: DataFrame,
    process_quality_came: DataFrame,
    process_quality_went: DataFrame,
    unit_moves: DataFrame,
    unit_moves_before: DataFrame,
    moves: DataFrame,
    units: DataFrame,
    units_before: DataFrame,
    unit_parents: DataFrame,
    blood_requests: DataFrame,
    blood_requests_before: DataFrame,
    dated: DataFrame,
    donations_before: DataFrame,
    donation_events: DataFrame,
    places: DataFrame,
    restatements_before: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The restatements of earlier releases, and those of this one.

    Args:
        changed_records: what came since the release before.
        inventory_daily: stock and flows by day; this and three more are what is compared.
        inventory_daily_before: the same in the release before, as all that ends so.
        inventory_daily_came: rows new since, as all that ends so.
        inventory_daily_went: rows gone since, as all that ends so.
        regional_demand: demand by day.
        regional_demand_before: before.
        regional_demand_came: new.
        regional_demand_went: gone.
        facility_scorecard: months of facilities.
        facility_scorecard_before: before.
        facility_scorecard_came: new.
        facility_scorecard_went: gone.
        process_quality: months of collection.
        process_quality_before: before.
        process_quality_came: new.
        process_quality_went: gone.
        unit_moves: tells which shelves a unit's changed records touch.
        unit_moves_before: before.
        moves: `placed_moves`; tells which requests a unit fills.
        units: tells which donation a unit is of.
        units_before: before.
        unit_parents: tells what was made of a unit.
        blood_requests: tells which day's demand a request is.
        blood_requests_before: before.
        dated: `dated_donations`: month and facility of a donation.
        donations_before: donations before.
        donation_events: sessions that date and place those.
        places: `all_facilities`.
        restatements_before: this table in the release before.
        as_of: day of this release.
        params: restatement_history_days.
    """
    spans = (
        INVENTORY.span(inventory_daily, inventory_daily_before, as_of),
        DEMAND.span(regional_demand, regional_demand_before, as_of),
        SCORECARD.span(facility_scorecard, facility_scorecard_before, as_of),
        QUALITY.span(process_quality, process_quality_before, as_of),
    )
    changes = (
        (inventory_daily_came, inventory_daily_went),
        (regional_demand_came, regional_demand_went),
        (facility_scorecard_came, facility_scorecard_went),
        (process_quality_came, process_quality_went),
    )
    compared = zip(RESTATED, changes, spans, strict=True)
    found = [kept(of.differences(came, went, span)) for of, (came, went), span in compared]
    changed = kept(changed_records)
    dated_before = dated_donations(donations_before, donation_events, places)
    donations_told = kept(as_told_twice(dated, dated_before, *OF_DONATION))
    units_told = as_told_twice(units, units_before, *OF_UNIT)
    donations_touched = kept(touched_donations(changed, donations_told))
    units_touched = kept(touched_units(changed, donations_touched, units_told, unit_parents))
    requests = blood_requests.unionByName(blood_requests_before)
    causes = [
        causes_by_lives(units_touched, unit_moves, unit_moves_before, places),
        causes_by_requests(changed, units_touched, moves, requests, places),
        causes_by_ends(units_touched, units_told),
        causes_by_collection(donations_touched, units_touched, units_told, donations_told),
    ]
    restated = _with_batches(reduce(DataFrame.unionByName, found), reduce(DataFrame.unionByName, causes))
    return _accumulated(restated, inventory_daily_before, restatements_before, as_of, params)


def _with_batches(restated: DataFrame, causes: DataFrame) -> DataFrame:
    """Add `batches`: of the causes of the slice, those of the day or month and of the figure."""
    is_of_figure = F.col("figures").isNull() | F.array_contains("figures", F.col("figure"))
    is_cause = (
        (F.col("restated.restated_table") == F.col("causes.restated_table"))
        & (F.col("restated.slice") == F.col("causes.slice"))
        & F.col("period_on").between(F.col("from_on"), F.col("until_on"))
        & is_of_figure
    )
    known = restated.alias("restated").join(causes.alias("causes"), is_cause, "left")
    row = [F.col(f"restated.{name}").alias(name) for name in OF_ROW]
    return known.groupBy(*row).agg(F.sort_array(F.collect_set("batch")).alias("batches"))


def _accumulated(
    restated: DataFrame, inventory_before: DataFrame, earlier: DataFrame, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Number the restatements of this release, and add those of earlier ones that are not too old."""
    oldest = as_of - timedelta(days=int(params["restatement_history_days"]))
    number = earlier.agg((F.coalesce(F.max("restatement_number"), F.lit(0)) + 1).alias("restatement_number"))
    told = inventory_before.agg(F.max("stock_on").alias("as_of_before"))
    numbered = restated.crossJoin(F.broadcast(number.crossJoin(told))).withColumn("as_of", F.lit(as_of))
    still = earlier.where(F.col("as_of") > F.lit(oldest)).select(*TABLE.columns)
    return still.unionByName(numbered.select(*TABLE.columns))
