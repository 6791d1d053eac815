"""The command line: `history` starts a world, `day` goes on by one day."""

import argparse
import calendar
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import orjson

from datagen.days import date_of, number_of
from datagen.planner import load_plan
from datagen.simulate import live_day, new_world
from datagen.state import StateError, has_world, load, save
from datagen.world import World
from datagen.writer import Outbox

USAGE_ERROR = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m datagen", description="A simulated regional blood service.")
    commands = parser.add_subparsers(dest="command", required=True)
    history = commands.add_parser("history", help="start a world and write its first days as monthly files")
    history.add_argument("--seed", type=int, default=42)
    history.add_argument("--start", type=date.fromisoformat, required=True, help="first day, YYYY-MM-DD")
    history.add_argument("--days", type=int, required=True)
    history.add_argument("--donors", type=int, default=20_000, help="donors registered at the start")
    day = commands.add_parser("day", help="write the next day of a world as daily files")
    day.add_argument("--date", type=date.fromisoformat, required=True, help="the world's next day, YYYY-MM-DD")
    for command in (history, day):
        command.add_argument("--out", type=Path, required=True, help="landing folder")
        packing = command.add_mutually_exclusive_group()
        packing.add_argument("--plain", dest="is_gzip", action="store_false", help="plain files (the default)")
        packing.add_argument("--gz", dest="is_gzip", action="store_true", help="gzip files")
        command.set_defaults(is_gzip=False)
    return parser


def _is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _tell(world: World, of: int) -> None:
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        done = world.next_day - world.start
        print(f"\r{date_of(world.next_day - 1)}  {done}/{of} days", end="\n" if done == of else "", file=sys.stderr)


def write_history(options: argparse.Namespace) -> Outbox:
    """Start a world in an empty folder and write its first days, one file a feed and month.

    Raises:
        StateError: when the folder holds a world already, or the numbers make none.
    """
    if has_world(options.out):
        raise StateError(f"there is a world at {options.out} already: go on with `day`, or take another folder")
    if options.days < 1 or options.donors < 1 or options.seed < 0:
        raise StateError("a history needs --days and --donors of at least 1, and a --seed of at least 0")
    world = new_world(load_plan(), seed=options.seed, start=number_of(options.start), donors=options.donors)
    outbox, first = Outbox(), options.start
    for _ in range(options.days):
        live_day(world, outbox)
        last = date_of(world.next_day - 1)
        _tell(world, options.days)
        if _is_month_end(last) or world.next_day == world.start + options.days:
            outbox.flush(options.out, first=first, last=last, is_gzip=options.is_gzip)
            first = date_of(world.next_day)
    save(world, options.out)
    return outbox


def write_day(options: argparse.Namespace) -> Outbox:
    """Go on with the world in a folder by one day.

    Raises:
        StateError: when there is no world, or the date is not its next day.
    """
    world = load(options.out, load_plan())
    wanted = date_of(world.next_day)
    if options.date != wanted:
        raise StateError(f"the next day of the world at {options.out} is {wanted}, not {options.date}")
    outbox = Outbox()
    live_day(world, outbox)
    outbox.flush(options.out, first=wanted, last=wanted, is_gzip=options.is_gzip)
    save(world, options.out)
    return outbox


def main(arguments: Sequence[str]) -> int:
    """Run one command; print the number of records per feed as one JSON line."""
    options = _parser().parse_args(arguments)
    try:
        outbox = write_history(options) if options.command == "history" else write_day(options)
    except StateError as problem:
        print(problem, file=sys.stderr)
        return USAGE_ERROR
    print(orjson.dumps(outbox.counts).decode())
    return 0
