"""A row is a movement of a unit that left by the end of the as-of day: an issue, transfer, return, import or export.

Slice: a unit; records of its movements, of the unit and of the facilities at either end touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.dim_product import PRODUCT
from lakehouse.l2.derivatives.dimensional.keys import date_sk, day_sk, found, known, sk, surrogate, unknown_named
from lakehouse.table import FLAG, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="fact_distribution",
    grain="a movement of a unit that left by the end of the as-of day",
    key=("distribution_id",),
    fields=(
        Field("distribution_id", TEXT, "the movement", required=True),
        sk("from_facility_sk", "dim_facility", "where it came from; else where the unit was made"),
        sk("to_facility_sk", "dim_facility", "where it went; a return without a goal goes to where the unit was made"),
        sk("product_sk", "dim_product", "the product"),
        day_sk("left_date_sk", "day on which it left, local to the origin"),
        day_sk("arrived_date_sk", "day on which it arrived, local to the goal; unknown while it is under way"),
        Field("unit_id", TEXT, "the unit; null where the record names a bag of several units, or none"),
        Field("request_id", TEXT, "the request that it answers"),
        Field("kind", TEXT, "issue, transfer, return, import or export, as sent; null where not"),
        Field("abo_rhd", TEXT, "group of the unit: O+ ... AB-, or unknown", required=True),
        Field("is_issue", FLAG, "it went to a hospital", required=True),
    ),
    law="distribution = rows + movements that left after the as-of day; every key is in its dimension",
)


def build(
    moves: DataFrame,
    dim_facility: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The movements up to `as_of`.

    Args:
        moves: `placed_moves`: movements, with product and group of the unit.
        dim_facility: facilities.
        as_of: later movements and arrivals are not seen.
        params: not used.
    """
    is_seen = F.coalesce("left_on", F.lit(as_of)) <= F.lit(as_of)
    has_arrived = F.col("arrived_on") <= F.lit(as_of)
    return (
        moves.where(is_seen)
        .join(_facilities(dim_facility, "from"), "from_facility_id", how="left")
        .join(_facilities(dim_facility, "to"), "to_facility_id", how="left")
        .withColumns({name: found(name) for name in ("from_facility_sk", "to_facility_sk")})
        .withColumns(
            {
                "product_sk": surrogate("product", *map(F.col, PRODUCT)),
                "left_date_sk": date_sk(F.col("left_on")),
                "arrived_date_sk": date_sk(F.when(has_arrived, F.col("arrived_on"))),
                "abo_rhd": unknown_named(F.col("abo_rhd")),
            }
        )
        .select(*TABLE.columns)
    )


def _facilities(dim_facility: DataFrame, end: str) -> DataFrame:
    """Facility -> its key, under the names of one end of a movement."""
    facilities = known(dim_facility, "facility_sk", "facility_id")
    return F.broadcast(facilities.toDF(f"{end}_facility_sk", f"{end}_facility_id"))
