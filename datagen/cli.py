"""The command line: `history` starts a world, `day` goes on by one day, `import` takes in a CrimsonCache database."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import orjson

from datagen.crimsoncache import exported_on, import_database
from datagen.days import number_of
from datagen.faults.plan import FAULTS_PATH, load_faults
from datagen.history import Counts, Order, next_day, nobody, write_database, write_day, write_history
from datagen.landing import Folder, Store
from datagen.plan import PLAN_PATH, Plan, PlanError
from datagen.planner import load_plans
from datagen.scenarios import load_scenario
from datagen.state import StateError, all_or_none, regions_at
from datagen.writer import SOURCES

USAGE_ERROR = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m datagen", description="A simulated regional blood service.")
    commands = parser.add_subparsers(dest="command", required=True)
    history = commands.add_parser("history", help="start a world and write its first days as monthly files")
    history_options(history)
    history.add_argument(
        "--format",
        choices=("landing", "crimsoncache"),
        default="landing",
        help="landing files below --out, or one SQLite file at --out",
    )
    day = commands.add_parser("day", help="write the next day of a world as daily files")
    day.add_argument("--gz", dest="is_gzip", action="store_true", help="gzip files")
    day.add_argument("--no-faults", action="store_true", help="plant no fault any more; what is due is delivered")
    day.add_argument("--date", type=date.fromisoformat, required=True, help="the world's next day, YYYY-MM-DD")
    taken = commands.add_parser("import", help="turn a CrimsonCache database into landing files")
    taken.add_argument("database", type=Path, help="a SQLite file with any of CrimsonCache's tables")
    taken.add_argument("--out", type=Path, required=True, help="landing folder")
    taken.add_argument("--date", type=date.fromisoformat, help="day of delivery (default: when the file was written)")
    for command in (history, day):
        command.add_argument("--out", type=Path, required=True, help="landing folder")
        command.add_argument("--plan", type=Path, default=PLAN_PATH, help="another plan than datagen/plan.toml")
        command.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="regions lived at once")
    return parser


def _tell(of: int, done: int, day: date) -> None:
    """Progress, on a terminal only."""
    print(f"\r{day}  {done}/{of} days", end="\n" if done == of else "", file=sys.stderr)


def history_options(parser: argparse.ArgumentParser) -> None:
    """What a history is asked with."""
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--start", type=date.fromisoformat, required=True, help="first day, YYYY-MM-DD")
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--donors", type=int, default=20_000, help="donors registered at the start, in each region")
    parser.add_argument("--regions", help="names of regions of the plan, with commas, or all (default: the first)")
    overlay = "an overlay of datagen/scenarios; several may run"
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME@DATE", help=overlay)
    faults = (
        "plant faults after a plan (default: datagen/faults/faults.toml), and tell in .faults which record has which"
    )
    parser.add_argument("--faults", type=Path, nargs="?", const=FAULTS_PATH, metavar="FILE", help=faults)
    packing = parser.add_mutually_exclusive_group()
    packing.add_argument("--plain", dest="is_gzip", action="store_false", help="plain files (the default)")
    packing.add_argument("--gz", dest="is_gzip", action="store_true", help="gzip files")
    parser.set_defaults(is_gzip=False)


def asked(options: argparse.Namespace, plans: Mapping[str, Plan]) -> list[str]:
    """The regions that are asked for.

    Raises:
        StateError: the plan has no such region.
    """
    if options.regions == "all":
        return list(plans)
    chosen = options.regions.split(",") if options.regions else [next(iter(plans))]
    unknown = [name for name in chosen if name not in plans]
    if unknown:
        raise StateError(f"the plan has no region {', '.join(unknown)}; it has {', '.join(plans)}")
    return list(dict.fromkeys(chosen))


def order_of(options: argparse.Namespace) -> Order:
    """The history that is asked for.

    Raises:
        StateError: the numbers make none.
        PlanError: a scenario or a fault that can't be.
    """
    if options.days < 1 or options.donors < 1 or options.seed < 0:
        raise StateError("a history needs --days and --donors of at least 1, and a --seed of at least 0")
    scenarios = tuple(load_scenario(asked) for asked in options.scenario)
    early = [dated.said for dated in scenarios if dated.on < number_of(options.start)]
    if early:
        raise StateError(f"{', '.join(early)} begins before the world does, on {options.start}")
    faults = load_faults(options.faults) if options.faults else ()
    return Order(options.seed, options.start, options.days, options.donors, options.is_gzip, scenarios, faults)


def require_no_world(store: Store) -> None:
    """Raise StateError where a world was started already."""
    if regions_at(store):
        raise StateError(f"there is a world at {store.root} already: go on with `day`, or take another folder")


def _history(options: argparse.Namespace) -> Counts:
    """Start a world in an empty folder and write its first days.

    Raises:
        StateError: when the folder holds a world already, or the numbers make none.
    """
    plans = load_plans(options.plan)
    regions, order = asked(options, plans), order_of(options)
    tell = partial(_tell, options.days) if sys.stderr.isatty() and len(regions) == 1 else nobody
    if options.format == "crimsoncache":
        if len(regions) > 1 or order.faults:
            found = "faults" if order.faults else ", ".join(regions)
            raise StateError(f"a CrimsonCache database holds one region and no planted faults; found {found}")
        return write_database(order, plans[regions[0]], options.out, tell)
    store = Folder(options.out)
    require_no_world(store)
    works = [partial(write_history, order, plans[region], store, tell) for region in regions]
    with all_or_none(store, regions):
        return _side_by_side(works, options.processes)


def _day(options: argparse.Namespace) -> Counts:
    """Go on with the world in a folder by one day: with every region that has not lived it yet.

    Raises:
        StateError: when there is no world, or the date is not its next day.
    """
    plans, store = load_plans(options.plan), Folder(options.out)
    coming = {region: next_day(store, region, plans) for region in regions_at(store)}
    if not coming:
        raise StateError(f"there is no world at {store.root}: start one with `python -m datagen history`")
    wanted = min(coming.values())
    if options.date != wanted:
        raise StateError(f"the next day of the world at {store.root} is {wanted}, not {options.date}")
    behind = [region for region, day in coming.items() if day == wanted]
    how = {"is_gzip": options.is_gzip, "has_faults": not options.no_faults}
    works = [partial(write_day, region, plans, store, **how) for region in behind]
    return _side_by_side(works, options.processes)


def _import(options: argparse.Namespace) -> Counts:
    """Turn a database into landing files.

    Raises:
        StateError: when it is none of CrimsonCache's.
    """
    delivered_on = options.date or (exported_on(options.database) if options.database.is_file() else date.min)
    found = import_database(options.database, Folder(options.out), delivered_on)
    for table in found.left_out:
        print(f"{table} is no table of CrimsonCache: left out", file=sys.stderr)
    return found.counts


def _side_by_side(works: Sequence[Callable[[], Counts]], processes: int) -> Counts:
    total: Counts = Counter(dict.fromkeys(SOURCES, 0))
    if len(works) == 1 or processes == 1:
        counts = [work() for work in works]
    else:
        with ProcessPoolExecutor(min(processes, len(works)), mp_context=get_context("spawn")) as pool:
            counts = list(pool.map(_called, works))
    for count in counts:
        total.update(count)
    return total


def _called(work: Callable[[], Counts]) -> Counts:
    return work()


COMMANDS = {"history": _history, "day": _day, "import": _import}


def main(arguments: Sequence[str]) -> int:
    """Run one command; print the number of records per feed as one JSON line."""
    options = _parser().parse_args(arguments)
    try:
        counts = COMMANDS[options.command](options)
    except (StateError, PlanError) as problem:
        print(problem, file=sys.stderr)
        return USAGE_ERROR
    except OSError as problem:
        print(f"can't write to {options.out}: {problem.strerror or problem}", file=sys.stderr)
        return USAGE_ERROR
    print(orjson.dumps(counts).decode())
    return 0
