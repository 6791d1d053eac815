"""What donors and patients share: the year of birth, with the oldest in one band."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.l2.conformed.order import order_at
from lakehouse.table import INT, Field

OLDEST_BAND_YEARS = 90  # 45 CFR 164.514(b)(2)(i)(C): ages over 89 go into one category
BIRTH_YEAR = Field("birth_year", INT, f"year of birth; {OLDEST_BAND_YEARS} years and older in one band")


def banded_year(year: Column) -> Column:
    """Year of birth; who turns 90 or more in the year of the record is put at that year - 90."""
    oldest = F.year(order_at()) - F.lit(OLDEST_BAND_YEARS)
    return F.when(year < oldest, oldest).otherwise(year)
