"""What changed records are about. A row is a donation or a unit that a batch has a changed record of.

A record touches what it names, now or in its version before: a unit, a donation and all units of it, a patient's units,
the units that others were made of and, one making on, those made of them. A donor's record touches their donations.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.changes import DONATION, DONOR, EVENT, PATIENT, REFERENCE, UNIT, called

OF_DONATION = ("donation_key", "din", "bag_id", "event_id", "donor_key", "donated_on", "facility_id")
OF_UNIT = (
    "unit_id",
    "donation_key",
    "patient_key",
    "component",
    "prepared_on",
    "made_at_facility_id",
    "ended_on",
    "ended_at_facility_id",
)


def touched_donations(changed_records: DataFrame, donations: DataFrame) -> DataFrame:
    """Donations that changed records are about.

    Args:
        changed_records: what came since the release before.
        donations: `OF_DONATION` as they are and as they were.

    Returns:
        `OF_DONATION`, batch, about (what the record called it by).
    """
    named = {DONATION: ("donation_key",), REFERENCE: ("din", "bag_id"), EVENT: ("event_id",), DONOR: ("donor_key",)}
    return _called(donations, changed_records, named)


def touched_units(
    changed_records: DataFrame, donations_touched: DataFrame, units: DataFrame, unit_parents: DataFrame
) -> DataFrame:
    """Units that changed records are about.

    Args:
        changed_records: what came since the release before.
        donations_touched: `touched_donations`; by way of the donor alone it says nothing of their units.
        units: `OF_UNIT` as they are and as they were.
        unit_parents: which units were made of others.

    Returns:
        unit_id, batch; each pair once.
    """
    of_donations = donations_touched.where(F.col("about") != DONOR).select(
        "batch", F.lit(DONATION).alias("about"), F.col("donation_key").alias("name")
    )
    named = {UNIT: ("unit_id",), DONATION: ("donation_key",), PATIENT: ("patient_key",)}
    found = _called(units, changed_records.unionByName(of_donations), named).select("unit_id", "batch")
    gone = changed_records.where(F.col("about") == UNIT).select(F.col("name").alias("unit_id"), "batch")
    known = found.unionByName(gone).distinct()
    made = unit_parents.select(F.col("unit_id").alias("made_id"), F.col("parent_unit_id").alias("unit_id"))
    of_them = made.join(known, "unit_id").select(F.col("made_id").alias("unit_id"), "batch")
    return known.unionByName(of_them).distinct()


def as_told_twice(now: DataFrame, before: DataFrame, *columns: str) -> DataFrame:
    """These columns of both frames, so that a thing is found by what it was called before, too."""
    return now.select(*columns).unionByName(before.select(*columns))


def _called(things: DataFrame, changed_records: DataFrame, named: Mapping[str, tuple[str, ...]]) -> DataFrame:
    """The things that changed records call by one of their names; `named`: what is called -> columns of its name."""
    names = F.array(*[called(about, column) for about, columns in named.items() for column in columns])
    return things.select("*", F.inline(names)).join(changed_records, ["about", "name"]).drop("name")
