"""Which model each series gets, what it forecasts, and that a choice stands until it is old.

A plan of this size costs seconds, a row nothing: each case has its own region, and all are built at once.
"""

from datetime import date, timedelta
from itertools import cycle, islice
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality

from lakehouse.l2.derivatives import demand_forecast, forecast_quality, regional_demand
from lakehouse.l2.kept import kept
from lakehouse.l2.laws.forecasts import LAWS
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 2, 28)  # a Wednesday; the day after it is a leap day
WEEKLY = [6, 9, 5, 6, 8, 1, 2]
TRENDLESS = [4, 0, 7, 2, 9, 1, 5, 3, 8, 6, 2]  # of 11 days: no two weeks are alike


def weeks(pattern: list[int], days: int) -> list[int]:
    """The pattern over and over, for so many days."""
    return list(islice(cycle(pattern), days))


def sparse(days: int) -> list[int]:
    """A unit every 31 days."""
    return [int(number % 31 == 3) for number in range(days)]


# Region -> group -> units transfused a day, the last on the as-of day.
SERIES: dict[str, dict[str, list[int]]] = {
    "a week like every other": {"O+": weeks(WEEKLY, 180), "AB-": [0] * 180},
    "no weekday": {"O+": weeks(TRENDLESS, 180)},
    "nothing but a few zeros and ones": {"AB-": sparse(180)},
    "two months": {"O+": weeks(WEEKLY, 60)},
    "three weeks": {"O+": weeks(WEEKLY, 21)},
    "three days": {"O+": [1, 2, 6]},
    "began later": {"O+": [0] * 100 + weeks(WEEKLY, 80), "A+": [0] * 150 + [3] * 30},
    "kept": {"O+": weeks(WEEKLY, 180)},
    "kept too long": {"O+": weeks(WEEKLY, 180)},
    "never transfused": {"any": [0] * 180},
}
KEPT = {"component": "red_cells", "abo_rhd": "O+", "is_chosen": True, "origins": 4, "horizon_days": 28, "mae": 9.0}
BEFORE = [
    {**KEPT, "region": "kept", "model": "seasonal_naive", "trained_on": "2024-02-22", "chosen_on": "2024-02-22"},
    {**KEPT, "region": "kept too long", "model": "ses", "trained_on": "2024-02-21", "chosen_on": "2024-02-21"},
    {**KEPT, "region": "gone", "model": "ses", "trained_on": "2024-02-28", "chosen_on": "2024-02-28"},
]


def demand(spark) -> Any:
    """Rows of regional_demand: a day of a group, oldest first, the last on the as-of day."""
    return frame(
        spark,
        regional_demand.TABLE,
        [
            {
                "demand_on": AS_OF - timedelta(days=len(units) - 1 - number),
                "region": region,
                "component": "red_cells",
                "abo_rhd": group,
                "transfused": count,
            }
            for region, groups in SERIES.items()
            for group, units in groups.items()
            for number, count in enumerate(units)
        ],
    )


@pytest.fixture(scope="module")
def frames(spark) -> dict[str, Any]:
    """The frames that the laws take."""
    days = demand(spark)
    quality = kept(
        forecast_quality.build(days, frame(spark, forecast_quality.TABLE, BEFORE), as_of=AS_OF, params=DEFINITIONS)
    )
    ahead = kept(demand_forecast.build(days, quality, as_of=AS_OF, params=DEFINITIONS))
    assert_schema_equality(quality.schema, forecast_quality.TABLE.schema, ignore_nullable=True)
    assert_schema_equality(ahead.schema, demand_forecast.TABLE.schema, ignore_nullable=True)
    return {"regional_demand": days, "forecast_quality": quality, "demand_forecast": ahead}


@pytest.fixture(scope="module")
def tried(frames) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """(region, group) -> model -> its row."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in frames["forecast_quality"].collect():
        found.setdefault((row["region"], row["abo_rhd"]), {})[row["model"]] = row.asDict()
    return found


@pytest.fixture(scope="module")
def ahead(frames) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(region, group) -> its 28 days, in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in frames["demand_forecast"].orderBy("demand_on").collect():
        found.setdefault((row["region"], row["abo_rhd"]), []).append(row.asDict())
    return found


def chosen(tried, region: str, group: str = "O+") -> dict[str, Any]:
    (row,) = [row for row in tried[region, group].values() if row["is_chosen"]]
    return row


def test_demand_forecast__looks_from_the_day_after_as_of_over_leap_day_and_month_end(ahead):
    """The pattern's first day fell 180 days ago: 180 = 25 weeks and 5 days."""
    days = ahead["a week like every other", "O+"]
    assert [row["demand_on"] for row in days[:2]] == [date(2024, 2, 29), date(2024, 3, 1)]
    assert [row["days_ahead"] for row in days] == list(range(1, 29))
    assert [row["expected_units"] for row in days[:7]] == [1, 2, 6, 9, 5, 6, 8]
    assert {(row["lower_95"], row["upper_95"]) for row in days if row["expected_units"] == 9} == {(9, 9)}


def test_forecast_quality__what_the_naive_gets_right_is_left_to_it(tried):
    row = chosen(tried, "a week like every other")
    wanted = {"model": "seasonal_naive", "mae": 0.0, "mape": 0.0, "mape_week": 0.0, "mase": None, "coverage_95": 1.0}
    assert {name: row[name] for name in wanted} == wanted
    assert (row["origins"], row["horizon_days"], row["trained_on"], row["chosen_on"]) == (12, 28, AS_OF, AS_OF)


def test_forecast_quality__a_series_without_a_weekday_is_smoothed(tried, ahead):
    """The naive repeats the chance of its last week; the mean of the 11 days is 47 / 11."""
    row, naive = chosen(tried, "no weekday"), tried["no weekday", "O+"]["seasonal_naive"]
    assert row["model"] != "seasonal_naive"
    assert row["mae"] < naive["mae"]
    assert row["rmse"] < naive["rmse"]
    assert row["mape"] is None  # there are days without demand
    assert 0 < row["mape_week"] < 0.2
    mean = sum(day["expected_units"] for day in ahead["no weekday", "O+"]) / 28
    assert mean == pytest.approx(47 / 11, rel=0.05)


def test_forecast_quality__measures_are_those_of_the_definition(tried):
    """The naive of the 11-day pattern: each error is the pattern against itself, 7, 14, 21 or 28 days on."""
    row = tried["no weekday", "O+"]["seasonal_naive"]
    units = SERIES["no weekday"]["O+"]
    errors = []
    for origin in range(180 - 28 - 77, 180 - 27, 7):
        errors += [units[origin + h] - units[origin + h - 7 * (h // 7 + 1)] for h in range(28)]
    scale = sum(abs(units[day] - units[day - 7]) for day in range(7, 75)) / 68
    assert row["mae"] == pytest.approx(sum(map(abs, errors)) / len(errors))
    assert row["rmse"] == pytest.approx((sum(error**2 for error in errors) / len(errors)) ** 0.5)
    assert row["mase"] == pytest.approx(row["mae"] / scale)


def test_forecast_quality__zeros_break_nothing(tried, ahead):
    row = chosen(tried, "nothing but a few zeros and ones", "AB-")
    assert row["mape"] is None
    assert row["mape_week"] is None
    assert row["mae"] <= tried["nothing but a few zeros and ones", "AB-"]["seasonal_naive"]["mae"]
    days = ahead["nothing but a few zeros and ones", "AB-"]
    assert all(0 <= day["lower_95"] <= day["expected_units"] <= day["upper_95"] <= 1 for day in days)


def test_forecast_quality__a_short_series_is_tried_over_a_week_and_a_shorter_one_not_at_all(tried, ahead):
    row = chosen(tried, "two months")
    assert (row["origins"], row["horizon_days"], row["mae"]) == (4, 7, 0.0)
    row = chosen(tried, "three weeks")
    assert (row["model"], row["origins"], row["mae"], row["coverage_80"]) == ("seasonal_naive", 0, None, None)
    assert [day["expected_units"] for day in ahead["three weeks", "O+"][:7]] == WEEKLY
    assert ahead["three weeks", "O+"][0]["lower_80"] is None
    assert {day["expected_units"] for day in ahead["three days", "O+"]} == {3.0}


def test_forecast_quality__a_series_begins_with_its_region(tried):
    """Before the region's first transfusion nothing is known; a group that is used later was not wanted until then."""
    assert chosen(tried, "began later")["horizon_days"] == 28
    assert chosen(tried, "began later")["mae"] == 0.0
    assert tried["began later", "A+"]["seasonal_naive"]["mae"] > 0


def test_forecast_quality__a_choice_stands_until_it_is_as_old_as_reselect_days(tried, ahead):
    assert chosen(tried, "kept")["mae"] == 9.0
    assert chosen(tried, "kept")["chosen_on"] == date(2024, 2, 22)
    assert chosen(tried, "kept too long")["chosen_on"] == AS_OF
    assert chosen(tried, "kept too long")["model"] == "seasonal_naive"
    assert ahead["kept", "O+"][0]["trained_on"] == date(2024, 2, 22)
    assert ahead["kept", "O+"][0]["known_until"] == AS_OF


def test_forecast_quality__only_what_is_transfused_is_forecast(tried, ahead):
    assert ("a week like every other", "AB-") not in tried
    assert {"gone", "never transfused"} & {region for region, _ in tried} == set()
    assert set(tried) == set(ahead)


def test_forecasts__laws(frames):
    for law in [law for law in LAWS if law.name != "supply_forecast.rows"]:
        (row,) = law.check(*[frames[name] for name in law.inputs], as_of=AS_OF, params=DEFINITIONS).collect()
        assert row["left"] == row["right"] > 0, law.sentence


def test_forecasts__days_that_nobody_told_of_are_no_zeros_and_an_earlier_day_sees_none_of_them(spark, frames):
    """Ten days later without a record the weeks go on where they stopped, and the kept choices are too old."""
    days = frames["regional_demand"].where("region = 'a week like every other'")
    for as_of, first in ((AS_OF + timedelta(days=10), 9), (AS_OF - timedelta(days=1), 8)):
        quality = forecast_quality.build(days, frames["forecast_quality"], as_of=as_of, params=DEFINITIONS)
        rows = (
            demand_forecast.build(days, quality, as_of=as_of, params=DEFINITIONS)
            .orderBy("demand_on")
            .limit(1)
            .collect()
        )
        known_until = min(as_of, AS_OF)
        assert [(row["expected_units"], row["known_until"]) for row in rows] == [(first, known_until)]


def test_forecasts__of_nothing_are_nothing(spark, frames):
    nothing = frames["regional_demand"].where("false")
    quality = forecast_quality.build(nothing, frames["forecast_quality"], as_of=AS_OF, params=DEFINITIONS)
    assert demand_forecast.build(nothing, quality, as_of=AS_OF, params=DEFINITIONS).collect() == []
