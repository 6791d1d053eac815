"""How each planted fault ends in the lake: what is asked of the lake's tables, and what is compared with the manifest.

A question gives one text a row: the place of a record (path:line), its key (feed|key), a unit, a file's path or a
feed. FEEDS names the end: refusal, warning, deviation, waiting, hold, or simply the current version.
"""

from collections.abc import Callable
from dataclasses import dataclass

from datagen.faults.labels import Label
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.derivatives.units import LABEL_DISPUTED

PLACED = "select concat(f.path, ':', r._line) from {rows} r join files f on f.file_id = r._file_id"


@dataclass(frozen=True)
class Outcome:
    """The end of one fault: in words, what shows it (row, pair, batch), the question, and a label's own answer."""

    ends: str
    shown_by: str
    question: str
    of_label: Callable[[Label], str]
    part: str = "record"
    excused: str = ""
    """What is found where it was planted, and else is no fault: asked apart."""


def place_of(label: Label) -> str:
    """Where a labelled record stands: path:line."""
    return f"{label.path}:{label.line}"


def key_of(label: Label) -> str:
    """What a labelled record is: feed|key."""
    return "|".join([label.feed, *map(str, label.key.values())])


def _unit(label: Label) -> str:
    return str(label.unit_id)


def _feed(label: Label) -> str:
    return label.feed


def _file(label: Label) -> str:
    return label.path


def _each(question: str, *feeds: str) -> str:
    return " union all ".join(question.format(feed=feed, key=", ".join(FEEDS[feed].key)) for feed in feeds)


def _refused(*rules: str) -> str:
    named = ", ".join(f"'{rule}'" for rule in rules)
    rows = f"(select * from quarantine where exists(violations, v -> v.rule in ({named})))"
    return PLACED.format(rows=rows)


def _warned(rule: str, *feeds: str) -> str:
    rows = "(select * from l2_{feed} where array_contains(warnings, '{feed}." + rule + "'))"
    return _each(PLACED.replace("{rows}", rows), *feeds)


def _deviation(rule: str, *, is_excused: bool = False) -> str:
    return f"select unit_id from l2_deviations where rule = '{rule}' and is_excused = {is_excused}"


_REPEATED = (
    "select concat_ws('|', '{feed}', {key}) from l1_{feed} where _raw is null "
    "group by {key}, recorded_at having count(*) > 1"
)
_LATE = PLACED.replace(
    "{rows}",
    "(select * from l1_{feed} where datediff(_delivered_on, to_date(from_utc_timestamp(recorded_at, zone))) >= 2)",
)
_CORRECTED = PLACED.format(
    rows="(select * from l2_donor_visits where visit_id in (select visit_id from l1_donor_visits "
    "where not coalesce(is_void, false) group by visit_id having count(distinct recorded_at) > 1))"
)
_WITHDRAWN = PLACED.format(rows="(select * from l2_donor_visits where is_void)")
_WAITING = "select concat(feed, '|', record_key) from l2_refused_events where reason = 'waiting'"

OUTCOMES = {
    "duplicate": Outcome(
        "current once", "pair", _each(_REPEATED, "test_results", "unit_events", "blood_requests"), key_of, "again"
    ),
    "late": Outcome("taken in its place", "row", _each(_LATE, "test_results", "unit_events", "dispositions"), place_of),
    "corrected": Outcome("correction is current", "pair", _CORRECTED, place_of, "correction"),
    "voided": Outcome("withdrawn", "pair", _WITHDRAWN, place_of, "withdrawal"),
    "wrong_type": Outcome("warning", "row", _warned("record.fits_types", "components", "donation_events"), place_of),
    "impossible_date": Outcome(
        "refused", "row", _refused("donor_visits.visited_at.too_early", "donor_visits.visited_at.future"), place_of
    ),
    "swapped_abo": Outcome(
        "unit quarantined",
        "pair",
        f"select unit_id from l2_units where array_contains(warnings, '{LABEL_DISPUTED}')",
        _unit,
    ),
    "orphan_key": Outcome("waits", "pair", _WAITING, key_of),
    "shipped_before_tested": Outcome(
        "deviation",
        "pair",
        _deviation("units.issued_before_final_tests"),
        _unit,
        # Emergencies are issued before the tests, and listed as excused.
        excused=_deviation("units.issued_before_final_tests", is_excused=True),
    ),
    "transfused_after_dating": Outcome("deviation", "pair", _deviation("units.transfused_after_expiry"), _unit),
    "unknown_field": Outcome("warning", "row", _warned("record.known_fields", "donation_events"), place_of),
    "encoding_damage": Outcome("refused", "row", _refused("donor_visits.record.is_record"), place_of),
    "grams_per_litre": Outcome("refused", "row", _refused("donor_visits.hemoglobin_g_dl.possible"), place_of),
    "renamed_field": Outcome("feed held", "batch", "select feed from holds where event = 'held'", _feed, "file"),
    "truncated_file": Outcome(
        "failed, tried again", "batch", "select path from files where event in ('failed', 'parked')", _file, "file"
    ),
    "stuck_feed": Outcome("duplicate file", "batch", "select path from files where event = 'duplicate'", _file, "file"),
}
