"""A row is a look-back: something that casts doubt on donations given before it was known.

Which units are in doubt, and what became of each, is in `look_back_units`. Records about donations or units that are
not here open no case yet: they wait in `refused_events`.

Slice: a donor (all their donations and results), and for the other triggers a donation, a unit without one, or a lot.
It is touched by results, donations, unit events, and by the units that cultures and events name.
"""

from collections.abc import Mapping
from datetime import date
from functools import partial, reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.look_backs_calls import (
    BAG_LOT,
    CALL,
    CULTURE,
    KIT_LOT,
    LOT,
    REACTIVE,
    RECALL,
    UNIT_ONLY,
    called_cases,
    lot_cases,
    recalled_lots,
)
from lakehouse.l2.derivatives.look_backs_results import (
    DONATION_ONLY,
    DONOR_RULES,
    SOURCED,
    is_culture_marker,
    reactive_donations,
)
from lakehouse.table import DATE, FLAG, INSTANT, TEXT, Field, Table

TRIGGERS = (REACTIVE, CULTURE, CALL, RECALL, BAG_LOT, KIT_LOT)
RULES = (*DONOR_RULES, DONATION_ONLY, UNIT_ONLY, LOT)
ID_CHARACTERS = 16
SUBJECT = ("trigger", "marker", "donation_key", "unit_id", "lot")

TABLE = Table(
    tier="l2",
    name="look_backs",
    grain="a look-back: a trigger and the donation and marker, unit or lot that it is about",
    key=("case_id",),
    fields=(
        Field("case_id", TEXT, "hash of trigger, marker and subject: it stays the same while they do", required=True),
        Field("trigger", TEXT, "one of: " + ", ".join(TRIGGERS), required=True),
        Field("marker", TEXT, "the marker found; unknown where only a flag says that a donation failed; else null"),
        Field("donation_key", TEXT, "the donation that it is about; null for a lot, or a unit without a donation"),
        Field("donor_key", TEXT, "its donor's pseudonym (HMAC-SHA-256, hex)"),
        Field("unit_id", TEXT, "the unit that it is about, where that has no donation of its own"),
        Field("lot", TEXT, "the lot of bags or test kits that it is about"),
        Field("triggered_at", INSTANT, "T: the first record that opened it; a bare date counts from its start"),
        Field("triggered_on", DATE, "T as a local day", required=True),
        Field("window_rule", TEXT, "which units are in doubt, one of: " + ", ".join(RULES), required=True),
        Field("is_window_sourced", FLAG, "the rule is 21 CFR 610.46 or 610.47; else it is ours", required=True),
        Field("window_from", DATE, "first local day of donations in doubt; null: all before T, or not by time"),
        Field("window_to", DATE, "the local day of T: donations in doubt were collected before T"),
        Field("last_screen_on", DATE, "the donor's last non-reactive screen for the marker before T, as a local day"),
        Field("nat_result", TEXT, "reactive or non_reactive by NAT of the donation alone; null: not done"),
        Field("antibody_result", TEXT, "reactive or non_reactive by serology; null: not done, or not settled"),
        Field("supplemental_result", TEXT, "last supplemental result; null: none yet"),
        Field("quarantine_by", DATE, "last day to quarantine what is in stock", required=True),
        Field("consignee_by", DATE, "last day to tell who received units", required=True),
        Field("recipient_by", DATE, "last day to tell recipients", required=True),
        Field("opened_by_feed", TEXT, "conformed table of the record that opened it; params for a lot", required=True),
        Field("opened_by_record", TEXT, "its key there", required=True),
        Field("as_of", DATE, "the day that the case speaks about", required=True),
    ),
    law="rows = donations and markers reactive + donations or units cultured, called back or recalled + lots recalled",
    looked_up_by=("case_id", "donation_key"),
)


def build(
    dated: DataFrame,
    test_results: DataFrame,
    unit_events: DataFrame,
    units: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Open the look-backs that are known at the end of the as-of day.

    Args:
        dated: `dated_donations`: donors, days, rejections and lots.
        test_results: results of donations, and cultures of units.
        unit_events: recalls, and holds after a donor's call.
        units: the units of the same as-of day: what cultures and events are about.
        places: `all_facilities`: zones.
        as_of: what was known by the end of this day counts, local to each facility.
        params: look_back_months (HIV, HCV), look_back_marker_months (marker -> months, for others),
            look_back_lots (lot -> day of its recall), look_back_quarantine_days, look_back_consignee_days,
            look_back_recipient_weeks.
    """
    reactive = reactive_donations(test_results, dated, as_of=as_of, params=params).withColumns(
        {
            "trigger": F.when(is_culture_marker(), CULTURE).otherwise(REACTIVE),
            "unit_id": F.lit(None).cast(TEXT),
            "lot": F.lit(None).cast(TEXT),
        }
    )
    found = [reactive, called_cases(test_results, unit_events, dated, units, places, as_of)]
    if lots := recalled_lots(params, as_of):
        found.append(lot_cases(dated, test_results, lots))
    cases = _once(reduce(partial(DataFrame.unionByName, allowMissingColumns=True), found))
    return cases.withColumns(_deadlines(params) | _meaning(as_of)).select(*TABLE.columns)


def _once(found: DataFrame) -> DataFrame:
    """One row a case: records that say the same of one subject open one, at the first of them.

    A rule that looks at all of the donor comes before one that looks at this donation only.
    """
    facts = sorted({*found.columns} - {*SUBJECT, "triggered_at"})
    is_narrow = ~F.col("window_rule").isin(*DONOR_RULES)
    first = F.min(F.struct(is_narrow, "triggered_at", *facts)).alias("first")
    chosen = [F.col("first")[name].alias(name) for name in ("triggered_at", *facts)]
    return found.groupBy(*SUBJECT).agg(first).select(*SUBJECT, *chosen)


def _deadlines(params: Mapping[str, Any]) -> dict[str, Column]:
    """The last days to act, counted from the local day of T."""
    weeks = int(params["look_back_recipient_weeks"])
    days = {
        "quarantine_by": int(params["look_back_quarantine_days"]),
        "consignee_by": int(params["look_back_consignee_days"]),
        "recipient_by": 7 * weeks,
    }
    return {name: F.date_add("triggered_on", count) for name, count in days.items()}


def _meaning(as_of: date) -> dict[str, Column]:
    """The case's name, and what its rule rests on."""
    subject = F.coalesce("donation_key", "unit_id", "lot")
    named = F.sha2(F.concat_ws("|", "trigger", F.coalesce("marker", F.lit("")), subject), 256)
    return {
        "case_id": F.substring(named, 1, ID_CHARACTERS),
        "is_window_sourced": F.coalesce(F.col("marker").isin(*SOURCED), F.lit(False)),
        "window_to": F.col("triggered_on"),
        "as_of": F.lit(as_of),
    }
