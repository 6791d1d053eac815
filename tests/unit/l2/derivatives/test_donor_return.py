"""The chance to return, and what became of it, counted by hand.

Small cells lean on larger groups as if these had two donors more (`return_prior_donors`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.l2.derivatives import donor_retention, donor_return_calibration
from lakehouse.l2.derivatives.donor_retention_history import donor_histories
from lakehouse.l2.derivatives.donor_return import history_start, standings
from tests.support.lives import inputs
from tests.support.params import DEFINITIONS

AS_OF = date(2024, 2, 29)
PARAMS = DEFINITIONS | {"lapse_months": 24, "lapsing_months": 12, "return_prior_donors": 2}
Days = Mapping[str, list[str]]

# Donors by what they did: a year before, `recent` had given in the last 3 months, `gone` more than 12 months ago.
GAVE: Days = {
    "recent, returned": ["2022-01-01", "2023-01-15", "2023-06-01"],
    "recent, returned too": ["2022-01-01", "2023-01-15", "2023-06-01"],
    "recent, stayed away": ["2022-01-01", "2023-01-15"],
    "gone": ["2022-01-05"],
    "gone too": ["2022-01-05"],
    "gone, returned": ["2022-01-05", "2024-01-15"],
    "new": ["2023-12-24"],
    "deferred for good": ["2022-01-05"],
    "joined with a past": ["2023-07-01"],
}
DONORS = (
    {"donor_key": "never gave"},
    {"donor_key": "joined with a past", "registered_at": "2023-06-01 12:00", "first_donation_on": "2015-05-05"},
)
VISITS = ({"visit_id": "v", "donor_key": "deferred for good", "visited_at": "2022-02-01 12:00", "is_permanent": True},)


def lives(spark: SparkSession, gave: Days, **feeds: Any) -> DataFrame:
    donations = [
        {"donation_key": f"{name} {number}", "donor_key": name, "donated_on": day}
        for name, days in gave.items()
        for number, day in enumerate(days)
    ]
    return inputs(spark, donor_retention.build, {"donations": donations, **feeds})["donor_lives"]


@pytest.fixture(scope="module")
def region(spark: SparkSession) -> DataFrame:
    return lives(spark, GAVE, donors=DONORS, donor_visits=VISITS).cache()


def chances(region: DataFrame, as_of: date) -> dict[str, tuple[str, float | None, int | None]]:
    built = donor_retention.build(region, as_of=as_of, params=PARAMS)
    rows = built.select("donor_key", "return_basis", "return_probability_12m", "alike_donors").collect()
    rounded = {row[0]: (row[1], None if row[2] is None else round(row[2], 6), row[3]) for row in rows}
    assert len(rounded) == len(rows)
    return rounded


def test_chance__is_the_share_of_those_who_stood_alike(region: DataFrame) -> None:
    """Of all 6 that could return 3 did: 0.5. Recent: 2 of 3, (2 + 2 x 0.5) / 5 = 0.6, then 0.64, then 0.656 in the
    cell; gone: 1 of 3, 0.4, then 0.36, then 0.344. Who joined later, or was deferred for good, was none of them."""
    assert chances(region, AS_OF) == {
        "recent, returned": ("shares", 0.5, 0),  # 9 months ago: nobody stood so; the share of all
        "recent, returned too": ("shares", 0.5, 0),
        "recent, stayed away": ("shares", 0.36, 0),  # gone by now, with two donations: the share of the gone
        "gone": ("shares", 0.344, 3),
        "gone too": ("shares", 0.344, 3),
        "gone, returned": ("shares", 0.656, 3),
        "new": ("shares", 0.64, 0),  # recent, but for the first time
        "joined with a past": ("shares", 0.5, 0),
        "deferred for good": ("stopped", None, None),
        "never gave": ("never_donated", None, None),
    }


@pytest.mark.parametrize(("as_of", "basis"), [(date(2023, 12, 31), "short_history"), (date(2024, 1, 1), "shares")])
def test_chance__waits_for_24_months_of_history(region: DataFrame, as_of: date, basis: str) -> None:
    found = chances(region, as_of)
    assert found["gone"][0] == basis
    assert (found["gone"][1] is None) == (basis == "short_history")
    assert found["never gave"] == ("never_donated", None, None)


def test_chance__before_the_data_there_are_registered_donors_alone(region: DataFrame) -> None:
    """A record that names no day of registration is known since ever."""
    assert chances(region, date(2020, 2, 29)) == {"never gave": ("never_donated", None, None)}


def test_standings__judge_by_what_was_known_on_their_day(spark: SparkSession) -> None:
    """As of 29 February; a month that has no 29th ends with its last day."""
    gave = {
        "3 months ago": ["2023-11-29"],
        "a day more": ["2023-11-28"],
        "6 months ago": ["2023-08-29"],
        "12 months ago": ["2023-02-28"],
        "a day longer than 12 months": ["2023-02-27"],
        "24 months ago": ["2022-02-28"],
        "a day longer than 24 months": ["2022-02-27"],
        "often": ["2023-05-01", "2023-07-01", "2023-09-01", "2023-11-01", "2024-01-01", "2024-03-01"],
        "on the record": ["2024-05-01"],
        "on the record, stayed away": [],
        "start": ["2020-01-01"],
    }
    record = {"first_donation_on": "2010-01-01", "total_donations": 9, "registered_at": "2010-01-01 12:00"}
    donors = [
        {"donor_key": "on the record", **record, "last_donation_on": "2024-05-01"},
        {"donor_key": "on the record, stayed away", **record, "total_donations": 8, "last_donation_on": "2023-06-01"},
    ]
    histories = donor_histories(lives(spark, gave, donors=donors), as_of=date(2025, 2, 28))
    start = history_start(histories)
    stood = standings(histories, start, origin=F.lit(AS_OF), until=F.lit(date(2025, 2, 28)))
    found = {row[0]: tuple(row)[1:5] for row in stood.drop("is_enough").collect()}
    assert found == {
        "3 months ago": (0, 1, 0, False),
        "a day more": (1, 1, 0, False),
        "6 months ago": (1, 1, 0, False),
        "12 months ago": (2, 1, 0, False),
        "a day longer than 12 months": (3, 0, 0, False),
        "24 months ago": (3, 0, 0, False),
        "a day longer than 24 months": (4, 0, 0, False),
        "often": (0, 3, 2, True),
        # Both stood alike: that the second one's record still tells of 2023 is known only because they stayed away.
        "on the record": (4, 0, 3, True),
        "on the record, stayed away": (4, 0, 3, False),
        "start": (4, 0, 0, False),
    }


CALIBRATED: Days = {
    "a": ["2021-01-01", "2022-01-15", "2023-01-15", "2023-06-01"],
    "b": ["2021-01-01", "2022-01-15"],
    "c": ["2021-01-01"],
}


def test_calibration__holds_chances_against_what_was_not_known_then(spark: SparkSession) -> None:
    """Learnt in the year to 28 February 2023: 1 of 3 returned. Recent: a did, b did not: (1 + 2/3) / 4 = 0.416667,
    then 0.458333, then 0.479167. Gone: c did not: (2/3) / 3 = 0.222222, then 0.148148, then 0.098765 in c's cell.
    Told on that day: a 0.479167, b (gone by then, twice a donor: nobody alike) 0.148148, c 0.098765."""
    known = lives(spark, CALIBRATED)
    built = donor_return_calibration.build(known, as_of=AS_OF, params=PARAMS)
    assert_schema_equality(built.schema, donor_return_calibration.TABLE.schema, ignore_nullable=True)
    rows = sorted(built.collect(), key=lambda row: row["decile"])
    assert [(row["decile"], row["donors"], row["returned"], row["observed_share"]) for row in rows] == [
        (2, 1, 0, 0.0),
        (5, 1, 0, 0.0),
        (9, 1, 1, 1.0),
    ]
    for name in ("predicted_mean", "predicted_low", "predicted_high"):
        assert [round(row[name], 6) for row in rows] == [0.098765, 0.148148, 0.479167]
    assert {(row["told_on"], row["as_of"]) for row in rows} == {(date(2023, 2, 28), AS_OF)}
    assert donor_return_calibration.build(known, as_of=date(2023, 12, 31), params=PARAMS).collect() == []
