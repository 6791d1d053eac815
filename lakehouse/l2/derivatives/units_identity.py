"""Which units there are, and what each was made of. A row is a unit."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import is_said_by_day, local_date
from lakehouse.domain.dating import computed_expiry, end_of_dating
from lakehouse.l2.derivatives.units_donations import (
    UTC,
    by_reference,
    has_failed,
    reactive_cultures,
    reactive_of_units,
    reference,
)
from lakehouse.l2.kept import kept
from lakehouse.table import DOSES, FLAG, INSTANT, TEXT, TEXTS

DATING_COLUMNS = ("anticoagulant", "additive", "storage", "plasma_kind", "irradiated_at")
DATING_FLAGS = ("is_pathogen_reduced", "is_washed")
COLUMNS = (
    "unit_id",
    "donation_key",
    "bag_id",
    "is_waiting",
    "component",
    "label_abo_rhd",
    "product_code",
    "doses",
    "is_imported",
    "is_assumed",
    "collected_at",
    "prepared_at",
    "prepared_on",
    "label_expires_at",
    "made_at_facility_id",
    "zone",
    "status",
    "tested_on",
    "record_warnings",
    *DATING_COLUMNS,
    *DATING_FLAGS,
)


def _flag(name: str) -> Column:
    return F.coalesce(F.col(name), F.lit(False)).alias(name)


def _nothing(kind: object, name: str) -> Column:
    return F.lit(None).cast(kind).alias(name)  # type: ignore[arg-type]


def _label_expires_at() -> Column:
    """The expiry on the label; of a bare date, the end of that day at the maker."""
    end = end_of_dating(F.to_date("expires_at"), F.col("zone"))
    return F.when(is_said_by_day("expires_at"), end).otherwise(F.col("expires_at"))


def component_units(components: DataFrame, dated: DataFrame, places: DataFrame, as_of: date) -> DataFrame:
    """Units that were delivered as components and prepared by the end of the as-of day, local to the maker."""
    zones = F.broadcast(places.select("facility_id", F.col("timezone").alias("zone")))
    zoned = components.join(zones, on="facility_id", how="left").withColumn("zone", F.coalesce("zone", F.lit(UTC)))
    made = zoned.withColumn("prepared_on", local_date(F.col("prepared_at"), F.col("zone")))
    seen = made.where(F.col("prepared_on") <= F.lit(as_of)).withColumn("reference", reference())
    found = by_reference(dated.withColumn("donation_bag_id", F.col("bag_id")), "donation_bag_id")
    joined = seen.join(found, on="reference", how="left")
    is_waiting = (
        F.col("reference").isNotNull() & F.col("donation_key").isNull() & ~F.coalesce("is_imported", F.lit(False))
    )
    return joined.select(
        "unit_id",
        "donation_key",
        F.col("donation_bag_id").alias("bag_id"),
        is_waiting.alias("is_waiting"),
        "component",
        F.col("abo_rhd").alias("label_abo_rhd"),
        "product_code",
        "doses",
        _flag("is_imported"),
        F.lit(False).alias("is_assumed"),
        "collected_at",
        "prepared_at",
        "prepared_on",
        _label_expires_at().alias("label_expires_at"),
        F.col("facility_id").alias("made_at_facility_id"),
        "zone",
        _nothing(TEXT, "status"),
        _nothing("date", "tested_on"),
        F.col("warnings").alias("record_warnings"),
        *DATING_COLUMNS,
        *[_flag(name) for name in DATING_FLAGS],
    )


def component_sources(components: DataFrame) -> DataFrame:
    """source_system of the sources that ever delivered components, each once."""
    return components.select(F.coalesce("source_system", F.lit("")).alias("source_system")).distinct()


def assumed_units(components: DataFrame, dated: DataFrame, component_sources: DataFrame, as_of: date) -> DataFrame:
    """A unit of whole blood for each donation of a source that never delivered components.

    A donation that names a procedure, that failed, or that some component names, has none. The bag is taken to be
    CPDA-1, and the unit to be made when the blood was drawn.
    """
    named = components.select(reference().alias("reference")).where(F.col("reference").isNotNull()).distinct()
    drawn = dated.where(F.col("procedure").isNull() & ~has_failed() & (F.col("donated_on") <= F.lit(as_of)))
    alone = (
        drawn.join(F.broadcast(component_sources), on="source_system", how="left_anti")
        .join(named.withColumnRenamed("reference", "din"), on="din", how="left_anti")
        .join(named.withColumnRenamed("reference", "bag_id"), on="bag_id", how="left_anti")
    )
    return alone.select(
        F.col("donation_key").alias("unit_id"),
        "donation_key",
        "bag_id",
        F.lit(False).alias("is_waiting"),
        F.lit("whole_blood").alias("component"),
        _nothing(TEXT, "label_abo_rhd"),
        _nothing(TEXT, "product_code"),
        _nothing(DOSES, "doses"),
        F.lit(False).alias("is_imported"),
        F.lit(True).alias("is_assumed"),
        "collected_at",
        F.col("collected_at").alias("prepared_at"),
        F.col("donated_on").alias("prepared_on"),
        _nothing(INSTANT, "label_expires_at"),
        F.col("facility_id").alias("made_at_facility_id"),
        "zone",
        "status",
        "tested_on",
        F.array().cast(TEXTS).alias("record_warnings"),
        F.lit("cpda1").alias("anticoagulant"),
        *[_nothing(TEXT, name) for name in ("additive", "storage", "plasma_kind")],
        _nothing(INSTANT, "irradiated_at"),
        *[F.lit(False).cast(FLAG).alias(name) for name in DATING_FLAGS],
    )


def identities(
    components: DataFrame, dated: DataFrame, component_sources: DataFrame, places: DataFrame, as_of: date
) -> DataFrame:
    """Every unit of the as-of day, with `COLUMNS`."""
    delivered = component_units(components, dated, places, as_of)
    return delivered.unionByName(assumed_units(components, dated, component_sources, as_of)).select(*COLUMNS)


def with_inheritance(units: DataFrame, lineage: DataFrame, results: DataFrame) -> DataFrame:
    """Add what a unit has from the units that it was made of, and its computed expiry.

    A unit without a donation of its own was collected when the oldest of its ancestors was, is tested when all of
    them are, and reactive when one is, by its donation or by a culture of its own (among `results`). What was made
    of an import waits for no donation. A pool or a part expires no later than any label of its parents; that its
    dating counts from the oldest collection covers parents without a label.

    Returns:
        the columns of `units`, of which collected_at, tested_at and reactive_at are filled in, is_pool, parent_unit_ids
        and computed_expires_at.
    """
    forebears = units.select(
        F.col("unit_id").alias("ancestor_id"),
        F.col("donation_key").isNotNull().alias("is_donated"),
        F.col("is_imported").alias("ancestor_is_imported"),
        F.col("collected_at").alias("ancestor_collected_at"),
        F.col("tested_at").alias("ancestor_tested_at"),
        F.col("reactive_at").alias("ancestor_reactive_at"),
        F.col("label_expires_at").alias("ancestor_expires_at"),
    )
    told = lineage.join(forebears, on="ancestor_id", how="left")
    reactive = kept(reactive_of_units(results))
    cultures = reactive_cultures(reactive, _cultured(units, told, reactive))
    pairs = told.join(F.broadcast(cultures.withColumnRenamed("unit_id", "ancestor_id")), on="ancestor_id", how="left")
    joined = units.join(pairs.groupBy("unit_id").agg(*_inherited()), on="unit_id", how="left")
    tested_at = F.when(F.col("donation_key").isNull(), F.col("ancestor_tested_at"))
    known = joined.withColumns(
        {
            "is_pool": F.coalesce("is_pool", F.lit(False)),
            "parent_unit_ids": F.coalesce("parent_unit_ids", F.array().cast(TEXTS)),
            "is_waiting": F.col("is_waiting") & ~F.coalesce("is_of_import", F.lit(False)),
            "collected_at": F.coalesce("collected_at", "ancestor_collected_at"),
            "tested_at": F.coalesce("tested_at", tested_at),
            "reactive_at": F.least("reactive_at", "ancestor_reactive_at"),
        }
    )
    return known.withColumn("computed_expires_at", computed_expiry(F.col("zone"), F.col("parent_expires_at")))


def _cultured(units: DataFrame, told: DataFrame, reactive: DataFrame) -> DataFrame:
    """The units that reactive results name, with their collection, inherited or their own."""
    named = F.broadcast(reactive.select("unit_id").distinct())
    inherited = told.join(named, on="unit_id", how="left_semi").groupBy("unit_id")
    oldest = inherited.agg(F.min("ancestor_collected_at").alias("oldest_at"))
    own = units.join(named, on="unit_id", how="left_semi").select("unit_id", "collected_at")
    known = own.join(oldest, on="unit_id", how="left")
    return known.select("unit_id", F.coalesce("collected_at", "oldest_at").alias("collected_at"))


def _inherited() -> tuple[Column, ...]:
    """Of each unit: what its ancestors give it. A parent that is not here leaves a pool untested."""
    is_untested = F.coalesce("is_donated", F.lit(True)) & F.col("ancestor_tested_at").isNull()
    is_parent = F.col("generation") == 1
    is_bound = is_parent & F.col("kind").isin("pooled", "divided")
    return (
        F.max(is_parent & (F.col("kind") == "pooled")).alias("is_pool"),
        F.array_sort(F.collect_set(F.when(is_parent, F.col("ancestor_id")))).alias("parent_unit_ids"),
        F.max("ancestor_is_imported").alias("is_of_import"),
        F.min("ancestor_collected_at").alias("ancestor_collected_at"),
        F.when(~F.max(is_untested), F.max("ancestor_tested_at")).alias("ancestor_tested_at"),
        F.min(F.least("ancestor_reactive_at", "cultured_at")).alias("ancestor_reactive_at"),
        F.min(F.when(is_bound, F.col("ancestor_expires_at"))).alias("parent_expires_at"),
    )
