"""Pseudonyms: right, one key's own, and silent about the key."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from lakehouse.errors import UsageError
from lakehouse.l2.pseudonym import hmac_sha256, key_id, pseudonymiser, read_key

KEY = b"k3y-that-must-never-be-shown"


@given(st.binary(min_size=1, max_size=200), st.text(max_size=40))
def test_the_pseudonym_is_hmac_sha256(key, person):
    assert hmac_sha256(key)(person) == hmac.new(key, person.encode(), hashlib.sha256).hexdigest()


def test_a_column_of_ids_becomes_pseudonyms_in_place(spark):
    ids = ["D1", None, "Ñandú", "D1", ""]
    rows = spark.createDataFrame([(i, person) for i, person in enumerate(ids)], "i int, id string")
    found = rows.withColumn("key", pseudonymiser(KEY)(F.col("id"))).orderBy("i").collect()
    wanted = [person if person is None else hmac.digest(KEY, person.encode(), "sha256").hex() for person in ids]
    assert [row.key for row in found] == wanted


def test_another_key_gives_other_pseudonyms(spark):
    row = spark.createDataFrame([("D1",)], "id string").select(
        pseudonymiser(KEY)("id").alias("one"), pseudonymiser(KEY + b"!")("id").alias("other")
    )
    assert len(set(row.first())) == 2


def test_the_key_is_in_no_plan(spark, capsys):
    rows = spark.createDataFrame([("D1",)], "id string").select(pseudonymiser(KEY)("id").alias("key"))
    rows.explain(mode="extended")
    rows.explain(mode="codegen")
    plan = capsys.readouterr().out + rows._jdf.queryExecution().toString()
    assert "pseudonym(id" in plan
    for shown in (KEY.decode(), KEY.hex(), str(list(KEY))):
        assert shown not in plan


def test_several_columns_take_one_trip_to_python(spark, capsys):
    pseudonym = pseudonymiser(KEY)
    rows = spark.createDataFrame([("D1", "P1")], "donor string, patient string")
    rows.select(pseudonym("donor").alias("a"), pseudonym("patient").alias("b"), pseudonym("donor").alias("c")).explain()
    plan = capsys.readouterr().out
    assert plan.count("ArrowEvalPython") == 1
    assert plan.count("pseudonym(donor") == 1


def test_the_key_id_names_the_key_without_telling_it():
    assert key_id(KEY) == hashlib.sha256(b"key-id" + KEY).hexdigest()[:12]
    assert key_id(KEY) != key_id(KEY + b"!")


@pytest.mark.parametrize(("value", "problem"), [(None, "is not set"), ("", "is not set"), ("short", "5 characters")])
def test_no_key_no_run(monkeypatch, value, problem):
    monkeypatch.delenv("LAKE_TEST_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("LAKE_TEST_KEY", value)
    with pytest.raises(UsageError, match=problem) as raised:
        read_key("LAKE_TEST_KEY")
    assert not value or value not in str(raised.value)


def test_a_key_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("LAKE_TEST_KEY", "sixteen letters!")
    assert read_key("LAKE_TEST_KEY") == b"sixteen letters!"
