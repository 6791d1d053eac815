"""All facilities: a row is a facility, those that are known only as hospitals by their NPI included."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import known_zone

COLUMNS = ("facility_id", "npi", "kind", "name", "region", "timezone")


def all_facilities(facilities: DataFrame, hospitals: DataFrame) -> DataFrame:
    """Join the two feeds about places into one row per facility, with `COLUMNS`.

    A hospital with a record in `facilities` (by NPI, which may be the facility's id) is that facility, and lends it
    name and region where it has none. A hospital without one is a facility whose id is its NPI, in time zone UTC, for
    we know no better. A zone that Spark doesn't know counts as UTC too. `name` is never NULL: "Hospital <NPI>", or the
    id.

    Args:
        facilities: current conformed facilities.
        hospitals: current conformed hospitals.
    """
    named = hospitals.select("npi", F.col("name").alias("hospital_name"), F.col("region").alias("hospital_region"))
    by_id = named.select(F.col("npi").alias("facility_id"), F.col("npi").alias("id_npi"))
    listed = facilities.join(by_id, on="facility_id", how="left").select(
        "facility_id", F.coalesce("npi", "id_npi").alias("npi"), "kind", "name", "region", "timezone"
    )
    known = listed.join(named, on="npi", how="left")
    known_by = listed.select("npi").union(listed.select("facility_id")).where(F.col("npi").isNotNull())
    unlisted = named.join(known_by, on="npi", how="left_anti").select(
        F.col("npi").alias("facility_id"),
        "npi",
        F.lit("hospital").alias("kind"),
        F.lit(None).cast("string").alias("name"),
        F.lit(None).cast("string").alias("region"),
        F.lit(None).cast("string").alias("timezone"),
        "hospital_name",
        "hospital_region",
    )
    return known.unionByName(unlisted).select(
        "facility_id",
        "npi",
        "kind",
        F.coalesce("name", "hospital_name", F.concat(F.lit("Hospital "), "npi"), "facility_id").alias("name"),
        F.coalesce("region", "hospital_region").alias("region"),
        F.coalesce(known_zone(F.col("timezone")), F.lit("UTC")).alias("timezone"),
    )
