"""Laws of forecasts: every series has its row, and no model is shipped that loses to the naive one."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.demand_forecast_models import NAIVE
from lakehouse.l2.derivatives.series import DAYS_AHEAD, SERIES
from lakehouse.l2.derivatives.supply_forecast_sessions import collections_by_region
from lakehouse.l2.derivatives.supply_forecast_shares import units_per_collection
from lakehouse.l2.laws.law import Law, sides


def every_series_has_a_model(
    regional_demand: DataFrame, forecast_quality: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """One model is chosen for each series that was transfused in the history."""
    series = regional_demand.where(_is_in_history(as_of, params)).agg(F.count_distinct(*SERIES).alias("left"))
    chosen = forecast_quality.agg(F.count_if("is_chosen").alias("right"))
    return series.crossJoin(chosen).select(*sides("forecast_quality.chosen", F.col("left"), F.col("right")))


def no_model_loses_to_the_naive(forecast_quality: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Of the series whose models were tried, none is forecast by one that was further off than the seasonal naive."""
    of_chosen = F.max(F.when(F.col("is_chosen"), F.col("mae"))).alias("chosen")
    of_naive = F.max(F.when(F.col("model") == NAIVE, F.col("mae"))).alias("naive")
    tried = forecast_quality.where(F.col("origins") > 0).groupBy(*SERIES).agg(of_chosen, of_naive)
    both = tried.agg(F.count("*").alias("left"), F.count_if(F.col("chosen") <= F.col("naive")).alias("right"))
    return both.select(*sides("forecast_quality.naive", F.col("left"), F.col("right")))


def every_series_has_every_day(
    regional_demand: DataFrame, demand_forecast: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Each series that was transfused in the history has a row for each day ahead."""
    series = regional_demand.where(_is_in_history(as_of, params)).agg(F.count_distinct(*SERIES).alias("series"))
    ahead = F.col("days_ahead").between(1, DAYS_AHEAD) & (F.date_diff("demand_on", F.lit(as_of)) == F.col("days_ahead"))
    rows = demand_forecast.agg(F.count_if(ahead).alias("right"))
    left = F.col("series") * DAYS_AHEAD
    return series.crossJoin(rows).select(*sides("demand_forecast.rows", left, F.col("right")))


def every_group_made_has_every_day(
    units: DataFrame,
    donation_events: DataFrame,
    places: DataFrame,
    supply_forecast: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Each group of a component that a region with sessions released lately has a row for each day ahead."""
    held = collections_by_region(donation_events, places, as_of=as_of, params=params).select("region")
    made = units_per_collection(units, places, as_of=as_of, params=params)
    groups = made.join(F.broadcast(held), "region", how="left_semi").agg(F.count("*").alias("groups"))
    rows = supply_forecast.agg(F.count_distinct("available_on", *SERIES).alias("right"))
    return groups.crossJoin(rows).select(*sides("supply_forecast.rows", F.col("groups") * DAYS_AHEAD, F.col("right")))


def _is_in_history(as_of: date, params: Mapping[str, Any]) -> Column:
    first_day = F.date_sub(F.lit(as_of), int(params["forecast_history_days"]) - 1)
    return F.col("demand_on").between(first_day, F.lit(as_of)) & (F.col("transfused") > 0)


LAWS = (
    Law("forecast_quality.chosen", "series transfused in the history = models chosen", every_series_has_a_model),
    Law(
        "forecast_quality.naive",
        "series tried = series whose model is no further off than the seasonal naive",
        no_model_loses_to_the_naive,
    ),
    Law("demand_forecast.rows", "28 x series transfused in the history = rows", every_series_has_every_day),
    Law("supply_forecast.rows", "28 x groups of components released lately = rows", every_group_made_has_every_day),
)
