"""A row is a product: a component under a product code, with what all of its units have in common.

The group is no part of it: labels carry product and group apart, and so does fact_distribution.

Slice: a product; records of components (and donations that stand for a unit) touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, surrogate, unknown_named
from lakehouse.table import FLAG, TEXT, Field, Table

PRODUCT = ("component", "product_code")
TEXTS = ("storage", "plasma_kind", "anticoagulant", "additive")
FLAGS = ("is_leukoreduced", "is_irradiated", "is_pathogen_reduced", "is_washed")
VARIES = "varies"
TABLE = Table(
    tier="l2",
    name="dim_product",
    grain="a component under a product code (or under none), or the unknown product",
    key=("product_sk",),
    fields=(
        own_sk("product_sk"),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate, whole_blood", required=True),
        Field("product_code", TEXT, "code of our own product list; unknown where units have none", required=True),
        *(Field(name, TEXT, "as all its units have it; else varies, or unknown", required=True) for name in TEXTS),
        *(Field(name, FLAG, "as all its units have it; null where they differ or don't tell") for name in FLAGS),
    ),
    law="every product_sk of fact_distribution is here",
)


def build(units: DataFrame, components: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """The products of all units of the as-of day.

    Args:
        units: units, the assumed ones too.
        components: what the labels say more.
        as_of: products of which no unit was made by then are not seen: `units` does not have them.
        params: not used.
    """
    product = [unknown_named(F.col(name)).alias(name) for name in PRODUCT]
    seen = units.select(*product, F.lit(True).alias("is_seen"))
    labels = components.select(*product, *TEXTS, *FLAGS)
    common = {name: _common(name, F.lit(VARIES)) for name in TEXTS} | {name: _common(name) for name in FLAGS}
    products = (
        labels.unionByName(seen, allowMissingColumns=True)
        .groupBy(*PRODUCT)
        .agg(*[column.alias(name) for name, column in common.items()], F.max("is_seen").alias("is_seen"))
        .where("is_seen")
    )
    return members(products.withColumn("product_sk", surrogate("product", *map(F.col, PRODUCT))), TABLE, units)


def _common(name: str, otherwise: Column | None = None) -> Column:
    """The value that all units have which tell one; `otherwise` where they tell several."""
    least, greatest = F.min(name), F.max(name)
    return F.when(least == greatest, least).when(least != greatest, F.lit(None) if otherwise is None else otherwise)
