"""Worlds on disk: `.world/<region>/world.json` (numbers) and `tables-<day>.npz` (columns), below the landing folder.

The folder's name begins with a dot, so that nobody takes it for a delivery. The numbers name the tables that
they belong to, and are written last: a save that is killed leaves the world of the day before. Both files are
byte-equal for equal worlds: the archive carries a fixed date, and nothing is pickled.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np
import orjson

from datagen.days import date_of
from datagen.landing import Store
from datagen.plan import Plan
from datagen.scenarios import Course
from datagen.tables import Columns
from datagen.world import TABLES, World, empty_tables

FORMAT = 2
FOLDER = ".world"
_NUMBERS = "world.json"
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


def _read(store: Store, path: str) -> bytes | None:
    try:
        with store.open(path) as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def regions_at(store: Store) -> list[str]:
    """The regions that were started here."""
    return [region for region in store.names(FOLDER) if _read(store, f"{FOLDER}/{region}/{_NUMBERS}") is not None]


def save(world: World, store: Store) -> None:
    """Write the world, then forget the tables of the day before."""
    tables = _packed(world.tables, world.demand)
    name, folder = f"tables-{date_of(world.next_day)}.npz", f"{FOLDER}/{world.plan.service.region}"
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
        "scenarios": world.course.facts(),
    }
    store.write(f"{folder}/{name}", tables)
    store.write(f"{folder}/{_NUMBERS}", orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    for old in store.names(folder):
        if old.startswith("tables-") and old != name:
            store.remove(f"{folder}/{old}")


def forget(store: Store, region: str) -> None:
    """Remove what was saved of a region, if anything was; the numbers first, so that no half of a world is left."""
    folder = f"{FOLDER}/{region}"
    for name in sorted(store.names(folder), key=lambda name: name != _NUMBERS):
        store.remove(f"{folder}/{name}")


@contextmanager
def all_or_none(store: Store, regions: Iterable[str]) -> Iterator[None]:
    """Start regions as one world: with one of them missing it could not be gone on with, only started again."""
    try:
        yield
    except BaseException:
        for region in regions:
            forget(store, region)
        raise


def load(store: Store, region: str, plans: Mapping[str, Plan]) -> World:
    """The world of one region that was saved here.

    Raises:
        StateError: says in one sentence why there is none to go on with.
    """
    folder = f"{FOLDER}/{region}"
    numbers = _read(store, f"{folder}/{_NUMBERS}")
    if numbers is None:
        raise StateError(f"there is no world at {store.root}: start one with `python -m datagen history`")
    facts, plan = orjson.loads(numbers), plans.get(region)
    if plan is None or facts["format"] != FORMAT or facts["plan"] != _plan_hash(plan):
        raise StateError(f"the world at {store.root} was made with another plan: start a new one in an empty folder")
    content = _read(store, f"{folder}/{facts['tables']}") or b""
    if facts["sha256"] != sha256(content).hexdigest():
        raise StateError(f"the world at {store.root} was damaged: start a new one in an empty folder")
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
            course=Course.of(facts["scenarios"]),
        )
