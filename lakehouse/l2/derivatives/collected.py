"""What was collected: donations with the standing of their donor, and which units come straight from a donation."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.donor_retention_history import DAY_SLIP
from lakehouse.l2.derivatives.units_donations import has_failed, is_exempt


def collections(dated: DataFrame, donors: DataFrame) -> DataFrame:
    """The donations (`dated_donations`) with two flags; both speak of the day of the donation, not of an as-of day.

    Returns:
        all columns of `dated`, is_collected (it did not fail) and is_first_time: no gift of the donor on an earlier
        day is known, neither a donation nor what the donor record tells of. A gift is a collection that was
        neither autologous nor therapeutic. Records that date a first donation a day apart mean one donation.
    """
    records = donors.select("donor_key", F.least("first_donation_on", "last_donation_on").alias("recorded_first_on"))
    is_gift = ~has_failed() & ~is_exempt()
    of_donor = Window.partitionBy("donor_key")
    first_gift_on = F.min(F.when(is_gift, F.col("donated_on"))).over(of_donor)
    gave_before = first_gift_on < F.col("donated_on")
    gave_elsewhere = F.col("recorded_first_on") < F.date_sub("donated_on", DAY_SLIP)
    is_repeat = F.coalesce(gave_before, F.lit(False)) | F.coalesce(gave_elsewhere, F.lit(False))
    known = dated.join(records, "donor_key", how="left")
    flags = {"is_collected": ~has_failed(), "is_first_time": ~is_repeat}
    return known.withColumns(flags).select(*dated.columns, *flags)


def with_origin(units: DataFrame, unit_parents: DataFrame) -> DataFrame:
    """Add `is_remade`: the unit was made of other units (pooled, divided, modified), not of a donation."""
    remade = unit_parents.select("unit_id", F.lit(True).alias("is_remade")).distinct()
    return units.join(remade, "unit_id", how="left").withColumn("is_remade", F.coalesce("is_remade", F.lit(False)))
