"""What a table and a feed are: the frozen records that everything in the lake is declared with.

A declaration holds no path, no session and no clock. `docs/tables.md` is rendered from these records.
"""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

TEXT = StringType()
FLAG = BooleanType()
INT = IntegerType()
LONG = LongType()
NUMBER = DoubleType()
DOSES = DecimalType(8, 2)
DATE = DateType()
INSTANT = TimestampType()
TEXTS = ArrayType(StringType())
LONGS = ArrayType(LongType())
LONG_BY_TEXT = MapType(StringType(), LongType())

Tier = Literal["l1", "l2", "ops"]
DriftPolicy = Literal["rescue", "freeze"]


@dataclass(frozen=True)
class Field:
    """One column: its name, Spark type and meaning (with the unit, where it has one).

    `required` is a promise of the producer; `pii` marks what identifies a person and stays in L1. `added_later` marks a
    field of a feed that was declared when records of it were taken in already: theirs stand in `_rescued`.
    """

    name: str
    type: DataType
    doc: str = ""
    required: bool = False
    pii: bool = False
    added_later: bool = False


@dataclass(frozen=True)
class Table:
    """One Delta table: `grain` says what a row is, `law` what must add up.

    `looked_up_by` names columns of whose values a few are asked for at a time, wherever in the table they are.
    """

    tier: Tier
    name: str
    grain: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    law: str
    partition_by: tuple[str, ...] = ()
    looked_up_by: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Path below the root of the lake."""
        return f"{self.tier}/{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the declared columns, in order."""
        return tuple(field.name for field in self.fields)

    @property
    def schema(self) -> StructType:
        """The Spark schema; every column is nullable, because the gate judges, not the writer."""
        return StructType([StructField(field.name, field.type, True) for field in self.fields])


# What L1 adds to the columns of a feed. They stand first, where Delta keeps statistics.
L1_FIELDS = (
    Field("_batch_seq", LONG, "counts up with every ingest run that took in a file", required=True),
    Field("_file_id", LONG, "hash of the file's path below landing and its SHA-256", required=True),
    Field("_line", LONG, "line in the file, from 1; blank lines count", required=True),
    Field("_delivered_on", DATE, "day of delivery, from the path landing/<feed>/<yyyy>/<mm>/<dd>/"),
    Field("_ingested_at", INSTANT, "when the ingest run began (UTC)", required=True),
    Field("_rescued", TEXT, "JSON object: unknown fields, and values that don't fit their type", pii=True),
    Field("_raw", TEXT, "the line as it came (invalid UTF-8 as \\xNN), only where it is no record", pii=True),
)

# What any source may add to any record.
RECORD_FIELDS = (
    Field("recorded_at", INSTANT, "when the source wrote this version of the record"),
    Field("is_void", FLAG, "true withdraws the record"),
    Field("source_system", TEXT, "the system that sent the record"),
)


@dataclass(frozen=True)
class Feed:
    """One kind of delivery: its record as sent, and how the lake treats it.

    `key` names the columns that identify a record. `happens_at` names the column that says when the
    recorded event happened, where there is one: it may not lie after the record's arrival. `mix` names the column
    by whose values a day's delivery is compared with those before it.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    happens_at: str | None = None
    refused_share_max: float = 0.05
    unknown_fields: DriftPolicy = "rescue"
    mix: str | None = None

    @property
    def source_fields(self) -> tuple[Field, ...]:
        """Every field that a record of this feed may carry."""
        return self.fields + RECORD_FIELDS

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the fields that every record must carry."""
        return tuple(field.name for field in self.fields if field.required)

    @property
    def l1(self) -> Table:
        """The bronze table of this feed."""
        return Table(
            tier="l1",
            name=self.name,
            grain=f"one line of a landing file of {self.name}: {self.grain}, as sent",
            key=("_file_id", "_line"),
            fields=L1_FIELDS + self.source_fields,
            law="rows = lines that are not blank, over all files loaded; rows = accepted + refused",
        )
