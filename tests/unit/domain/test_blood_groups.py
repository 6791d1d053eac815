"""Compatibility against first principles: antigens on cells, antibodies in plasma."""

from itertools import product

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from lakehouse.domain import blood_groups as groups

ANTIGENS = {"O": set(), "A": {"A"}, "B": {"B"}, "AB": {"A", "B"}}
ANTIBODIES = {"O": {"A", "B"}, "A": {"B"}, "B": {"A"}, "AB": set()}
PAIRS = list(product(groups.GROUPS, repeat=2))


def red_cells_are_safe(unit: str, patient: str) -> bool:
    clash = ANTIGENS[groups.abo_of(unit)] & ANTIBODIES[groups.abo_of(patient)]
    sensitises = groups.is_positive(unit) and not groups.is_positive(patient)
    return not clash and not sensitises


def plasma_is_safe(unit: str, patient: str) -> bool:
    return not ANTIBODIES[groups.abo_of(unit)] & ANTIGENS[groups.abo_of(patient)]


def judged(spark: SparkSession, predicate: Column) -> dict[tuple[str, str], bool]:
    rows = spark.createDataFrame(PAIRS, "unit string, patient string").withColumn("answer", predicate)
    return {(row.unit, row.patient): row.answer for row in rows.collect()}


def test_red_cells_by_abo_alone_ignore_rhd(spark):
    answers = judged(spark, groups.is_red_cell_abo_compatible(F.col("unit"), F.col("patient")))
    assert answers == {(u, p): red_cells_are_safe(groups.abo_of(u) + "-", p) for u, p in PAIRS}


def test_plasma_goes_where_it_meets_no_antigen(spark):
    answers = judged(spark, groups.is_plasma_compatible(F.col("unit"), F.col("patient")))
    assert answers == {pair: plasma_is_safe(*pair) for pair in PAIRS}


def test_an_unknown_group_is_neither_compatible_nor_incompatible(spark):
    rows = spark.createDataFrame([(None, "A+"), ("A+", None)], "unit string, patient string")
    unit, patient = F.col("unit"), F.col("patient")
    answers = rows.select(
        groups.is_red_cell_abo_compatible(unit, patient).alias("cells"),
        groups.is_plasma_compatible(unit, patient).alias("plasma"),
    )
    assert [tuple(row) for row in answers.collect()] == [(None, None)] * 2


def test_platelets_of_group_ab_are_never_chosen_for_group_o():
    left_out = {(u, p) for u, p in PAIRS if u not in groups.platelet_groups(p)}
    assert left_out == {(u, p) for u, p in PAIRS if u.startswith("AB") and p.startswith("O")}


@pytest.mark.parametrize("patient", groups.GROUPS)
def test_the_own_group_is_always_the_first_choice(patient):
    chosen = (groups.red_cell_groups(patient), groups.plasma_groups(patient), groups.platelet_groups(patient))
    assert [order[0] for order in chosen] == [patient] * 3
    assert all(len(set(order)) == len(order) for order in chosen)


@pytest.mark.parametrize("patient", groups.GROUPS)
def test_the_ordered_red_cell_groups_are_the_compatible_ones(patient):
    assert set(groups.red_cell_groups(patient)) == {u for u in groups.GROUPS if red_cells_are_safe(u, patient)}


def test_groups_are_spelled_both_ways():
    assert groups.SPELLED["AB-"] == "AB negative"
    assert {groups.SHORT[spelled.lower()] for spelled in groups.SPELLED.values()} == set(groups.GROUPS)
