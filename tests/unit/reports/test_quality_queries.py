"""What the report asks of donors, refusals and deviations: a small table in, a small table out."""

from datetime import date

from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.l2.derivatives.deviations import TABLE as DEVIATIONS
from lakehouse.l2.derivatives.donor_retention import TABLE as RETENTION
from lakehouse.l2.derivatives.refused_events import TABLE as REFUSED_EVENTS
from lakehouse.reports import quality_queries as queries
from tests.support.rows import frame

AS_OF = date(2024, 2, 28)


def tuples(got, *columns):
    return {tuple(row) for row in got.select(*columns).collect()}


def test_donor_classes__counts_donors(spark):
    rows = [{"class": "regular"}, {"class": "regular"}, {"class": "lapsing"}]
    got = queries.donor_classes(frame(spark, RETENTION, rows))
    assert tuples(got, "class", "donors") == {("regular", 2), ("lapsing", 1)}


def test_eligible_now__counts_the_day_after_and_leaves_out_who_has_stopped(spark):
    def donor(group, kind, whole_blood, plasma=None):
        return {"abo_rhd": group, "class": kind, "eligible_whole_blood_on": whole_blood, "eligible_plasma_on": plasma}

    rows = [
        donor("O-", "regular", "2024-02-29", "2024-02-28"),
        donor("O-", "regular", "2024-03-01"),
        donor("O-", "stopped", "2024-01-01"),
        donor(None, "lapsing", None),
    ]
    got = queries.eligible_now(frame(spark, RETENTION, rows), AS_OF)
    assert tuples(got, "abo_rhd", "donors", "whole_blood", "plasma") == {("O-", 2, 1, 1), (None, 1, 0, 0)}


def event(line, *rules, kind="refused", at="2024-02-28 10:00", feed="donors"):
    violations = [(rule, "warning" if rule.startswith("w") else "critical") for rule in rules]
    place = {"feed": feed, "_file_id": 7, "_line": line, "_batch_seq": 1}
    return place | {"violations": violations, "event": kind, "happened_at": at}


def test_refused__counts_a_record_once_a_feed_and_once_a_critical_rule(spark):
    rows = frame(spark, QUARANTINE, [event(1, "a", "b", "w1"), event(2, "a"), event(1, "a", feed="patients")])
    assert tuples(queries.refused_by_feed(rows), "feed", "records") == {("donors", 2), ("patients", 1)}
    assert tuples(queries.refused_by_rule(rows), "feed", "rule", "records") == {
        ("donors", "a", 2),
        ("donors", "b", 1),
        ("patients", "a", 1),
    }


def test_refused__forgets_what_was_replayed_or_waived_later(spark):
    later = "2024-02-29 10:00"
    rows = [event(1, "a"), event(1, kind="replayed", at=later), event(2, "a"), event(2, kind="waived", at=later)]
    assert queries.refused_by_feed(frame(spark, QUARANTINE, rows)).count() == 0
    assert queries.refused_by_rule(frame(spark, QUARANTINE, rows)).count() == 0


def test_refused_events_by_reason__says_since_when_the_oldest_waits(spark):
    rows = [
        {"feed": "dispositions", "reason": "waiting", "waiting_since": "2024-02-03"},
        {"feed": "dispositions", "reason": "waiting", "waiting_since": "2024-02-01"},
        {"feed": "dispositions", "reason": "before_collection", "waiting_since": "2024-02-09"},
    ]
    got = queries.refused_events_by_reason(frame(spark, REFUSED_EVENTS, rows))
    assert tuples(got, "reason", "records", "waiting_since") == {
        ("waiting", 2, date(2024, 2, 1)),
        ("before_collection", 1, date(2024, 2, 9)),
    }


def test_deviations_by_rule__keeps_excused_ones_apart(spark):
    rows = [
        {"rule": "late", "severity": "critical", "is_excused": True},
        {"rule": "late", "severity": "critical", "is_excused": False},
        {"rule": "late", "severity": "critical"},
        {"rule": "late", "severity": "info"},
    ]
    got = queries.deviations_by_rule(frame(spark, DEVIATIONS, rows))
    assert tuples(got, "rule", "severity", "open", "excused") == {("late", "critical", 2, 1), ("late", "info", 1, 0)}
