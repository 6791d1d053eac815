"""Test results that open a look-back, and the window that each opens. A row is a donation and one of its markers."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import local_date, start_of_day
from lakehouse.l2.derivatives.units_donations import (
    INFECTIOUS,
    by_reference,
    is_final,
    reference,
    results_of_donations,
)
from lakehouse.l2.kept import kept

SOURCED = ("hiv", "hcv")  # 21 CFR 610.46 and 610.47
UNKNOWN = "unknown"
"""The marker of a donation that only a flag says failed: nobody knows which."""

NAT_REACTIVE, LAST_SCREEN, ALL_PRIOR, OF_MARKER = "nat_reactive", "last_screen", "all_prior", "months_of_marker"
DONOR_RULES = (NAT_REACTIVE, LAST_SCREEN, ALL_PRIOR, OF_MARKER)
DONATION_ONLY = "donation"
COLUMNS = (
    "marker",
    "donation_key",
    "donor_key",
    "triggered_at",
    "triggered_on",
    "opened_by_feed",
    "opened_by_record",
    "nat_result",
    "antibody_result",
    "supplemental_result",
    "last_screen_on",
    "window_rule",
    "window_from",
)


def is_culture() -> Column:
    """Whether a result is a bacterial culture's."""
    return F.coalesce((F.col("marker") == "bacterial") | (F.col("method") == "culture"), F.lit(False))


def opens() -> Column:
    """Whether a result opens a look-back: repeat-reactive, reactive by NAT of this donation alone, or final.

    A reactive pool of samples says nothing about one donation, unless the source says that nothing follows; a
    culture counts from its first reading.
    """
    is_reactive = F.col("marker").isin(*INFECTIOUS) & (F.col("result") == "reactive")
    is_of_pool = F.coalesce(F.col("method") == "nat_pool", F.lit(False))
    is_repeated = F.coalesce(F.col("stage").isin("repeat", "supplemental"), F.lit(False))
    is_alone = F.coalesce(F.col("method") == "nat_single", F.lit(False))
    is_certain = is_final() | ((is_repeated | is_alone) & ~is_of_pool) | is_culture()
    return F.coalesce(is_reactive, F.lit(False)) & is_certain


def of_donations(test_results: DataFrame) -> DataFrame:
    """The results, those of donations without a unit: only a culture is about the unit that it names."""
    return test_results.withColumn("unit_id", F.when(is_culture(), F.col("unit_id")))


def reactive_donations(
    test_results: DataFrame, dated: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """One row a donation and marker that turned reactive by the as-of day, with the window that it opens.

    Only the results of donors with a reactive donation are looked through.

    Returns:
        `COLUMNS`; `window_from` is NULL where the window has no beginning.
    """
    results = of_donations(test_results)
    own = kept(dated.join(_donors(results, dated), on="donor_key", how="left_semi"))
    found = results_of_donations(results, own, as_of).groupBy("donation_key", "marker").agg(*_findings())
    judged = own.join(found, on="donation_key", how="left").withColumn("opened", _opened(as_of))
    # Every screen counts by itself: a donation that is tested again after T was clear before T all the same.
    of_marker = Window.partitionBy("donor_key", "marker")
    screens = F.collect_list(F.when(F.col("opened").isNull(), F.col("screened_at"))).over(of_marker)
    cases = judged.withColumn("screens", F.flatten(screens)).where(F.col("opened").isNotNull())
    before = F.filter("screens", lambda at: at < F.col("opened")["at"])
    return _windowed(cases.withColumn("last_screen_at", F.array_max(before)), params)


def _donors(results: DataFrame, dated: DataFrame) -> DataFrame:
    """Donors with a result that opens a look-back, or a donation whose flag says that it failed."""
    opening = results.where(opens() & F.col("unit_id").isNull()).select(reference().alias("reference"))
    names = by_reference(dated, "donor_key", with_shared_bags=True)
    named = names.join(opening, on="reference", how="left_semi").select("donor_key")
    flagged = dated.where(~F.col("test_result")).select("donor_key")
    return named.unionByName(flagged).distinct()


def _findings() -> tuple[Column, ...]:
    """Aggregates over the results of one donation and marker."""
    at, result, opening = F.col("resulted_at"), F.col("result"), opens()
    is_supplemental = F.coalesce(F.col("stage") == "supplemental", F.lit(False))
    is_clear = is_final() & (result == "non_reactive") & ~is_supplemental

    def found(method: str) -> Column:
        is_of = (F.col("method") == method) & ~is_supplemental
        return F.when(F.max(is_of & opening), "reactive").when(F.max(is_of & is_clear), "non_reactive")

    last = F.max_by(F.when(is_supplemental, result), F.when(is_supplemental, F.struct(at, "test_id")))
    return (
        F.min(F.when(opening, F.struct(at.alias("at"), F.col("test_id").alias("record")))).alias("result_opened"),
        F.collect_set(F.when(is_clear, at)).alias("screened_at"),
        found("nat_single").alias("nat_result"),
        found("serology").alias("antibody_result"),
        last.alias("supplemental_result"),
    )


def _opened(as_of: date) -> Column:
    """The first result that opened the case; the flag counts where there is no result of the donation at all."""
    is_flagged = F.col("marker").isNull() & ~F.col("test_result") & (F.col("tested_on") <= F.lit(as_of))
    flagged_at = start_of_day(F.col("tested_on"), F.col("zone"))
    result = F.col("result_opened")
    by_result = F.struct(
        result["at"].alias("at"), F.lit("test_results").alias("feed"), result["record"].alias("record")
    )
    by_flag = F.struct(flagged_at.alias("at"), F.lit("donations").alias("feed"), F.col("donation_key").alias("record"))
    return F.when(result.isNotNull(), by_result).when(is_flagged, by_flag)


def _windowed(cases: DataFrame, params: Mapping[str, Any]) -> DataFrame:
    """Add the rule of the window and its first day."""
    marked = cases.withColumns(
        {
            "marker": F.coalesce("marker", F.lit(UNKNOWN)),
            "triggered_at": F.col("opened")["at"],
            "triggered_on": local_date(F.col("opened")["at"], F.col("zone")),
            "last_screen_on": local_date(F.col("last_screen_at"), F.col("zone")),
            "opened_by_feed": F.col("opened")["feed"],
            "opened_by_record": F.col("opened")["record"],
        }
    )
    months, of_marker = int(params["look_back_months"]), _months_of_marker(params)
    is_by_nat = (F.col("nat_result") == "reactive") & (F.col("antibody_result") == "non_reactive")
    # A screen lies before what was reactive after it, so of the two windows that of NAT is always the shorter.
    sourced = F.when(is_by_nat, NAT_REACTIVE).when(F.col("last_screen_on").isNotNull(), LAST_SCREEN)
    other = F.when(is_culture_marker(), DONATION_ONLY).when(of_marker.isNotNull(), OF_MARKER)
    rule = F.coalesce(F.when(F.col("marker").isin(*SOURCED), sourced).otherwise(other), F.lit(ALL_PRIOR))
    first_day = (
        F.when(F.col("window_rule") == NAT_REACTIVE, F.add_months("triggered_on", -months))
        .when(F.col("window_rule") == LAST_SCREEN, F.add_months("last_screen_on", -months))
        .when(F.col("window_rule") == OF_MARKER, F.add_months("triggered_on", -of_marker))
    )
    return marked.withColumn("window_rule", rule).withColumn("window_from", first_day).select(*COLUMNS)


def is_culture_marker() -> Column:
    """Whether bacteria were found: they are in that donation, not in the donor's others."""
    return F.col("marker") == "bacterial"


def _months_of_marker(params: Mapping[str, Any]) -> Column:
    """Months that conf sets for a marker; NULL for one that it does not name."""
    found = F.lit(None).cast("int")
    for marker, months in sorted(dict(params["look_back_marker_months"]).items()):
        found = F.when(F.col("marker") == marker, F.lit(int(months))).otherwise(found)
    return found
