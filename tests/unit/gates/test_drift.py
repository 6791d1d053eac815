"""What a delivery is held against: weekdays, holidays and seasons are no surprise; a fault, a stop and a drift are."""

import math
from datetime import date, timedelta
from random import Random

import pytest

from lakehouse.gates.drift import band, holidays, level_shift, stream_of

START = date(2024, 1, 1)
WEEK = (100, 110, 105, 120, 95, 60, 20)
HOLIDAY_ROWS = 12


def rows_of(day: date, scale: float = 1.0) -> int:
    """A service that rests on Sundays and holidays, and has its season."""
    season = 1 + 0.1 * math.sin(2 * math.pi * day.timetuple().tm_yday / 365)
    usual = HOLIDAY_ROWS if day in holidays(day.year) else WEEK[day.weekday()]
    noise = Random(day.toordinal()).gauss(1, 0.05)
    return round(10 * usual * season * scale * noise)


def past(days: int) -> dict[date, int]:
    return {START + timedelta(days=n): rows_of(START + timedelta(days=n)) for n in range(days)}


def is_in(rows: float, day: date, before: dict[date, int]) -> bool:
    found = band(before, day)
    assert found is not None
    return found.low <= rows <= found.high


def test_band__needs_some_weeks() -> None:
    assert band(past(30), START + timedelta(days=30)) is None
    assert band(past(60), START + timedelta(days=60)) is not None


def test_clean_days_of_two_years__surprise_nobody() -> None:
    known, alarms = past(120), []
    for n in range(120, 730):
        day = START + timedelta(days=n)
        if not is_in(rows_of(day), day, known):
            alarms.append(day)
        known[day] = rows_of(day)
    assert alarms == []


@pytest.mark.parametrize("scale", [0.5, 0.6, 1.6, 2.0])
def test_half_a_delivery_or_one_and_a_half__is_outside(scale: float) -> None:
    for day in (date(2024, 6, 4), date(2024, 6, 8)):
        assert not is_in(rows_of(day, scale), day, past((day - START).days))


def test_a_sunday_on_a_monday__is_outside_but_a_holiday_is_not() -> None:
    monday, labor_day = date(2024, 8, 26), date(2024, 9, 2)
    assert labor_day in holidays(2024)
    assert not is_in(10 * WEEK[6], monday, past((monday - START).days))
    assert is_in(rows_of(labor_day), labor_day, past((labor_day - START).days))


def test_band__is_not_moved_by_outliers_of_the_past() -> None:
    day = date(2024, 6, 4)
    clean = past((day - START).days)
    spoilt = clean | {day - timedelta(days=7 * n): 100_000 for n in (1, 3, 5)} | {day - timedelta(days=2): 0}
    whole, dented = band(clean, day), band(spoilt, day)
    assert whole is not None and dented is not None
    assert dented.low == pytest.approx(whole.low, rel=0.15) and dented.high == pytest.approx(whole.high, rel=0.15)


def test_slow_drift__is_inside_every_band_and_still_seen() -> None:
    """Each day has 1 % less than the day before."""
    known, day = past(400), START + timedelta(days=400)
    shifts = []
    for n in range(60):
        rows = rows_of(day, 0.99**n)
        assert is_in(rows, day, known), day
        known[day] = rows
        day += timedelta(days=1)
        shifts.append(level_shift(known, day))
    assert shifts[0] == pytest.approx(1, abs=0.12)
    assert shifts[-1] is not None and shifts[-1] < 0.8


def test_season__is_no_drift() -> None:
    known = past(730)
    found = [level_shift(known, START + timedelta(days=n)) for n in range(160, 730, 7)]
    assert all(shift is not None and 0.8 < shift < 1.25 for shift in found)


def test_holidays__are_those_of_the_united_states() -> None:
    assert {date(2024, 7, 4), date(2024, 11, 28), date(2022, 12, 26), date(2022, 12, 25)} <= holidays(2024) | holidays(
        2022
    )
    assert date(2024, 7, 5) not in holidays(2024)


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("donations/2024/03/05/donations-north-20240305.json.gz", "donations-north"),
        ("donations/2024/03/05/20240305_0700.json", "donations"),
        ("donations/2024/03/05/site12_export_2024-03-05.json", "site_export"),
    ],
)
def test_stream__is_the_name_but_for_its_digits(path: str, stream: str) -> None:
    assert stream_of(path) == stream
