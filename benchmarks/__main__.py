"""`make bench`: every measurement, beside its peer, into build/bench.json."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import drift, full_build, gate, generate, ingest, look_back, refresh, runs, transfers
from benchmarks.harness import Measurement, save, show
from lakehouse.config import load_config
from lakehouse.session import build_session

MILLION = 1_000_000
# In the order in which they are measured.
PARTS = ("generate", "drift", "runs", "full_build", "refresh", "look_back", "transfers", "ingest", "gate")


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
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts to measure (default: all)")
    options = parser.parse_args()
    config = load_config("local", {"ingest": {"settle_seconds": 0.0}})
    folder = options.folder.resolve()
    sizes = tuple(options.records)
    parts: dict[str, Callable[[], list[Measurement]]] = {
        "generate": lambda: generate.measure(folder, options.times),
        "drift": drift.measure,
        "runs": lambda: runs.measure(load_config("local"), folder),
        "full_build": lambda: full_build.measure(folder, options.units),
        "refresh": lambda: refresh.measure(folder, options.units_a_year),
        "look_back": lambda: look_back.measure(folder, options.units_looked_up, options.times),
        "transfers": lambda: transfers.measure(build_session(config, "bench"), config, folder / "year"),
        "ingest": lambda: ingest.measure(build_session(config, "bench"), config, folder, sizes, options.times),
        "gate": lambda: gate.measure(build_session(config, "bench"), config, folder, sizes, options.times),
    }
    found: list[Measurement] = []
    for name in (name for name in PARTS if name in options.only):
        # Shown and kept at once: the whole takes most of an hour, and what breaks off late loses nothing.
        show(measured := parts[name]())
        found += measured
        save("bench", found)


if __name__ == "__main__":
    main()
