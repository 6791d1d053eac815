"""Movements of units between facilities, and the orders that they fill."""

import polars as pl

from benchmarks.conformed_draws import (
    HOSPITALS,
    START,
    Draw,
    facility_of,
    hours,
    instant,
    npi_of,
    numbered,
)

LATER_DAYS = 3  # what is recorded longer after the last day is not here yet


def seen(draw: Draw, rows: pl.DataFrame, at: str) -> pl.DataFrame:
    """The rows that are recorded by the time that the data ends."""
    return rows.filter(pl.col(at) < pl.lit(instant(START)) + pl.duration(days=draw.days + LATER_DAYS))


def hospital_of(ward: str) -> pl.Expr:
    """Id of a hospital, by its number in its region: the last one has none but its NPI."""
    listed = facility_of("region", pl.format("W{}", ward))
    return pl.when(pl.col(ward) < HOSPITALS - 1).then(listed).otherwise(npi_of("region", ward))


def movements(draw: Draw, units: pl.DataFrame) -> pl.DataFrame:
    """Transfers to the hub, issues, returns and the issues after them, imports and exports."""
    issued = units.filter(~pl.col("fate").is_in(["discarded", "kept", "exported", "research"]))
    stock = pl.when("goes_by_hub").then(facility_of("region", pl.lit("H"))).otherwise("facility_id")
    issue = issued.select(
        *_of_unit(),
        from_facility_id=stock,
        # Half of the issues name their goal by its NPI alone.
        to_facility_id=pl.when(pl.col("bed") % 2 == 0).then("hospital"),
        npi="npi",
        kind=pl.lit("issue"),
        shipped_at="issued_at",
    )
    back = issued.filter("comes_back").with_columns(back_at=pl.col("issued_at") + pl.duration(hours=30))
    given_back = back.select(
        *_of_unit(), from_facility_id="hospital", to_facility_id=stock, kind=pl.lit("return"), shipped_at="back_at"
    )
    again = back.filter(pl.col("fate") == "transfused").select(
        *_of_unit(),
        from_facility_id=stock,
        to_facility_id=hospital_of("ward"),
        npi="npi",
        kind=pl.lit("issue"),
        shipped_at=pl.col("back_at") + pl.duration(hours=20),
    )
    legs = [_transfers(units), issue, given_back, again, *_borders(units)]
    moves = pl.concat(legs, how="diagonal")
    size = moves.height
    timed = moves.with_columns(
        received_at=pl.when(draw.chance(size, 0.5)).then(pl.col("shipped_at") + hours(draw.uniform(size, 0.5, 9))),
        distributed_at="shipped_at",
        is_date_only=pl.lit(False),
        distribution_id=numbered(f"M{draw.part:04d}", 10),
        request_id=pl.when(pl.col("kind") == "issue").then(_request_id(draw)),
        # A movement of the only unit of a bag may name the bag alone.
        bag_id=pl.when("is_alone").then("donation_bag_id"),
    )
    named = timed.with_columns(unit_id=pl.when(~pl.col("is_alone")).then("unit_id"), unit="unit_id")
    return seen(draw, named, "shipped_at")


def _of_unit() -> tuple[str, ...]:
    return ("unit_id", "region", "ward", "component", "abo_rhd", "is_alone", "donation_bag_id", "patient", "bed")


def _request_id(draw: Draw) -> pl.Expr:
    day = pl.col("shipped_at").dt.date().cast(pl.String)
    return pl.format("Q{}-{}-{}-{}-{}-{}", pl.lit(draw.part), "region", "ward", day, "component", "abo_rhd")


def _transfers(units: pl.DataFrame) -> pl.DataFrame:
    moved = units.filter(pl.col("goes_by_hub") & (pl.col("fate") != "discarded"))
    return moved.select(
        *_of_unit(),
        from_facility_id="facility_id",
        to_facility_id=facility_of("region", pl.lit("H")),
        kind=pl.lit("transfer"),
        shipped_at=pl.col("released_at") + pl.duration(hours=2),
    )


def _borders(units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    came = units.filter("is_imported").select(
        *_of_unit(),
        from_facility_id=pl.lit("EXT"),
        to_facility_id="facility_id",
        kind=pl.lit("import"),
        shipped_at=pl.col("prepared_at") + pl.duration(hours=12),
    )
    left = units.filter(pl.col("fate") == "exported").select(
        *_of_unit(),
        from_facility_id="facility_id",
        to_facility_id=pl.lit("EXT"),
        kind=pl.lit("export"),
        shipped_at="issued_at",
    )
    return came, left


def requests(moves: pl.DataFrame) -> pl.DataFrame:
    """A stock order of a hospital a day, component and group; one in ten asks for a unit more than it gets."""
    asked = (
        moves.filter(pl.col("request_id").is_not_null())
        .group_by("request_id", maintain_order=True)
        .agg(
            pl.first("component", "abo_rhd"),
            npi=pl.first("npi"),
            units=pl.len(),
            first_at=pl.min("shipped_at"),
        )
    )
    short = (pl.int_range(pl.len()) % 10 == 0).cast(pl.Int64)
    return asked.with_columns(
        requested_at=pl.col("first_at") - pl.duration(hours=6),
        needed_at=pl.col("first_at") + pl.duration(hours=12),
        is_date_only=pl.lit(False),
        units_requested=pl.col("units") + short,
        group_ordered="abo_rhd",
        status=pl.lit("filled"),
        order_kind=pl.lit("stock"),
        urgency=pl.lit("routine"),
    )
