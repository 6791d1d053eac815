"""What a run touches: units and donations that may read, or be judged, otherwise than in the release before, and why.

A unit is touched by a record of its own, of its donation, donor or session, of what shares their names, of what it was
made of, of its patient, that came since that release or that is dated since its day; by time, while it has not ended or
nobody knows when it did; and by the first disposition that its facility ever reports, where its end is presumed.
A donation is touched by such a record, too, and with it every donation of its donor.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.changes import DONATION, DONOR, DUE_DAYS, EVENT, PATIENT, REFERENCE, UNIT
from lakehouse.l2.derivatives.unit_moves_moments import LIVING
from lakehouse.l2.derivatives.units import UNREPORTED
from lakehouse.l2.derivatives.units_lineage import lineage
from lakehouse.l2.derivatives.units_reports import first_reports, reporting
from lakehouse.l2.kept import kept_for_unions
from lakehouse.l2.slices.families import MEMBER, Family, family_links, family_of, members


@dataclass(frozen=True)
class Touched:
    """The units and the donations to be told anew (each as `unit_id`), and the family of all that tells of them."""

    units: DataFrame
    donations: DataFrame
    family: Family

    def of(self, kinds: Collection[str]) -> DataFrame:
        """What is to be told anew of these kinds, as `unit_id`."""
        return self.units.union(self.donations).distinct() if DONATION in kinds else self.units


def touched_units(  # noqa: PLR0913, PLR0917 -- an argument is a table
    named: DataFrame,
    components: DataFrame,
    components_before: DataFrame,
    donations: DataFrame,
    donations_before: DataFrame,
    unit_parents: DataFrame,
    unit_parents_before: DataFrame,
    dispositions: DataFrame,
    dispositions_before: DataFrame,
    patients: DataFrame,
    units_before: DataFrame,
    places: DataFrame,
    reports: DataFrame,
    *,
    as_of: date,
    as_of_before: date,
) -> Touched:
    """What a run touches, as of a day, since a release that spoke of a day before or the same.

    Args:
        named: about and name: what records name that came since the release, or that are dated since its day.
        components: current conformed rows.
        components_before: those of the release before.
        donations: current conformed rows.
        donations_before: those of the release before.
        unit_parents: current conformed rows.
        unit_parents_before: those of the release before.
        dispositions: current conformed rows.
        dispositions_before: those of the release before.
        patients: current conformed rows.
        units_before: the units of the release before.
        places: `all_facilities`, the same in both.
        reports: `first_reports` of the dispositions.
        as_of: the day to speak about.
        as_of_before: the day that the release before speaks about.
    """
    links = family_links([components, components_before], [donations, donations_before])
    parents = kept_for_unions(_both(unit_parents, unit_parents_before, "unit_id", "parent_unit_id", "kind", "made_at"))
    descents = lineage(parents)
    replaced = kept_for_unions(_replaced(_both(dispositions, dispositions_before, *_ENDS)))
    given = _both(donations, donations_before, "donation_key", "donor_key", "event_id")
    used = _both(dispositions, dispositions_before, *_USES).union(units_before.select(*_USES))
    start = _named_members(named, given).union(_of_patients(named, used))
    references = named.where(F.col("about") == REFERENCE).select(F.col("name").alias("reference")).distinct()
    told_family = family_of(start, references, links)
    told = told_family.ids(UNIT, "unit_id")
    replaced_too = told.union(told.join(replaced, "unit_id").select("other_id"))
    made_of_them = replaced_too.withColumnRenamed("unit_id", "ancestor_id").join(descents, "ancestor_id")
    report = reporting(reports, as_of)
    reported = reporting(first_reports(dispositions_before, places), as_of_before)
    in_time = _touched_by_time(units_before, report, reported, as_of_before)
    units = kept_for_unions(reduce(DataFrame.union, [replaced_too, made_of_them.select("unit_id"), in_time]).distinct())
    # An assumed unit goes by the key of its donation, which is then judged anew, too.
    drawn_told = told_family.ids(DONATION, "unit_id").union(units).distinct()
    of_donors = kept_for_unions(_of_donors(drawn_told.withColumnRenamed("unit_id", "donation_key"), given))
    subjects = kept_for_unions(units.union(of_donors).distinct())
    makers = subjects.join(descents, "unit_id").select(F.col("ancestor_id").alias("unit_id"))
    kin = subjects.union(makers).union(subjects.join(replaced, "unit_id").select("other_id"))
    drawn = of_donors.withColumnRenamed("unit_id", "donation_key")
    own = members(kin, UNIT, "unit_id").union(members(drawn, DONATION, "donation_key"))
    family = family_of(own, references, links)
    return Touched(units, of_donors, family.with_members(_patients_of(family, used, patients)))


_ENDS = ("disposition_id", "unit_id", "replaces_disposition_id")
_USES = ("unit_id", "patient_key")


def _both(now: DataFrame, before: DataFrame, *columns: str) -> DataFrame:
    return now.select(*columns).union(before.select(*columns)).distinct()


def _replaced(ends: DataFrame) -> DataFrame:
    """Pairs unit_id, other_id, either way: a disposition of the one replaces a disposition of the other."""
    by = ends.where(F.col("replaces_disposition_id").isNotNull()).select(
        F.col("unit_id").alias("by_unit_id"), F.col("replaces_disposition_id").alias("disposition_id")
    )
    found = ends.join(by, "disposition_id").where(F.col("unit_id") != F.col("by_unit_id"))
    way = found.select("unit_id", F.col("by_unit_id").alias("other_id"))
    back = found.select(F.col("by_unit_id").alias("unit_id"), F.col("unit_id").alias("other_id"))
    return way.union(back).distinct()


def _named_members(named: DataFrame, donations: DataFrame) -> DataFrame:
    """The units and donations that records name, by themselves, by the donor or by the session."""
    called = [
        donations.select("donation_key", F.lit(about).alias("about"), F.col(column).alias("name"))
        for about, column in ((DONATION, "donation_key"), (DONOR, "donor_key"), (EVENT, "event_id"))
    ]
    given = reduce(DataFrame.union, called).join(F.broadcast(named), ["about", "name"], "left_semi")
    own = named.where(F.col("about").isin(UNIT, DONATION)).select(
        F.col("about").alias("kind"), F.col("name").alias("id")
    )
    return own.select(*MEMBER).union(members(given, DONATION, "donation_key")).distinct()


def _of_patients(named: DataFrame, used: DataFrame) -> DataFrame:
    """Units that a patient had, of whom a record tells."""
    told = named.where(F.col("about") == PATIENT).select(F.col("name").alias("patient_key"))
    return members(used.join(F.broadcast(told), "patient_key", "left_semi"), UNIT, "unit_id")


def _of_donors(donations: DataFrame, given: DataFrame) -> DataFrame:
    """All donations, as `unit_id`, of whoever gave one of these."""
    donors = given.join(F.broadcast(donations), "donation_key", "left_semi").select("donor_key").distinct()
    theirs = given.join(F.broadcast(donors), "donor_key", "left_semi")
    return theirs.select(F.col("donation_key").alias("unit_id")).distinct()


def _patients_of(family: Family, used: DataFrame, patients: DataFrame) -> DataFrame:
    """The patients who had units of a family, or who were admitted with a bag of it."""
    theirs = used.join(F.broadcast(family.ids(UNIT, "unit_id")), "unit_id", "left_semi").select("patient_key")
    bags = F.broadcast(family.names.withColumnRenamed("reference", "bag_id"))
    return members(
        theirs.union(patients.join(bags, "bag_id", "left_semi").select("patient_key")), PATIENT, "patient_key"
    )


def _touched_by_time(units_before: DataFrame, report: DataFrame, reported: DataFrame, as_of_before: date) -> DataFrame:
    """Units that time changes without a record.

    They have not ended, or nobody knows on which day, while their dating lasts; or their end is presumed, and whether
    ends are reported there has changed.
    """
    changed = report.exceptAll(reported).union(reported.exceptAll(report))
    places = changed.select(F.col("place_id").alias("facility_id"))
    presumed = units_before.where(F.col("state").isin(*UNREPORTED))
    presumed = presumed.join(F.broadcast(places), "facility_id", "left_semi")
    was_in_date = F.col("expires_at") > F.lit(as_of_before - timedelta(days=DUE_DAYS)).cast("timestamp")
    is_undated = F.col("ended_on").isNull() & F.coalesce(was_in_date, F.lit(True))
    open_before = units_before.where(F.col("state").isin(*LIVING) | is_undated)
    return open_before.select("unit_id").union(presumed.select("unit_id"))
