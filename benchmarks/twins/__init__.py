"""The five largest derivatives once more, by DuckDB: the rules written anew in SQL, none of our builds used.

Keys of dimensions are hashes that only Spark has, so the dimensions are given; all else comes from the conformed
tables. The twins tell component units, pools, modified units and imports; reactive tests, cultures and disputed labels;
reservations, holds, transfers, issues, returns, exports, movements that name a bag alone; dispositions and corrected
ones; presumed ends. They do not tell units that are assumed for a source without components, nor of the admissions by
which such a source reports their use.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.harness import seconds
from lakehouse.l2.pipeline import CONFORMED_TABLES, L2_TABLES
from lakehouse.table import NUMBER, Table

SQL = Path(__file__).parent / "sql"
DIMENSIONS = ("dim_donor", "dim_event", "dim_facility", "dim_product")
TWINS = ("units", "fact_donation", "fact_distribution", "unit_moves", "inventory_daily")
SUMMED, OF_SUMS = "inventory_daily", ("00_words", "10_places", "60_inventory_daily")
PARTS_AT_ONCE = 4  # a million units, which take 8 GB; ten million took 18 GB, and 65 GB of disk before it was full
THREADS, MEMORY = 2, "18GB"  # as many as Spark has on one machine; beyond the memory it goes to disk
CLOSE = 1e-9


def build(
    conformed: Path,
    given: Path | None,
    out: Path,
    *,
    as_of: date,
    params: Mapping[str, Any],
    tables: Collection[str] = TWINS,
) -> dict[str, float]:
    """Write the twins to `<out>/<table>/*.parquet`.

    Parts of the records share no unit and no donor, so that a few of them are told at a time, and the days of stock
    from the moves of all.

    Args:
        conformed: folder of the conformed tables, `<table>/<part>.parquet`; part 00000 belongs to all.
        given: root of the lake with `DIMENSIONS`, where facts are among the tables.
        out: an existing folder.
        as_of: the day to speak about.
        params: presumed_outdated_days, inventory_history_days, required_markers.
        tables: which of `TWINS`; `unit_moves` too, where `inventory_daily` is among them.

    Returns:
        seconds of each script and of each table written.
    """
    took: Counter[str] = Counter()
    parts = sorted(path.name for path in (conformed / "components").glob("*.parquet"))
    told, summed = [name for name in tables if name != SUMMED], [name for name in tables if name == SUMMED]
    for first in range(0, len(parts), PARTS_AT_ONCE):
        names = ["00000.parquet", *parts[first : first + PARTS_AT_ONCE]]
        with closing(_connection(out, as_of, params)) as connection:
            _give(connection, conformed, given, names)
            _run(connection, _scripts(told), told, out, f"{first:05d}", took)
    if summed:
        with closing(_connection(out, as_of, params)) as connection:
            _give(connection, conformed, None, ["00000.parquet"])
            connection.execute(f"create view unit_moves as from read_parquet('{out / 'unit_moves'}/*.parquet')")
            _run(connection, [SQL / f"{name}.sql" for name in OF_SUMS], summed, out, "00000", took)
    return dict(took)


def _connection(out: Path, as_of: date, params: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY, "temp_directory": str(out / "tmp")})
    connection.execute("set timezone = 'UTC'")
    connection.execute(_parameters(as_of, params))
    return connection


def _give(connection: duckdb.DuckDBPyConnection, conformed: Path, given: Path | None, parts: Collection[str]) -> None:
    """Views of what the scripts read: some parts of the conformed tables, and the dimensions."""
    for table in CONFORMED_TABLES:
        files = [str(conformed / table.name / part) for part in parts if (conformed / table.name / part).exists()]
        if files:
            connection.execute(f"create view {table.name} as from read_parquet({files}) where not is_void")
    for name in DIMENSIONS if given else ():
        connection.execute(f"create view {name} as from read_parquet('{given / L2_TABLES[name].path}/*.parquet')")


def _run(
    connection: duckdb.DuckDBPyConnection,
    scripts: list[Path],
    tables: Collection[str],
    out: Path,
    number: str,
    took: Counter[str],
) -> None:
    """Run scripts, write the tables, and add up what each took."""
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        took[script.stem] += seconds(lambda text=text: connection.execute(text))
    for name in tables:
        (out / name).mkdir(exist_ok=True)
        copy = f"copy {name} to '{out / name / number}.parquet' (compression snappy)"
        took[f"write {name}"] += seconds(lambda copy=copy: connection.execute(copy))


def _scripts(tables: Collection[str]) -> list[Path]:
    """The scripts up to those of the tables; each reads only those before it."""
    every = sorted(SQL.glob("*.sql"))
    last = max(place for place, script in enumerate(every) if script.stem.partition("_")[2] in tables)
    return every[: last + 1]


def _parameters(as_of: date, params: Mapping[str, Any]) -> str:
    values = {
        "as_of": f"date '{as_of}'",
        "presumed_outdated_days": int(params["presumed_outdated_days"]),
        "history_days": int(params["inventory_history_days"]),
        "required_markers": list(params["required_markers"]),
    }
    return "".join(f"create macro {name}() as {value};" for name, value in values.items())


def differences(ours: Path, twin: Path, table: Table) -> dict[str, int]:
    """How two versions of a table differ, row by row under its key.

    Args:
        ours: folder of Parquet files.
        twin: Parquet files, as a pattern.
        table: the table.

    Returns:
        column -> number of rows that differ in it, and `rows` -> those that only one of them has, or has twice; columns
        that are alike are left out. Numbers are alike to 1e-9, all else (decimals too) when they are the same.
    """
    connection = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY})
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"create view ours as from read_parquet('{ours}/*.parquet')")
    connection.execute(f"create view twin as from read_parquet('{twin}')")
    on = " and ".join(f"ours.{name} = twin.{name}" for name in table.key)
    counts = {field.name: f"count(*) filter ({_differs(field.name, field.type == NUMBER)})" for field in table.fields}
    listed = ", ".join(counts.values())
    both = connection.execute(f"select count(*), {listed} from ours join twin on {on}").fetchall()[0]
    rows = connection.execute("select (select count(*) from ours), (select count(*) from twin)").fetchall()[0]
    alone = sum(
        connection.execute(f"select count(*) from {here} anti join {there} on {on}").fetchall()[0][0]
        for here, there in (("ours", "twin"), ("twin", "ours"))
    )
    found = dict(zip(counts, both[1:], strict=True)) | {"rows": max(alone, abs(rows[0] - rows[1]))}
    return {name: count for name, count in found.items() if count}


def _differs(name: str, is_number: bool) -> str:
    mine, other = f"ours.{name}", f"twin.{name}"
    if not is_number:
        return f"{mine} is distinct from {other}"
    return f"({mine} is null) <> ({other} is null) or abs({mine} - {other}) > {CLOSE}"
