"""The backtest against what it may know: no model and no interval sees a day after its origin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.l2.derivatives.demand_forecast_models import MODELS, fitted, forecast
from lakehouse.l2.derivatives.forecast_quality_backtest import backtest_for, judged_models


@pytest.mark.parametrize(
    ("days", "horizon", "origins"),
    [(55, None, None), (56, 7, 4), (76, 7, 6), (77, 28, 4), (133, 28, 12), (730, 28, 12)],
)
def test_backtest__is_as_long_as_the_series_allows(days, horizon, origins):
    plan = backtest_for(days)
    assert (plan and plan.horizon, plan and plan.origins) == (horizon, origins)
    if plan:
        assert plan.days_seen(days)[0] >= 28
        assert plan.days_seen(days)[-1] == days - horizon


@pytest.mark.parametrize("model", MODELS)
def test_model__is_led_over_later_days_by_its_parameters_alone(model):
    """A level that doubles is followed by every model, however it was fitted before."""
    rng = np.random.default_rng(1)
    before = rng.poisson(10, 100).astype(float)
    found = fitted(model, before)
    after = np.concatenate([before, rng.poisson(20, 150).astype(float)])
    assert forecast(model, found, before, 28).mean() == pytest.approx(10, rel=0.3)
    assert forecast(model, found, after, 28).mean() > forecast(model, found, before, 28).mean() + 2


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), level=st.floats(0.02, 20))
def test_judged_models__never_choose_one_that_loses_to_the_naive(seed, level):
    demand = np.random.default_rng(seed).poisson(level, 140).astype(float)
    rows = {row["model"]: row for row in judged_models(demand)}
    (chosen,) = [row for row in rows.values() if row["is_chosen"]]
    assert chosen["mae"] <= rows["seasonal_naive"]["mae"]
    assert chosen["rmse"] <= rows["seasonal_naive"]["rmse"]
    assert chosen["lower_95"] <= chosen["lower_80"] <= 0 <= chosen["upper_80"] <= chosen["upper_95"]


def test_judged_models__intervals_hold_about_what_they_promise():
    """Poisson demand of known rate: the mean coverage over many series is near the level, and never far below."""
    rng = np.random.default_rng(7)
    rate = np.tile([12.0, 14, 11, 12, 13, 7, 8], 30)
    found = [judged_models(rng.poisson(rate).astype(float)) for _ in range(12)]
    chosen = [row for rows in found for row in rows if row["is_chosen"]]
    assert 0.75 <= np.mean([row["coverage_80"] for row in chosen]) <= 0.92
    assert 0.90 <= np.mean([row["coverage_95"] for row in chosen]) <= 0.99
    assert np.mean([row["mase"] for row in chosen]) < 0.85
