"""Which figures are restated. A row is a figure of a past day or month that two releases tell differently.

A table is compared over the days that both releases have rows of, up to the last day that the one before spoke about;
a table by month, over the months that were complete in both. A row that only one of them has counts 0 in the other.
A count that the release before told nowhere, as one that was declared since, is not restated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives import facility_scorecard, inventory_daily, process_quality, regional_demand
from lakehouse.l2.derivatives.regional_demand import NUMBERS
from lakehouse.table import DOSES, INT, NUMBER, Field, Table

OF_SLICE = ("facility_id", "region", "component", "abo_rhd")
OF_REGION = ("system_outdate_rate",)
"""The same on many rows: it follows from the sums of the facilities of a region, which are restated themselves."""


@dataclass(frozen=True)
class Restated:
    """A table whose figures are compared, by its day or month."""

    table: Table
    figures: tuple[str, ...]
    is_monthly: bool = False

    @property
    def period(self) -> str:
        """The column of the day, or of the month's first."""
        return self.table.key[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """What a slice is told by."""
        return self.table.key[1:]

    @cached_property
    def sums(self) -> tuple[Field, ...]:
        """Those of the figures that are counts: a row that is not there has 0 of them."""
        return tuple(field for field in self.table.fields if field.name in self.figures and field.required)

    def differences(self, came: DataFrame, went: DataFrame, span: DataFrame) -> DataFrame:
        """The figures that are not as they were.

        Args:
            came: rows of the table that are new since the release before, or stand beside such.
            went: rows that are gone since, or stood beside such; a row that is as it was is in both or in none.
            span: what both releases speak about.

        Returns:
            restated_table, period_on, slice, `OF_SLICE` (NULL where the table has none), figure, was, now_is.
        """
        told = self._told(came, span, "now").join(self._told(went, span, "before"), ["period_on", "slice"], "full")
        of_both = F.coalesce("now.told", "before.told")
        differing = F.filter(
            F.array(*map(self._pair, self.figures)),
            lambda one: F.array_contains(of_both, one["figure"]) & ~one["was"].eqNullSafe(one["now_is"]),
        )
        of_slice = [F.coalesce(F.col(f"now.{name}"), F.col(f"before.{name}")).alias(name) for name in OF_SLICE]
        name = F.lit(self.table.name).alias("restated_table")
        return told.select(name, "period_on", "slice", *of_slice, F.inline(differing))

    def span(self, now: DataFrame, before: DataFrame, as_of: date) -> DataFrame:
        """What both releases speak about, as one row.

        Args:
            now: the table of this release.
            before: the table of the release before.
            as_of: the day of this release.

        Returns:
            from_on and until_on, the days or months, NULL where there are none; told, the figures that the release
            before told anywhere.
        """
        first = now.agg(F.min(self.period).alias("first_on"))
        ended = before.where(F.last_day(self.period) <= F.lit(as_of)) if self.is_monthly else before
        lasting = F.col("is_complete") if self.is_monthly else F.lit(True)
        last = ended.where(lasting).agg(
            F.min(self.period).alias("first_before_on"),
            F.least(F.max(self.period), F.lit(as_of)).alias("until_on"),
        )
        # A count is never NULL where its column was written, and a table is written with one set of columns.
        told = before.limit(1).agg(F.array_compact(F.array(*map(self._when_told, self.figures))).alias("told"))
        is_none = F.col("first_on").isNull() | F.col("first_before_on").isNull()
        from_on = F.when(~is_none, F.greatest("first_on", "first_before_on"))
        return (
            first.crossJoin(last)
            .crossJoin(told)
            .select(from_on.alias("from_on"), F.when(~is_none, F.col("until_on")).alias("until_on"), "told")
        )

    def _when_told(self, figure: str) -> Column:
        """The figure's name, but for a count that is nowhere told: a rate may have been NULL everywhere."""
        is_count = figure in {field.name for field in self.sums}
        return F.when(F.count(figure) > 0, figure) if is_count else F.lit(figure)

    def _told(self, rows: DataFrame, span: DataFrame, name: str) -> DataFrame:
        """One row a slice of a period in the span: `name` has what the table says of it."""
        is_in = F.col(self.period).between(F.col("from_on"), F.col("until_on"))
        figures = [F.col(figure).cast(NUMBER).alias(figure) for figure in self.figures]
        places = [(F.col(of) if of in self.table.columns else F.lit(None).cast("string")).alias(of) for of in OF_SLICE]
        said = F.struct(*places, *figures, "told").alias(name)
        return rows.join(F.broadcast(span), is_in).select(
            F.col(self.period).alias("period_on"), slice_of(*self.keys), said
        )

    def _pair(self, figure: str) -> Column:
        is_sum = figure in {field.name for field in self.sums}
        was, now_is = [
            F.coalesce(F.col(f"{side}.{figure}"), F.lit(0.0)) if is_sum else F.col(f"{side}.{figure}")
            for side in ("before", "now")
        ]
        return F.struct(F.lit(figure).alias("figure"), was.alias("was"), now_is.alias("now_is"))


def slice_of(*keys: str) -> Column:
    """The slice as text, from the columns of its keys: "H1 / red_cells / O+"."""
    return F.concat_ws(" / ", *keys).alias("slice")


def _figures(fields: Iterable[Field], *without: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields if field.type in (INT, NUMBER, DOSES) and field.name not in without)


INVENTORY = Restated(inventory_daily.TABLE, ("closing", "available", *inventory_daily.INS, *inventory_daily.OUTS))
DEMAND = Restated(regional_demand.TABLE, NUMBERS)
SCORECARD = Restated(facility_scorecard.TABLE, _figures(facility_scorecard.TABLE.fields, *OF_REGION), is_monthly=True)
QUALITY = Restated(process_quality.TABLE, _figures(process_quality.TABLE.fields), is_monthly=True)
RESTATED = (INVENTORY, DEMAND, SCORECARD, QUALITY)
