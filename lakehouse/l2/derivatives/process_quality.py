"""A row is a month of a facility's collection: what became of the donations drawn there, and of the units made of them.

Donations count on the day that they were drawn, and everything about them and their units counts in that month too,
whenever it happened: so a month's discards, releases and fates go on changing after it has ended. Units of no one
donation (pools, imports) count where and when they were made or imported.

Slice: a local month of collection. A record touches the month of the donation that it is about, or of its unit's;
a donor's record, and a donation earlier than all known, touch every month in which that donor gave.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.collected import with_origin
from lakehouse.l2.derivatives.placed_moves import UNKNOWN, named_places
from lakehouse.l2.derivatives.process_quality_counts import (
    DONORS,
    OF_DONATIONS,
    cultures,
    donations_counted,
    placed_units,
    units_counted,
)
from lakehouse.l2.kept import kept
from lakehouse.table import DATE, FLAG, INT, NUMBER, TEXT, Field, Table

PER = 10_000
QUANTILES = {"median": 0.5, "p90": 0.9}
_DONATIONS = {
    "donations": "collections begun",
    "rejected": "of them, giving no units to use: rejected for whatever reason, failed or reactive",
    "qns": "of them, for a quantity not sufficient; failed ones without a reason too",
    "reactive": "donations rejected as reactive, or found so: repeatedly, by NAT of the donation alone, or finally",
    "confirmed": "of them, reactive in a supplemental test or finally by NAT of the donation alone",
}
_DONORS = {"first_time": "donors who had not given before", "repeat": "donors who had given before"}
_DISCARDS = {
    "reactive": "a reactive test",
    "culture": "a positive culture",
    "recall": "a recall",
    "donor_callback": "what the donor told afterwards",
    "other": "another reason, or none told",
}

TABLE = Table(
    tier="l2",
    name="process_quality",
    grain="a local month and facility of collection, from the first donation to the as-of day",
    key=("month_on", "facility_id"),
    fields=(
        Field("month_on", DATE, "first day of the month of collection", required=True),
        Field("facility_id", TEXT, "facility of the session; 'unknown' where no record tells", required=True),
        Field("facility_name", TEXT, "its name; null where it is not listed"),
        Field("facility_kind", TEXT, "collection, processing, hub, hospital or external; null likewise"),
        Field("region", TEXT, "its region; 'unknown' where no record tells", required=True),
        Field("is_complete", FLAG, "the month had ended by the end of the as-of day", required=True),
        *(
            Field(f"{name}_{who}", INT, f"{doc}; of {whose}", required=True)
            for name, doc in _DONATIONS.items()
            for who, whose in _DONORS.items()
        ),
        *(
            Field(f"{name}_per_10k_{who}", NUMBER, f"{name}_{who} per 10,000 donations_{who}; null without donations")
            for name in OF_DONATIONS[1:]
            for who in DONORS
        ),
        Field("cultured", INT, "units, or donations as a whole, with a final culture", required=True),
        Field("culture_positive", INT, "of them, with a positive one", required=True),
        Field("culture_positive_per_10k", NUMBER, "culture_positive per 10,000 cultured; null where that is 0"),
        Field("units", INT, "units made of these donations, pooled, or imported", required=True),
        Field("released", INT, "units released that were made straight of one donation", required=True),
        *(
            Field(f"release_hours_{name}", NUMBER, f"{name} of their hours from collection to first release")
            for name in QUANTILES
        ),
        Field("discarded", INT, "units discarded for a test or for quality", required=True),
        *(Field(f"discarded_{name}", INT, f"of them, for {doc}", required=True) for name, doc in _DISCARDS.items()),
        Field("units_ended", INT, "units that ended or are past their dating with nothing reported", required=True),
        Field("units_fate_known", INT, "of them, with a reported end other than lost", required=True),
        Field("known_fate_share", NUMBER, "units_fate_known / units_ended; null where that is 0"),
    ),
    law="the sum of donations = dated donations by as-of; the sum of units = rows of units",
)
COUNTS = tuple(field.name for field in TABLE.fields if field.type == INT)


def build(
    collections: DataFrame,
    units: DataFrame,
    unit_parents: DataFrame,
    test_results: DataFrame,
    dispositions: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The quality of every month's collections as it is known at the end of `as_of`.

    Args:
        collections: donations with the standing of their donors.
        units: the units' state at `as_of`.
        unit_parents: tells which units were made of other units.
        test_results: results of donations, and cultures of units.
        dispositions: why units were discarded.
        places: `all_facilities`: regions, kinds and names.
        as_of: what was drawn, resulted, released or ended later is not seen.
        params: none is read.
    """
    placed = kept(placed_units(with_origin(units, unit_parents), collections, as_of))
    found = [
        donations_counted(collections, test_results, as_of),
        units_counted(placed, dispositions),
        cultures(test_results, collections, placed, as_of),
    ]
    rows = reduce(lambda more, frame: more.unionByName(frame, allowMissingColumns=True), found)
    sums = [F.coalesce(F.sum(name), F.lit(0)).cast("int").alias(name) for name in COUNTS]
    hours = F.percentile("release_hours", F.array(*map(F.lit, QUANTILES.values()))).alias("hours")
    months = rows.withColumn("month_on", F.trunc("on", "month")).groupBy("month_on", "facility_id").agg(*sums, hours)
    return (
        months.join(F.broadcast(named_places(places)), "facility_id", how="left")
        .withColumn("region", F.coalesce("region", F.lit(UNKNOWN)))
        .withColumn("is_complete", F.last_day("month_on") <= F.lit(as_of))
        .withColumns(_rates())
        .select(*TABLE.columns)
    )


def _rates() -> dict[str, Column]:
    per_donations = {
        f"{name}_per_10k_{who}": _per(PER, f"{name}_{who}", f"donations_{who}")
        for name in OF_DONATIONS[1:]
        for who in DONORS
    }
    return {
        **per_donations,
        "culture_positive_per_10k": _per(PER, "culture_positive", "cultured"),
        **{f"release_hours_{name}": F.col("hours")[place] for place, name in enumerate(QUANTILES)},
        "known_fate_share": _per(1, "units_fate_known", "units_ended"),
    }


def _per(scale: int, part: str, whole: str) -> Column:
    return F.try_divide(F.lit(float(scale)) * F.col(part), F.col(whole))
