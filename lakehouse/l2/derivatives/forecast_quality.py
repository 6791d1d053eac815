"""A row is a model that was tried on a series (region, component, group) of demand: how wrong it was in the backtest.

One model of each series is chosen, and stays for a week: its row, parameters included, is what `demand_forecast` works
with every day, until it is `reselect_days` old. So the rows of the release before are an input of this build.

Slice: a series; touched by transfusions in it, and by the age of its choice.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.demand_forecast_models import MODELS
from lakehouse.l2.derivatives.demand_forecast_series import TASKS, demand_series
from lakehouse.l2.derivatives.forecast_quality_backtest import judged_models
from lakehouse.l2.derivatives.series import SERIES
from lakehouse.l2.kept import kept
from lakehouse.table import DATE, FLAG, INT, NUMBER, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="forecast_quality",
    grain="a model tried on a series (region, component, group) of units transfused a day",
    key=(*SERIES, "model"),
    fields=(
        Field("region", TEXT, "region of the hospitals; 'unknown' where no record tells", required=True),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "the units' own group; 'unknown' where no record tells", required=True),
        Field("model", TEXT, "one of: " + ", ".join(MODELS), required=True),
        Field("is_chosen", FLAG, "the series' forecast is made by it; one model of each series is", required=True),
        Field("smoothing_level", NUMBER, "weight of the newest day in the level (ses, ets)"),
        Field("smoothing_seasonal", NUMBER, "weight of the newest week in the weekday's part (ets)"),
        Field("origins", INT, "past days, a week apart, from which it was tried; 0: too few days", required=True),
        Field("horizon_days", INT, "days that it looked ahead from each; null where it was not tried"),
        Field("mae", NUMBER, "mean absolute error, units a day; the errors are of all origins and days ahead"),
        Field("rmse", NUMBER, "root mean squared error, units a day"),
        Field("mape", NUMBER, "mean of |error| / demand; null where a day had no demand"),
        Field("mape_week", NUMBER, "the same over sums of seven days; null where a week had no demand"),
        Field("mase", NUMBER, "mae / mean change from a day to that of the next week, before the first origin"),
        Field("coverage_80", NUMBER, "share of days inside the 80 % interval that was known at the origin"),
        Field("coverage_95", NUMBER, "the same of the 95 % interval"),
        Field(
            "lower_95",
            NUMBER,
            "lower end of the 95 % interval less the forecast, not rounded; at most 0",
        ),
        Field("lower_80", NUMBER, "lower end of the 80 % interval less the forecast"),
        Field("upper_80", NUMBER, "upper end of the 80 % interval less the forecast; at least 0"),
        Field("upper_95", NUMBER, "upper end of the 95 % interval less the forecast"),
        Field("trained_on", DATE, "last day of the demand that it was fitted to", required=True),
        Field("chosen_on", DATE, "as-of day of the backtest", required=True),
    ),
    law="one model is chosen for each series, and none that loses to the seasonal naive",
)


def build(
    regional_demand: DataFrame, forecast_quality_before: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """The models of every series: the standing choices, and new ones where there is none.

    Args:
        regional_demand: units transfused by day.
        forecast_quality_before: this table in the release before; a choice in it stands for `reselect_days`.
        as_of: last day that is known.
        params: forecast_history_days, reselect_days.
    """
    oldest = as_of - timedelta(days=int(params["reselect_days"]) - 1)
    standing = forecast_quality_before.where(F.col("chosen_on").between(oldest, as_of))
    series = kept(demand_series(regional_demand, as_of=as_of, params=params))
    still = standing.join(F.broadcast(series.select(*SERIES)), list(SERIES), how="left_semi")
    chosen = standing.where("is_chosen").select(*SERIES)

    def tried(one: pd.DataFrame) -> pd.DataFrame:
        return tried_models(one, as_of)

    anew = (
        series.join(F.broadcast(chosen), list(SERIES), how="left_anti")
        .repartition(TASKS, *SERIES)
        .groupBy(*SERIES)
        .applyInPandas(tried, TABLE.schema)
    )
    return still.select(*TABLE.columns).unionByName(anew).select(*TABLE.columns)


def tried_models(series: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rows of this table for the one series in `series` (a row of `demand_series`)."""
    one = series.iloc[0]
    shared = {name: one[name] for name in SERIES} | {"trained_on": one["last_on"], "chosen_on": as_of}
    rows = [{**shared, **row} for row in judged_models(np.asarray(one["demand"], dtype=np.float64))]
    found = pd.DataFrame(rows, columns=list(TABLE.columns))
    numbers = [field.name for field in TABLE.fields if field.type == NUMBER]
    return found.astype(dict.fromkeys(numbers, "float64") | dict.fromkeys(("origins", "horizon_days"), "Int32"))
