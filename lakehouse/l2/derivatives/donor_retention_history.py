"""What is known of each donor by a day: donations, presentations and deferrals, from the feeds and the donor record."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

DAY_SLIP = 1
"""Two systems that date one donation may differ by a day (UTC against local)."""

SINCE_EVER = date(1900, 1, 1)


def donor_histories(donor_lives: DataFrame, *, as_of: date) -> DataFrame:
    """One row a donor named by any of the feeds by the end of `as_of`.

    Args:
        donor_lives: the records of each donor.
        as_of: last local day that counts.

    Returns:
        donor_key, sex, birth_year, region, abo_rhd, is_out_of_reach, deceased_on, deferred_for_good_on (first day),
        deferred_until (while it runs), known_on (first day that a feed names the donor), given (every collection: on,
        procedure, platelet_doses, is_gift), presentations (on, came_as), gift_days (recorded), seen_days (those and
        the first day of the donor record), donation_days (those and its last day; all sorted), first_donation_on,
        last_donation_on, previous_donation_on (NULL where it may not be the one before), lifetime_donations.
    """
    by_then = (
        donor_lives.withColumn("collections", _until("collections", as_of))
        .withColumn("visits", _until("visits", as_of))
        .withColumn("known_on", _known_on())
        .where(F.col("known_on") <= F.lit(as_of))
    )
    return _with_days(_told(by_then, as_of))


def _until(name: str, as_of: date) -> Column:
    return F.filter(name, lambda event: event["on"] <= F.lit(as_of))


def _known_on() -> Column:
    """A record that names no day of registration is known since ever."""
    registered = F.when(F.col("record").isNotNull(), F.coalesce("record.registered_on", F.lit(SINCE_EVER)))
    return F.least(registered, F.array_min("collections")["on"], F.array_min("visits")["on"])


def _told(lives: DataFrame, as_of: date) -> DataFrame:
    """What the records say. What a donor record sums up beyond the as-of day, or says before it began, is not used."""
    record = F.coalesce(F.col("record.registered_on") <= F.lit(as_of), F.col("record").isNotNull())
    last_sent = F.col("record.last_donation_on")
    is_summed_by_then = record & F.coalesce(last_sent <= F.lit(as_of), F.lit(True))
    permanent = F.filter("visits", lambda visit: visit["is_permanent"])
    deferred_until = F.array_max(F.transform("visits", lambda visit: visit["deferred_until"]))
    return lives.select(
        "donor_key",
        "known_on",
        *[F.when(record, F.col(f"record.{name}")).alias(name) for name in ("sex", "birth_year", "region", "abo_rhd")],
        F.coalesce(record & ~F.col("record.is_contactable"), F.lit(False)).alias("is_out_of_reach"),
        _by(F.when(record, F.col("record.deceased_on")), as_of).alias("deceased_on"),
        F.array_min(permanent)["on"].alias("deferred_for_good_on"),
        F.when(deferred_until >= F.lit(as_of), deferred_until).alias("deferred_until"),
        _by(F.when(record, F.col("record.first_donation_on")), as_of).alias("first_sent"),
        F.when(is_summed_by_then, last_sent).alias("last_sent"),
        F.when(is_summed_by_then, F.col("record.total_donations")).alias("total_sent"),
        _given().alias("given"),
        _presentations().alias("presentations"),
    )


def _by(day: Column, as_of: date) -> Column:
    return F.when(day <= F.lit(as_of), day)


def _given() -> Column:
    """Everything that was collected; a gift is what says that the donor came for others."""
    drawn = F.filter("collections", lambda taken: ~taken["is_failed"])
    return F.transform(
        drawn,
        lambda taken: F.struct(
            taken["on"].alias("on"),
            taken["procedure"].alias("procedure"),
            taken["platelet_doses"].alias("platelet_doses"),
            taken["is_for_others"].alias("is_gift"),
        ),
    )


def _presentations() -> Column:
    """Visits, and collections of sources that send no visits; a visit and its donation have one name."""
    present = F.filter("visits", lambda visit: visit["is_present"])
    came = [
        F.transform(events, lambda event: F.struct(event["on"].alias("on"), event["came_as"].alias("came_as")))
        for events in (present, F.col("collections"))
    ]
    return F.concat(*came)


def _with_days(donors: DataFrame) -> DataFrame:
    """Add the days of gifts; the first and last that the donor record names count where no record is near them."""
    gift_days = F.transform(F.filter("given", lambda taken: taken["is_gift"]), lambda taken: taken["on"])
    return (
        donors.withColumn("gift_days", gift_days)
        .withColumn("sent_days", _sent_days())
        .withColumn("seen_days", F.sort_array(F.concat("gift_days", _first_of("sent_days"))))
        .withColumn("donation_days", F.sort_array(F.concat("gift_days", "sent_days")))
        .withColumn("first_donation_on", F.array_min("donation_days"))
        .withColumn("last_donation_on", F.array_max("donation_days"))
        .withColumn("lifetime_donations", _lifetime())
        .withColumn("previous_donation_on", _previous())
        .drop("sent_days", "first_sent", "last_sent", "total_sent")
    )


def _sent_days() -> Column:
    """Days of the donor record that are no recorded donation's, each once."""
    sent = F.array_distinct(F.array_compact(F.array("first_sent", "last_sent")))
    return F.filter(sent, lambda day: ~F.exists("gift_days", lambda on: F.abs(F.date_diff(on, day)) <= DAY_SLIP))


def _first_of(sent_days: str) -> Column:
    return F.filter(sent_days, lambda day: day == F.col("first_sent"))


def _lifetime() -> Column:
    """The donations known, or the record's total and those recorded since it was summed up, whichever is more."""
    since = F.size(F.filter("gift_days", lambda on: on > F.date_add("last_sent", DAY_SLIP)))
    summed = F.coalesce("total_sent", F.lit(0)) + F.when(F.col("last_sent").isNull(), 0).otherwise(since)
    return F.greatest(F.size("donation_days"), summed).cast("int")


def _previous() -> Column:
    """The donation before the last one; not the record's first, where the record counts more in between."""
    before_last = F.try_element_at("donation_days", F.lit(-2))
    is_record_s_first = F.array_contains("sent_days", before_last) & ~before_last.eqNullSafe(F.col("last_sent"))
    has_unknown_between = F.col("lifetime_donations") > F.size("donation_days")
    return F.when(~(is_record_s_first & has_unknown_between), before_last)
