"""Versions of a record: the columns that order them, and the choice of the current one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day
from lakehouse.table import FLAG, INSTANT, LONG, RECORD_FIELDS, TEXT, TEXTS, Feed, Field, Table

Pseudonym = Callable[[Column], Column]
"""A person's raw id -> the key that stands for it outside L1; NULL stays NULL."""

ORDER = ("_order_at", "_batch_seq", "_file_id", "_line")
VERSION_FIELDS = (
    next(field for field in RECORD_FIELDS if field.name == "source_system"),
    Field("is_void", FLAG, "true for a withdrawn record: kept to hold its place, hidden from readers", required=True),
    Field("warnings", TEXTS, "rules of severity warning that this version broke", required=True),
    Field("_order_at", INSTANT, "recorded_at, else the end of the day of delivery (UTC)", required=True),
    Field("_batch_seq", LONG, "ingest run that brought this version", required=True),
    Field("_file_id", LONG, "file that brought it", required=True),
    Field("_line", LONG, "its line in that file, from 1", required=True),
)
IS_DATE_ONLY = Field(
    "is_date_only", FLAG, "the event's instant was sent as a bare date: midnight UTC here, a local day", required=True
)
DATE_ONLY = Field("date_only", TEXTS, "other instants sent as bare dates: midnight UTC here, a local day; null: none")
LAW = "rows = distinct keys over the accepted rows of the feed, withdrawn ones included"
VERSIONS_LAW = "rows = accepted rows of the feed; the newest of each key is the row of the conformed table"


@dataclass(frozen=True)
class ConformedTable:
    """A feed's conformed table, the function that makes its rows, and where all versions go that are kept."""

    table: Table
    build: Callable[..., DataFrame]
    versions: Table | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that the feed's accepted records are written to."""
        return (self.table,) if self.versions is None else (self.table, self.versions)


def conformed_table(
    feed: Feed, key: tuple[str, ...], fields: tuple[Field, ...], looked_up_by: tuple[str, ...] = ()
) -> Table:
    """Declare the conformed table of a feed; the version's columns go last."""
    grain = f"{feed.grain}, as last recorded"
    return Table("l2", feed.name, grain, key, fields + VERSION_FIELDS, LAW, looked_up_by=looked_up_by)


def versions_of(table: Table, name: str) -> Table:
    """Declare the companion of a conformed table that keeps every accepted version, for what asks how it was."""
    grain = f"a version of {table.grain.partition(',')[0]}, as recorded then"
    return replace(table, name=name, grain=grain, key=(*table.key, "_file_id", "_line"), law=VERSIONS_LAW)


def kept(feed: Feed, *names: str) -> tuple[Field, ...]:
    """Fields that go on from a feed as they are.

    Raises:
        ValueError: one of them identifies a person, and so must stay in L1.
    """
    by_name = {field.name: field for field in feed.source_fields}
    fields = tuple(by_name[name] for name in names)
    personal = [field.name for field in fields if field.pii]
    if personal:
        raise ValueError(f"{feed.name}: {personal} identify a person and stay in L1")
    return fields


def renamed(feed: Feed, source: str, name: str) -> Field:
    """One field that goes on from a feed under the name of this house."""
    return replace(kept(feed, source)[0], name=name)


def key_of_person(name: str, whose: str, required: bool = False) -> Field:
    """A field that holds a pseudonym."""
    return Field(name, TEXT, f"pseudonym of {whose} (HMAC-SHA-256, hex)", required=required)


def abo_rhd(whose: str) -> Field:
    """A field that holds a group by its short name."""
    return Field("abo_rhd", TEXT, f"{whose}: O+, O-, A+, A-, B+, B-, AB+ or AB-; null when unknown")


def order_at() -> Column:
    """When an L1 row's version was recorded: as the source says, else by the end of its day of delivery."""
    delivered = end_of_day(F.col("_delivered_on"), F.lit("UTC"))
    return F.coalesce(F.col("recorded_at"), delivered, F.col("_ingested_at"))


def version_columns() -> tuple[Column, ...]:
    """The columns of `VERSION_FIELDS`, from L1 rows with the gate's `_violations`."""
    warned = F.filter("_violations", lambda violation: violation["severity"] == "warning")
    warnings = F.transform(warned, lambda violation: violation["rule"])
    return (
        F.col("source_system"),
        F.coalesce("is_void", F.lit(False)).alias("is_void"),
        F.coalesce(warnings, F.array().cast(TEXTS)).alias("warnings"),
        order_at().alias("_order_at"),
        F.col("_batch_seq"),
        F.col("_file_id"),
        F.col("_line"),
    )


def newest(rows: DataFrame, table: Table) -> DataFrame:
    """Keep the current version of each record: the greatest by `ORDER`.

    `_file_id` and `_line` name one row of the lake, so the choice never depends on the order of `rows`, and
    a row that is there twice is kept once.
    """
    newest_first = Window.partitionBy(*table.key).orderBy(*[F.col(name).desc() for name in ORDER])
    ranked = rows.withColumn("_version", F.row_number().over(newest_first))
    return ranked.where(F.col("_version") == 1).select(*table.columns)
