"""`make bench`: every measurement, beside its peer, into build/bench-<part>.json."""

import argparse
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks import drift, full_build, gate, generate, ingest, look_back, refresh, runs, transfers
from benchmarks.harness import Measurement, save, show
from lakehouse.config import Config, load_config
from lakehouse.session import build_session

MILLION = 1_000_000
Part = Callable[[argparse.Namespace, Path], list[Measurement]]
# In the order in which they are measured.
PARTS: dict[str, Part] = {
    "generate": lambda options, folder: generate.measure(folder, options.times),
    "drift": lambda options, folder: drift.measure(),
    "runs": lambda options, folder: runs.measure(load_config("local"), folder),
    "full_build": lambda options, folder: full_build.measure(folder, options.units),
    "refresh": lambda options, folder: refresh.measure(folder, options.units_a_year),
    "look_back": lambda options, folder: look_back.measure(folder, options.units_looked_up, options.times),
    "transfers": lambda options, folder: transfers.measure(*_session(), folder / "year"),
    "ingest": lambda options, folder: ingest.measure(*_session(), folder, tuple(options.records), options.times),
    "gate": lambda options, folder: gate.measure(*_session(), folder, tuple(options.records), options.times),
}


def _session() -> tuple[SparkSession, Config]:
    config = load_config("local", {"ingest": {"settle_seconds": 0.0}})
    return build_session(config, "bench"), config


def main() -> None:
    """Run the benchmarks and keep their figures."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--records", type=int, nargs=2, default=(MILLION, 4 * MILLION), metavar=("SMALL", "LARGE"))
    parser.add_argument("--times", type=int, default=3, help="counted rounds (default: 3)")
    parser.add_argument(
        "--units", type=int, default=full_build.UNITS, help="size of the full build (default: %(default)s)"
    )
    parser.add_argument(
        "--units-a-year",
        type=int,
        default=refresh.UNITS_A_YEAR,
        help="size of what is refreshed, by default %(default)s",
    )
    parser.add_argument(
        "--units-looked-up",
        type=int,
        default=look_back.UNITS,
        help="size of what is looked back in, by default %(default)s",
    )
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=tuple(PARTS), help="parts (default: all)")
    options = parser.parse_args()
    if "transfers" in options.only and not ("runs" in options.only or (options.folder / "year").is_dir()):
        parser.error("transfers looks back on the year that runs makes: add runs to --only")
    folder = options.folder.resolve()
    for name in (name for name in PARTS if name in options.only):
        # Shown and kept at once: the whole takes hours, and what breaks off late loses nothing.
        show(measured := PARTS[name](options, folder))
        save(f"bench-{name}", measured)


if __name__ == "__main__":
    main()
