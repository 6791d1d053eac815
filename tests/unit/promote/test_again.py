"""Replay, waiver and another judgement: what goes on, in which place, and for whom it counts."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.suite import Suite
from lakehouse.promote import Readmission, Rejudgement
from tests.support.gates import BATCH, GOOD, SUITE, Doorway, without

KIND = "dispositions.kind.known_value"
BAD = GOOD | {"kind": "eaten"}
JUNK = {"_raw": "junk", "disposition_id": None, "_ingested_at": "2024-03-06 02:00"}
ALL = "true"
NEXT = BATCH + 1


@pytest.fixture
def door(spark: SparkSession, tmp_path: Path) -> Doorway:
    """Two batches, in each a good record and one of an unknown kind; in the first a line that is no record, too."""
    door = Doorway(spark, tmp_path / "lake")
    door.land(GOOD, BAD, JUNK)
    door.land(GOOD, BAD, batch=NEXT)
    door.run(BATCH, NEXT)
    assert door.standing() == {(BATCH, 2): "waits", (BATCH, 3): "waits", (NEXT, 2): "waits"}
    return door


def test_replay__under_the_same_rules_changes_nothing(door: Doorway) -> None:
    before = door.events()
    (admission,) = door.again(Readmission("replay", ALL), BATCH, NEXT)
    assert (admission.accepted, admission.refused, admission.is_written) == (0, 3, False)
    assert door.events() == before, "what is replayed in vain is not quarantined once more"


def test_replay__takes_what_passes_the_rules_of_today(door: Doorway) -> None:
    door.suite = without(SUITE, KIND)
    (admission,) = door.again(Readmission("replay", ALL, "quality", "the kind is known now"), BATCH, NEXT)
    assert (admission.accepted, admission.refused) == (2, 1)
    assert sorted(door.conformed()) == [(BATCH, 1), (BATCH, 2), (NEXT, 1), (NEXT, 2)]
    assert door.standing() == {(BATCH, 2): "replayed", (BATCH, 3): "waits", (NEXT, 2): "replayed"}


def test_replay__names_the_release_that_took_the_record(door: Doorway) -> None:
    door.suite = without(SUITE, KIND)
    door.again(Readmission("replay", f"_batch_seq = {BATCH}", "quality", "known now"), BATCH, NEXT)
    taken = door.lake().read(QUARANTINE).where("event = 'replayed'")
    row = taken.select("_batch_seq", "_file_id", "_line", "by", "why", "release_id", "run_id").collect()
    assert [tuple(event) for event in row] == [(BATCH, BATCH * 100, 2, "quality", "known now", "r000002", "run 2")]


def test_replay__never_puts_an_older_version_over_a_newer(door: Doorway) -> None:
    corrected = GOOD | {"disposition_id": f"z{BATCH}-2"}
    door.land(corrected, batch=NEXT + 1)
    door.run(NEXT + 1)
    door.suite = without(SUITE, KIND)
    door.again(Readmission("replay", ALL), BATCH, NEXT, NEXT + 1)
    assert sorted(door.conformed()) == [(BATCH, 1), (NEXT, 1), (NEXT, 2), (NEXT + 1, 1)]
    assert door.standing()[BATCH, 2] == "replayed"


def test_replay__leaves_batches_alone_that_no_release_holds(door: Doorway) -> None:
    door.suite = without(SUITE, KIND)
    (admission,) = door.again(Readmission("replay", ALL), NEXT)
    assert admission.accepted == 1
    assert door.standing() == {(BATCH, 2): "waits", (BATCH, 3): "waits", (NEXT, 2): "replayed"}


def test_replay__of_a_run_that_never_published_does_not_count(door: Doorway) -> None:
    door.suite = without(SUITE, KIND)
    published = list(door.published)
    door.again(Readmission("replay", ALL), BATCH, NEXT)
    door.published = published
    assert set(door.standing().values()) == {"waits"}
    door.published = [*published, "another run"]
    door.again(Readmission("replay", ALL), BATCH, NEXT)
    assert door.standing() == {(BATCH, 2): "replayed", (BATCH, 3): "waits", (NEXT, 2): "replayed"}


def test_waiver__takes_records_as_they_are_with_a_warning(door: Doorway) -> None:
    (admission,) = door.again(Readmission("waive", f"_batch_seq = {BATCH}", "quality", "eaten it was"), BATCH, NEXT)
    assert (admission.accepted, admission.refused) == (1, 1), "a line without a key has no place"
    assert door.conformed() == {(BATCH, 1): [], (BATCH, 2): [KIND], (NEXT, 1): []}
    assert door.standing() == {(BATCH, 2): "waived", (BATCH, 3): "waits", (NEXT, 2): "waits"}


def test_rejudgement__refuses_what_a_new_rule_refuses_and_takes_what_an_old_one_did(door: Doorway) -> None:
    no_patient = "dispositions.patient_id.of_transfusion"
    door.land(GOOD | {"patient_id": None, "disposition_id": "p"}, batch=NEXT + 1)
    door.run(NEXT + 1)
    door.suite = stricter(no_patient)
    (admission,) = door.again(Rejudgement("quality", "trace"), BATCH, NEXT, NEXT + 1)
    assert (admission.accepted, admission.refused, admission.is_written) == (2, 1, True)
    assert sorted(door.conformed()) == [(BATCH, 1), (BATCH, 2), (NEXT, 1), (NEXT, 2)]
    wanted = {(BATCH, 2): "replayed", (BATCH, 3): "waits", (NEXT, 2): "replayed", (NEXT + 1, 1): "waits"}
    assert door.standing() == wanted


def test_rejudgement__brings_back_the_version_before_one_that_is_refused_now(door: Doorway) -> None:
    key = {"disposition_id": f"z{BATCH}-1"}
    door.land(GOOD | key | {"patient_id": None}, batch=NEXT + 1)
    door.run(NEXT + 1)
    assert (BATCH, 1) not in door.conformed()
    door.suite = stricter("dispositions.patient_id.of_transfusion")
    door.again(Rejudgement(), BATCH, NEXT, NEXT + 1)
    assert (BATCH, 1) in door.conformed() and (NEXT + 1, 1) not in door.conformed()


def test_rejudgement__lets_waivers_stand(door: Doorway) -> None:
    door.again(Readmission("waive", f"_batch_seq = {BATCH}", "quality", "eaten it was"), BATCH, NEXT)
    (admission,) = door.again(Rejudgement(), BATCH, NEXT)
    assert (admission.accepted, admission.refused) == (0, 0)
    assert door.conformed() == {(BATCH, 1): [], (BATCH, 2): [KIND], (NEXT, 1): []}
    assert door.standing()[BATCH, 2] == "waived"


def stricter(rule_id: str) -> Suite:
    """The suite in which the kind of a disposition is free, and a warning is critical."""
    suite = without(SUITE, KIND)
    rules = tuple(replace(rule, severity="critical") if rule.id == rule_id else rule for rule in suite.rules)
    return replace(suite, rules=rules, sha256="stricter")
