"""A row is a day's demand of a region for one component of one group: what hospitals ordered, got and transfused.

A request belongs to the local day that its units are needed on (else ordered on) at its hospital. Every group
of a region that ever had demand has a row on every day, so that averages over days are over all days.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.regional_demand_requests import COUNTS, judged_requests
from lakehouse.table import DATE, INT, NUMBER, TEXT, Field, Table

WEEKDAY_WEEKS = 8

TABLE = Table(
    tier="l2",
    name="regional_demand",
    grain="a local day, region, component and group ordered, from the first day with demand to the last",
    key=("demand_on", "region", "component", "abo_rhd"),
    fields=(
        Field("demand_on", DATE, "local day that the units were needed on, or transfused on", required=True),
        Field("region", TEXT, "region of the hospital; 'unknown' where no record tells", required=True),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "group ordered, also 'any' or 'unknown'; of a transfused unit its own", required=True),
        Field("requested", INT, "units ordered", required=True),
        Field(
            "cancelled", INT, "of them, cancelled or ordered anew by a request that replaces this one", required=True
        ),
        Field("filled_on_time", INT, "received by the time needed; at most requested - cancelled", required=True),
        Field("filled_exact", INT, "of them, of the group ordered (any group where none was)", required=True),
        Field("substituted", INT, "of them, known to be of another group", required=True),
        Field("received", INT, "received by the end of the as-of day, late and surplus ones too", required=True),
        Field("unmet", INT, "not received when the request closed; 0 while it is open", required=True),
        Field("transfused", INT, "units transfused, by the unit's group and the hospital's region", required=True),
        Field("requested_patient", INT, "of requested, for a patient", required=True),
        Field("requested_stock", INT, "of requested, for the hospital's stock", required=True),
        Field("requested_ma7", NUMBER, "mean of requested over 7 days, this one the last; null before the 7th day"),
        Field("requested_ma28", NUMBER, "the same over 28 days"),
        Field("transfused_ma28", NUMBER, "mean of transfused over 28 days; null before the 28th day"),
        Field("weekday_index", NUMBER, "mean of requested on this weekday / on all days, over the last 8 weeks"),
    ),
    law="requested = requested_patient + requested_stock = units of the requests due; transfused = dated transfusions",
)
KEY = list(TABLE.key)
GROUP = KEY[1:]
NUMBERS = (*COUNTS, "transfused")


def build(
    blood_requests: DataFrame,
    moves: DataFrame,
    units: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Demand by day up to `as_of`.

    Args:
        blood_requests: orders of hospitals.
        moves: `placed_moves`; those that name a request fill it when they arrive.
        units: the units' state at `as_of`.
        places: `all_facilities`: time zones, regions and names.
        as_of: last local day that counts.
        params: demand_history_days (days that the table reaches back).
    """
    first_day = as_of - timedelta(days=int(params["demand_history_days"]) - 1)
    requests = judged_requests(blood_requests, moves, places, as_of=as_of)
    counted = (
        requests.unionByName(_transfused(units, places), allowMissingColumns=True)
        .where(F.col("demand_on").between(first_day, as_of))
        .groupBy(*KEY)
        .agg(*[F.coalesce(F.sum(name), F.lit(0)).cast("int").alias(name) for name in NUMBERS])
    )
    return _every_day(counted).withColumns(_averages()).select(*TABLE.columns)


def _transfused(units: DataFrame, places: DataFrame) -> DataFrame:
    """Dated transfusions; a used unit without a date is demand of no day."""
    regions = F.broadcast(
        places.select(F.col("facility_id").alias("ended_at_facility_id"), F.col("region").alias("_region"))
    )
    return (
        units.where((F.col("state") == "transfused") & F.col("ended_on").isNotNull())
        .join(regions, "ended_at_facility_id", how="left")
        .select(
            F.col("ended_on").alias("demand_on"),
            F.coalesce("_region", F.lit(UNKNOWN)).alias("region"),
            "component",
            F.coalesce("abo_rhd", F.lit(UNKNOWN)).alias("abo_rhd"),
            F.lit(1).alias("transfused"),
        )
    )


def _every_day(counted: DataFrame) -> DataFrame:
    """Add the days without demand as rows of zeros.

    The days of a group are put in an array, so that the demand behind them is read once, not once more for the
    calendar and once more for the groups.
    """
    over_all = Window.partitionBy()
    zeros = [F.lit(0).alias(name) for name in NUMBERS]
    calendar = F.sequence(F.min("first_on").over(over_all), F.max("last_on").over(over_all), F.expr("INTERVAL 1 DAY"))
    of_group = counted.groupBy(*GROUP).agg(
        F.collect_list(F.struct("demand_on", *NUMBERS)).alias("found"),
        F.min("demand_on").alias("first_on"),
        F.max("demand_on").alias("last_on"),
    )
    days = of_group.withColumn("calendar", calendar).withColumn(
        "blank", F.transform("calendar", lambda day: F.struct(day.alias("demand_on"), *zeros))
    )
    rows = days.select(*GROUP, F.inline(F.concat("found", "blank")))
    return rows.groupBy(*KEY).agg(*[F.sum(name).cast("int").alias(name) for name in NUMBERS])


def _averages() -> dict[str, Column]:
    return {
        "requested_ma7": _mean_over(7, "requested"),
        "requested_ma28": _mean_over(28, "requested"),
        "transfused_ma28": _mean_over(28, "transfused"),
        "weekday_index": _weekday_index(),
    }


def _mean_over(days: int, name: str) -> Column:
    """Mean over the last `days` rows of the group, a row a day; NULL until there are so many."""
    last = Window.partitionBy(*GROUP).orderBy("demand_on").rowsBetween(1 - days, 0)
    return F.when(F.count("*").over(last) == days, F.avg(name).over(last))


def _weekday_index() -> Column:
    same = Window.partitionBy(*GROUP, F.weekday("demand_on")).orderBy("demand_on").rowsBetween(1 - WEEKDAY_WEEKS, 0)
    return F.try_divide(F.avg("requested").over(same), _mean_over(7 * WEEKDAY_WEEKS, "requested"))
