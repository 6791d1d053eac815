"""Precision and recall of each fault's end, and what the lake found that nobody planted."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.gate_score.outcomes import OUTCOMES, PLACED, Outcome, key_of, place_of
from benchmarks.harness import Measurement
from datagen.faults.labels import Label
from lakehouse.catalogue import TABLES
from lakehouse.storage.lake import Lake

_LOGS = ("quarantine", "files", "holds")
_UNPLANTED = {
    "refused records that nobody planted": PLACED.format(rows="quarantine"),
    "waiting records that nobody planted": "select concat(feed, '|', record_key) from l2_refused_events",
    "deviations of units without a planted fault": (
        "select distinct unit_id from l2_deviations where severity in ('critical', 'deviation') and not is_excused"
    ),
}


@dataclass(frozen=True)
class Score:
    """How a fault was found. `found` counts what the lake shows for it, planted or not."""

    fault: str
    shown_by: str
    ends: str
    planted: int
    found: int
    both: int

    @property
    def precision(self) -> float:
        """Of what was found, the share that was planted."""
        return self.both / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Of what was planted, the share that was found."""
        return self.both / self.planted if self.planted else 0.0


def scores(lake: Lake, labels: Sequence[Label], timezone: str) -> list[Score]:
    """Hold what the lake shows of each fault beside its labels.

    Args:
        lake: as the run left it.
        labels: the manifest.
        timezone: of the region: a day of delivery is a local one.
    """
    make_views(lake)
    return [_score(lake, fault, outcome, labels, timezone) for fault, outcome in OUTCOMES.items()]


def make_views(lake: Lake) -> None:
    """Views of the lake's tables as they are: l1_<feed>, l2_<table>, and the logs by their names."""
    for table in TABLES.values():
        name = table.name if table.name in _LOGS else f"{table.tier}_{table.name}"
        if lake.version(table) is not None:
            lake.read(table).createOrReplaceTempView(name)


def _score(lake: Lake, fault: str, outcome: Outcome, labels: Sequence[Label], timezone: str) -> Score:
    planted = {outcome.of_label(label) for label in labels if label.fault == fault and label.part == outcome.part}
    found = _answers(lake, outcome.question.replace("zone)", f"'{timezone}')"))
    if outcome.excused:
        found |= _answers(lake, outcome.excused) & planted
    return Score(fault, outcome.shown_by, outcome.ends, len(planted), len(found), len(found & planted))


def _answers(lake: Lake, question: str) -> set[str]:
    return {row[0] for row in lake.spark.sql(question).collect()}


def unexplained(lake: Lake, labels: Sequence[Label]) -> list[Measurement]:
    """What the lake refused, made wait or listed as a deviation without any label on it."""
    known = {told for label in labels for told in (place_of(label), key_of(label), label.unit_id)}
    counts = {name: len(_answers(lake, question) - known) for name, question in _UNPLANTED.items()}
    return [Measurement(name, count, "records", "<= 0", count == 0) for name, count in counts.items()]


def measured(found: Sequence[Score]) -> list[Measurement]:
    """The figures to keep: precision and recall of each fault, both to be 1."""
    figures = [(score, name) for score in found for name in ("precision", "recall")]
    return [
        Measurement(f"{score.fault}: {name}", value := getattr(score, name), "share", ">= 1", value >= 1.0)
        for score, name in figures
    ]
