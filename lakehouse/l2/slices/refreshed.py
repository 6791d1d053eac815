"""What a refresh by slices writes."""

from dataclasses import dataclass

from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Refreshed:
    """The rows of the touched slices, and which rows (alias `old`) they stand for: where `gone` has one that fits."""

    rows: DataFrame
    gone: DataFrame
    where: str
