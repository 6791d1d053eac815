"""What a shelf's demand will take of it, and what will be brought to it, day by day."""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.series import DAYS_AHEAD, SERIES
from lakehouse.l2.derivatives.shelf_demand import SHELF


def with_forecasts(
    demand: DataFrame,
    places: DataFrame,
    demand_forecast: DataFrame,
    supply_forecast: DataFrame,
    regional_demand: DataFrame,
    as_of: date,
    window_days: int,
) -> DataFrame:
    """Apportion a region's forecasts to its shelves.

    A shelf's demand is to its region's forecast as it was to the region's transfusions in the window: for a hospital a
    share, for a centre the number of units issued for one transfused. Supply comes to the shelves that issue to
    hospitals, by their shares of what those issue; a hospital's is what it orders, and not foreseen.

    Args:
        demand: `shelf_demand`.
        places: all facilities.
        demand_forecast: by region, component and group; where it has no row, `expected` is NULL.
        supply_forecast: the same; where it has no row, `supplied` is NULL.
        regional_demand: transfusions in the window.
        as_of: last day of the window.
        window_days: its length.

    Returns:
        `demand` with region, and two ARRAY<DOUBLE>, element d the units up to the end of local day as-of + d:
        expected (demand) and supplied.
    """
    ahead = _by_series(demand_forecast, "demand_on", "foreseen", as_of)
    supply = _by_series(supply_forecast, "available_on", "supply", as_of)
    in_window = F.col("demand_on").between(as_of - timedelta(days=window_days - 1), as_of)
    used = regional_demand.where(in_window).groupBy(*SERIES).agg(F.sum("transfused").alias("transfused"))
    series = ahead.join(used, list(SERIES), how="inner").join(supply, list(SERIES), how="left")
    located = places.select("facility_id", F.coalesce("region", F.lit(UNKNOWN)).alias("region"), "kind")
    is_supplied = F.coalesce(F.col("kind") != "hospital", F.lit(True))
    issued = F.sum(F.when(is_supplied, F.col("demand_units"))).over(Window.partitionBy(*SERIES))
    ratio = F.try_divide(F.col("demand_units"), F.col("transfused"))
    share = F.when(is_supplied, F.col("demand_units") / issued)
    return (
        demand.join(F.broadcast(located), "facility_id", how="left")
        .join(F.broadcast(series), list(SERIES), how="left")
        .withColumn("expected", F.when(ratio.isNotNull(), F.transform("foreseen", lambda units: units * ratio)))
        .withColumn("supplied", F.when(share.isNotNull(), F.transform("supply", lambda units: units * share)))
        .select(*SHELF, "demand_units", "expected", "supplied")
    )


def taken_by(day: Column, window_days: int) -> Column:
    """Whole units that demand takes of a shelf by the end of local day as-of + `day`: D(d).

    By the forecast (`expected`), and at its mean rate beyond its last day; where there is none, at the mean rate of the
    window (`demand_units`). NULL demand is none.
    """
    last = F.try_element_at("expected", F.lit(DAYS_AHEAD))
    foreseen = F.coalesce(F.try_element_at("expected", day.cast("int")), last * day / DAYS_AHEAD)
    # A sum of many shares may miss a whole unit by its last bits.
    by_rate = day * F.coalesce("demand_units", F.lit(0)) / F.lit(window_days)
    return F.coalesce(F.floor(foreseen + 1e-9), F.floor(by_rate))


def short_within(outlook_days: int, window_days: int) -> Column:
    """Units of demand within the outlook that neither the stock nor the supply foreseen covers.

    Reads in_stock, demand_units, expected, supplied. Demand that found nothing does not come again, so that the
    greatest lack of any day is what is lost in all: max over d of max(0, D(d) - in_stock - supply by d). Units that
    outdate meanwhile are not taken off: a shelf that loses stock by age is not short of it then.
    """
    in_all = F.try_element_at("supplied", F.lit(DAYS_AHEAD))  # nothing is foreseen beyond it

    def lack(day: Column) -> Column:
        supply = F.coalesce(F.try_element_at("supplied", day.cast("int")), in_all, F.lit(0.0))
        return taken_by(day, window_days) - F.col("in_stock") - F.floor(supply + 1e-9)

    days = F.sequence(F.lit(1), F.lit(outlook_days))
    return F.greatest(F.array_max(F.transform(days, lack)), F.lit(0)).cast("int")


def _by_series(forecast: DataFrame, day: str, name: str, as_of: date) -> DataFrame:
    """One row a series: ARRAY<DOUBLE> `name`, element d the units of the days as-of + 1 … as-of + d."""
    entry = F.struct(F.date_diff(day, F.lit(as_of)).alias("ahead"), "expected_units")
    days = F.array_sort(F.collect_list(entry))
    of_series = forecast.groupBy(*SERIES).agg(days.alias("days"))

    def until(number: Column) -> Column:
        first = F.filter("days", lambda entry: entry["ahead"] <= number)
        return F.aggregate(first, F.lit(0.0), lambda units, entry: units + entry["expected_units"])

    numbers = F.sequence(F.lit(1), F.lit(DAYS_AHEAD))
    return of_series.select(*SERIES, F.transform(numbers, until).alias(name))
