"""A feed's batches at the gate: the split, the profile, what is held, and why."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.config import HOME
from lakehouse.gates.gate import Judged, Verdict, judge_feed, vouch, weigh
from lakehouse.gates.judge import is_refused
from lakehouse.gates.profile import PROFILE, lacking_messages
from lakehouse.gates.quarantine import QUARANTINE, Decision, events, refusals
from lakehouse.gates.results import GATE_RESULTS, result_rows
from lakehouse.gates.suite import read_suite
from lakehouse.l1.feeds import FEEDS
from lakehouse.table import Feed
from tests.support.rows import frame
from tests.unit.gates.clean import CLEAN, PLACE

FEED = FEEDS["dispositions"]
SUITE = read_suite(Path(HOME) / "expectations" / "l1" / "dispositions.json")
AT = datetime(2024, 3, 6, 3, tzinfo=UTC)
GOOD = PLACE | CLEAN["dispositions"]
BAD = GOOD | {"kind": "eaten"}
ODD = GOOD | {"patient_id": None}
RENAMED = GOOD | {"unit_id": None, "_rescued": '{"Unit-Id": "u1"}'}
JUNK = PLACE | {"_raw": "not json"}


def judged(spark: SparkSession, *rows: dict[str, Any], feed: Feed = FEED) -> Judged:
    listed = [row | {"_line": line} for line, row in enumerate(rows, 1)]
    return judge_feed(frame(spark, feed.l1, listed), feed, SUITE)


def decided(found: Judged) -> Verdict:
    verdict = weigh(found)
    return vouch(verdict, found.accepted(verdict.held), SUITE)


def lines(rows: DataFrame) -> list[int]:
    return sorted(row["_line"] for row in rows.select("_line").collect())


def lenient(share: float) -> Feed:
    return Feed(FEED.name, FEED.grain, FEED.key, FEED.fields, FEED.happens_at, refused_share_max=share)


def test_the_split__loses_no_row_and_doubles_none(spark: SparkSession) -> None:
    found = judged(spark, GOOD, BAD, ODD, JUNK)
    assert lines(found.accepted()) == [1, 3]
    assert lines(found.frame.where(is_refused())) == [2, 4]


def test_a_batch_within_its_threshold__goes_on(spark: SparkSession) -> None:
    verdict = decided(judged(spark, *[GOOD] * 19, BAD))
    assert (verdict.held, verdict.exit_code, verdict.holds) == (frozenset(), 0, False)
    assert (verdict.rows, verdict.refused) == (20, 1)
    assert verdict.vouched is not None
    assert all(result.success for result in verdict.vouched.results)


def test_a_batch_above_its_threshold__is_held_with_code_4(spark: SparkSession) -> None:
    verdict = decided(judged(spark, *[GOOD] * 18, BAD, BAD))
    assert (verdict.held, verdict.exit_code) == ({7}, 4)
    assert verdict.vouched is None
    assert "dispositions.batch.refused_share" in verdict.messages[7][0]


def test_one_batch__is_held_and_the_other_goes_on(spark: SparkSession) -> None:
    later = {"_batch_seq": 8, "_file_id": 12}
    found = judged(spark, GOOD, BAD, GOOD | later, ODD | later)
    verdict = decided(found)
    assert verdict.held == {7}
    assert lines(found.accepted(verdict.held)) == [3, 4]
    warned = [result.rule for result in verdict.vouched.results if not result.success] if verdict.vouched else []
    assert warned == ["dispositions.patient_id.of_transfusion"]


def test_a_renamed_required_field__is_held_with_code_3_and_named(spark: SparkSession) -> None:
    verdict = decided(judged(spark, RENAMED, RENAMED))
    assert (verdict.held, verdict.exit_code) == ({7}, 3)
    wanted = "dispositions: no record of file 11 has unit_id (found Unit-Id, wanted unit_id: renamed?)"
    assert verdict.messages[7][0] == wanted


def test_a_required_field_absent_from_some_records__refuses_only_those(spark: SparkSession) -> None:
    verdict = decided(judged(spark, *[GOOD] * 20, RENAMED))
    assert (verdict.held, verdict.refused) == (frozenset(), 1)


def test_a_required_field_that_never_fits_its_type__is_not_called_absent(spark: SparkSession) -> None:
    misfit = GOOD | {"happened_at": None, "_rescued": '{"happened_at": "soon"}'}
    verdict = decided(judged(spark, misfit, misfit))
    assert verdict.exit_code == 4
    assert verdict.profile[0]["files_lacking_required"] == 0


def test_a_file_of_withdrawals_or_junk__lacks_nothing(spark: SparkSession) -> None:
    void = PLACE | {"disposition_id": "z1", "is_void": True}
    verdict = weigh(judged(spark, void, JUNK, feed=lenient(1.0)))
    assert verdict.profile[0]["files_lacking_required"] == 0
    assert verdict.held == frozenset()


def test_frozen_fields__hold_a_batch_with_an_unknown_one(spark: SparkSession) -> None:
    unknown = GOOD | {"_rescued": '{"shoe": 1}'}
    frozen = Feed(FEED.name, FEED.grain, FEED.key, FEED.fields, FEED.happens_at, unknown_fields="freeze")
    assert decided(judged(spark, GOOD, unknown)).held == frozenset()
    verdict = decided(judged(spark, GOOD, unknown, feed=frozen))
    assert (verdict.held, verdict.exit_code) == ({7}, 3)


def test_profile__adds_up_by_day_and_batch(spark: SparkSession) -> None:
    next_day = {"_delivered_on": "2024-03-06", "_file_id": 12}
    unknown = ODD | {"_rescued": '{"shoe": 1, "boot": 2}'}
    found = judged(spark, GOOD, BAD, unknown, JUNK, GOOD | next_day, GOOD | next_day | {"_file_id": 13})
    days = weigh(found).profile
    assert [tuple(day) for day in days] == [PROFILE.columns] * 2
    first, second = days
    assert {name: first[name] for name in ("files", "rows", "records", "refused", "warned", "unknown_field_rows")} == {
        "files": 1,
        "rows": 4,
        "records": 3,
        "refused": 2,
        "warned": 1,
        "unknown_field_rows": 1,
    }
    assert (first["_delivered_on"], first["refused_share"], first["batch_refused_share"]) == (
        date(2024, 3, 5),
        0.5,
        2 / 6,
    )
    assert first["unknown_fields"] == ["boot", "shoe"]
    assert first["records_without"] == {}
    assert first["violations"]["dispositions.kind.known_value"] == 1
    assert first["violations"]["dispositions.record.is_record"] == 1
    assert (second["files"], second["rows"], second["violations"]) == (2, 2, {})


def test_lacking_messages__say_found_and_wanted() -> None:
    file = {"_file_id": 5, "live": 2, "records_without": {"unit_id": 2, "kind": 2}, "unknown_fields": ["sort"]}
    other = {"_file_id": 6, "live": 2, "records_without": {"unit_id": 1}, "unknown_fields": []}
    same = file | {"_file_id": 4}
    assert lacking_messages([file, other, same], FEED) == (
        "dispositions: no record of file 4 and 1 more has unit_id (found sort, wanted unit_id), "
        "kind (found sort, wanted kind)",
    )


def test_vouch__holds_what_the_split_let_pass_by_mistake(spark: SparkSession) -> None:
    found = judged(spark, GOOD, BAD, feed=lenient(1.0))
    verdict = vouch(weigh(found), found.frame, SUITE)  # as if nothing had been refused
    assert (verdict.held, verdict.exit_code) == ({7}, 3)
    assert verdict.messages[7] == (
        "dispositions.kind.known_value: 1 of 2 rows (how a unit ended is what the record is for)",
    )


def test_refusals__name_place_and_reasons_and_no_payload(spark: SparkSession) -> None:
    rows = refusals(judged(spark, GOOD, BAD).frame, FEED, SUITE, AT)
    broken = [("dispositions.kind.known_value", "critical")]
    wanted = spark.createDataFrame(
        [("dispositions", 7, 11, 2, broken, SUITE.sha256, "refused", None, None, None, None, AT)], QUARANTINE.schema
    )
    assert_df_equality(rows, wanted, ignore_nullable=True)


def test_events__of_a_replay_say_who_and_why(spark: SparkSession) -> None:
    decision = Decision("quality", "zone fixed", "r000002", "run 2")
    rows = events(judged(spark, GOOD).frame, FEED, SUITE, event="replayed", at=AT, decision=decision)
    row = rows.select("event", "by", "why", "release_id", "run_id", F.size("violations").alias("broken")).first()
    assert row is not None
    assert tuple(row) == ("replayed", "quality", "zone fixed", "r000002", "run 2", 0)


def test_result_rows__fit_their_table(spark: SparkSession) -> None:
    found = weigh(judged(spark, GOOD)).batches[7]
    rows = result_rows(found, SUITE, tier="l1", run_id="r1", rows=1, at=AT, batch_seqs=[7])
    stored = spark.createDataFrame(rows, GATE_RESULTS.schema)
    assert stored.count() == len(SUITE.scoped("batch"))
    said = stored.select("run_id", "feed_or_table", "batch_seqs", "success", "unexpected_count").distinct().collect()
    assert [tuple(row) for row in said] == [("r1", "dispositions", [7], True, 0)]
