"""What is known of each donor by a day: donations, presentations and deferrals, from the feeds and the donor record."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.domain.intervals import EXEMPT_TYPES

DAY_SLIP = 1
"""Two systems that date one donation may differ by a day (UTC against local)."""

_GIVEN = "array<struct<on: date, procedure: string, platelet_doses: decimal(8,2), is_gift: boolean>>"


def donor_histories(
    donors: DataFrame,
    donations: DataFrame,
    donor_visits: DataFrame,
    donation_events: DataFrame,
    facilities: DataFrame,
    *,
    as_of: date,
) -> DataFrame:
    """One row a donor named by any of the feeds by the end of `as_of`.

    Returns:
        donor_key, sex, birth_year, region, abo_rhd, is_deceased, is_out_of_reach, is_permanently_deferred,
        deferred_until (while it runs), presentations_12m, given (every collection: on, procedure, platelet_doses,
        is_gift), donation_days (sorted days of gifts, and those of the donor record), first_donation_on,
        last_donation_on, previous_donation_on (NULL where it may not be the one before), lifetime_donations.
    """
    sessions = _sessions(donation_events, facilities)
    given = _dated(donations, sessions, as_of)
    visits = _visits(donor_visits, sessions, as_of)
    joined = (
        _records(donors, as_of)
        .join(_collections(given), "donor_key", how="full")
        .join(_deferrals(visits), "donor_key", how="full")
        .join(_presentations(given, visits, as_of), "donor_key", how="left")
    )
    return _with_days(_filled(joined, as_of))


def _sessions(donation_events: DataFrame, facilities: DataFrame) -> DataFrame:
    """event_id, zone (UTC where no record tells), session_on (local day of its start)."""
    zones = F.broadcast(facilities.select("facility_id", "timezone"))
    zone = F.coalesce("timezone", F.lit("UTC"))
    return donation_events.join(zones, "facility_id", how="left").select(
        "event_id", zone.alias("zone"), local_date(F.col("starts_at"), zone).alias("session_on")
    )


def _dated(donations: DataFrame, sessions: DataFrame, as_of: date) -> DataFrame:
    """Donations by `as_of`; one that only its test dates was given when its session began."""
    assumed = F.coalesce("session_on", "donated_on")
    given_on = F.when(F.col("is_assumed_date") | F.col("donated_on").isNull(), assumed).otherwise(F.col("donated_on"))
    return (
        donations.join(sessions, "event_id", how="left")
        .withColumn("given_on", given_on)
        .where(F.col("given_on") <= F.lit(as_of))
        .withColumn("is_failed", F.coalesce(F.col("outcome") == "failed", F.lit(False)))
        .withColumn("is_exempt", F.coalesce(F.col("donation_type").isin(*EXEMPT_TYPES), F.lit(False)))
    )


def _visits(donor_visits: DataFrame, sessions: DataFrame, as_of: date) -> DataFrame:
    zone = F.coalesce("zone", F.lit("UTC"))
    return (
        donor_visits.join(sessions, "event_id", how="left")
        .withColumn("visited_on", local_date(F.col("visited_at"), zone))
        .where(F.col("visited_on") <= F.lit(as_of))
    )


def _records(donors: DataFrame, as_of: date) -> DataFrame:
    """Donor records by `as_of`. What a record sums up beyond that day is not used."""
    is_summed_by_then = F.coalesce(F.col("last_donation_on") <= F.lit(as_of), F.lit(True))
    return donors.where(F.coalesce(F.to_date("registered_at") <= F.lit(as_of), F.lit(True))).select(
        "donor_key",
        "sex",
        "birth_year",
        "region",
        "abo_rhd",
        F.coalesce(F.col("deceased_on") <= F.lit(as_of), F.lit(False)).alias("is_deceased"),
        (~F.coalesce("is_contactable", F.lit(True))).alias("is_out_of_reach"),
        F.when(F.col("first_donation_on") <= F.lit(as_of), F.col("first_donation_on")).alias("first_sent"),
        F.when(is_summed_by_then, F.col("last_donation_on")).alias("last_sent"),
        F.when(is_summed_by_then, F.col("total_donations")).alias("total_sent"),
    )


def _collections(given: DataFrame) -> DataFrame:
    """Everything that was collected from a donor; a gift is what says that they came as a donor for others."""
    taken = F.struct(
        F.col("given_on").alias("on"), "procedure", "platelet_doses", (~F.col("is_exempt")).alias("is_gift")
    )
    collected = F.collect_list(F.when(~F.col("is_failed"), taken))
    return given.groupBy("donor_key").agg(F.sort_array(collected).alias("given"))


def _deferrals(visits: DataFrame) -> DataFrame:
    is_permanent = F.coalesce("is_permanent", F.lit(False))
    return visits.groupBy("donor_key").agg(
        F.bool_or(is_permanent).alias("is_permanently_deferred"), F.max("deferred_until").alias("deferred_until")
    )


def _presentations(given: DataFrame, visits: DataFrame, as_of: date) -> DataFrame:
    """Visits, and donations of sources that send no visits."""
    came = F.coalesce(F.col("outcome") != "no_show", F.lit(True))
    seen = visits.where(came).select("donor_key", F.col("visited_on").alias("on"), F.col("visit_id").alias("came_as"))
    gave = given.select(
        "donor_key", F.col("given_on").alias("on"), F.coalesce("visit_id", "donation_key").alias("came_as")
    )
    return (
        seen.unionByName(gave)
        .where(F.col("on") >= F.add_months(F.lit(as_of), -12))
        .groupBy("donor_key")
        .agg(F.count_distinct("came_as").cast("int").alias("presentations_12m"))
    )


def _filled(joined: DataFrame, as_of: date) -> DataFrame:
    flags = ("is_deceased", "is_out_of_reach", "is_permanently_deferred")
    return (
        joined.fillna(False, list(flags))
        .fillna(0, ["presentations_12m"])
        .withColumn("given", F.coalesce("given", F.array().cast(_GIVEN)))
        .withColumn("deferred_until", F.when(F.col("deferred_until") >= F.lit(as_of), F.col("deferred_until")))
    )


def _with_days(donors: DataFrame) -> DataFrame:
    """Add the days of gifts; the first and last that the donor record names count where no record is near them."""
    recorded = F.transform(F.filter("given", lambda gift: gift["is_gift"]), lambda gift: gift["on"])
    return (
        donors.withColumn("recorded_days", recorded)
        .withColumn("sent_days", _sent_days())
        .withColumn("donation_days", F.sort_array(F.concat("recorded_days", "sent_days")))
        .withColumn("first_donation_on", F.array_min("donation_days"))
        .withColumn("last_donation_on", F.array_max("donation_days"))
        .withColumn("lifetime_donations", _lifetime())
        .withColumn("previous_donation_on", _previous())
        .drop("recorded_days", "sent_days", "first_sent", "last_sent", "total_sent")
    )


def _sent_days() -> Column:
    """Days of the donor record that are no recorded donation's, each once."""
    sent = F.array_distinct(F.array_compact(F.array("first_sent", "last_sent")))
    return F.filter(sent, lambda day: ~F.exists("recorded_days", lambda on: F.abs(F.date_diff(on, day)) <= DAY_SLIP))


def _lifetime() -> Column:
    """The donations known, or the record's total and those recorded since it was summed up, whichever is more."""
    since = F.size(F.filter("recorded_days", lambda on: on > F.date_add("last_sent", DAY_SLIP)))
    summed = F.coalesce("total_sent", F.lit(0)) + F.when(F.col("last_sent").isNull(), 0).otherwise(since)
    return F.greatest(F.size("donation_days"), summed).cast("int")


def _previous() -> Column:
    """The donation before the last one; not the record's first, where the record counts more in between."""
    before_last = F.try_element_at("donation_days", F.lit(-2))
    is_record_s_first = F.array_contains("sent_days", before_last) & ~before_last.eqNullSafe(F.col("last_sent"))
    has_unknown_between = F.col("lifetime_donations") > F.size("donation_days")
    return F.when(~(is_record_s_first & has_unknown_between), before_last)
