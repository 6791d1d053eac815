"""The dimensions but the donors': who is a member, and what stands for the unknown."""

from datetime import date, timedelta

import pytest
from pyspark.sql import functions as F

from lakehouse.gates.drift import holidays
from lakehouse.l2.derivatives.dimensional.keys import UNKNOWN_SK, surrogate
from tests.unit.l2.derivatives.dimensional.conftest import AS_OF, MODEL, built

LABELS = {
    "dim_region": ("region",),
    "dim_postal_area": ("postal_area", "state"),
    "dim_site": ("facility_id", "site_name", "site_kind"),
    "dim_event": ("event_id", "starts_on"),
    "dim_facility": ("facility_id", "npi", "kind", "name", "timezone"),
    "dim_product": ("component", "product_code"),
    "dim_employee": ("employee_key", "role"),
}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("dim_region", [("North",), ("South",)]),
        ("dim_postal_area", [("100", "NY"), ("200", "NJ")]),
        ("dim_site", [("C", "Hall", "mobile")]),
        ("dim_event", [("E1", date(2024, 3, 10)), ("E2", date(2024, 3, 31)), ("E3", date(2024, 4, 1))]),
        (
            "dim_facility",
            [
                ("222", "222", "hospital", "Saint B", "UTC"),
                ("C", "unknown", "collection", "C", "America/New_York"),
                ("H", "111", "hospital", "Hospital 111", "America/New_York"),
            ],
        ),
        ("dim_product", [("platelets", "PL1"), ("red_cells", "R1"), ("whole_blood", "unknown")]),
        ("dim_employee", [("idle", "unknown"), ("nurse 1", "nurse")]),
    ],
)
def test_members(model, name, known):
    key = MODEL[[step.table.name for step in MODEL].index(name)].table.key[0]
    found = [tuple(row[label] for label in LABELS[name]) for row in model[name] if row[key] != UNKNOWN_SK]
    assert sorted(found) == known
    (unknown,) = [row for row in model[name] if row[key] == UNKNOWN_SK]
    assert {value for column, value in unknown.items() if column.endswith("_sk")} == {UNKNOWN_SK}
    assert {unknown[label] for label in LABELS[name]} <= {"unknown", None}


def test_snowflakes__have_arms(model):
    regions = {row["region_sk"]: row["region"] for row in model["dim_region"]}
    areas = {row["postal_area"]: regions[row["region_sk"]] for row in model["dim_postal_area"]}
    assert areas == {"100": "North", "200": "South", "unknown": "unknown"}
    places = {row["facility_id"]: regions[row["region_sk"]] for row in model["dim_facility"]}
    assert places == {"C": "North", "H": "South", "222": "unknown", "unknown": "unknown"}
    sites = {row["site_sk"]: (row["site_name"], regions[row["region_sk"]]) for row in model["dim_site"]}
    sessions = {row["event_id"]: sites[row["site_sk"]] for row in model["dim_event"]}
    hall, none = ("Hall", "North"), ("unknown", "unknown")
    assert sessions == {"E1": hall, "E2": none, "E3": hall, "unknown": none}


def test_product__tells_what_its_units_have_in_common(model):
    (product,) = [row for row in model["dim_product"] if row["product_code"] == "R1"]
    told = {name: product[name] for name in ("storage", "additive", "plasma_kind", "is_leukoreduced", "is_irradiated")}
    assert told == {
        "storage": "refrigerated",
        "additive": "varies",
        "plasma_kind": "unknown",
        "is_leukoreduced": True,
        "is_irradiated": None,
    }


def test_calendar__is_that_of_python(frames):
    rows = [row.asDict() for row in frames["dim_date"].where("year = 2024").orderBy("day").collect()]
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(366)]
    assert [row["day"] for row in rows] == days
    for row, day in zip(rows, days, strict=True):
        assert row == {
            "date_sk": int(f"{day:%Y%m%d}"),
            "day": day,
            "year": 2024,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "month_name": f"{day:%B}",
            "day_of_month": day.day,
            "iso_year": day.isocalendar().year,
            "iso_week": day.isocalendar().week,
            "weekday": day.isoweekday(),
            "weekday_name": f"{day:%A}",
            "is_weekend": day.isoweekday() > 5,
            "is_month_end": (day + timedelta(days=1)).day == 1,
            "is_us_holiday": day in holidays(2024),
        }


def test_calendar__reaches_from_the_first_year_that_can_be_meant(frames):
    ends = frames["dim_date"].agg(F.min("day"), F.max("day"), F.count("*"), F.min("date_sk")).first()
    first, last = date(1900, 1, 1), date(AS_OF.year, 12, 31)
    assert tuple(ends) == (first, last, (last - first).days + 2, UNKNOWN_SK)


def test_surrogate__tells_parts_and_kinds_apart(spark):
    rows = [("a", None), (None, "a"), ("a", "unknown"), (None, None), ("unknown", None), ("ab", "c"), ("a", "bc")]
    keys = spark.createDataFrame(rows, "x string, y string").select(
        surrogate("one", F.col("x"), F.col("y")), surrogate("other", F.col("x"), F.col("y"))
    )
    one, other = zip(*keys.collect(), strict=True)
    assert one[3] == one[4] == UNKNOWN_SK, "a source that says 'unknown' says that it does not know"
    assert one[0] == one[2]
    assert len({*one, *other}) == 9


def test_empty_lake__has_the_unknown_members_and_the_calendar_of_the_year(spark):
    frames = built(spark, {})
    counts = {step.table.name: frames[step.table.name].count() for step in MODEL}
    facts = {name: count for name, count in counts.items() if name.startswith("fact_")}
    assert facts == {"fact_donation": 0, "fact_distribution": 0, "fact_staffing": 0}
    assert counts.pop("dim_date") == 367
    assert {counts[name] for name in counts.keys() - facts.keys()} == {1}
