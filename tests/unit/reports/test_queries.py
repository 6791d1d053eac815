"""What the report asks of stock, outdating and demand: a small table in, a small table out."""

from datetime import date

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.expiry_outlook import TABLE as OUTLOOK
from lakehouse.l2.derivatives.regional_demand import TABLE as DEMAND
from lakehouse.l2.derivatives.units import TABLE as UNITS
from lakehouse.reports import queries
from tests.support.rows import frame

AS_OF = date(2024, 2, 28)
PARAMS = {"status_red_days": 1.0, "status_amber_days": 2.0, "status_green_days": 3.0}


def shelf(facility_id, kind, demand, available, **more):
    """A shelf of O- red cells in the north."""
    base = {"region": "north", "component": "red_cells", "abo_rhd": "O-"}
    counts = {"on_hand": available, "expiring_1d": 0, "expiring_3d": 0, "expiring_7d": 0}
    days = available / demand if demand else None
    return base | counts | {
        "facility_id": facility_id, "facility_kind": kind, "mean_daily_demand": float(demand),
        "available": available, "days_of_stock": days, "no_demand": not demand,
    } | more  # fmt: skip


def stock_of(spark, rows, slice_, *columns):
    got = queries.stock(frame(spark, OUTLOOK, rows), PARAMS).where(F.col("slice") == slice_)
    return {tuple(row) for row in got.select(*columns).collect()}


def test_stock__takes_the_larger_of_used_and_issued_never_their_sum(spark):
    rows = [shelf("C", "hub", 4, 10), shelf("H1", "hospital", 2, 3), shelf("H2", "hospital", 3, 2)]
    columns = ("available", "mean_daily_demand", "days_of_stock", "status")
    assert stock_of(spark, rows, "region", *columns) == {(15, 5.0, 3.0, "green")}


def test_stock__adds_up_regions_and_groups_apart(spark):
    rows = [
        shelf("H1", "hospital", 2, 2),
        shelf("H2", "hospital", 1, 4, region="south"),
        shelf("H2", "hospital", 1, 2, region="south", abo_rhd="A+"),
    ]
    assert stock_of(spark, rows, "region", "region", "abo_rhd", "days_of_stock", "status") == {
        ("north", "O-", 1.0, "amber"),
        ("south", "O-", 4.0, "green"),
        ("south", "A+", 2.0, "yellow"),
    }
    assert stock_of(spark, rows, "group", "abo_rhd", "days_of_stock") == {("O-", 2.0), ("A+", 2.0)}
    assert stock_of(spark, rows, "component", "component", "available") == {("red_cells", 8)}


def test_stock__says_no_demand_where_there_is_none(spark):
    rows = [shelf("H1", "hospital", 0, 7)]
    assert stock_of(spark, rows, "region", "available", "days_of_stock", "status") == {(7, None, "no_demand")}


def test_stock__counts_a_facility_of_unknown_kind_as_no_hospital(spark):
    rows = [shelf("X", None, 3, 3), shelf("H", "hospital", 2, 3)]
    assert stock_of(spark, rows, "region", "mean_daily_demand") == {(3.0,)}


@pytest.mark.parametrize(
    ("available", "status"), [(9, "red"), (10, "amber"), (20, "yellow"), (29, "yellow"), (30, "green")]
)
def test_status__changes_exactly_at_the_thresholds(spark, available, status):
    rows = [shelf("H", "hospital", 10, available)]
    assert stock_of(spark, rows, "region", "status") == {(status,)}


def test_stock_by_facility__the_shortest_come_first_and_the_rest_is_counted(spark):
    rows = [
        shelf("fine", "hospital", 9, 90, status="green"),
        shelf("short", "hospital", 1, 0, status="red"),
        shelf("shorter", "hospital", 1, 0, status="red"),
        shelf("shorter", "hospital", 1, 1, status="amber", abo_rhd="A+"),
    ]
    got = queries.stock_by_facility(frame(spark, OUTLOOK, rows), 2)
    assert {(r.facility_id, r.place, r.facilities) for r in got.collect()} == {("shorter", 1, 3), ("short", 2, 3)}


def test_shortages__counts_cells_and_the_facilities_that_have_them(spark):
    rows = [
        shelf("a", "hospital", 1, 0, status="red"),
        shelf("a", "hospital", 1, 1, status="amber", abo_rhd="A+"),
        shelf("b", "hospital", 1, 9, status="green"),
    ]
    assert queries.shortages(frame(spark, OUTLOOK, rows)).collect()[0].asDict() == {"facilities": 1, "cells": 2}


@pytest.fixture
def zones(spark):
    return spark.createDataFrame([("NY", "America/New_York")], "facility_id string, timezone string")


def unit(state, expires_at, facility_id="NY"):
    return {"state": state, "expires_at": expires_at, "facility_id": facility_id, "component": "platelets"}


def test_outdating_by_day__counts_the_last_local_day_of_use(spark, zones):
    units = frame(spark, UNITS, [
        unit("available", "2024-02-29T23:59-05:00"),
        unit("reserved", "2024-03-01T00:00-05:00"),  # midnight ends the day before
        unit("available", "2024-03-01T00:01-05:00"),
        unit("available", "2024-03-01 23:59", "nowhere"),  # no zone known: UTC
    ])  # fmt: skip
    want = spark.createDataFrame(
        [(date(2024, 2, 29), "platelets", 2), (date(2024, 3, 1), "platelets", 2)],
        "expires_on date, component string, units long",
    )
    got = queries.outdating_by_day(units, zones, AS_OF, 14)
    assert_df_equality(got, want, ignore_row_order=True, ignore_nullable=True)


def test_outdating_by_day__leaves_out_what_nobody_can_use_and_what_lies_outside(spark, zones):
    units = frame(spark, UNITS, [
        unit("quarantined", "2024-02-29 20:00"),
        unit("transfused", "2024-02-29 20:00"),
        unit("available", "2024-02-28 20:00"),  # the as-of itself
        unit("available", "2024-03-14 20:00"),  # day 15
        unit("available", None),
    ])  # fmt: skip
    assert queries.outdating_by_day(units, zones, AS_OF, 14).count() == 0


def test_outdating_most__orders_by_units_within_7_days(spark):
    rows = [
        shelf("a", "hospital", 1, 9, expiring_3d=1, expiring_7d=2),
        shelf("b", "hospital", 1, 9, expiring_3d=0, expiring_7d=5),
        shelf("c", "hospital", 1, 9),
    ]
    got = queries.outdating_most(frame(spark, OUTLOOK, rows), 10)
    assert [(r.facility_id, r.expiring_7d) for r in got.collect()] == [("b", 5), ("a", 2)]


def demand_day(day, group, requested=0, **more):
    return {"demand_on": day, "region": "north", "component": "plasma", "abo_rhd": group, "requested": requested} | more


def test_demand_lines__adds_up_groups_on_every_seventh_day_back(spark):
    rows = [
        demand_day("2024-02-28", "A+", requested_ma28=2.0, transfused_ma28=1.0),
        demand_day("2024-02-28", "any", requested_ma28=0.5, transfused_ma28=0.0),
        demand_day("2024-02-27", "A+", requested_ma28=9.0),
        demand_day("2024-02-21", "A+"),
        demand_day("2024-02-29", "A+", requested_ma28=9.0),  # after the as-of
        demand_day("2024-02-14", "A+", requested_ma28=9.0),  # before the window
    ]
    got = queries.demand_lines(frame(spark, DEMAND, rows), AS_OF, 14, 7)
    assert {(r.demand_on.day, r.requested_ma28, r.transfused_ma28) for r in got.collect()} == {
        (28, 2.5, 1.0),
        (21, None, None),
    }


def test_demand_totals__adds_up_the_window_and_nothing_else(spark):
    rows = [
        demand_day("2024-02-28", "A+", 5, cancelled=1, filled_on_time=3, unmet=1, transfused=2),
        demand_day("2024-02-01", "O-", 7, cancelled=0, filled_on_time=7, unmet=0, transfused=6),
        demand_day("2024-01-31", "O-", 100, cancelled=9),  # day 29 back
    ]
    got = queries.demand_totals(frame(spark, DEMAND, rows), AS_OF, 28).collect()
    assert [(r.requested, r.cancelled, r.filled_on_time, r.unmet, r.transfused) for r in got] == [(12, 1, 10, 1, 8)]
