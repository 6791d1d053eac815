"""A row is a donor to call back: who may give soon what their region is shortest of, in the order of calling.

A donor is asked for one thing: of what they may give within `recall_within_days`, that of which the centres of their
region hold the fewest days of stock in the donor's group. Apheresis is asked only of who has given by it: it needs
veins, a size and a consent that no record tells of. Left out are those who have stopped, are deferred at as-of,
never gave, or may give nothing by then. Slice: a region; what touches a donor of it, or a shelf of its centres, does.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.domain.kinds import CENTRES
from lakehouse.l2.derivatives.donor_retention import ELIGIBLE
from lakehouse.l2.derivatives.expiry_outlook import STATUSES, status_of
from lakehouse.l2.derivatives.look_backs_calls import REACTIVE
from lakehouse.table import DATE, FLAG, INT, NUMBER, TEXT, Field, Table

UNKNOWN = "unknown"
NOT_CALLED = ("stopped", "never_donated")
SHORT = ("red", "amber", "yellow")
GIVES = {
    "whole_blood": "red_cells",
    "double_red_cells": "red_cells",
    "apheresis_platelets": "platelets",
    "plasma": "plasma",
}
"""Procedure -> the component that it is asked for; of two that serve alike and on one day, the first."""

TABLE = Table(
    tier="l2",
    name="recall_list",
    grain="a donor to call back, at the end of the as-of day",
    key=("donor_key",),
    fields=(
        Field("donor_key", TEXT, "the donor's pseudonym (HMAC-SHA-256, hex)", required=True),
        Field("region", TEXT, "region of the donor; 'unknown' where no record tells", required=True),
        Field("rank", INT, "order of calling in the region: by status, days of stock, chance, recency", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD of the donor; 'unknown' where no record tells", required=True),
        Field("procedure", TEXT, "what to ask for: " + ", ".join(GIVES), required=True),
        Field("component", TEXT, "what it is asked for: red_cells, platelets or plasma", required=True),
        Field("eligible_on", DATE, "first day, from as-of on, to give by this procedure", required=True),
        Field(
            "status",
            TEXT,
            "of this component and group at the centres of the region: red, amber, yellow, green or no_demand; "
            "'unknown' where no centre of the region has a shelf of it",
            required=True,
        ),
        Field("days_of_stock", NUMBER, "available / mean daily demand of those shelves; null without demand"),
        Field("is_short", FLAG, "status is red, amber or yellow", required=True),
        Field("class", TEXT, "the donor's class in donor_retention", required=True),
        Field("return_probability_12m", NUMBER, "the donor's chance to return unasked; null where it is not known"),
        Field("recency_days", INT, "days from the last donation to as-of; null where no day is known"),
        Field("lifetime_donations", INT, "donations ever", required=True),
        Field("as_of", DATE, "the day that the state speaks about", required=True),
    ),
    law="rows = donors of donor_retention who have given, have not stopped, are not deferred, were never found "
    "reactive, and may give in time",
)


def build(
    donor_retention: DataFrame,
    expiry_outlook: DataFrame,
    look_backs: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The donors to call at the end of `as_of`.

    Args:
        donor_retention: the donors at `as_of`.
        expiry_outlook: the shelves at `as_of`; those of centres count, for theirs is what donations fill.
        look_backs: who was found reactive.
        as_of: last local day that counts.
        params: recall_within_days, status_red_days, status_amber_days, status_green_days.
    """
    until = as_of + timedelta(days=int(params["recall_within_days"]))
    candidates = (
        callable_donors(donor_retention, look_backs)
        .withColumn("region", F.coalesce("region", F.lit(UNKNOWN)))
        .withColumn("abo_rhd", F.coalesce("abo_rhd", F.lit(UNKNOWN)))
        .withColumn("ways", _ways(until))
        .where(F.size("ways") > 0)
    )
    needs = F.broadcast(_needs(expiry_outlook, params))
    ordered = Window.partitionBy("region").orderBy(
        "urgency",
        F.col("days_of_stock").asc_nulls_last(),
        F.col("return_probability_12m").desc_nulls_last(),
        F.col("recency_days").asc_nulls_last(),
        "donor_key",
    )
    return (
        candidates.join(needs, ["region", "abo_rhd"], how="left")
        .withColumn("way", F.array_min(_weighed()))
        .select("*", "way.*")
        .withColumn("is_short", F.col("status").isin(*SHORT))
        .withColumn("rank", F.row_number().over(ordered))
        .withColumn("as_of", F.lit(as_of))
        .select(*TABLE.columns)
    )


def callable_donors(donor_retention: DataFrame, look_backs: DataFrame) -> DataFrame:
    """Donors who have given, have not stopped, are not deferred, and whose blood was never found reactive.

    A service need not send a deferral for what its own tests found.
    """
    reactive = look_backs.where(F.col("trigger") == REACTIVE).select("donor_key").distinct()
    ready = donor_retention.where(~F.col("class").isin(*NOT_CALLED) & F.col("deferred_until").isNull())
    return ready.join(F.broadcast(reactive), "donor_key", how="left_anti")


def _ways(until: date) -> Column:
    """What the donor may give by `until`: eligible_on, preference (number of the procedure), procedure, component."""
    ways = [
        F.when(
            (F.col(column) <= F.lit(until)) & _is_asked(procedure),
            F.struct(
                F.col(column).alias("eligible_on"),
                F.lit(list(GIVES).index(procedure)).alias("preference"),
                F.lit(procedure).alias("procedure"),
                F.lit(GIVES[procedure]).alias("component"),
            ),
        )
        for column, procedure in ELIGIBLE.items()
    ]
    return F.array_compact(F.array(*ways))


def _is_asked(procedure: str) -> Column:
    return F.lit(True) if procedure == "whole_blood" else F.array_contains("given_procedures", procedure)


def _needs(expiry_outlook: DataFrame, params: Mapping[str, Any]) -> DataFrame:
    """Region and group -> `needs`: component -> urgency, days_of_stock, status of the centres' shelves together.

    What centres issue goes to hospitals, so their demands may be added up; and their stock with them.
    """
    days = F.try_divide(F.sum("available"), F.sum("mean_daily_demand"))
    shelves = (
        expiry_outlook.where(F.col("facility_kind").isin(*CENTRES))
        .groupBy(F.coalesce("region", F.lit(UNKNOWN)).alias("region"), "abo_rhd", "component")
        .agg(days.alias("days_of_stock"))
        .withColumn("status", status_of(F.col("days_of_stock"), params))
    )
    urgency = F.array_position(F.array(*map(F.lit, STATUSES)), F.col("status")).cast("int")
    need = F.struct(urgency.alias("urgency"), "days_of_stock", "status")
    known = shelves.where((F.col("region") != UNKNOWN) & (F.col("abo_rhd") != UNKNOWN))
    return known.groupBy("region", "abo_rhd").agg(
        F.map_from_entries(F.collect_list(F.struct("component", need.alias("need")))).alias("needs")
    )


def _weighed() -> Column:
    """The donor's ways, the shortest component first; then the sooner day, then the preferred procedure."""
    last = F.lit(len(STATUSES) + 1)

    def weighed(way: Column) -> Column:
        need = F.try_element_at("needs", way["component"])
        return F.struct(
            F.coalesce(need["urgency"], last).alias("urgency"),
            F.coalesce(need["days_of_stock"], F.lit(float("inf"))).alias("scarcity"),
            way["eligible_on"].alias("eligible_on"),
            way["preference"].alias("preference"),
            way["procedure"].alias("procedure"),
            way["component"].alias("component"),
            need["days_of_stock"].alias("days_of_stock"),
            F.coalesce(need["status"], F.lit(UNKNOWN)).alias("status"),
        )

    return F.transform("ways", weighed)
