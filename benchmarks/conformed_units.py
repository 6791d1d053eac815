"""What donations are made into: units, pools of platelets, irradiated red cells, and imports."""

import polars as pl

from benchmarks.conformed_draws import (
    GROUPS,
    REGIONS,
    START,
    Draw,
    Frames,
    facility_of,
    hours,
    instant,
    numbered,
    offset,
)

# procedure, place in the donation, component, product, share of donations that give it, adult doses, usable days
RECIPES = (
    ("whole_blood", 0, "red_cells", "RC-AS1", 1.0, None, 42),
    ("whole_blood", 1, "plasma", "PL-FFP", 0.65, "1.00", 365),
    ("whole_blood", 2, "platelets", "PT-WB", 0.3, "0.20", 5),
    ("double_red_cells", 0, "red_cells", "RC-AS3", 1.0, None, 42),
    ("double_red_cells", 1, "red_cells", "RC-AS3", 1.0, None, 42),
    ("apheresis_platelets", 0, "platelets", "PT-AP", 1.0, "1.00", 5),
    ("apheresis_platelets", 1, "platelets", "PT-AP", 0.5, "0.50", 5),
    ("plasma", 0, "plasma", "PL-AP", 1.0, "2.00", 365),
)
POOL = 4  # parents of a pool
KINDS = {
    "red_cells": {"anticoagulant": "cpd", "additive": "as1", "storage": "refrigerated", "plasma_kind": None},
    "platelets": {"anticoagulant": "acd", "additive": "none", "storage": "room", "plasma_kind": None},
    "plasma": {"anticoagulant": "cpd", "additive": "none", "storage": "frozen", "plasma_kind": "ffp"},
}


def made(draw: Draw, donations: pl.DataFrame) -> Frames:
    """Components, and the parents of those that were made of others.

    `components` keeps columns that later steps need: region, shelf_days, is_reactive, is_consumed (another unit was
    made of it), is_alone (the only unit of its bag), donation_bag_id, is_groupless (its label tells no group).
    """
    drawn = _of_donations(draw, donations)
    pools, pooled = _pools(drawn)
    modified, parents = _irradiated(draw, drawn)
    links = pl.concat([pooled, parents])
    units = pl.concat([drawn, pools, modified, _imports(draw, drawn)], how="diagonal").with_columns(
        is_imported=pl.col("is_imported").fill_null(False),
        is_reactive=pl.col("is_reactive").fill_null(False),
        is_alone=pl.col("is_alone").fill_null(False),
        is_leukoreduced=pl.lit(True),
        is_irradiated=pl.col("irradiated_at").is_not_null(),
        is_consumed=pl.col("unit_id").is_in(links["parent_unit_id"].implode()),
        **{name: _by_component(name) for name in ("anticoagulant", "additive", "storage", "plasma_kind")},
    )
    return {"components": _labelled(draw, units), "unit_parents": links}


def _by_component(name: str) -> pl.Expr:
    values = {component: kinds[name] for component, kinds in KINDS.items()}
    return pl.col("component").replace_strict(values, return_dtype=pl.String)


def _of_donations(draw: Draw, donations: pl.DataFrame) -> pl.DataFrame:
    names = ("procedure", "place", "component", "product_code", "share", "doses", "shelf_days")
    recipes = pl.DataFrame(RECIPES, schema=names, orient="row")
    given = donations.filter(pl.col("outcome") != "failed").with_columns(
        collected=pl.coalesce("collected_at", "starts_at"), collected_at=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    joined = given.join(recipes, on="procedure", how="inner", maintain_order="left")
    kept = joined.filter(draw.uniform(joined.height, 0, 1) < pl.col("share"))
    return kept.select(
        pl.format("{}-{}", "din", "place").alias("unit_id"),
        "din",
        "region",
        "day",
        "collected_at",
        "collected",
        "component",
        "product_code",
        "doses",
        "shelf_days",
        "is_reactive",
        abo_rhd="group",
        donation_bag_id="bag_id",
        is_alone=pl.len().over("din") == 1,
        facility_id=facility_of("region", pl.lit("P")),
        prepared_at=pl.col("collected") + hours(draw.uniform(kept.height, 4, 20)),
    )


def _pools(units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Whole-blood platelets of a region, group and day, four by four; three are pooled too, fewer are not."""
    rows = units.filter((pl.col("product_code") == "PT-WB") & ~pl.col("is_reactive"))
    shelf = ("region", "abo_rhd", "day")
    placed = rows.with_columns(pool=pl.int_range(pl.len()).over(shelf) // POOL)
    whole = placed.filter(pl.len().over(*shelf, "pool") >= POOL - 1).with_columns(
        new_id=pl.format("POOL-{}", pl.first("unit_id").over(*shelf, "pool"))
    )
    pools = whole.group_by("new_id", maintain_order=True).agg(
        pl.first("region", "day", "abo_rhd", "facility_id", "shelf_days", "component"),
        collected=pl.min("collected"),
        prepared_at=pl.max("prepared_at") + pl.duration(hours=2),
    )
    links = whole.join(pools.select("new_id", made_at="prepared_at"), on="new_id").select(
        "made_at", "facility_id", unit_id="new_id", parent_unit_id="unit_id", kind=pl.lit("pooled")
    )
    named = pools.rename({"new_id": "unit_id"}).with_columns(product_code=pl.lit("PT-PO"), doses=pl.lit("1.00"))
    return named, links


def _irradiated(draw: Draw, units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Some red cells are irradiated, three days after they were made: a unit of its own, for 28 days."""
    rows = units.filter((pl.col("component") == "red_cells") & ~pl.col("is_reactive"))
    chosen = rows.filter(draw.chance(rows.height, 0.04))
    child = chosen.with_columns(
        unit_id=pl.format("{}-I", "unit_id"),
        prepared_at=pl.col("prepared_at") + pl.duration(days=3),
        irradiated_at=pl.col("prepared_at") + pl.duration(days=3),
        product_code=pl.lit("RC-IR"),
        shelf_days=pl.lit(28, pl.Int64),
        is_alone=pl.lit(False),
    )
    links = child.select(
        "facility_id",
        "unit_id",
        made_at="prepared_at",
        parent_unit_id=chosen["unit_id"],
        kind=pl.lit("modified"),
    )
    return child, links.select("made_at", "facility_id", "unit_id", "parent_unit_id", "kind")


def _imports(draw: Draw, units: pl.DataFrame) -> pl.DataFrame:
    size = max(units.height // 100, 1)
    rows = pl.DataFrame({"day": draw.whole(size, draw.days)}).with_columns(
        unit_id=numbered(f"IMP{draw.part:04d}-", 9),
        region=draw.whole(size, len(REGIONS)),
        abo_rhd=draw.pick(size, GROUPS),
    )
    collected = pl.lit(instant(START)) + pl.duration(days="day") + hours(draw.uniform(size, 12, 20))
    is_lost = draw.chance(size, 0.05)
    return rows.with_columns(
        collected=collected,
        collected_at=collected,
        # One in twenty comes from a donation of ours that is not here.
        din=pl.when(is_lost).then(pl.format("X{}", "unit_id")),
        is_imported=~pl.lit(is_lost),
        prepared_at=collected + pl.duration(hours=8),
        component=pl.lit("red_cells"),
        product_code=pl.lit("RC-AS1"),
        shelf_days=pl.lit(42, pl.Int64),
        facility_id=facility_of("region", pl.lit("H")),
    )


def _labelled(draw: Draw, units: pl.DataFrame) -> pl.DataFrame:
    """Give nine in ten a label: an hour before the end of dating or, in summer, at it; one in 500 says too late."""
    late = pl.when(draw.chance(units.height, 0.002)).then(30).otherwise(0)
    local_day = (pl.col("collected") - hours(offset().cast(pl.Float64))).dt.truncate("1d")
    end = local_day + pl.duration(days=pl.col("shelf_days").clip(upper_bound=364) + late)
    ends_at = end + hours(offset() + 22.9)
    return units.with_columns(
        good_until=ends_at,
        is_groupless=draw.chance(units.height, 0.03),
        expires_at=pl.when(draw.chance(units.height, 0.9)).then(ends_at),
    )
