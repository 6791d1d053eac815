"""Laws of the dimensional model: every fact is of a record, and points to members that are there."""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.derivatives.dimensional.keys import LAST_DAY
from lakehouse.l2.derivatives.units_steps import movement_steps
from lakehouse.l2.laws.law import Law, added, counted, sides

KEY_OF = {
    "dim_region": "region_sk",
    "dim_postal_area": "postal_area_sk",
    "dim_donor": "donor_sk",
    "dim_site": "site_sk",
    "dim_event": "event_sk",
    "dim_facility": "facility_sk",
    "dim_product": "product_sk",
    "dim_employee": "employee_sk",
    "dim_date": "date_sk",
}


def donations_are_facts(
    donations: DataFrame, dated: DataFrame, fact_donation: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every donation is a fact, or of a later day."""
    later = dated.where(F.col("donated_on") > F.lit(as_of))
    return _all_in("fact_donation.rows", donations, fact_donation, later)


def movements_are_facts(
    distribution: DataFrame,
    steps: DataFrame,
    fact_distribution: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every movement is a fact, or left on a later day."""
    later = movement_steps(steps).where(F.col("on") > F.lit(as_of))
    return _all_in("fact_distribution.rows", distribution, fact_distribution, later)


def staff_are_facts(
    event_employees: DataFrame,
    donation_events: DataFrame,
    places: DataFrame,
    fact_staffing: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every employee at a session is a fact, or the session is of a later day."""
    zones = F.broadcast(places.select("facility_id", "timezone"))
    starts_on = local_date(F.col("starts_at"), F.coalesce("timezone", F.lit("UTC")))
    to_come = donation_events.join(zones, "facility_id", how="left").where(starts_on > F.lit(as_of))
    later = event_employees.join(to_come.select("event_id"), "event_id", how="left_semi")
    return _all_in("fact_staffing.rows", event_employees, fact_staffing, later)


def versions_hold_what_is_current(
    donors: DataFrame, donor_versions: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """The current record of every donor is one of the versions."""
    place = ("donor_key", "_file_id", "_line")
    current = donors.select(*place, F.lit(True).alias("is_current"), F.lit(None).cast("boolean").alias("is_version"))
    versions = donor_versions.select(
        *place, F.lit(None).cast("boolean").alias("is_current"), F.lit(True).alias("is_version")
    )
    rows = (
        current.unionByName(versions)
        .groupBy(*place)
        .agg(*[F.max(name).alias(name) for name in ("is_current", "is_version")])
    )
    both = rows.agg(
        F.count("is_current").alias("left"), F.count_if(F.col("is_current") & F.col("is_version")).alias("right")
    )
    return both.select(*sides("donor_versions.current", F.col("left"), F.col("right")))


def donors_versions_follow_each_other(
    donors: DataFrame, dim_donor: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """A donor's versions make one chain: each but the first begins on the day after another's end.

    A begin without such an end, an end without a begin, and two of either on a day are counted: one a donor, the first.
    """
    versions = dim_donor.where(F.col("donor_key").isNotNull())
    begins = versions.select("donor_key", F.col("valid_from").alias("day"), F.lit(1).alias("weight"))
    ends = versions.where(F.col("valid_to") < F.lit(LAST_DAY)).select(
        "donor_key", F.date_add("valid_to", 1).alias("day"), F.lit(-1).alias("weight")
    )
    joints = begins.unionByName(ends).groupBy("donor_key", "day").agg(F.sum("weight").alias("weight"))
    loose = joints.agg(F.coalesce(F.sum(F.abs("weight")), F.lit(0)).alias("right"))
    known = donors.agg(F.count("*").alias("left"))
    return known.crossJoin(loose).select(*sides("dim_donor.versions", F.col("left"), F.col("right")))


def keys_are_in_their_dimensions(  # noqa: PLR0913, PLR0917 -- an argument is a table
    dim_region: DataFrame,
    dim_postal_area: DataFrame,
    dim_donor: DataFrame,
    dim_site: DataFrame,
    dim_event: DataFrame,
    dim_facility: DataFrame,
    dim_product: DataFrame,
    dim_employee: DataFrame,
    dim_date: DataFrame,
    fact_donation: DataFrame,
    fact_distribution: DataFrame,
    fact_staffing: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every key finds its member; a row a dimension. All tables are read once, and no two are joined."""
    frames = {
        "dim_region": dim_region,
        "dim_postal_area": dim_postal_area,
        "dim_donor": dim_donor,
        "dim_site": dim_site,
        "dim_event": dim_event,
        "dim_facility": dim_facility,
        "dim_product": dim_product,
        "dim_employee": dim_employee,
        "dim_date": dim_date,
        "fact_donation": fact_donation,
        "fact_distribution": fact_distribution,
        "fact_staffing": fact_staffing,
    }
    seen = reduce(DataFrame.unionByName, [_keys(name, frame) for name, frame in frames.items()])
    by_key = seen.groupBy("dimension", "key").agg(
        F.sum(F.col("is_pointer").cast("int")).alias("pointers"), F.max(~F.col("is_pointer")).alias("is_member")
    )
    found = F.coalesce(F.sum(F.when(F.col("is_member"), F.col("pointers"))), F.lit(0))
    by_dimension = by_key.groupBy("dimension").agg(F.sum("pointers").alias("left"), found.alias("right"))
    law = F.concat(F.lit("dimensional.keys."), "dimension").alias("law")
    difference = (F.col("left") - F.col("right")).alias("difference")
    return by_dimension.select(law, "left", "right", difference)


def _keys(name: str, frame: DataFrame) -> DataFrame:
    """Every key of a table: (dimension, key, is_pointer), which is false for its own."""
    return frame.select(
        F.inline(F.array(*[_key(name, dimension, column) for dimension, column in _pointers(name, frame)]))
    )


def _key(name: str, dimension: str, column: str) -> Column:
    return F.struct(
        F.lit(dimension).alias("dimension"),
        F.col(column).cast("long").alias("key"),
        F.lit(dimension != name).alias("is_pointer"),
    )


def _pointers(name: str, frame: DataFrame) -> list[tuple[str, str]]:
    """(dimension, column) of every column that is a key: from_facility_sk is one of dim_facility."""
    by_key = {key: dimension for dimension, key in KEY_OF.items()}
    ends = {
        column: next(key for key in by_key if column.endswith(key))
        for column in frame.columns
        if column.endswith("_sk")
    }
    return [(by_key[key], column) for column, key in ends.items()]


def _all_in(law: str, records: DataFrame, facts: DataFrame, later: DataFrame) -> DataFrame:
    both = (counted(records, left=True), counted(facts, left=False), counted(later, left=False))
    return added(law, reduce(DataFrame.unionByName, both))


LAWS = (
    Law("fact_donation.rows", "donations = facts + donations after the as-of day", donations_are_facts),
    Law("fact_distribution.rows", "movements = facts + movements that left after the as-of day", movements_are_facts),
    Law("fact_staffing.rows", "staff at sessions = facts + staff at sessions after the as-of day", staff_are_facts),
    Law(
        "donor_versions.current",
        "donors = donors whose current record is a version kept (a lake made before they were: promote --rejudge)",
        versions_hold_what_is_current,
    ),
    Law(
        "dim_donor.versions",
        "donors = versions that begin where no other of the donor ended + ends where none begins",
        donors_versions_follow_each_other,
    ),
    Law(
        "dimensional.keys",
        "keys that point to a dimension = those of them that have a member",
        keys_are_in_their_dimensions,
    ),
)
