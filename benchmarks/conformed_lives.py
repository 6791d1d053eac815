"""What becomes of units: tests passed, moved, reserved, given back, used, lost or never reported again."""

import polars as pl

from benchmarks.conformed_draws import (
    HOSPITALS,
    START,
    Draw,
    Frames,
    hours,
    instant,
    npi_of,
    numbered,
)
from benchmarks.conformed_moves import hospital_of, movements, requests, seen

FATES = {
    "transfused": 0.84,
    "outdated": 0.05,
    "wasted": 0.015,
    "lost": 0.003,
    "research": 0.002,
    "exported": 0.005,
    "unreported": 0.025,
    "kept": 0.06,
}
SILENT = HOSPITALS - 2  # the hospital of a region that never reports an end
PATIENTS = 40  # in the care of a hospital at a time
STAY_DAYS = 10


def lived(draw: Draw, components: pl.DataFrame) -> Frames:
    """Movements, events and ends of the units, and the orders and patients that they were for."""
    units = _plans(draw, components.filter(~pl.col("is_consumed")))
    moves = movements(draw, units)
    patients = _patients(draw, units)
    return {
        "distribution": moves,
        "unit_events": _events(draw, components, units, moves),
        "dispositions": _ends(draw, units),
        "blood_requests": requests(moves),
        "patients": patients,
        "test_results": _cultures(draw, components),
    }


def _plans(draw: Draw, components: pl.DataFrame) -> pl.DataFrame:
    """What is to happen to each unit, and when: release, issue, return, use."""
    size = components.height
    shelf = pl.col("shelf_days").cast(pl.Float64) * 24
    fate = pl.when("is_reactive").then(pl.lit("discarded")).otherwise(draw.pick(size, FATES))
    days = (pl.col("issued_at") - pl.lit(instant(START))).dt.total_days()
    units = components.with_columns(
        fate=fate,
        ward=draw.whole(size, HOSPITALS),
        next_ward=draw.whole(size, HOSPITALS),
        goes_by_hub=draw.chance(size, 0.5) & ~pl.col("is_imported"),
        comes_back=draw.chance(size, 0.05),
        is_reserved=draw.chance(size, 0.5),
        is_unreserved=draw.chance(size, 0.2),
        bed=draw.whole(size, PATIENTS),
        released_at=pl.col("prepared_at") + hours(draw.uniform(size, 24, 36)),
        issued_at=pl.col("prepared_at") + hours(shelf * pl.lit(draw.uniform(size, 0.35, 0.6))),
        used_at=pl.col("prepared_at") + hours(shelf * pl.lit(draw.uniform(size, 0.65, 0.85))),
    )
    return units.with_columns(
        npi=npi_of("region", "ward"),
        is_silent=pl.col("ward") == SILENT,
        hospital=hospital_of("ward"),
        patient=pl.format("{}-{}-{}-{}", pl.lit(draw.part), npi_of("region", "ward"), days // STAY_DAYS, "bed"),
    )


def _events(draw: Draw, components: pl.DataFrame, units: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """Quarantines, recalls, releases, reservations, and the receipts that movements do not tell themselves."""
    stays = units.filter(~pl.col("is_reactive"))
    come = moves.filter(pl.col("received_at").is_null() & (pl.col("bed") % 8 != 0)).select(
        unit_id="unit",
        facility_id=pl.coalesce("to_facility_id", hospital_of("ward")),
        kind=pl.lit("received"),
        happened_at=pl.col("shipped_at") + pl.duration(hours=5),
    )
    parts = [
        _event(components.filter("is_reactive"), "quarantined", "prepared_at", 30.0),
        *_checks(draw, stays),
        _event(stays, "released", "released_at", 0.0),
        # A slip of the year: what lies so long before the collection is no fact.
        _event(stays.filter(draw.chance(stays.height, 0.001)), "quarantined", "released_at", -24.0 * 365),
        *_reservations(stays.filter(pl.col("is_reserved") & pl.col("fate").is_in(["transfused", "outdated"]))),
        come,
    ]
    every = pl.concat(parts, how="diagonal").with_columns(
        unit_event_id=numbered(f"U{draw.part:04d}", 10), patient_key=_key_of("patient_key")
    )
    return seen(draw, _some_bare(draw, every), "happened_at")


def _event(units: pl.DataFrame, kind: str, after: str, delay: float) -> pl.DataFrame:
    """The same event of all of these units, where they were made, so many hours after another."""
    return units.select("unit_id", "facility_id", kind=pl.lit(kind), happened_at=pl.col(after) + hours(pl.lit(delay)))


def _checks(draw: Draw, units: pl.DataFrame) -> list[pl.DataFrame]:
    """Holds that are lifted an hour later or not at all, and recalls."""
    held = units.filter(draw.chance(units.height, 0.01))
    freed = held.filter(draw.chance(held.height, 0.9))
    recalled = units.filter(draw.chance(units.height, 0.002))
    return [
        _event(held, "quarantined", "released_at", 1.0),
        _event(freed, "quarantine_lifted", "released_at", 2.0),
        _event(recalled, "recalled", "used_at", -20.0),
    ]


def _reservations(units: pl.DataFrame) -> list[pl.DataFrame]:
    reserve = units.select(
        "unit_id",
        facility_id="hospital",
        kind=pl.lit("reserved"),
        happened_at=pl.col("used_at") - pl.duration(hours=8),
        patient_key="patient",
        method=pl.when(pl.col("bed") % 3 == 0).then(pl.lit("electronic")).otherwise(pl.lit("serologic")),
    )
    freed = units.filter("is_unreserved").select(
        "unit_id",
        facility_id="hospital",
        kind=pl.lit("unreserved"),
        happened_at=pl.col("used_at") - pl.duration(hours=3),
    )
    return [reserve, freed]


def _some_bare(draw: Draw, records: pl.DataFrame) -> pl.DataFrame:
    """Some records tell the day alone."""
    bare = records.with_columns(is_date_only=draw.chance(records.height, 0.03))
    return bare.with_columns(
        happened_at=pl.when("is_date_only").then(pl.col("happened_at").dt.truncate("1d")).otherwise("happened_at")
    )


def _key_of(patient: str) -> pl.Expr:
    """The pseudonym of a patient, whom the plans call by hospital, stay and bed."""
    digits = pl.col(patient).str.replace_all("-", "a")
    return digits.str.pad_start(64, "c")


def _ends(draw: Draw, units: pl.DataFrame) -> pl.DataFrame:
    """Dispositions. One in 200 of those transfused was first recorded as wasted, and corrected."""
    final = _final_ends(units).with_columns(disposition_id=numbered(f"D{draw.part:04d}", 10))
    is_corrected = (pl.col("kind") == "transfused") & draw.chance(final.height, 0.005)
    final = final.with_columns(is_corrected=is_corrected)
    wrong = final.filter("is_corrected").with_columns(
        disposition_id=pl.format("{}-0", "disposition_id"),
        kind=pl.lit("wasted"),
        patient_key=pl.lit(None, pl.String),
        admission_key=pl.lit(None, pl.String),
    )
    corrects = pl.when("is_corrected").then(pl.format("{}-0", "disposition_id"))
    every = pl.concat([final.with_columns(replaces_disposition_id=corrects), wrong], how="diagonal")
    return seen(draw, _some_bare(draw, every), "happened_at")


def _final_ends(units: pl.DataFrame) -> pl.DataFrame:
    """The end of each unit as it was; what a silent hospital does not report is left out."""
    in_stock, transfused = pl.col("fate").is_in(["discarded", "research"]), pl.col("fate") == "transfused"
    told = units.filter(~pl.col("fate").is_in(["unreported", "kept", "exported"]) & (in_stock | ~pl.col("is_silent")))
    at = (
        pl.when(pl.col("fate") == "outdated")
        .then(pl.col("good_until") + pl.duration(hours=9))
        .when(pl.col("fate") == "discarded")
        .then(pl.col("prepared_at") + pl.duration(hours=80))
        .otherwise("used_at")
    )
    return told.select(
        "unit_id",
        kind="fate",
        happened_at=at,
        facility_id=pl.when(in_stock).then("facility_id").otherwise("hospital"),
        patient_key=pl.when(transfused).then(_key_of("patient")),
        admission_key=pl.when(transfused).then(pl.format("A{}", "patient")),
    )


def _patients(draw: Draw, units: pl.DataFrame) -> pl.DataFrame:
    used = seen(draw, units.filter((pl.col("fate") == "transfused") & ~pl.col("is_silent")), "used_at")
    admitted = used.group_by("patient", maintain_order=True).agg(
        pl.first("npi", "abo_rhd"), admitted_on=pl.min("used_at").dt.date() - pl.duration(days=1)
    )
    return admitted.with_columns(
        admission_key=pl.format("A{}", "patient"),
        patient_key=_key_of("patient"),
        hospital="npi",
        sex=pl.lit("Female"),
        birth_year=pl.lit(1950),
        service=pl.lit("surgery"),
    )


def _cultures(draw: Draw, components: pl.DataFrame) -> pl.DataFrame:
    """A bacterial culture of each unit of platelets; one in 3,000 is reactive."""
    rows = components.filter((pl.col("component") == "platelets") & ~pl.col("is_consumed"))
    positive = draw.chance(rows.height, 1 / 3000)
    cultures = rows.select(
        "unit_id",
        test_id=numbered(f"B{draw.part:04d}", 10),
        marker=pl.lit("bacterial"),
        stage=pl.lit("screen"),
        method=pl.lit("culture"),
        result=pl.when(positive).then(pl.lit("reactive")).otherwise(pl.lit("non_reactive")),
        resulted_at=pl.col("prepared_at") + pl.duration(hours=36),
        is_final=pl.lit(True),
    )
    return seen(draw, cultures, "resulted_at")
