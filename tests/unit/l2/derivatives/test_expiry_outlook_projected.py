"""The formula for projected outdates against a day-by-day simulation of oldest-first use."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DateType, DoubleType, IntegerType, StringType, StructType

from lakehouse.l2.derivatives.expiry_outlook import missed_by_then
from tests.support.rows import frame

AS_OF = date(2024, 2, 25)
WINDOW_DAYS, OUTLOOK_DAYS = 28, 14
DAYS = StructType().add("facility_id", StringType()).add("component", StringType()).add("abo_rhd", StringType())
DAYS = DAYS.add("expires_on", DateType()).add("in_stock", IntegerType()).add("demand_units", IntegerType())
DAYS = DAYS.add("expected", ArrayType(DoubleType()))


def simulate(days_left: list[int], demand_units: int) -> int:
    """Take the whole units that demand has summed up to by each day, oldest first; count what is left too long."""
    stock, taken, lost = sorted(days_left), 0, 0
    for day in range(1, OUTLOOK_DAYS + 1):
        wanted = demand_units * day // WINDOW_DAYS - taken
        taken += wanted
        stock = stock[wanted:]
        lost += sum(1 for left in stock if left == day)
        stock = [left for left in stock if left > day]
    return lost


def project(spark, shelves):
    """Projected outdates of each shelf (days left of its units, units of demand in the window)."""
    rows = [
        {
            "facility_id": f"F{number}",
            "component": "platelets",
            "abo_rhd": "O+",
            "expires_on": None if left is None else AS_OF + timedelta(days=left),
            "in_stock": units,
            "demand_units": demand or None,
        }
        for number, (lefts, demand) in enumerate(shelves)
        for left, units in Counter(lefts).items()
    ]
    missed = frame(spark, DAYS, rows).select("*", missed_by_then(AS_OF, WINDOW_DAYS, OUTLOOK_DAYS).alias("missed"))
    found = dict(missed.groupBy("facility_id").agg(F.max("missed")).collect())
    return [found.get(f"F{number}") or 0 for number in range(len(shelves))]


def test_projected_outdates__counted_by_hand(spark):
    shelves = [
        ([1, 1, 1], 28),  # one a day: two are lost on day 1
        ([1, 2, 3], 28),  # each is used on its last day
        ([1, 1, 3, 3, 3], 28),  # one is lost on day 1, one on day 3
        ([5], 0),  # no demand
        ([0, None, 15, 15], 0),  # gone, without dating, or beyond the outlook
        ([7, 14], 2),  # one a fortnight: the first is lost, for none is asked for by day 7
        ([], 28),
    ]
    assert project(spark, shelves) == [2, 0, 2, 1, 0, 1, 0]


shelf = st.tuples(st.lists(st.integers(1, 20), max_size=25), st.integers(0, 90))


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(shelves=st.lists(shelf, min_size=30, max_size=60))
def test_projected_outdates__equals_a_simulation_of_oldest_first_use(spark, shelves):
    assert project(spark, shelves) == [simulate(lefts, units) for lefts, units in shelves]
