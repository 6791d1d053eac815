"""The formula for projected outdates against a day-by-day simulation of oldest-first use."""

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql.types import DateType, IntegerType, StringType, StructType

from lakehouse.l2.derivatives.expiry_outlook import projected_outdates
from tests.support.rows import frame

AS_OF = date(2024, 2, 25)
WINDOW_DAYS, OUTLOOK_DAYS = 28, 14
SHELF = StructType().add("facility_id", StringType()).add("component", StringType()).add("abo_rhd", StringType())
STOCK = StructType([*SHELF.fields]).add("expires_on", DateType())
DEMAND = StructType([*SHELF.fields]).add("demand_units", IntegerType())


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
    keys = [{"facility_id": f"F{number}", "component": "platelets", "abo_rhd": "O+"} for number in range(len(shelves))]
    stock = [
        {**key, "expires_on": AS_OF + timedelta(days=left)}
        for key, (lefts, _) in zip(keys, shelves, strict=True)
        for left in lefts
    ]
    demand = [{**key, "demand_units": units} for key, (_, units) in zip(keys, shelves, strict=True) if units]
    rows = projected_outdates(
        frame(spark, STOCK, stock), frame(spark, DEMAND, demand), AS_OF, WINDOW_DAYS, OUTLOOK_DAYS
    ).collect()
    found = {row["facility_id"]: row["projected_outdates"] for row in rows}
    return [found.get(key["facility_id"], 0) for key in keys]


def test_projected_outdates__counted_by_hand(spark):
    shelves = [
        ([1, 1, 1], 28),  # one a day: two are lost on day 1
        ([1, 2, 3], 28),  # each is used on its last day
        ([1, 1, 3, 3, 3], 28),  # one is lost on day 1, one on day 3
        ([5], 0),  # no demand
        ([15, 15], 0),  # beyond the outlook
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
