"""A row is a version of a donor: as the donor was from one day to another (a slowly changing dimension of type 2).

A new version begins where the donor's postal area, state, region or group changes. All else is told as it is now, on
every version. Donors' records are of no facility, so their day is that of UTC; where several came on a day the last
stands for it. The first version also stands for the time before it, when the donor was not known to us. A version
recorded after the as-of day is not seen, unless it is the donor's first: a register may be delivered later than the
day that is asked about.

A version that was withdrawn is passed over: the one before goes on. A donor whose newest version is withdrawn is not
here, as in `donors`.

Slice: a donor; the donor's records touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.conformed.order import ORDER
from lakehouse.l2.derivatives.dimensional.dim_postal_area import AREA
from lakehouse.l2.derivatives.dimensional.keys import (
    FIRST_DAY,
    LAST_DAY,
    members,
    own_sk,
    sk,
    surrogate,
    unknown_named,
)
from lakehouse.table import DATE, FLAG, INSTANT, INT, TEXT, Field, Table

AS_NOW = ("sex", "ethnicity", "birth_year", "registered_at", "is_contactable", "deceased_on")
TABLE = Table(
    tier="l2",
    name="dim_donor",
    grain="a version of a donor, or the unknown donor",
    key=("donor_sk",),
    fields=(
        own_sk("donor_sk"),
        sk("postal_area_sk", "dim_postal_area", "where the donor lived then"),
        Field("donor_key", TEXT, "the donor's pseudonym (HMAC-SHA-256, hex); null for the unknown one"),
        Field("version", INT, "counts the donor's versions from 1", required=True),
        Field("valid_from", DATE, "first day of the version (UTC); the first one stands for the time before too"),
        Field("valid_to", DATE, "its last day; 9999-12-31 for the current one", required=True),
        Field("is_current", FLAG, "the donor as of the as-of day", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD as known then: O+ ... AB-, or unknown", required=True),
        Field("sex", TEXT, "Male, Female or unknown, as now", required=True),
        Field("ethnicity", TEXT, "as the donor states it now", required=True),
        Field("birth_year", INT, "year of birth, as now; 90 years and older in one band"),
        Field("registered_at", INSTANT, "when the donor registered"),
        Field("is_contactable", FLAG, "false when the donor asked not to be called"),
        Field("deceased_on", DATE, "day of death"),
    ),
    law="a donor's versions follow each other without gap or overlap up to 9999-12-31; donors = those of `donors`",
)


def build(donors: DataFrame, donor_versions: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """The versions of all donors up to `as_of`.

    Args:
        donors: current records; who is not here was withdrawn.
        donor_versions: all versions that were not withdrawn.
        as_of: versions that begin later are not seen.
        params: not used.
    """
    changes = _changes(donor_versions, as_of)
    in_order = Window.partitionBy("donor_key").orderBy(*ORDER)
    next_from = F.lead("valid_from").over(in_order)
    versions = changes.withColumns(
        {
            "donor_sk": surrogate("donor", F.col("donor_key"), F.col("valid_from")),
            "version": F.row_number().over(in_order),
            "valid_to": F.coalesce(F.date_sub(next_from, 1), F.lit(LAST_DAY)),
            "is_current": next_from.isNull(),
        }
    )
    told = versions.join(donors.select("donor_key", *AS_NOW), "donor_key", how="inner")
    always = {"version": 1, "valid_from": FIRST_DAY, "valid_to": LAST_DAY, "is_current": True}
    return members(told, TABLE, donors, **always)


def _changes(donor_versions: DataFrame, as_of: date) -> DataFrame:
    """The versions that change what is tracked, at most one a day; all windows share one sort."""
    in_order = Window.partitionBy("donor_key").orderBy(*ORDER)
    tracked = donor_versions.select(
        "donor_key",
        *ORDER,
        F.to_date("_order_at").alias("valid_from"),
        unknown_named(F.col("abo_rhd")).alias("abo_rhd"),
        surrogate("postal_area", *map(F.col, AREA)).alias("postal_area_sk"),
    )
    last_seen = F.greatest(F.first("valid_from").over(in_order), F.lit(as_of))
    is_last_of_day = ~F.lead("valid_from").over(in_order).eqNullSafe(F.col("valid_from"))
    days = tracked.withColumns({"last_seen": last_seen, "is_last_of_day": is_last_of_day}).where(
        (F.col("valid_from") <= F.col("last_seen")) & F.col("is_last_of_day")
    )
    now = F.struct("abo_rhd", "postal_area_sk")
    is_change = ~F.lag(now).over(in_order).eqNullSafe(now)
    return days.withColumn("is_change", is_change).where("is_change")
