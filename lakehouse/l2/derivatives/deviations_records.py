"""Contradictions between records: of dispositions, of labels, of bags, of donations."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import start_of_day
from lakehouse.domain.intervals import EXEMPT_TYPES, PROCEDURES, interval_days
from lakehouse.l2.derivatives.deviations_found import DEVIATION, WARNING, found, said
from lakehouse.l2.derivatives.units import LABEL_DISPUTED, LABEL_TOO_LATE


def several_ends(ends: DataFrame) -> list[DataFrame]:
    """Several live dispositions of a unit: a warning; with two patients, a deviation."""
    patient = F.when(F.col("kind") == "transfused", F.col("patient_key"))
    counted = ends.groupBy("unit_id").agg(
        F.count("*").alias("end_count"),
        F.count_distinct(patient).alias("patient_count"),
        F.max("at").alias("at"),
        F.max_by("facility_id", "recorded").alias("facility_id"),
        F.array_join(F.array_sort(F.collect_set("kind")), ", ").alias("kinds"),
    )
    rows = counted.withColumn("patient_key", F.lit(None).cast("string"))
    several = said(F.col("end_count"), " live dispositions: ", F.col("kinds"))
    patients = said("transfused to ", F.col("patient_count"), " patients by its live dispositions")
    return [
        found(rows.where(F.col("end_count") > 1), "dispositions.several_live", WARNING, several),
        found(rows.where(F.col("patient_count") > 1), "dispositions.two_patients", DEVIATION, patients),
    ]


def ended_before_prepared(ends: DataFrame) -> DataFrame:
    """A disposition before the unit was prepared."""
    rows = ends.where(F.col("latest_at") < F.col("prepared_at"))
    detail = said(F.col("kind"), " before it was prepared at ", F.col("prepared_at"))
    return found(rows, "dispositions.before_prepared", WARNING, detail)


def labels(units: DataFrame) -> list[DataFrame]:
    """Labels against dating and tests, as `units.warnings` holds them."""
    rows = units.select(
        "unit_id",
        F.lit(None).cast("string").alias("patient_key"),
        F.col("made_at_facility_id").alias("facility_id"),
        F.col("prepared_at").alias("at"),
        "warnings",
        "expires_at",
        "computed_expires_at",
    )
    late = said("label expires at ", F.col("expires_at"), ", dating ends at ", F.col("computed_expires_at"))
    disputed = said("the label's group is not that of the donation's final test")
    return [
        found(rows.where(F.array_contains("warnings", LABEL_TOO_LATE)), LABEL_TOO_LATE, WARNING, late),
        found(rows.where(F.array_contains("warnings", LABEL_DISPUTED)), LABEL_DISPUTED, WARNING, disputed),
    ]


def of_donations(dated: DataFrame, as_of: date) -> list[DataFrame]:
    """A bag that several donations name, and a donation inside its donor's interval; `unit_id` is the donation_key."""
    seen = dated.where(F.col("donated_on") <= F.lit(as_of)).withColumns(
        {
            "unit_id": F.col("donation_key"),
            "patient_key": F.lit(None).cast("string"),
            "at": F.coalesce("collected_at", start_of_day(F.col("donated_on"), F.col("zone"))),
        }
    )
    shared = seen.where(F.col("is_shared_bag"))
    inside = _with_earliest_on(seen.where(~_is_failed())).where(
        (F.col("donated_on") < F.col("earliest_on"))
        & ~F.coalesce(F.col("donation_type").isin(*EXEMPT_TYPES), F.lit(False))
    )
    early = said("given on ", F.col("donated_on"), ", next allowed on ", F.col("earliest_on"))
    return [
        found(shared, "donations.bag_shared", WARNING, said("another donation has the same bag_id")),
        found(inside, "donations.inside_interval", WARNING, early),
    ]


def _is_failed() -> Column:
    return F.coalesce(F.col("outcome") == "failed", F.lit(False))


def _with_earliest_on(donations: DataFrame) -> DataFrame:
    """Add the day from which the donor's earlier donations allow this one: the latest over their procedures."""
    before = (
        Window.partitionBy("donor_key")
        .orderBy("donated_on", "donation_key")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow - 1)
    )
    given = F.coalesce("procedure", F.lit("whole_blood"))
    last_on = {name: F.max(F.when(given == name, F.col("donated_on"))).over(before) for name in PROCEDURES}
    lasts = donations.withColumns({f"last_{name}": on for name, on in last_on.items()})
    allowed = [F.date_add(f"last_{name}", interval_days(F.lit(name), F.col("procedure"))) for name in PROCEDURES]
    return lasts.withColumn("earliest_on", F.greatest(*allowed))
