"""The world on disk: `.world/world.json` (numbers) and `.world/tables-<day>.npz` (columns), below the landing folder.

The folder's name begins with a dot, so that nobody takes it for a delivery. The numbers name the tables that
they belong to, and are written last: a save that is killed leaves the world of the day before. Both files are
byte-equal for equal worlds: the archive carries a fixed date, and nothing is pickled.
"""

import io
import zipfile
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from datagen.days import date_of
from datagen.plan import Plan
from datagen.tables import Columns
from datagen.world import TABLES, World, empty_tables
from datagen.writer import write_whole

FORMAT = 1
FOLDER = ".world"
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class StateError(ValueError):
    """The landing folder holds no world that can be gone on with."""


def _plan_hash(plan: Plan) -> str:
    return sha256(orjson.dumps(asdict(plan))).hexdigest()


def _packed(tables: dict[str, Columns], demand: Any) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        columns = {f"{table}.{name}": tables[table][name] for table in TABLES for name in TABLES[table]}
        for name, column in {**columns, "demand": demand}.items():
            stream = io.BytesIO()
            np.save(stream, column, allow_pickle=False)
            packed.writestr(zipfile.ZipInfo(f"{name}.npy", _EARLIEST), stream.getvalue(), zipfile.ZIP_DEFLATED, 1)
    return archive.getvalue()


def has_world(landing: Path) -> bool:
    """Whether a world was started here."""
    return (landing / FOLDER / "world.json").exists()


def save(world: World, landing: Path) -> None:
    """Write the world, then forget the tables of the day before."""
    tables = _packed(world.tables, world.demand)
    name = f"tables-{date_of(world.next_day)}.npz"
    facts = {
        "format": FORMAT,
        "plan": _plan_hash(world.plan),
        "tables": name,
        "sha256": sha256(tables).hexdigest(),
        "seed": world.seed,
        "start": world.start,
        "next_day": world.next_day,
        "size": world.size,
        "counters": world.counters,
    }
    write_whole(landing / FOLDER / name, tables)
    write_whole(landing / FOLDER / "world.json", orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    for old in (landing / FOLDER).glob("tables-*.npz"):
        if old.name != name:
            old.unlink()


def load(landing: Path, plan: Plan) -> World:
    """The world that was saved in `landing`.

    Raises:
        StateError: says in one sentence why there is none to go on with.
    """
    if not has_world(landing):
        raise StateError(f"there is no world at {landing}: start one with `python -m datagen history`")
    facts = orjson.loads((landing / FOLDER / "world.json").read_bytes())
    if facts["format"] != FORMAT or facts["plan"] != _plan_hash(plan):
        raise StateError(f"the world at {landing} was made with another plan: start a new one in an empty folder")
    path = landing / FOLDER / facts["tables"]
    content = path.read_bytes() if path.exists() else b""
    if facts["sha256"] != sha256(content).hexdigest():
        raise StateError(f"the world at {landing} was damaged: start a new one in an empty folder")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        tables = empty_tables()
        for table, columns in tables.items():
            columns.data = {name: archive[f"{table}.{name}"] for name in columns.dtypes}
        return World(
            seed=facts["seed"],
            start=facts["start"],
            next_day=facts["next_day"],
            size=facts["size"],
            plan=plan,
            demand=archive["demand"],
            tables=tables,
            counters=facts["counters"],
        )
