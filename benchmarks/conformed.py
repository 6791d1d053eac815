"""Conformed tables of a made-up service at any size, written as Parquet straight from arrays: input of the full build.

The lives are plausible and plain; the generator's are not needed here, for what is measured is the build. A part is
some hundred thousand units with all that belongs to them, and is drawn from the seed and its number alone, so memory
does not grow with the size. Nothing is withdrawn, no bag names two donations, and every source delivers components.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from pyspark.sql import types as T

from benchmarks import conformed_donations, conformed_lives, conformed_units
from benchmarks.conformed_draws import (
    COLLECTION,
    HOSPITALS,
    REGIONS,
    START,
    ZONES,
    Draw,
    Frames,
    facility_of,
    instant,
    npi_of,
)
from lakehouse.l2.pipeline import CONFORMED_TABLES
from lakehouse.table import Table

PART_UNITS = 250_000
UNITS_A_DONATION = 1.92  # as drawn
DAYS = 730
EMPLOYEES = 400

_TYPES: dict[str, Callable[[], pl.DataType]] = {
    T.StringType().simpleString(): pl.String,
    T.IntegerType().simpleString(): pl.Int32,
    T.LongType().simpleString(): pl.Int64,
    T.DoubleType().simpleString(): pl.Float64,
    T.BooleanType().simpleString(): pl.Boolean,
    T.DateType().simpleString(): pl.Date,
    T.TimestampType().simpleString(): lambda: pl.Datetime("us", "UTC"),
    T.ArrayType(T.StringType()).simpleString(): lambda: pl.List(pl.String),
    "decimal(8,2)": lambda: pl.Decimal(8, 2),
}


def make(folder: Path, units: int, *, days: int = DAYS, seed: int = 1) -> date:
    """Write every conformed table below a folder, `<table>/<part>.parquet`.

    Args:
        folder: where to; its tables must not exist yet.
        units: about how many units, at least a few hundred.
        days: how many days from `START` donors give on.
        seed: another seed gives another service.

    Returns:
        the last of the days, to be asked about.
    """
    for table in CONFORMED_TABLES:
        (folder / table.name).mkdir(parents=True)
    sizes = [min(PART_UNITS, units - done) for done in range(0, units, PART_UNITS)]
    last_day = START + timedelta(days=days - 1)
    _write(folder, 0, _places(Draw(seed, 0, days)), last_day)
    for number, size in enumerate(sizes, 1):
        donations = max(round(size / UNITS_A_DONATION), 1)
        _write(folder, number, part(Draw(seed, number, days), donations), last_day)
    return last_day


def part(draw: Draw, donations: int) -> Frames:
    """The records of one part: donors, about so many donations, and all that became of them."""
    collected = conformed_donations.collected(draw, donations)
    made = conformed_units.made(draw, collected["donations"])
    used = conformed_lives.lived(draw, made["components"])
    tests = pl.concat([collected["test_results"], used["test_results"]], how="diagonal")
    labelled = made["components"].with_columns(abo_rhd=pl.when(~pl.col("is_groupless")).then("abo_rhd"))
    return {**collected, **made, **used, "test_results": tests, "components": labelled}


def _write(folder: Path, number: int, frames: Frames, last_day: date) -> None:
    tables = {table.name: table for table in CONFORMED_TABLES}
    for name, rows in frames.items():
        whole = _whole(tables[name], rows, number, last_day)
        whole.write_parquet(folder / name / f"{number:05d}.parquet", compression="snappy")


def _whole(table: Table, rows: pl.DataFrame, number: int, last_day: date) -> pl.DataFrame:
    """The rows with every column of the table: what is not told is null, and a row's version is its only one."""
    told = {
        "source_system": pl.lit("bench"),
        "is_void": pl.lit(False),
        "warnings": pl.lit([], pl.List(pl.String)),
        "_order_at": pl.lit(instant(last_day)),
        "_batch_seq": pl.lit(1),
        "_file_id": pl.lit(number),
        "_line": pl.int_range(1, pl.len() + 1),
    }
    columns = []
    for field in table.fields:
        column = pl.col(field.name) if field.name in rows.columns else told.get(field.name, pl.lit(None))
        columns.append(column.cast(_TYPES[field.type.simpleString()]()).alias(field.name))
    return rows.select(columns)


def _places(draw: Draw) -> Frames:
    """Facilities, hospitals and staff. The last hospital of a region is listed nowhere but by its NPI."""
    regions = pl.DataFrame({"region": range(len(REGIONS))})
    kinds = {**dict.fromkeys(COLLECTION, "collection"), "P": "processing", "H": "hub"}
    named = [regions.with_columns(code=pl.lit(code), kind=pl.lit(kind)) for code, kind in kinds.items()]
    wards = regions.join(pl.DataFrame({"number": range(HOSPITALS)}), how="cross")
    hospitals = wards.with_columns(npi=npi_of("region", "number"))
    listed = hospitals.filter(pl.col("number") < HOSPITALS - 1).with_columns(
        code=pl.format("W{}", "number"), kind=pl.lit("hospital")
    )
    sites = pl.concat([*named, listed], how="diagonal").with_columns(
        facility_id=facility_of("region", "code"), timezone=_by_region(ZONES), region=_by_region(REGIONS)
    )
    outside = pl.DataFrame({"facility_id": ["EXT"], "kind": ["external"], "timezone": ["UTC"]})
    facilities = pl.concat([sites, outside], how="diagonal").with_columns(
        name=pl.format("Facility {}", "facility_id"), latitude=40 + draw.uniform(sites.height + 1, -3, 3)
    )
    staff = pl.DataFrame({"number": range(EMPLOYEES)}).with_columns(
        employee_key=conformed_donations.employee_key(pl.col("number")),
        role=pl.lit("phlebotomist"),
        hired_on=pl.lit(START - timedelta(days=900)),
        region=(pl.col("number") % len(REGIONS)).replace_strict(dict(enumerate(REGIONS)), return_dtype=pl.String),
    )
    return {
        "facilities": facilities.with_columns(longitude=-90 + draw.uniform(facilities.height, -3, 3)),
        "hospitals": hospitals.with_columns(
            name=pl.format("Hospital {}", "npi"), region=_by_region(REGIONS), beds=pl.lit(300), level=pl.lit("II")
        ),
        "employees": staff,
    }


def _by_region(values: tuple[str, ...]) -> pl.Expr:
    return pl.col("region").replace_strict(dict(enumerate(values)), return_dtype=pl.String)
