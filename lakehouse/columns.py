"""Column -> Column vocabulary that several tables use. Instants are UTC; so is the session's time zone."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.domain.blood_groups import GROUPS, SHORT

MICROSECOND = "INTERVAL '0.000001' SECOND"
BATCH = "b%06d"
"""How a batch is named, everywhere: "b000017"."""
_SHORT_BY_TEXT = {**SHORT, **{group.lower(): group for group in GROUPS}}


def short_group(text: Column) -> Column:
    """Short group ("O+") of a group as sent ("O positive", or already short); NULL for any other text."""
    sent = F.lower(F.trim(text))
    table = F.create_map(*[F.lit(word) for pair in _SHORT_BY_TEXT.items() for word in pair])
    return F.try_element_at(table, sent)


def local_date(instant: Column, zone: Column) -> Column:
    """Calendar day of an instant in an IANA zone."""
    return F.to_date(F.from_utc_timestamp(instant, zone))


def last_day(expires_at: Column, zone: Column) -> Column:
    """Last local day on which a unit can be used: dating that ends at midnight ends with the day before."""
    return local_date(expires_at - F.expr(MICROSECOND), zone)


def start_of_day(day: Column, zone: Column) -> Column:
    """The instant at which a local day begins in an IANA zone."""
    return F.to_utc_timestamp(day.cast("timestamp"), zone)


def end_of_day(day: Column, zone: Column) -> Column:
    """The last microsecond of a local day in an IANA zone."""
    return start_of_day(F.date_add(day, 1), zone) - F.expr(MICROSECOND)


def event_date(instant: Column, is_date_only: Column, zone: Column) -> Column:
    """Local day of an event: a bare date is already local to its facility and is never shifted."""
    return F.when(is_date_only, F.to_date(instant)).otherwise(local_date(instant, zone))


def is_bare_date(rescued: Column, field: str) -> Column:
    """Whether an instant `field` was sent as a bare date, which its row's `_rescued` then keeps."""
    sent = F.trim(F.get_json_object(rescued, f"$.{field}"))
    is_date = sent.rlike(r"^\d{4}-\d{2}-\d{2}$") & sent.try_cast("date").isNotNull()
    return F.coalesce(is_date, F.lit(False))


def bare_dates(rescued: Column, *fields: str) -> Column:
    """Those of the instants `fields` that were sent as bare dates; NULL for none. For a column `date_only`."""
    sent = F.array_compact(F.array(*[F.when(is_bare_date(rescued, field), F.lit(field)) for field in fields]))
    return F.when(F.size(sent) > 0, sent.cast("array<string>"))


def is_said_by_day(field: str) -> Column:
    """Whether an instant is midnight UTC of a local day of which no time was said, by the column `date_only`."""
    return F.coalesce(F.array_contains("date_only", field), F.lit(False))


def known_zone(zone: Column) -> Column:
    """The zone when it is one that Spark can count days in, else NULL."""
    # try_make_timestamp would say the same, but fails on an unknown zone wherever Spark interprets it.
    moment = F.concat(F.lit("2000-01-01 00:00:00 "), zone).try_cast("timestamp")
    return F.when(zone.rlike(r"^\S+$") & moment.isNotNull(), zone)


def batch_name(batch_seq: Column) -> Column:
    """The name of a batch."""
    return F.format_string(BATCH, batch_seq)
