"""Who stands still: a sender that stopped, or that sends yesterday again; not one that rests as it always does."""

from datetime import date, timedelta

from lakehouse.l1.arrivals import Standstill, standstills
from lakehouse.l1.ledger import FileEvent

LAST = date(2024, 3, 1)


def file(day: date, event: str = "loaded", lines: int = 10, name: str = "north") -> FileEvent:
    path = f"donations/{day:%Y/%m/%d}/{name}-{day:%Y%m%d}.json"
    return FileEvent("donations", path, event, 1, 1, "sha", 100, "etag", delivered_on=day, lines=lines)


def daily(days: int = 30, but: tuple[int, ...] = ()) -> list[FileEvent]:
    """A file a day, weekdays that are left out apart, up to `LAST`, a Friday."""
    all_days = [LAST - timedelta(days=n) for n in range(days)]
    return [file(day) for day in all_days if day.weekday() not in but]


def test_a_sender_that_comes_every_day__may_be_a_day_late_and_no_more() -> None:
    assert standstills(daily(), LAST + timedelta(days=2)) == ()
    late = standstills(daily(), LAST + timedelta(days=3))
    assert late == (Standstill("donations", "north", LAST, 1, 0),)
    assert late[0].sentence == "north is silent since 2024-03-01; it usually comes within 1 day"


def test_a_sender_that_rests_at_weekends__is_not_missed_on_a_monday() -> None:
    weekdays = daily(60, but=(5, 6))
    assert standstills(weekdays, LAST + timedelta(days=3)) == ()
    assert [one.habit_days for one in standstills(weekdays, LAST + timedelta(days=5))] == [3]


def test_a_sender_that_repeats_itself__is_stuck_at_once() -> None:
    again = [file(LAST + timedelta(days=n), "duplicate") for n in (1, 2)]
    found = standstills(daily() + again, LAST + timedelta(days=2))
    assert [(one.last_on, one.repeated) for one in found] == [(LAST, 2)]
    assert found[0].sentence == "north repeats itself: nothing new since 2024-03-01, 2 days of repetitions"
    assert standstills(daily() + again + [file(LAST + timedelta(days=2))], LAST + timedelta(days=2)) == ()


def test_an_empty_file__brings_nothing_new() -> None:
    empty = [file(LAST + timedelta(days=n), lines=0) for n in (1, 2, 3)]
    assert [one.last_on for one in standstills(daily() + empty, LAST + timedelta(days=3))] == [LAST]


def test_too_short_a_past__or_one_long_gone__says_nothing() -> None:
    assert standstills(daily(5), LAST + timedelta(days=30)) == ()
    assert standstills(daily(), LAST + timedelta(days=120)) == ()


def test_what_comes_after_the_day_spoken_of__is_not_seen() -> None:
    later = [file(LAST + timedelta(days=4))]
    assert [one.last_on for one in standstills(daily() + later, LAST + timedelta(days=3))] == [LAST]
