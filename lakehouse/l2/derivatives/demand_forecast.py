"""A row is a day ahead of a series (region, component, group): the units that are expected to be transfused on it.

What is forecast is what was transfused, by the unit's own group, for that is what empties the shelves: orders count a
unit once when a hospital stocks it and again for the patient, name `any`, and ask for O+ where O- will go. What was
wanted and never given is in neither; `unmet` in `regional_demand` tells it.

The model and its parameters are the series' choice in `forecast_quality`; every day they are led over the demand that
is known by then.

Slice: a series; touched by transfusions in it, and by its choice.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.demand_forecast_models import MODELS, PARAMETERS, forecast, lower_end, upper_end
from lakehouse.l2.derivatives.demand_forecast_series import TASKS, demand_series
from lakehouse.l2.derivatives.series import DAYS_AHEAD, SERIES
from lakehouse.table import DATE, INT, NUMBER, TEXT, Field, Table

ENDS = {"lower_95": lower_end, "lower_80": lower_end, "upper_80": upper_end, "upper_95": upper_end}

TABLE = Table(
    tier="l2",
    name="demand_forecast",
    grain="one of the 28 local days after as-of, for a series (region, component, group)",
    key=("demand_on", *SERIES),
    fields=(
        Field("demand_on", DATE, "the local day that is forecast", required=True),
        Field("region", TEXT, "region of the hospitals; 'unknown' where no record tells", required=True),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "the units' own group; 'unknown' where no record tells", required=True),
        Field("days_ahead", INT, "days from as-of", required=True),
        Field("expected_units", NUMBER, "units expected to be transfused", required=True),
        Field("lower_95", NUMBER, "lower end of the 95 % interval, whole units; null where no model could be tried"),
        Field("lower_80", NUMBER, "lower end of the 80 % interval"),
        Field("upper_80", NUMBER, "upper end of the 80 % interval"),
        Field("upper_95", NUMBER, "upper end of the 95 % interval"),
        Field("model", TEXT, "one of: " + ", ".join(MODELS), required=True),
        Field("trained_on", DATE, "last day of the demand that the model was fitted to", required=True),
        Field("known_until", DATE, "last day of the demand that the forecast starts from", required=True),
        Field("as_of", DATE, "the day that the forecast was made for the end of", required=True),
    ),
    law="rows = 28 x the series with a transfusion in the history",
)


def build(
    regional_demand: DataFrame, forecast_quality: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Demand of the 28 days after `as_of`.

    Args:
        regional_demand: units transfused by day.
        forecast_quality: the chosen model of each series.
        as_of: last day that is known.
        params: forecast_history_days.
    """
    choice = forecast_quality.where("is_chosen").select(*SERIES, "model", *PARAMETERS, *ENDS, "trained_on")

    def looked_ahead(series: pd.DataFrame) -> pd.DataFrame:
        return days_ahead(series, as_of)

    return (
        demand_series(regional_demand, as_of=as_of, params=params)
        .join(F.broadcast(choice), list(SERIES), how="inner")
        .repartition(TASKS, *SERIES)
        .groupBy(*SERIES)
        .applyInPandas(looked_ahead, TABLE.schema)
        .select(*TABLE.columns)
    )


def days_ahead(series: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rows of this table for the one series in `series`: a row of `demand_series` with its chosen model."""
    one = series.iloc[0]
    demand = np.asarray(one["demand"], dtype=np.float64)
    unknown_days = (as_of - one["last_on"]).days
    smoothing = {name: one[name] for name in PARAMETERS}
    expected = forecast(one["model"], smoothing, demand, unknown_days + DAYS_AHEAD)[unknown_days:]
    ahead = np.arange(1, DAYS_AHEAD + 1, dtype=np.int32)
    ends = {name: end(expected, one[name]) for name, end in ENDS.items()}
    rows = {name: one[name] for name in (*SERIES, "model", "trained_on")} | {
        "demand_on": [as_of + timedelta(days=int(number)) for number in ahead],
        "days_ahead": ahead,
        "expected_units": expected,
        **ends,
        "known_until": one["last_on"],
        "as_of": as_of,
    }
    return pd.DataFrame(rows, columns=list(TABLE.columns))
