"""The series that demand is forecast by: the units transfused a day, of a region's component and group."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.series import SERIES

TASKS = 32
"""Series are fitted side by side; AQE would put such small rows into one task."""


def demand_series(regional_demand: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """One row a series with any transfusion in the last `forecast_history_days`.

    Its days reach from its region's first with a transfusion to the last that demand is known of, without a gap, as
    those of `regional_demand` do. Days after that one up to as-of are unknown: no zeros.

    Returns:
        region, component, abo_rhd, last_on (DATE), demand (ARRAY<INT>, a number a day, the last of `last_on`).
    """
    first_day = as_of - timedelta(days=int(params["forecast_history_days"]) - 1)
    days = F.array_sort(F.collect_list(F.struct("demand_on", "transfused")))
    of_region = Window.partitionBy("region")
    return (
        regional_demand.where(F.col("demand_on").between(first_day, as_of))
        .groupBy(*SERIES)
        .agg(
            days.alias("days"),
            F.max("demand_on").alias("last_on"),
            F.min(F.when(F.col("transfused") > 0, F.col("demand_on"))).alias("begins_on"),
        )
        .where(F.col("begins_on").isNotNull())
        .withColumn("first_on", F.min("begins_on").over(of_region))
        .withColumn("days", F.filter("days", lambda day: day["demand_on"] >= F.col("first_on")))
        .select(*SERIES, "last_on", F.col("days.transfused").alias("demand"))
    )
