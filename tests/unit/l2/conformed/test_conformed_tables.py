"""What holds for every conformed table."""

import pytest
from pyspark.sql.types import DateType, StringType

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.order import kept
from lakehouse.l2.pseudonym import pseudonymiser

KEY = b"a key that is only for these tests"
BORN = "1961-03-07"


def test_every_feed_has_a_conformed_table_of_its_name():
    assert set(CONFORMED) == set(FEEDS)
    assert all(name == entry.table.name and entry.table.tier == "l2" for name, entry in CONFORMED.items())


@pytest.mark.parametrize("feed", CONFORMED)
def test_a_build_ends_in_the_declared_columns(l1, feed):
    table = CONFORMED[feed].table
    built = CONFORMED[feed].build(l1(feed), pseudonym=pseudonymiser(KEY))
    assert [(field.name, field.dataType) for field in built.schema] == [(f.name, f.type) for f in table.fields]


@pytest.mark.parametrize("feed", CONFORMED)
def test_a_table_declares_its_key_and_no_identity(feed):
    table = CONFORMED[feed].table
    assert set(table.key) <= {field.name for field in table.fields if field.required}
    assert not [field.name for field in table.fields if field.pii]
    assert all(field.doc for field in table.fields) and table.law


@pytest.mark.parametrize("feed", CONFORMED)
def test_no_raw_identity_survives(l1, feed):
    personal = [field for field in FEEDS[feed].l1.fields if field.pii]
    raw = {field.name: f"RAW-{field.name}" for field in personal if field.type == StringType()}
    born = {field.name: BORN for field in personal if field.type == DateType()}
    raw["_rescued"] = '{"<nickname>": "RAW-nickname"}'
    if "postal_code" in raw:
        raw["postal_code"] = "98765-RAW"
    rows = l1(feed, {**raw, **born})
    text = "\n".join(CONFORMED[feed].build(rows, pseudonym=pseudonymiser(KEY)).toJSON().collect())
    assert "RAW" not in text
    assert "98765" not in text
    assert BORN not in text


@pytest.mark.parametrize(
    ("feed", "names"),
    [
        ("donors", ["donor_key"]),
        ("patients", ["admission_key", "patient_key"]),
        ("event_employees", ["employee_key"]),
        ("dispositions", ["patient_key", "admission_key"]),
    ],
)
def test_persons_are_there_under_their_pseudonyms(l1, feed, names):
    sources = {"admission_key": "admission_id", "patient_key": "patient_id"}
    ids = {sources.get(name, name.replace("_key", "_id")): f"raw {name}" for name in names}
    built = CONFORMED[feed].build(l1(feed, ids), pseudonym=pseudonymiser(KEY)).first()
    hashed = [built[name] for name in names]
    assert all(len(value) == 64 and int(value, 16) >= 0 for value in hashed)
    assert len(set(hashed)) == len(names)


def test_a_field_that_identifies_a_person_cannot_be_kept():
    with pytest.raises(ValueError, match=r"donors: \['name'\] identify a person"):
        kept(FEEDS["donors"], "sex", "name")
