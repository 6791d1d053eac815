"""A row is a unit that a look-back casts doubt on, and what became of it by the end of the as-of day.

In doubt are the units of every donation in the case's window, and all that was made of them, pools too. Where the
case is about a pool or an import, or about the kits that tested one, all that it was made of counts as well, with the
donations behind it.

Slice: a look-back. It is touched by what touches the case, and by every change of a unit or a making in it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.look_backs_calls import BAG_LOT, KIT_LOT, UNIT_ONLY, recalled_lots
from lakehouse.l2.derivatives.look_backs_results import DONOR_RULES
from lakehouse.l2.derivatives.units import DISPOSITIONS, ON_HAND, UNREPORTED
from lakehouse.l2.derivatives.units_donations import by_reference, reference
from lakehouse.table import DATE, FLAG, INSTANT, INT, TEXT, Field, Table

FATES = ("in_stock", "in_transit", "transfused", "gone", "unknown")
FATE_OF: Mapping[str, str] = {
    **dict.fromkeys(DISPOSITIONS, "gone"),
    **dict.fromkeys(ON_HAND, "in_stock"),
    **dict.fromkeys(UNREPORTED, "unknown"),
    **{state: state for state in ("in_transit", "transfused")},
}
"""The fate that each state of a unit is."""

FROM_DONATION, FROM_UNIT = "donation", "unit"

TABLE = Table(
    tier="l2",
    name="look_back_units",
    grain="a look-back and a unit that it casts doubt on",
    key=("case_id", "unit_id"),
    fields=(
        Field("case_id", TEXT, "the look-back", required=True),
        Field("unit_id", TEXT, "the unit", required=True),
        Field("donation_key", TEXT, "the donation in doubt that it has blood of; the first where there are several"),
        Field("donor_key", TEXT, "that donation's donor: pseudonym (HMAC-SHA-256, hex)"),
        Field("donations", INT, "how many donations in doubt it has blood of", required=True),
        Field("is_index", FLAG, "its own donation is the one that opened the case", required=True),
        Field(
            "path",
            TEXT,
            "how it came of the donation (of the unit, where the case is about one): the makings in between, such as "
            "'donation', 'donation > pooled', 'donation > pooled > modified'; the longest where there are several",
            required=True,
        ),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD of the unit"),
        Field("collected_at", INSTANT, "when the (oldest) donation was collected"),
        Field("expires_at", INSTANT, "end of dating"),
        Field("fate", TEXT, "one of: " + ", ".join(FATES), required=True),
        Field("state", TEXT, "the unit's state, which says how it went; consumed: made into others, listed too"),
        Field("is_to_quarantine", FLAG, "in stock or on its way, and not quarantined", required=True),
        Field("facility_id", TEXT, "where it is; where it was last, when in transit or ended"),
        Field("facility_kind", TEXT, "collection, processing, hub, hospital or external"),
        Field("issued_at", INSTANT, "first shipment to a hospital; null: it never left the service for one"),
        Field("ended_at", INSTANT, "when it was transfused or ended otherwise"),
        Field("ended_on", DATE, "that day, local to the facility"),
        Field("patient_key", TEXT, "who received it: the person's pseudonym; null where it was not transfused"),
        Field("as_of", DATE, "the day that the fate speaks about", required=True),
    ),
    law="every row's unit is in units; the units of donations that opened a case = the rows with is_index",
    looked_up_by=("case_id", "unit_id"),
)


def build(
    look_backs: DataFrame,
    units: DataFrame,
    dated: DataFrame,
    lineage: DataFrame,
    test_results: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """List the units in doubt, each with its fate at the end of the as-of day.

    Args:
        look_backs: the cases of the same as-of day.
        units: the units of the same as-of day.
        dated: `dated_donations`: which donations lie in a window.
        lineage: `lineage`: what was made of what.
        test_results: which donations were tested with a lot of kits.
        as_of: the day that the fate speaks about.
        params: look_back_lots (lot -> day of its recall).
    """
    sources, about = _donations_of_donors(look_backs, dated), _units_of_cases(look_backs)
    if recalled_lots(params, as_of):
        sources = sources.unionByName(_donations_of_lots(look_backs, dated, test_results))
        about = about.unionByName(_units_of_kits(look_backs, test_results))
    of_units = _units_behind(about, units, lineage)
    behind = of_units.where(F.col("donation_key").isNotNull()).select("case_id", "donation_key")
    imported = of_units.where(F.col("donation_key").isNull())
    donations = sources.unionByName(behind.withColumn("is_index", F.lit(False)))
    own = units.select("unit_id", "donation_key").join(donations, on="donation_key", how="inner")
    first = own.withColumn("root", F.lit(FROM_DONATION)).unionByName(
        imported.withColumns({"root": F.lit(FROM_UNIT), "is_index": F.lit(False)})
    )
    return _with_fate(_in_doubt(first, lineage), units, dated, as_of).select(*TABLE.columns)


def _donations_of_donors(look_backs: DataFrame, dated: DataFrame) -> DataFrame:
    """(case_id, donation_key, is_index): the donation that opened the case, and those of its window."""
    case = look_backs.where(F.col("donation_key").isNotNull()).select(
        "case_id",
        "donor_key",
        F.col("donation_key").alias("index_key"),
        "window_from",
        "triggered_at",
        F.col("window_rule").isin(*DONOR_RULES).alias("is_of_donor"),
    )
    is_index = F.col("donation_key") == F.col("index_key")
    # A donation that nothing dates may lie in any window.
    is_after = F.coalesce(F.col("donated_on") >= F.col("window_from"), F.lit(True))
    is_before = F.coalesce(F.col("collected_at") < F.col("triggered_at"), F.lit(True))
    given = dated.select("donor_key", "donation_key", "donated_on", "collected_at")
    found = given.join(case, on="donor_key", how="inner")
    return found.where(is_index | (F.col("is_of_donor") & is_after & is_before)).select(
        "case_id", "donation_key", is_index.alias("is_index")
    )


def _donations_of_lots(look_backs: DataFrame, dated: DataFrame, test_results: DataFrame) -> DataFrame:
    """The same for lots: donations collected in their bags, or tested with their kits."""
    names = by_reference(dated, with_shared_bags=True)
    tested = test_results.where(F.col("kit_lot").isNotNull()).select("kit_lot", reference().alias("reference"))
    by_kit = tested.join(names, on="reference", how="inner")
    in_lots = dated.select("donation_key", F.lit(BAG_LOT).alias("trigger"), F.col("bag_lot").alias("lot")).unionByName(
        by_kit.select("donation_key", F.lit(KIT_LOT).alias("trigger"), F.col("kit_lot").alias("lot"))
    )
    cases = look_backs.where(F.col("lot").isNotNull()).select("case_id", "trigger", "lot")
    found = in_lots.join(F.broadcast(cases), on=["trigger", "lot"], how="inner")
    return found.select("case_id", "donation_key", F.lit(False).alias("is_index")).distinct()


def _units_of_cases(look_backs: DataFrame) -> DataFrame:
    """(case_id, unit_id): the unit that a case is about."""
    return look_backs.where(F.col("window_rule") == UNIT_ONLY).select("case_id", "unit_id")


def _units_of_kits(look_backs: DataFrame, test_results: DataFrame) -> DataFrame:
    """The same for lots of kits: units that were tested themselves. A pool's result names no donation that is here."""
    tested = test_results.where(F.col("unit_id").isNotNull()).select("unit_id", F.col("kit_lot").alias("lot"))
    cases = look_backs.where(F.col("trigger") == KIT_LOT).select("case_id", "lot")
    return tested.join(F.broadcast(cases), on="lot", how="inner").select("case_id", "unit_id")


def _units_behind(about: DataFrame, units: DataFrame, lineage: DataFrame) -> DataFrame:
    """(case_id, unit_id, donation_key): units that cases are about, and all that they were made of."""
    ancestors = about.join(lineage, on="unit_id", how="inner").select("case_id", F.col("ancestor_id").alias("unit_id"))
    nodes = about.unionByName(ancestors).distinct()
    return nodes.join(units.select("unit_id", "donation_key"), on="unit_id", how="inner")


def _in_doubt(first: DataFrame, lineage: DataFrame) -> DataFrame:
    """One row a case and unit: those of `first`, and all that was made of them."""
    further = first.withColumnRenamed("unit_id", "ancestor_id").join(lineage, on="ancestor_id", how="inner")
    made = further.withColumns({"path": F.concat("root", "path"), "is_index": F.lit(False)})
    given = first.withColumns({"generation": F.lit(0), "path": F.col("root")})
    columns = ("case_id", "unit_id", "donation_key", "is_index", "generation", "path")
    both = given.select(*columns).unionByName(made.select(*columns))
    return both.groupBy("case_id", "unit_id").agg(
        F.max("is_index").alias("is_index"),
        F.max(F.struct("generation", "path"))["path"].alias("path"),
        F.min("donation_key").alias("donation_key"),
        F.count_distinct("donation_key").cast("int").alias("donations"),
    )


def _with_fate(in_doubt: DataFrame, units: DataFrame, dated: DataFrame, as_of: date) -> DataFrame:
    state, fate = F.col("state"), F.col("fate")
    states = units.drop("donation_key", "donor_key")
    donors = dated.select("donation_key", "donor_key")
    known = in_doubt.join(states, on="unit_id", how="inner").join(donors, on="donation_key", how="left")
    return known.withColumn("fate", _fate(state)).withColumns(
        {
            "is_to_quarantine": fate.isin("in_stock", "in_transit") & (state != "quarantined"),
            "patient_key": F.when(fate == "transfused", F.col("patient_key")),
            "as_of": F.lit(as_of),
        }
    )


def _fate(state: Column) -> Column:
    pairs = [F.lit(part) for pair in FATE_OF.items() for part in pair]
    return F.create_map(*pairs)[state]
