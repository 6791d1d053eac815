"""A row is a donor whom any record names: what each feed says of them, of all days.

Every table on donors is made of these rows, each for the days that it speaks about. Slice: a donor; every record of
`donors`, `donations` and `donor_visits` touches its own.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.derivatives.units_donations import has_failed, is_exempt


def donor_lives(
    donors: DataFrame, dated: DataFrame, donor_visits: DataFrame, donation_events: DataFrame, places: DataFrame
) -> DataFrame:
    """Gather the records of each donor in one row.

    Args:
        donors: donor records; they may count donations from before the lake.
        dated: `dated_donations`, of every outcome and type.
        donor_visits: presentations and their deferrals.
        donation_events: where a visit was.
        places: `all_facilities`: the time zones that days are counted in.

    Returns:
        donor_key, record (the donor record; NULL where there is none), collections and visits (arrays; the days of
        both are local to the place). No day is left out, not even one to come.
    """
    parts = (
        donors.select("donor_key", _record().alias("record"))
        .unionByName(dated.select("donor_key", _collection().alias("collection")), allowMissingColumns=True)
        .unionByName(_visits(donor_visits, donation_events, places), allowMissingColumns=True)
    )
    return parts.groupBy("donor_key").agg(
        F.max("record").alias("record"),
        F.sort_array(F.collect_list("collection")).alias("collections"),
        F.sort_array(F.collect_list("visit")).alias("visits"),
    )


def _record() -> Column:
    return F.struct(
        "sex",
        "birth_year",
        "region",
        "abo_rhd",
        F.to_date("registered_at").alias("registered_on"),
        "deceased_on",
        F.coalesce("is_contactable", F.lit(True)).alias("is_contactable"),
        "first_donation_on",
        "last_donation_on",
        "total_donations",
    )


def _collection() -> Column:
    """A collection is a gift unless it failed, or was none for others (autologous, therapeutic)."""
    return F.struct(
        F.col("donated_on").alias("on"),
        "procedure",
        "platelet_doses",
        (~is_exempt()).alias("is_for_others"),
        has_failed().alias("is_failed"),
        F.coalesce("visit_id", "donation_key").alias("came_as"),
    )


def _visits(donor_visits: DataFrame, donation_events: DataFrame, places: DataFrame) -> DataFrame:
    zones = F.broadcast(places.select("facility_id", "timezone"))
    sessions = donation_events.select("event_id", "facility_id").join(zones, "facility_id", how="left")
    visit = F.struct(
        local_date(F.col("visited_at"), F.coalesce("timezone", F.lit("UTC"))).alias("on"),
        F.col("visit_id").alias("came_as"),
        F.coalesce(F.col("outcome") != "no_show", F.lit(True)).alias("is_present"),
        "deferred_until",
        F.coalesce("is_permanent", F.lit(False)).alias("is_permanent"),
    )
    return donor_visits.join(sessions, "event_id", how="left").select("donor_key", visit.alias("visit"))
