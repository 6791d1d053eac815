"""The page on data quality: how each feed and batch fared at the gates, what was refused, and what became of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import Row

from lakehouse.l1.ledger import batch_id
from lakehouse.reports import charts, trends, words
from lakehouse.reports.facts import Delivery, QualityFacts, ReportFacts
from lakehouse.reports.page import THREADS, fill
from lakehouse.reports.quality_sections import severity_order, verdict
from lakehouse.reports.sections import Read, View

BATCHES_SHOWN, WEEKS_SHOWN, RULES_SHOWN, WARNINGS_SHOWN = 12, 12, 40, 30
WORST, BAD, FAIR, GOOD, NOTHING = "red", "amber", "yellow", "green", "no_demand"
SIGNS = {WORST: "✖", BAD: "▲", FAIR: "◆", GOOD: "●", NOTHING: "○"}
STATES = {"held": WORST, "discarded": BAD, "new": NOTHING}


def render_quality(read: Read, facts: ReportFacts, quality: QualityFacts) -> str:
    """The page on data quality of a release, as one HTML page that needs nothing beside it.

    Args:
        read: as for the report.
        facts: what the report is told.
        quality: what this page is told besides.

    Returns:
        The page, in UTF-8 text.
    """
    quarantine = read("quarantine")
    asked: dict[str, Callable[[], list[Row]]] = {
        "by_batch": lambda: trends.refused_by_batch(quarantine).collect(),
        "by_rule": lambda: trends.refused_by_rule_and_batch(quarantine).collect(),
        "examples": lambda: trends.examples(quarantine).collect(),
        "warnings": lambda: trends.batch_warnings(read("gate_results")).limit(WARNINGS_SHOWN + 1).collect(),
        "replays": lambda: trends.hours_to_replay(quarantine).collect(),
        "deviations": lambda: trends.deviations_by_week(read("deviations"), facts.as_of, WEEKS_SHOWN).collect(),
    }
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        waiting = {name: pool.submit(ask) for name, ask in asked.items()}
        rows = {name: answer.result() for name, answer in waiting.items()}
    batches = sorted({delivery.batch for delivery in quality.deliveries})[-BATCHES_SHOWN:]
    return fill(
        "quality.html.j2",
        facts,
        verdict=verdict(facts),
        feeds=feeds(quality, rows["by_batch"]),
        batches=[batch_id(batch) for batch in batches],
        matrix=matrix(quality, rows["by_batch"], batches),
        rules=rules(quality, rows["by_rule"], rows["examples"], batches),
        warnings=[
            {"batch": batch_id(row.batch), "feed": row.feed, "rule": row.rule, "doc": quality.rules.get(row.rule, "")}
            for row in rows["warnings"][:WARNINGS_SHOWN]
        ],
        has_older_warnings=len(rows["warnings"]) > WARNINGS_SHOWN,
        rules_left_out=max(0, len({(row.feed, row.rule) for row in rows["by_rule"]}) - RULES_SHOWN),
        replays=[_replay(row) for row in sorted(rows["replays"], key=lambda row: row.event)],
        deviations=deviations(rows["deviations"]),
        weeks=WEEKS_SHOWN,
    )


def feeds(quality: QualityFacts, refused: Iterable[Row]) -> list[View]:
    """One row a feed that ever came: what was judged, what was refused and how it stands, what is held."""
    by_feed: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in quality.deliveries:
        by_feed[delivery.feed].append(delivery)
    counts = {name: _sums([row for row in refused if row.feed == name]) for name in by_feed}
    return [_feed(quality, name, by_feed[name], counts[name]) for name in sorted(by_feed)]


def _sums(rows: Sequence[Row]) -> dict[str, int]:
    return {how: sum(row[how] for row in rows) for how in ("refused", "waits", "replayed", "waived")}


def _feed(quality: QualityFacts, name: str, deliveries: Sequence[Delivery], counts: dict[str, int]) -> View:
    judged = sum(delivery.records for delivery in deliveries if delivery.state == "released")
    held = [batch_id(delivery.batch) for delivery in deliveries if delivery.state == "held"]
    days = [delivery.delivered_on for delivery in deliveries if delivery.delivered_on]
    status = WORST if held else _status(counts["waits"], judged, quality.limits.get(name, 0))
    return {
        "name": name,
        "status": {"name": status, "sign": SIGNS[status], "word": "held" if held else _word(status)},
        "judged": words.number(judged),
        "share": words.percent(counts["refused"], judged, 2),
        "limit": words.percent(quality.limits.get(name), 1),
        **{how: words.number(count) for how, count in counts.items()},
        "held": ", ".join(held),
        "last_on": words.day(max(days, default=None), with_year=True),
    }


def _status(refused: int, judged: int, limit: float) -> str:
    """Green where nothing is refused, yellow below half of the limit, amber above."""
    if not refused:
        return GOOD
    return FAIR if judged and refused / judged <= limit / 2 else BAD


def _word(status: str) -> str:
    return {GOOD: "clean", FAIR: "some refused", BAD: "many refused"}[status]


def matrix(quality: QualityFacts, refused: Iterable[Row], batches: Sequence[int]) -> list[View]:
    """One row a feed, one cell a batch: how much of it was refused; None where the feed did not come."""
    counts = {(row.feed, row.batch): row.refused for row in refused}
    there = {(delivery.feed, delivery.batch): delivery for delivery in quality.deliveries}
    return [
        {
            "feed": name,
            "cells": [
                _cell(there.get((name, batch)), counts.get((name, batch), 0), quality.limits.get(name, 0))
                for batch in batches
            ],
        }
        for name in sorted({delivery.feed for delivery in quality.deliveries})
    ]


def _cell(delivery: Delivery | None, refused: int, limit: float) -> View | None:
    if delivery is None:
        return None
    status = STATES.get(delivery.state) or _status(refused, delivery.records, limit)
    told = words.percent(refused, delivery.records) if refused else "0"
    # What is held was not put into quarantine: how much of it is refused is in gate_profile.
    is_released = delivery.state == "released"
    how = f"{words.number(refused)} refused" if is_released else delivery.state
    return {
        "status": status,
        "sign": SIGNS[status],
        "text": told if is_released else delivery.state,
        "records": words.number(delivery.records),
        "title": f"{words.plural(delivery.records, 'record')} in {words.plural(delivery.files, 'file')}, {how}",
    }


def rules(quality: QualityFacts, counted: Sequence[Row], places: Sequence[Row], batches: Sequence[int]) -> list[View]:
    """One row a critical rule that refused something, most first: its course over the batches, and where to look."""
    by_rule: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for row in counted:
        by_rule[row.feed, row.rule][row.batch] = row
    ordered = sorted(by_rule.items(), key=lambda item: (-sum(row.records for row in item[1].values()), item[0]))
    return [
        {
            "rule": rule,
            "doc": quality.rules.get(rule, ""),
            "records": words.number(sum(row.records for row in of_batch.values())),
            "waits": words.number(sum(row.waits for row in of_batch.values())),
            "trend": charts.spark(
                f"{rule}: records refused by batch",
                [(batch_id(batch), of_batch[batch].records if batch in of_batch else 0) for batch in batches],
            ),
            "places": [
                f"{quality.paths.get(place['_file_id'], place['_file_id'])}, line {place['_line']}"
                for place in places
                if (place.feed, place.rule) == (feed, rule)
            ],
        }
        for (feed, rule), of_batch in ordered[:RULES_SHOWN]
    ]


def _replay(row: Row) -> View:
    return {
        "event": words.words(row.event),
        "records": words.number(row.records),
        "median": _duration(row["median"]),
        "longest": _duration(row.longest),
    }


def _duration(hours: float) -> str:
    return f"{words.number(hours, 1)} h" if hours < 48 else words.plural(round(hours / 24), "day")


def deviations(counted: Sequence[Row]) -> list[View]:
    """One row a rule of the builds that was broken in the last weeks, the gravest first: its course over the weeks."""
    by_rule: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for row in counted:
        by_rule[row.severity, row.rule][row.weeks_ago] = row.records
    ordered = sorted(by_rule.items(), key=lambda item: severity_order(item[0][0], sum(item[1].values()), item[0][1]))
    return [
        {
            "rule": rule,
            "severity": severity,
            "records": words.number(sum(weeks.values())),
            "trend": charts.spark(
                f"{rule}: by week", [(_weeks_ago(ago), weeks.get(ago, 0)) for ago in reversed(range(WEEKS_SHOWN))]
            ),
        }
        for (severity, rule), weeks in ordered
    ]


def _weeks_ago(ago: int) -> str:
    return "the last week" if ago == 0 else f"{words.plural(ago, 'week')} before"
