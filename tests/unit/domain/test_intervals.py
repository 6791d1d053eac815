"""Intervals between donations, as data and as a Column."""

import pytest
from pyspark.sql import functions as F

from lakehouse.domain.intervals import INTERVAL_DAYS, MINIMUM_AGE_YEARS, PROCEDURES, YEARLY_MAXIMUM, interval_days


def test_every_pair_of_procedures_has_an_interval():
    assert set(INTERVAL_DAYS) == set(PROCEDURES)
    assert all(set(after) == set(PROCEDURES) for after in INTERVAL_DAYS.values())
    assert set(YEARLY_MAXIMUM) == set(MINIMUM_AGE_YEARS) == set(PROCEDURES)


@pytest.mark.parametrize("procedure", ["whole_blood", "double_red_cells", "plasma"])
def test_the_yearly_maximum_is_what_the_interval_allows(procedure):
    fits = 1 + 364 // INTERVAL_DAYS[procedure][procedure]
    assert fits - 1 <= YEARLY_MAXIMUM[procedure] <= fits


def test_the_column_reads_the_same_table(spark):
    pairs = [(given, then) for given in PROCEDURES for then in PROCEDURES]
    rows = spark.createDataFrame(pairs, "given string, following string")
    answers = rows.withColumn("days", interval_days(F.col("given"), F.col("following"))).collect()
    assert [row.days for row in answers] == [INTERVAL_DAYS[given][then] for given, then in pairs]


def test_three_doses_of_platelets_ask_for_two_weeks(spark):
    cases = [
        ("apheresis_platelets", "apheresis_platelets", 2.0, 7),
        ("apheresis_platelets", "apheresis_platelets", 3.0, 14),
        ("apheresis_platelets", "whole_blood", 3.0, 14),
        ("apheresis_platelets", "whole_blood", None, 7),
        ("whole_blood", "apheresis_platelets", 3.0, 56),
        (None, "double_red_cells", None, 56),
        ("leeches", "whole_blood", None, None),
    ]
    rows = spark.createDataFrame(cases, "given string, following string, doses double, wanted int")
    days = interval_days(F.col("given"), F.col("following"), F.col("doses"))
    assert [row.days for row in rows.select(days.alias("days")).collect()] == [case[3] for case in cases]
