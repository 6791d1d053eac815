"""Rules on donations: a bag that several name, and one inside its donor's interval. A row is a donation."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.domain.intervals import PROCEDURES, interval_days
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
    last_on = {name: F.max(F.when(drawn_by == name, F.col("donated_on"))).over(before) for name in PROCEDURES}
    lasts = donations.withColumns({f"last_{name}": on for name, on in last_on.items()})
    allowed = [F.date_add(f"last_{name}", interval_days(F.lit(name), F.col("procedure"))) for name in PROCEDURES]
    return lasts.withColumn("earliest_on", F.greatest(*allowed))
