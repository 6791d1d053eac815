"""The backtest of one series: what each model would have said at past origins, and how wrong it would have been.

At every origin a model sees the days up to it and no others; its smoothing parameters are those fitted at the first
origin, and its interval is made of the errors of earlier origins whose days had passed by then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lakehouse.l2.derivatives.demand_forecast_models import (
    MODELS,
    NAIVE,
    UNFITTED,
    WEEK,
    Days,
    fitted,
    forecast,
    lower_end,
    upper_end,
)

HORIZON = 28
ORIGINS = 12
ORIGINS_MIN = 4
TRAINING_MIN = 28
LEVELS = {"80": (0.1, 0.9), "95": (0.025, 0.975)}


@dataclass(frozen=True)
class Backtest:
    """Origins a week apart, the last one `horizon` days before the end of the series."""

    horizon: int
    origins: int

    def days_seen(self, days: int) -> list[int]:
        """How many of the series' days are seen at each origin, oldest first."""
        return [days - self.horizon - WEEK * (self.origins - 1 - number) for number in range(self.origins)]


def backtest_for(days: int) -> Backtest | None:
    """The backtest that a series of so many days allows: of four weeks, else of one, else none."""
    for horizon in (HORIZON, WEEK):
        origins = min(ORIGINS, (days - TRAINING_MIN - horizon) // WEEK + 1)
        if origins >= ORIGINS_MIN:
            return Backtest(horizon, origins)
    return None


def judged_models(demand: Days) -> list[dict[str, Any]]:
    """One row a model: its parameters, errors and coverage, and whether it is chosen.

    Chosen is the smallest root mean squared error among the models whose mean absolute error is not above the
    seasonal naive's: for a series with many zeros the absolute error alone would choose whatever expects nothing. A
    series too short for a backtest has one row, the seasonal naive, chosen and unjudged.
    """
    plan = backtest_for(len(demand))
    if plan is None:
        return [{"model": NAIVE, "is_chosen": True, "origins": 0, **UNFITTED}]
    rows = list(_judged(demand, plan))
    limit = next(row["mae"] for row in rows if row["model"] == NAIVE)
    able = [row for row in rows if row["mae"] <= limit]
    chosen = min(able, key=lambda row: (row["rmse"], MODELS.index(row["model"])))
    for row in rows:
        row["is_chosen"] = row is chosen
    return rows


def _judged(demand: Days, plan: Backtest) -> Iterator[dict[str, Any]]:
    seen = plan.days_seen(len(demand))
    actual = np.array([demand[origin : origin + plan.horizon] for origin in seen])
    training = demand[: seen[0]]
    scale = float(np.abs(training[WEEK:] - training[:-WEEK]).mean())
    for model in MODELS:
        if model != NAIVE and training.min() == training.max():
            continue  # nothing to fit: every model says the same
        then = fitted(model, training)
        said = np.array([forecast(model, then, demand[:origin], plan.horizon) for origin in seen])
        if np.isfinite(said).all():
            now = fitted(model, demand)
            yield {"model": model, **now, "origins": plan.origins, "horizon_days": plan.horizon} | _measures(
                said, actual, scale
            )


def _measures(said: Days, actual: Days, scale: float) -> dict[str, float | None]:
    """Errors over all origins and days; both arguments are of shape (origins, horizon)."""
    errors = actual - said
    mae = float(np.abs(errors).mean())
    weeks = (len(said), said.shape[1] // WEEK, WEEK)
    by_week = [numbers.reshape(weeks).sum(axis=2) for numbers in (said, actual)]
    offsets = {
        f"{side}_{level}": _offset(errors, quantile)
        for level, quantiles in LEVELS.items()
        for side, quantile in zip(("lower", "upper"), quantiles, strict=True)
    }
    return {
        "mae": mae,
        "rmse": float(np.sqrt((errors**2).mean())),
        "mape": _mape(said, actual),
        "mape_week": _mape(*by_week),
        "mase": mae / scale if scale else None,
        **{f"coverage_{level}": _coverage(said, actual, quantiles) for level, quantiles in LEVELS.items()},
        **offsets,
    }


def _mape(said: Days, actual: Days) -> float | None:
    """Mean absolute percentage error, as a ratio; None where an actual is 0."""
    return float((np.abs(actual - said) / actual).mean()) if actual.all() else None


def _offset(errors: Days, quantile: float) -> float:
    """What is added to a forecast for one end of its interval: never on the other side of the forecast."""
    found = float(np.quantile(errors, quantile))
    return min(found, 0.0) if quantile < 0.5 else max(found, 0.0)


def _coverage(said: Days, actual: Days, quantiles: tuple[float, float]) -> float:
    """Share of the later origins' days inside the interval that was known at their origin."""
    errors, (origins, horizon) = actual - said, said.shape
    begins = WEEK * np.arange(origins)[:, None]
    ends = begins + 1 + np.arange(horizon)[None, :]
    is_inside = []
    for number in range(origins // 2, origins):
        known = errors[ends <= begins[number]]
        low, high = (_offset(known, quantile) for quantile in quantiles)
        lower, upper = lower_end(said[number], low), upper_end(said[number], high)
        is_inside.append((lower <= actual[number]) & (actual[number] <= upper))
    return float(np.mean(is_inside))
