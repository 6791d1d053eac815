"""The sections of the report on donors, refusals, deviations and provenance."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Row

from lakehouse.l2.derivatives.deviations_rules import SEVERITIES
from lakehouse.l2.derivatives.donor_retention import ELIGIBLE
from lakehouse.reports import charts, words
from lakehouse.reports import quality_queries as queries
from lakehouse.reports.facts import ReportFacts
from lakehouse.reports.sections import Read, View

RULES_SHOWN = 30
LOOK_BACK_UNITS = "look_back_units"


def donors(read: Read, facts: ReportFacts) -> View:
    """Donor classes with their shares, and who may give on the next day."""
    retention = read("donor_retention")
    classes = {row["class"]: row.donors for row in queries.donor_classes(retention).collect()}
    eligible = sorted(
        queries.eligible_now(retention, facts.as_of).collect(), key=lambda r: words.group_order(r.abo_rhd)
    )
    total, most = sum(classes.values()), max(classes.values(), default=0)
    known = [name for name in words.CLASSES if name in classes] + sorted(set(classes) - set(words.CLASSES))
    return {
        "total": words.number(total),
        "classes": [
            {
                "name": words.words(name),
                "donors": words.number(classes[name]),
                "share": words.percent(classes[name], total),
                "bar": charts.bar(classes[name] / most, f"k-{name}"),
                "means": _means(name, facts),
            }
            for name in known
        ],
        "procedures": [words.words(name) for name in ELIGIBLE.values()],
        "eligible": [
            {
                "group": words.group(row.abo_rhd),
                "donors": words.number(row.donors),
                "counts": [words.number(row[procedure]) for procedure in ELIGIBLE.values()],
            }
            for row in eligible
        ],
    }


def _means(name: str, facts: ReportFacts) -> str:
    lapse, lapsing = facts.params["lapse_months"], facts.params["lapsing_months"]
    return {
        "first_time": f"one donation ever, in the last {lapsing} months",
        "regular": "two or more in the last 12 months",
        "returning": f"back after a gap of more than {lapsing} months",
        "occasional": "one in the last 12 months, no long gap before it",
        "lapsing": f"last donation {lapsing} to {lapse} months ago",
        "inactive": f"last donation more than {lapse} months ago",
        "never_donated": "registered, never gave",
        "stopped": "deferred for good, dead, or asked not to be called",
    }.get(name, "")


def refused(read: Read, facts: ReportFacts) -> View:
    """What the gate refused: the share of every feed, and the rules that were broken."""
    quarantine, judged = read("quarantine"), facts.judged
    by_feed = {row.feed: row.records for row in queries.refused_by_feed(quarantine).collect()}
    rules = sorted(queries.refused_by_rule(quarantine).collect(), key=lambda r: (-r.records, r.feed, r.rule))
    most = rules[0].records if rules else 0
    return {
        "judged": words.number(sum(judged.values())),
        "refused": words.plural(sum(by_feed.values()), "record"),
        "share": words.percent(sum(by_feed.values()), sum(judged.values()), 2),
        "any": bool(by_feed),
        "feeds": [
            {
                "name": name,
                "refused": words.number(by_feed[name]),
                "share": words.percent(by_feed[name], judged.get(name), 2),
            }
            for name in sorted(by_feed, key=lambda name: -by_feed[name])
        ],
        "rules": [_rule(row, judged, most) for row in rules[:RULES_SHOWN]],
        "rules_left_out": max(0, len(rules) - RULES_SHOWN),
    }


def _rule(row: Row, judged: Mapping[str, int], most: int) -> View:
    return {
        "feed": row.feed,
        "rule": row.rule,
        "records": words.number(row.records),
        "share": words.percent(row.records, judged.get(row.feed), 2),
        "bar": charts.bar(row.records / most, "k-refused"),
    }


def unplaced(read: Read) -> list[View]:
    """Accepted records that can't be placed (yet), by feed and reason."""
    rows = queries.refused_events_by_reason(read("refused_events")).collect()
    return [
        {
            "feed": row.feed,
            "reason": words.words(row.reason),
            "records": words.number(row.records),
            "waiting_since": words.day(row.waiting_since, with_year=True),
        }
        for row in sorted(rows, key=lambda row: (-row.records, row.feed, row.reason))
    ]


def deviations(read: Read) -> View:
    """What happened against the rules, excused ones apart."""
    rows = sorted(
        queries.deviations_by_rule(read("deviations")).collect(),
        key=lambda row: severity_order(row.severity, row.open, row.rule),
    )
    return {
        **_by_severity(rows),
        "rows": [
            {
                "rule": row.rule,
                "severity": row.severity,
                "open": words.number(row.open),
                "excused": words.number(row.excused),
                "last_on": words.day(row.last_at.date() if row.last_at else None, with_year=True),
            }
            for row in rows
        ],
    }


def in_doubt(read: Read, facts: ReportFacts) -> View:
    """Units in doubt that could still be given; `units` is empty where no look-back is built."""
    if LOOK_BACK_UNITS not in facts.versions:
        return {"units": "", "note": ""}
    row = queries.in_doubt(read(LOOK_BACK_UNITS)).collect()[0]
    note = f"of {words.plural(row.cases, 'look-back')}, in stock or on their way" if row.units else "of any look-back"
    return {"units": words.number(row.units), "note": note}


def severity_order(severity: str, records: int, rule: str) -> tuple[int, int, str]:
    """Sorts what was broken: the gravest first, then the most."""
    place = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return (place, -records, rule)


def _by_severity(rows: Sequence[Row]) -> dict[str, str]:
    """How many deviations are open, and beside them what is only a warning or information, and what is excused."""
    counts = {name: sum(row.open for row in rows if row.severity == name) for name in SEVERITIES}
    beside = [words.plural(counts["warning"], "warning"), f"{words.number(counts['info'])} for information"]
    beside.append(f"{words.number(sum(row.excused for row in rows))} excused")
    return {
        "open": words.number(counts["critical"] + counts["deviation"]),
        "counts": f"{words.number(counts['critical'])} critical. Apart: {', '.join(beside)}",
    }


def verdict(facts: ReportFacts) -> View:
    """Whether the release is complete, what is missing from it, and what else is to be known."""
    missing = [f"{feed}, batch {batch}: {reason}" for feed, batch, reason in facts.held]
    missing += [f"file {file}: {reason}" for file, reason in facts.parked]
    missing += [f"file {file}: {reason}; the next run tries again" for file, reason in facts.unread]
    besides = [f"{feed}, batch {batch}: left out for good by {by}: {why}" for feed, batch, by, why in facts.discarded]
    besides += facts.standstills
    return {"is_complete": not (facts.is_incomplete or missing), "missing": missing, "besides": besides}


def provenance(facts: ReportFacts) -> dict[str, Any]:
    """Where the figures come from."""
    return {
        "release_id": facts.release_id,
        "parent": facts.parent or "none: the first release",
        "as_of": words.day(facts.as_of, with_year=True),
        "published_at": f"{facts.published_at:%Y-%m-%d %H:%M} UTC",
        "lake": facts.lake,
        "suites_sha": facts.suites_sha[:16],
        "versions": sorted(facts.versions.items()),
    }
