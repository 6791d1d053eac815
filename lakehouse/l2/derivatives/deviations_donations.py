"""Rules on donations: a bag that several name, and one inside its donor's interval. A row is a donation."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.domain.intervals import PROCEDURES, TRIPLE_PLATELET_DOSES, interval_days
from lakehouse.l2.derivatives.deviations_rules import WARNING, rule, said
from lakehouse.l2.derivatives.units_donations import has_failed, is_exempt


def judged_donations(dated: DataFrame, as_of: date) -> DataFrame:
    """One row a donation of the as-of day or before: donation_key, facility_id, at, and `rules`."""
    seen = dated.where(F.col("donated_on") <= F.lit(as_of))
    known = seen.withColumn("is_failed", has_failed())
    rules = F.array(*_rules())
    return _with_earliest_on(known).select(
        "donation_key", "facility_id", F.col("collected_at").alias("at"), rules.alias("rules")
    )


def _rules() -> tuple[Column, ...]:
    is_free = is_exempt() | F.col("is_failed")
    is_inside = F.col("donated_on") < F.col("earliest_on")
    early = said("given on ", F.col("donated_on"), ", next allowed on ", F.col("earliest_on"))
    is_shared = F.col("is_shared_bag") & F.col("bag_id").isNotNull()
    return (
        rule("donations.bag_shared", is_shared, WARNING, said("another donation has the same bag_id")),
        rule("donations.inside_interval", is_inside & ~is_free, WARNING, early),
    )


def _with_earliest_on(donations: DataFrame) -> DataFrame:
    """Add the day from which the donor's earlier donations allow this one: the latest over their procedures."""
    before = (
        Window.partitionBy("donor_key")
        .orderBy("donated_on", "donation_key")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow - 1)
    )
    drawn_by = F.when(~F.col("is_failed"), F.coalesce("procedure", F.lit("whole_blood")))
    is_triple = (drawn_by == "apheresis_platelets") & (F.col("platelet_doses") >= TRIPLE_PLATELET_DOSES)
    # A triple collection asks for longer than a plain one that follows it, so each has its own last day.
    kinds = [(drawn_by == name, name, 0) for name in PROCEDURES]
    kinds.append((is_triple, "apheresis_platelets", TRIPLE_PLATELET_DOSES))
    allowed = [
        F.date_add(
            F.max(F.when(is_of, F.col("donated_on"))).over(before),
            interval_days(F.lit(name), F.col("procedure"), F.lit(doses)),
        )
        for is_of, name, doses in kinds
    ]
    return donations.withColumn("earliest_on", F.greatest(*allowed))
