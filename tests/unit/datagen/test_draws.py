"""Draws depend on seed, region, purpose, entity and day alone, and are distributed as they say."""

import numpy as np
import pytest
from scipy import stats

from datagen.draws import Draws

MANY = np.arange(40_000)
ENOUGH = 1e-4
"""A fixed seed gives one p-value; a good generator fails this once in ten thousand seeds."""


def draw(seed: int = 1, region: str = "a", purpose: str = "x", day: int = 5) -> np.ndarray:
    return Draws(seed, region).at(purpose, day).uniform(MANY)


def test_uniform__says_the_same_whatever_else_was_drawn() -> None:
    draws = Draws(1, "a")
    draws.at("y", 4).uniform(MANY)
    some = np.array([31, 7, 31])
    assert (draws.at("x", 5).uniform(some) == draw()[some]).all()


@pytest.mark.parametrize("other", [{"seed": 2}, {"region": "b"}, {"purpose": "y"}, {"day": 6}])
def test_uniform__of_another_place_is_independent(other: dict[str, object]) -> None:
    ours, theirs = draw(), draw(**other)  # type: ignore[arg-type]
    assert not (ours == theirs).any()
    assert stats.pearsonr(ours, theirs).pvalue > ENOUGH


def test_uniform__is_uniform_and_neighbours_are_independent() -> None:
    ours = draw()
    assert ours.min() > 0 and ours.max() < 1
    assert stats.kstest(ours, "uniform").pvalue > ENOUGH
    assert stats.pearsonr(ours[1:], ours[:-1]).pvalue > ENOUGH
    by_day = np.array([Draws(1, "a").at("x", day).uniform(np.array([3]))[0] for day in range(5000)])
    assert stats.kstest(by_day, "uniform").pvalue > ENOUGH
    assert stats.pearsonr(by_day[1:], by_day[:-1]).pvalue > ENOUGH
    far = Draws(1, "a").at("x", 5).uniform(10**15 + MANY)
    assert stats.kstest(far, "uniform").pvalue > ENOUGH


def test_distributions__are_what_they_say() -> None:
    draws = Draws(1, "a").at("x", 5)
    assert stats.kstest(draws.normal(MANY, 3, 2), "norm", (3, 2)).pvalue > ENOUGH
    assert stats.kstest(draws.exponential(MANY, 7.0), "expon", (0, 7)).pvalue > ENOUGH
    assert stats.kstest(draws.gamma(MANY, 1.6), "gamma", (1.6, 0, 1 / 1.6)).pvalue > ENOUGH
    assert stats.kstest(draws.several(MANY, 5).reshape(-1), "uniform").pvalue > ENOUGH


@pytest.mark.parametrize("mean", [0.02, 1.0, 60.0])
def test_poisson__counts_as_it_says(mean: float) -> None:
    counts = Draws(1, "a").at("x", 5).poisson(MANY, mean)
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / len(MANY))
    assert abs(counts.var() / mean - 1) < 0.05


def test_binomial_picks_integers_and_chance__keep_their_shares() -> None:
    draws, size = Draws(1, "a").at("x", 5), len(MANY)
    hits = draws.binomial(MANY, np.where(MANY % 2, 4, 0), 0.25)
    assert hits[MANY % 2 == 0].max() == 0 and abs(hits[MANY % 2 == 1].mean() - 1) < 0.05
    shares = np.bincount(draws.picks(MANY, (3, 0, 1)), minlength=3) / size
    assert shares == pytest.approx([0.75, 0, 0.25], abs=0.02) and shares[1] == 0
    assert set(draws.integers(MANY, -1, 3)) == {-1, 0, 1, 2}
    assert draws.chance(MANY, 0.3).mean() == pytest.approx(0.3, abs=0.02)
    assert not draws.chance(MANY, 0.0).any() and draws.chance(MANY, 1.0).all()
