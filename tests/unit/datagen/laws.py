"""What holds in every clean world: each law gives the records that break it, so that none is the proof.

A law takes the records by feed, every field there and NULL where it was not sent, in the order of delivery.
"""

from collections.abc import Callable, Iterable

import polars as pl
from references import REFERENCES

from lakehouse.gates.checks import WHOLE_KEY
from lakehouse.l1.feeds import FEEDS

Feeds = dict[str, pl.DataFrame]
Law = Callable[[Feeds], pl.DataFrame]
SENT_AGAIN = {"donors", "donations", "patients", "blood_requests", "distribution"}
NEVER = "9"
"""After every instant."""


def _key(feed: str) -> list[str]:
    return [WHOLE_KEY[feed]] if feed in WHOLE_KEY else list(FEEDS[feed].key)


def current(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """The last version of each record."""
    return frame.sort("recorded_at", maintain_order=True).unique(key, keep="last", maintain_order=True)


def _together(found: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(found, how="diagonal_relaxed")


def keys_are_there(feeds: Feeds) -> pl.DataFrame:
    return _together(
        frame.filter(pl.any_horizontal(pl.col(_key(feed)).is_null())).select(_key(feed))
        for feed, frame in feeds.items()
    )


def key_comes_again_only_as_a_later_version(feeds: Feeds) -> pl.DataFrame:
    def repeated(feed: str, frame: pl.DataFrame) -> pl.DataFrame:
        before = frame.with_columns(before=pl.col("recorded_at").shift().over(_key(feed)))
        is_wrong = pl.col("before") >= pl.col("recorded_at") if feed in SENT_AGAIN else pl.col("before").is_not_null()
        return before.filter(is_wrong).select(*_key(feed), "before", "recorded_at")

    return _together(repeated(feed, frame) for feed, frame in feeds.items())


def reference_exists_when_it_is_delivered(feeds: Feeds) -> pl.DataFrame:
    def dangling(feed: str, name: str, parent: str, key: str) -> pl.DataFrame:
        first = feeds[parent].group_by(key).agg(pl.col("delivered").min().alias("there"))
        pointing = feeds[feed].filter(pl.col(name).is_not_null()).select(pl.col(name), "delivered")
        found = pointing.join(first, left_on=name, right_on=key, how="left")
        return found.filter(pl.col("there").is_null() | (pl.col("there") > pl.col("delivered")))

    return _together(dangling(*reference) for reference in REFERENCES)


def _of_this_service(feeds: Feeds) -> pl.DataFrame:
    """Units that are no imports, and made of none."""
    units = feeds["components"]
    return units.filter(~pl.col("is_imported")).join(units.filter(pl.col("is_imported")), on="din", how="anti")


def unit_is_of_a_donation_or_a_pool_or_imported(feeds: Feeds) -> pl.DataFrame:
    pooled = feeds["unit_parents"].select("unit_id").unique()
    units = _of_this_service(feeds)
    ours = units.filter(pl.col("din").is_not_null()).join(feeds["donations"], on="din", how="anti")
    pools = units.filter(pl.col("din").is_null()).join(pooled, on="unit_id", how="anti")
    return pl.concat([ours, pools])


def result_is_of_a_donation_or_a_pooled_unit(feeds: Feeds) -> pl.DataFrame:
    return feeds["test_results"].join(feeds["donations"], on="din", how="anti").filter(pl.col("unit_id").is_null())


def unit_is_made_after_collection_and_before_expiry(feeds: Feeds) -> pl.DataFrame:
    is_in_order = (pl.col("collected_at") < pl.col("prepared_at")) & (pl.col("prepared_at") < pl.col("expires_at"))
    return feeds["components"].filter(~is_in_order | (pl.col("volume_ml") <= 0))


def disposition_comes_once(feeds: Feeds) -> pl.DataFrame:
    return feeds["dispositions"].filter(pl.col("unit_id").is_duplicated())


def _steps(feeds: Feeds) -> pl.DataFrame:
    """Everything that happens to units: unit, what, where and when."""
    moves = current(feeds["distribution"], "distribution_id")
    return pl.concat(
        [
            feeds["components"].select("unit_id", what=pl.lit("made"), at="prepared_at", place="facility_id"),
            feeds["unit_events"].select("unit_id", what="kind", at="happened_at", place="facility_id"),
            moves.select("unit_id", what=pl.lit("shipped"), at="shipped_at", place="from_facility_id"),
            moves.drop_nulls("received_at").select(
                "unit_id", what=pl.lit("arrived"), at="received_at", place="to_facility_id"
            ),
            feeds["dispositions"].select("unit_id", what=pl.lit("ended"), at="happened_at", place="facility_id"),
        ]
    )


def nothing_happens_to_a_unit_before_it_is_made_or_after_it_ended(feeds: Feeds) -> pl.DataFrame:
    lives = feeds["components"].select("unit_id", made="prepared_at")
    ends = feeds["dispositions"].select("unit_id", ended="happened_at")
    steps = _steps(feeds).join(lives, on="unit_id", how="left").join(ends, on="unit_id", how="left")
    return steps.filter((pl.col("at") < pl.col("made")) | (pl.col("at") > pl.col("ended").fill_null(NEVER)))


def parent_ends_as_the_unit_is_made(feeds: Feeds) -> pl.DataFrame:
    made = feeds["components"].select("unit_id", "prepared_at")
    ends = feeds["dispositions"].select(pl.col("unit_id").alias("parent_unit_id"), "happened_at", end="kind")
    links = feeds["unit_parents"].join(made, on="unit_id", how="left").join(ends, on="parent_unit_id", how="left")
    is_in_time = (pl.col("made_at") == pl.col("prepared_at")) & (pl.col("made_at") == pl.col("happened_at"))
    return links.filter(~(is_in_time & (pl.col("end") == "consumed")).fill_null(value=False))


def unit_is_given_and_sent_in_date_and_outdated_after(feeds: Feeds) -> pl.DataFrame:
    labels = feeds["components"].select("unit_id", "expires_at")
    steps = _steps(feeds).filter(pl.col("what") != "ended")
    ends = feeds["dispositions"].select("unit_id", what="kind", at="happened_at")
    found = pl.concat([steps, ends], how="diagonal").join(labels, on="unit_id")
    is_late = pl.col("at") > pl.col("expires_at")
    return found.filter(is_late != (pl.col("what") == "outdated"))


def hospital_gets_only_what_was_released_and_tested(feeds: Feeds) -> pl.DataFrame:
    events, results = (
        feeds["unit_events"],
        feeds["test_results"].filter(pl.col("unit_id").is_null() & pl.col("is_final")),
    )
    released = events.filter(pl.col("kind") == "released").group_by("unit_id").agg(released=pl.col("happened_at").min())
    tested = results.group_by("din").agg(tested=pl.col("resulted_at").max())
    ours = feeds["components"].select("unit_id", "din")
    needing = _of_this_service(feeds)["unit_id"].implode()
    issues = feeds["distribution"].filter(pl.col("kind") == "issue").join(ours, on="unit_id", how="left")
    issues = issues.join(released, on="unit_id", how="left").join(tested, on="din", how="left")
    needs_tests = pl.col("unit_id").is_in(needing) & pl.col("din").is_not_null()
    is_early = (pl.col("released").fill_null(NEVER) > pl.col("shipped_at")) | (
        needs_tests & (pl.col("tested").fill_null(NEVER) > pl.col("shipped_at"))
    )
    return issues.filter(is_early)


def reactive_donation_reaches_nobody(feeds: Feeds) -> pl.DataFrame:
    reactive = feeds["test_results"].filter(
        (pl.col("result") == "reactive") & ((pl.col("stage") == "repeat") | (pl.col("marker") == "bacterial"))
    )
    bad = _of_this_service(feeds).join(reactive, on="din", how="semi")
    return feeds["dispositions"].filter(pl.col("kind") == "transfused").join(bad, on="unit_id", how="semi")


def unit_is_where_its_last_move_left_it(feeds: Feeds) -> pl.DataFrame:
    """Each step is at the place where the unit came to be last; between shipping and arrival it is nowhere."""
    order = {"made": 0, "arrived": 1, "received": 2, "shipped": 4, "ended": 5}
    rank = pl.col("what").replace_strict(order, default=3, return_dtype=pl.Int64)
    came = pl.when(pl.col("what").is_in(["made", "arrived"])).then(pl.col("place"))
    left = pl.when(pl.col("what") == "shipped").then(pl.lit("")).otherwise(came)
    steps = _steps(feeds).with_columns(rank=rank).sort("unit_id", "at", "rank", maintain_order=True)
    steps = steps.with_columns(before=left.forward_fill().shift().over("unit_id"))
    expected = pl.when(pl.col("what") == "arrived").then(pl.lit("")).otherwise(pl.col("place"))
    return steps.filter((pl.col("what") != "made") & (pl.col("before").fill_null("?") != expected))


def shelf_is_never_negative(feeds: Feeds) -> pl.DataFrame:
    """Per place and day: what was made there or arrived, less what was shipped or ended."""
    sign = pl.when(pl.col("what").is_in(["made", "arrived"])).then(1).otherwise(-1)
    moves = _steps(feeds).filter(pl.col("what").is_in(["made", "arrived", "shipped", "ended"]))
    daily = moves.group_by("place", day=pl.col("at").str.slice(0, 10)).agg(change=sign.sum()).sort("place", "day")
    return daily.with_columns(shelf=pl.col("change").cum_sum().over("place")).filter(pl.col("shelf") < 0)


def unit_is_reserved_for_one_patient_at_a_time(feeds: Feeds) -> pl.DataFrame:
    events = feeds["unit_events"].filter(pl.col("kind").is_in(["reserved", "unreserved"]))
    given = feeds["dispositions"].filter(pl.col("kind") == "transfused")
    turns = pl.concat(
        [
            events.select("unit_id", "patient_id", what="kind", at="happened_at"),
            given.select("unit_id", "patient_id", what=pl.lit("given"), at="happened_at"),
        ]
    ).sort("unit_id", "at", maintain_order=True)
    turns = turns.with_columns(pl.col("what", "patient_id").shift().over("unit_id").name.prefix("last_"))
    is_free = pl.col("last_what").is_null() | (pl.col("last_what") == "unreserved")
    is_held = (pl.col("last_what") == "reserved") & (pl.col("last_patient_id") == pl.col("patient_id"))
    return turns.filter(~pl.when(pl.col("what") == "reserved").then(is_free).otherwise(is_held).fill_null(value=False))


def patient_is_in_hospital_when_transfused(feeds: Feeds) -> pl.DataFrame:
    stays = current(feeds["patients"], "admission_id")
    given = feeds["dispositions"].filter(pl.col("kind") == "transfused").join(stays, on="admission_id", how="left")
    # A start at ten at night is the next day in UTC.
    on = pl.col("happened_at").str.slice(0, 10).str.to_date().dt.offset_by("-1d").cast(pl.String)
    is_there = (pl.col("patient_id") == pl.col("patient_id_right")) & (
        (pl.col("admission_date") <= pl.col("happened_at").str.slice(0, 10))
        & (on <= pl.col("discharged_on").fill_null(NEVER))
    )
    return given.filter(~is_there.fill_null(value=False))


def order_gets_what_it_says(feeds: Feeds) -> pl.DataFrame:
    """Units sent for an order: as many as asked and not cancelled when filled, none when open or cancelled."""
    orders = current(feeds["blood_requests"], "request_id")
    moves = current(feeds["distribution"], "distribution_id").filter(pl.col("kind") == "issue")
    sent = moves.group_by("request_id").agg(sent=pl.len().cast(pl.Int64))
    found = orders.join(sent, on="request_id", how="left").with_columns(pl.col("sent").fill_null(0))
    wanted = pl.col("units_requested") - pl.col("units_cancelled")
    is_right = (
        pl.when(pl.col("status") == "filled")
        .then(pl.col("sent") == wanted)
        .when(pl.col("status") == "partial")
        .then(pl.col("sent") < wanted)
        .otherwise(pl.col("sent") == 0)
    )
    return found.filter(~is_right)


def session_counts_its_groups(feeds: Feeds) -> pl.DataFrame:
    groups = [f"{abo}_{sign}" for abo in ("o", "a", "b", "ab") for sign in ("pos", "neg")]
    bags = feeds["donations"].filter(pl.col("test_date").is_null()).group_by("event_id").agg(bags=pl.len())
    found = feeds["donation_events"].join(bags, on="event_id", how="left")
    is_right = (pl.sum_horizontal(groups) == pl.col("total_units")) & (
        pl.col("total_units") <= pl.col("bags").fill_null(0)
    )
    return found.filter(~is_right)


LAWS: tuple[Law, ...] = (
    keys_are_there,
    key_comes_again_only_as_a_later_version,
    reference_exists_when_it_is_delivered,
    unit_is_of_a_donation_or_a_pool_or_imported,
    result_is_of_a_donation_or_a_pooled_unit,
    unit_is_made_after_collection_and_before_expiry,
    disposition_comes_once,
    nothing_happens_to_a_unit_before_it_is_made_or_after_it_ended,
    parent_ends_as_the_unit_is_made,
    unit_is_given_and_sent_in_date_and_outdated_after,
    hospital_gets_only_what_was_released_and_tested,
    reactive_donation_reaches_nobody,
    unit_is_where_its_last_move_left_it,
    shelf_is_never_negative,
    unit_is_reserved_for_one_patient_at_a_time,
    patient_is_in_hospital_when_transfused,
    order_gets_what_it_says,
    session_counts_its_groups,
)
