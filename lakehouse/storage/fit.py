"""Whether a frame has the columns that a table declares."""

from dataclasses import replace

from pyspark.sql import DataFrame

from lakehouse.errors import SchemaMismatchError
from lakehouse.table import Field, Table


def lacking(rows: DataFrame, table: Table) -> list[Field]:
    """The declared columns that a frame lacks."""
    found = set(rows.columns)
    return [field for field in table.fields if field.name not in found]


def to_be_added(stored: DataFrame, table: Table) -> list[Field]:
    """The declared columns that a stored table lacks.

    Raises:
        SchemaMismatchError: it has columns that are not declared, or declared otherwise.
    """
    later = lacking(stored, table)
    require_fit(stored, replace(table, fields=tuple(field for field in table.fields if field not in later)))
    return later


def require_fit(rows: DataFrame, table: Table) -> None:
    """Refuse a frame whose columns or types are not the declared ones.

    Raises:
        SchemaMismatchError: it names what is missing, unknown or of another type.
    """
    found = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    wanted = {field.name: field.type.simpleString() for field in table.fields}
    if found == wanted:
        return
    missing = [f"{name} {kind}" for name, kind in wanted.items() if name not in found]
    extra = [name for name in found if name not in wanted]
    other = [f"{n} is {found[n]}, wanted {k}" for n, k in wanted.items() if n in found and found[n] != k]
    parts = (("missing", missing), ("unknown", extra), ("other type", other))
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
    raise SchemaMismatchError(f"{table.path}: {told}")
