"""Laws of donors: of their classes, their cohorts, and whom to call."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.domain.intervals import EXEMPT_TYPES
from lakehouse.l2.derivatives.donor_retention import CLASSES, ELIGIBLE
from lakehouse.l2.derivatives.recall_list import callable_donors
from lakehouse.l2.laws.law import Law, added, counted, sides, summed


def donors_by_class(
    donor_retention: DataFrame,
    donors: DataFrame,
    dated: DataFrame,
    donor_visits: DataFrame,
    donation_events: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Whoever is named by a feed by the as-of day is in exactly one of the classes."""
    today = F.lit(as_of)
    registered = donors.where(F.coalesce(F.to_date("registered_at") <= today, F.lit(True)))
    gave = dated.where(F.col("donated_on") <= today)
    came = _visits(donor_visits, donation_events, places).where(F.col("visited_on") <= today)
    named = registered.select("donor_key").union(gave.select("donor_key")).union(came.select("donor_key")).distinct()
    known = donor_retention.where(F.col("class").isin(*CLASSES))
    both = counted(named, left=True).unionByName(counted(known, left=False))
    return added("donor_retention.classes", both)


def first_timers_in_cohorts(
    donor_retention: DataFrame, dated: DataFrame, donor_cohorts: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """The donors of whom every donation is recorded in the lake are each in one cohort."""
    drawn = F.coalesce(F.col("outcome") != "failed", F.lit(True))
    for_others = ~F.coalesce(F.col("donation_type").isin(*EXEMPT_TYPES), F.lit(False))
    gifts = dated.where((F.col("donated_on") <= F.lit(as_of)) & drawn & for_others).groupBy("donor_key")
    known = donor_retention.join(gifts.agg(F.count("*").alias("gifts")), "donor_key", how="inner")
    first_timers = known.agg(F.count_if(F.col("gifts") == F.col("lifetime_donations")).alias("left"))
    cohorts = donor_cohorts.where(F.col("months_since") == 0).agg(
        F.coalesce(F.sum("first_timers"), F.lit(0)).alias("right")
    )
    return first_timers.crossJoin(cohorts).select(*sides("donor_cohorts.first_timers", F.col("left"), F.col("right")))


def called_are_eligible(
    donor_retention: DataFrame,
    recall_list: DataFrame,
    look_backs: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Whoever is on the list may give by its procedure on its day; and nobody who may give is missing."""
    until = as_of + timedelta(days=int(params["recall_within_days"]))
    days = [F.struct(F.lit(name).alias("procedure"), F.col(on).alias("eligible_on")) for on, name in ELIGIBLE.items()]
    is_asked = (F.col("procedure") == "whole_blood") | F.array_contains("given_procedures", F.col("procedure"))
    ways = (
        callable_donors(donor_retention, look_backs)
        .select("donor_key", "given_procedures", F.inline(F.array(*days)))
        .where((F.col("eligible_on") <= F.lit(until)) & is_asked)
    )
    sides_of = {
        "eligible": (recall_list, recall_list.join(ways, ["donor_key", "procedure", "eligible_on"], how="left_semi")),
        "complete": (ways.select("donor_key").distinct(), recall_list),
    }
    both = [
        counted(frame, left=is_left, feed=F.lit(part))
        for part, frames in sides_of.items()
        for frame, is_left in zip(frames, (True, False), strict=True)
    ]
    by_part = reduce(DataFrame.unionByName, both).groupBy(F.concat(F.lit("recall_list."), "feed").alias("law"))
    return by_part.agg(*summed()).withColumn("difference", F.col("left") - F.col("right"))


def _visits(donor_visits: DataFrame, donation_events: DataFrame, places: DataFrame) -> DataFrame:
    zones = donation_events.join(F.broadcast(places), "facility_id", how="left").select("event_id", "timezone")
    zone = F.coalesce("timezone", F.lit("UTC"))
    return donor_visits.join(zones, "event_id", how="left").withColumn(
        "visited_on", local_date(F.col("visited_at"), zone)
    )


LAWS = (
    Law(
        "donor_retention.classes",
        "donors named by a feed by the as-of day = the sum over the classes",
        donors_by_class,
    ),
    Law(
        "donor_cohorts.first_timers",
        "donors whose every donation is recorded = the sum of first_timers over the cohorts",
        first_timers_in_cohorts,
    ),
    Law(
        "recall_list",
        "donors on the list = those of them who may give as it says = donors who may give in time",
        called_are_eligible,
    ),
)
