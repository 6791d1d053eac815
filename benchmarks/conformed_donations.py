"""Donors, sessions, visits, donations and their tests. A donor gives several times, 56 days or more apart."""

import polars as pl

from benchmarks.conformed_draws import (
    COLLECTION,
    GROUPS,
    REGIONS,
    START,
    Draw,
    Frames,
    days_since_start,
    facility_of,
    hours,
    instant,
    numbered,
    offset,
    one_of,
)

GIFTS = 6  # at most, of a donor
GIFTS_MEAN = 2.82  # as drawn
PROCEDURES = {"whole_blood": 0.82, "double_red_cells": 0.06, "apheresis_platelets": 0.08, "plasma": 0.04}
MARKERS = ("hiv", "hbv", "hcv", "syphilis")
STAFF = 3  # of a session


def collected(draw: Draw, donations: int) -> Frames:
    """Donors, their versions, donations, sessions with staff, visits and tests.

    `donations` keeps columns that later steps need: group, region, day, is_reactive, is_mistyped.
    """
    donors = _donors(draw, max(round(donations / GIFTS_MEAN), 1))
    gifts = _donations(draw, donors)
    sessions = _sessions(gifts)
    return {
        "donors": donors.with_columns(region=_region_name()),
        "donor_versions": _versions(draw, donors).with_columns(region=_region_name()),
        "donation_events": sessions,
        "event_employees": _staff(sessions),
        "donor_visits": _visits(draw, gifts),
        "donations": gifts,
        "test_results": _tests(draw, gifts),
    }


def employee_key(number: pl.Expr) -> pl.Expr:
    """The pseudonym of an employee."""
    return pl.format("e{}", number.cast(pl.String).str.zfill(63))


def _region_name() -> pl.Expr:
    return pl.col("region").replace_strict(dict(enumerate(REGIONS)), return_dtype=pl.String)


def _donors(draw: Draw, size: int) -> pl.DataFrame:
    registered = pl.lit(instant(START)) - hours(draw.uniform(size, 24, 24 * 2000))
    return pl.DataFrame({"donor_key": draw.pseudonyms(size)}).with_columns(
        sex=draw.pick(size, {"Female": 0.5, "Male": 0.5}),
        ethnicity=pl.lit("White"),
        birth_year=1945 + draw.whole(size, 60),
        abo_rhd=draw.pick(size, GROUPS),
        state=pl.lit("NY"),
        postal_area=pl.lit(100 + draw.whole(size, 400)).cast(pl.String),
        region=draw.whole(size, len(REGIONS)),
        registered_at=registered,
        is_contactable=draw.chance(size, 0.95),
        is_deferred=pl.lit(False),
        _order_at=registered,
    )


def _versions(draw: Draw, donors: pl.DataFrame) -> pl.DataFrame:
    """One version of each donor, and one more of those who moved."""
    first = donors.with_columns(_batch_seq=pl.lit(1))
    moved = donors.filter(draw.chance(donors.height, 0.2))
    later = pl.lit(instant(START)) + hours(draw.uniform(moved.height, 0, 24 * draw.days))
    area = pl.lit(100 + draw.whole(moved.height, 400)).cast(pl.String)
    return pl.concat([first, moved.with_columns(postal_area=area, _order_at=later, _batch_seq=pl.lit(2))])


def _donations(draw: Draw, donors: pl.DataFrame) -> pl.DataFrame:
    size = donors.height
    gifts = donors.select("donor_key", "region", group="abo_rhd").with_columns(
        count=1 + (draw.exponential(size, 2.6).cast(pl.Int64)).clip(0, GIFTS - 1),
        first=draw.whole(size, draw.days),
        code=one_of(COLLECTION, draw.whole(size, len(COLLECTION))),
    )
    each = gifts.with_columns(number=pl.int_ranges("count")).explode("number")
    each = each.with_columns(gap=56 + draw.exponential(each.height, 70).cast(pl.Int64))
    gap = pl.when(pl.col("number") > 0).then("gap").otherwise(0)
    # Who gives past the end gives before the beginning: so every day is as full as another.
    each = each.with_columns(day=(pl.col("first") + gap.cum_sum().over("donor_key")) % draw.days)
    each = each.unique(["donor_key", "day"], keep="first", maintain_order=True).drop("number", "count", "first", "gap")
    return _measured(draw, each)


def _measured(draw: Draw, gifts: pl.DataFrame) -> pl.DataFrame:
    size = gifts.height
    noted = gifts.with_columns(
        din=numbered(f"W{draw.part:04d}", 9),
        bag_id=numbered(f"O-{draw.part:04d}", 9),
        facility_id=facility_of("region", "code"),
        donated_on=days_since_start("day"),
        procedure=draw.pick(size, PROCEDURES),
        outcome=draw.pick(size, {"complete": 0.955, "short": 0.02, "failed": 0.025}),
        is_reactive=draw.chance(size, 0.008),
        is_mistyped=draw.chance(size, 0.0005),
        is_undated=draw.chance(size, 0.003),
    )
    midnight = pl.lit(instant(START)) + pl.duration(days="day") + hours(offset().cast(pl.Float64))
    return noted.with_columns(
        donation_key="din",
        visit_id=pl.format("V{}", "din"),
        event_id=pl.format("E{}-{}-{}", pl.lit(draw.part), "facility_id", "day"),
        is_assumed_date=pl.lit(False),
        donation_type=pl.lit("allogeneic"),
        volume_ml=470 + draw.uniform(size, -20, 20).round(1),
        red_cell_units=(pl.col("procedure") == "double_red_cells").cast(pl.Int32) + 1,
        platelet_doses=pl.when(pl.col("procedure") == "apheresis_platelets").then(pl.lit("1.50")),
        reject_reason=pl.when("is_reactive").then(pl.lit("reactive")),
        bag_lot=pl.format("BL{}", pl.col("day") // 30),
        starts_at=midnight + hours(pl.lit(8.0)),
        # A few are dated by their session alone.
        donated_on=pl.when(~pl.col("is_undated")).then("donated_on"),
        collected_at=pl.when(~pl.col("is_undated")).then(midnight + hours(draw.uniform(size, 8.5, 18))),
    )


def _sessions(gifts: pl.DataFrame) -> pl.DataFrame:
    sessions = gifts.group_by("event_id", maintain_order=True).agg(
        pl.first("starts_at", "facility_id", "code"), total_units=pl.len()
    )
    return sessions.with_columns(
        ends_at=pl.col("starts_at") + pl.duration(hours=11),
        site_name=pl.format("Site {}", "facility_id"),
        site_kind=pl.when(pl.col("code") == "C0").then(pl.lit("fixed")).otherwise(pl.lit("mobile")),
        planned_units="total_units",
        appointments=pl.col("total_units") + 2,
    )


def _staff(sessions: pl.DataFrame) -> pl.DataFrame:
    turns = (
        sessions.select("event_id")
        .with_row_index("turn")
        .with_columns(
            number=pl.int_ranges(pl.col("turn").cast(pl.Int64) * STAFF, (pl.col("turn").cast(pl.Int64) + 1) * STAFF)
        )
    )
    return turns.explode("number").select(
        "event_id", employee_key(pl.col("number") % 400).alias("employee_key"), hours=pl.lit(8.0)
    )


def _visits(draw: Draw, gifts: pl.DataFrame) -> pl.DataFrame:
    """The visit of every donation, and of every tenth one more, in its session's last hour, that was deferred."""
    came = gifts.select(
        "visit_id",
        "donor_key",
        "event_id",
        "procedure",
        visited_at=pl.col("starts_at") + pl.duration(minutes=5),
        outcome=pl.when(pl.col("outcome") == "failed").then(pl.lit("failed")).otherwise(pl.lit("donated")),
    )
    deferred = came.filter(draw.chance(came.height, 0.1)).with_columns(
        visit_id=pl.format("{}-2", "visit_id"),
        visited_at=pl.col("visited_at") + pl.duration(hours=10),
        outcome=pl.lit("deferred"),
        deferral_code=pl.lit("hemoglobin_low"),
        deferral_reason=pl.lit("low hemoglobin"),
        deferred_until=pl.col("visited_at").dt.date() + pl.duration(days=30),
    )
    return pl.concat([came, deferred], how="diagonal")


def _tests(draw: Draw, gifts: pl.DataFrame) -> pl.DataFrame:
    """A group and four markers of each donation; a reactive screen is repeated, and half of the repeats agree."""
    begun = pl.coalesce("collected_at", "starts_at")
    tested = gifts.filter(pl.col("outcome") != "failed").with_columns(
        resulted_at=begun + hours(draw.uniform(gifts.filter(pl.col("outcome") != "failed").height, 16, 40))
    )
    wrong = pl.when(pl.col("group") == "O+").then(pl.lit("A+")).otherwise(pl.lit("O+"))
    typed = tested.select(
        "din",
        "resulted_at",
        marker=pl.lit("abo_rhd"),
        method=pl.lit("typing"),
        abo_rhd=pl.when("is_mistyped").then(wrong).otherwise("group"),
        result=pl.lit("group"),
        is_final=pl.lit(True),
    )
    found = [typed]
    for number, marker in enumerate(MARKERS):
        screened = tested.with_columns(is_hit=pl.col("is_reactive") & (pl.col("day") % len(MARKERS) == number))
        found.append(_screens(screened, marker))
        hits = screened.filter("is_hit")
        repeat = pl.when(draw.chance(hits.height, 0.5)).then(pl.lit("reactive")).otherwise(pl.lit("non_reactive"))
        again = _screens(hits, marker).with_columns(
            stage=pl.lit("repeat"),
            result=repeat,
            is_final=pl.lit(True),
            resulted_at=pl.col("resulted_at") + hours(pl.lit(20.0)),
        )
        found.append(again)
    return pl.concat(found, how="diagonal").with_columns(
        test_id=numbered(f"T{draw.part:04d}", 10), kit_lot=pl.lit("K1")
    )


def _screens(tested: pl.DataFrame, marker: str) -> pl.DataFrame:
    return tested.select(
        "din",
        "resulted_at",
        marker=pl.lit(marker),
        stage=pl.lit("screen"),
        method=pl.lit("nat_pool" if marker != "syphilis" else "serology"),
        result=pl.when("is_hit").then(pl.lit("reactive")).otherwise(pl.lit("non_reactive")),
        is_final=~pl.col("is_hit"),
    )
