"""Classes of deferrals, by code and by words."""

import pytest
from pyspark.sql import SparkSession

from lakehouse.domain.deferrals import CLASSES, CODES, UNCLASSIFIED, WORDS, deferral_class

CASES = [
    *[(code, None, name) for code, name in CODES.items()],
    (" hgb ", "by order", "low_hemoglobin"),  # the code counts
    ("X", "Haematocrit below 38 %", "low_hemoglobin"),
    (None, "anaemia", "low_hemoglobin"),
    (None, "pulse or blood pressure", "blood_pressure"),
    (None, "travel to a malaria area", "travel"),
    (None, "tattoo or piercing", "tattoo"),
    (None, "drug use", "drug_use"),
    (None, "high-risk behaviour", "high_risk"),
    (None, "other non-medical", "other_non_medical"),
    (None, "other medical", "other_medical"),
    ("X", "by order", UNCLASSIFIED),
    (None, None, UNCLASSIFIED),
]


def test_every_code_names_a_class() -> None:
    assert set(CODES.values()) == set(WORDS)
    assert set(CLASSES) == {*WORDS, UNCLASSIFIED}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> list[str]:
    rows = spark.createDataFrame(CASES, "code string, reason string, wanted string")
    return [row[0] for row in rows.select(deferral_class(rows["code"], rows["reason"])).collect()]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{code}, {reason}" for code, reason, _ in CASES])
def test_deferral_class(found: list[str], number: int) -> None:
    assert found[number] == CASES[number][2]
