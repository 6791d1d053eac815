"""The models that may forecast a day's demand of one series, and what they need to be fitted.

Each is a function of the demand up to an origin, a number a day, and looks no further. Demand is counted in units, so
no forecast is below 0. The exponential smoothing is statsmodels' (BSD-3-Clause).
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.float64]
Smoothing = Mapping[str, float | None]

WEEK = 7
MEAN_WEEKS = 8
NAIVE = "seasonal_naive"
SMOOTHED = {"ses": None, "ets": "add"}
"""Smoothing without and with a weekly season (ETS(A,N,N), ETS(A,N,A))."""
MODELS = (NAIVE, "weekday_mean", *SMOOTHED)
"""Simplest first."""
PARAMETERS = ("smoothing_level", "smoothing_seasonal")
UNFITTED: Smoothing = dict.fromkeys(PARAMETERS)


def fitted(model: str, demand: Days) -> Smoothing:
    """The smoothing parameters of a model, by maximum likelihood over `demand`; none for one that has none.

    The states at the start are the heuristic ones of Hyndman et al. (2008), so that later days need these alone.
    """
    if model not in SMOOTHED:
        return UNFITTED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that did not converge is judged by its forecasts
        found = _smoothing(model, demand).fit(disp=False)
    return {**UNFITTED, **{name: float(value) for name, value in zip(found.param_names, found.params, strict=True)}}


def forecast(model: str, smoothing: Smoothing, demand: Days, days: int) -> Days:
    """Expected demand of each of the `days` days that follow `demand`.

    Args:
        model: one of `MODELS`.
        smoothing: its parameters (`fitted`).
        demand: units a day, oldest first, at least one day; where there is no week of it yet, its mean is expected.
        days: how far to look.
    """
    if len(demand) < WEEK:
        return np.full(days, demand.mean())
    if model in SMOOTHED:
        start = _smoothing(model, demand)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            smoothed = start.smooth(np.array([smoothing[name] for name in start.param_names], dtype=np.float64))
            expected = np.asarray(smoothed.forecast(days), dtype=np.float64)
        return np.maximum(expected, 0.0)
    weeks = 1 if model == NAIVE else min(len(demand) // WEEK, MEAN_WEEKS)
    return np.resize(demand[-WEEK * weeks :].reshape(weeks, WEEK).mean(axis=0), days)


def lower_end(expected: Days, offset: float) -> Days:
    """Lower end of an interval: demand comes in whole units, so it is rounded down, and is not below 0."""
    return np.maximum(np.floor(expected + offset), 0.0)


def upper_end(expected: Days, offset: float) -> Days:
    """Upper end of an interval, rounded up to a whole unit."""
    return np.ceil(expected + offset)


def _smoothing(model: str, demand: Days) -> Any:
    # Imported where it is needed: it takes seconds, and the driver, which only plans, never asks for it.
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # noqa: PLC0415

    season = SMOOTHED[model]
    return ETSModel(
        demand,
        error="add",
        seasonal=season,
        seasonal_periods=WEEK if season else None,
        initialization_method="heuristic",
    )
