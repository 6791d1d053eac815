"""The order of versions, and the choice of the current one."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from lakehouse.l2.conformed import CONFORMED, newest
from tests.support.rows import frame

TABLE = CONFORMED["facilities"].table
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Many versions of few keys at few moments, so that they meet, in few frames, for a frame costs most of the time.
# The place in the lake (file and line) is never shared.
VERSIONS = st.lists(
    st.tuples(
        st.sampled_from([f"F{number}" for number in range(16)]),
        st.sampled_from(["2024-03-01", "2024-03-02"]),
        st.integers(1, 2),
        st.integers(-6, 6),
        st.integers(1, 8),
        st.booleans(),
    ),
    max_size=80,
    unique_by=lambda version: version[3:5],
)
ORDER_OF = ("_order_at", "_batch_seq", "_file_id", "_line")
NAMES = ("facility_id", *ORDER_OF, "is_void")


def rows_of(spark, versions):
    return frame(spark, TABLE, [dict(zip(NAMES, version, strict=True)) for version in versions])


def chosen(rows):
    return sorted(tuple(row) for row in newest(rows, TABLE).select(*NAMES).collect())


@FEW
@given(versions=VERSIONS, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(spark, versions, shuffled):
    again = list(versions)
    shuffled.shuffle(again)
    best = {key: max(v for v in versions if v[0] == key) for key in {version[0] for version in versions}}
    found = chosen(rows_of(spark, again))
    assert [(row[0], *row[2:]) for row in found] == [(key, *best[key][2:]) for key in sorted(best)]


@FEW
@given(versions=VERSIONS, cut=st.integers(0, 80))
def test_merging_in_parts_or_twice_is_merging_once(spark, versions, cut):
    everything = rows_of(spark, versions)
    first = newest(rows_of(spark, versions[:cut]), TABLE)
    once = chosen(first.unionByName(rows_of(spark, versions[cut:])))
    twice = chosen(newest(everything, TABLE).unionByName(everything))
    assert once == twice == chosen(everything)


def test_event_times_never_order_versions(conformed):
    sent = {"donor_id": "D1"}
    rows = conformed(
        "donors",
        {**sent, "registered_at": "2024-02-28 10:00", "recorded_at": "2024-02-28 12:00", "state": "WI"},
        {**sent, "registered_at": "2024-02-27 10:00", "recorded_at": "2024-02-29 12:00", "state": "IL"},
    )
    assert [row.state for row in newest(rows, CONFORMED["donors"].table).collect()] == ["IL"]


def test_without_recorded_at_the_end_of_the_day_of_delivery_counts(conformed):
    rows = conformed(
        "donors",
        {"recorded_at": "2024-02-01 08:00"},
        {},
        {"_delivered_on": None},
    )
    assert [row[0] for row in rows.select(F.col("_order_at").cast("string")).collect()] == [
        "2024-02-01 08:00:00",
        "2024-03-01 23:59:59.999999",
        "2024-03-02 06:00:00",
    ]


def test_ties_go_to_the_later_batch_then_file_then_line(conformed):
    places = [(1, 9, 9), (2, -3, 8), (2, 4, 1), (2, 4, 2)]
    versions = [
        {"facility_id": "F1", "_batch_seq": batch, "_file_id": file, "_line": line, "name": f"{batch}/{file}/{line}"}
        for batch, file, line in places
    ]
    for older, newer in pairwise(versions):
        kept = newest(conformed("facilities", newer, older), TABLE).collect()
        assert [row.name for row in kept] == [newer["name"]]


def test_a_withdrawn_record_stays_as_a_tombstone(conformed):
    rows = conformed("facilities", {"facility_id": "F1"}, {"facility_id": "F1", "is_void": True}, {"facility_id": "F2"})
    kept = newest(rows, TABLE)
    assert sorted((row.facility_id, row.is_void) for row in kept.collect()) == [("F1", True), ("F2", False)]
    assert kept.columns == list(TABLE.columns)


def test_only_warnings_stay_with_the_row(conformed):
    broken = [
        ("facilities.npi.valid", "warning"),
        ("facilities.name.known", "info"),
        ("facilities.kind.in_set", "warning"),
    ]
    rows = conformed("facilities", {"_violations": broken}, {"_violations": []}, {})
    found = [row.warnings for row in rows.collect()]
    assert found == [["facilities.npi.valid", "facilities.kind.in_set"], [], []]
