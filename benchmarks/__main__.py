"""`make bench`: every measurement, beside its peer, into build/bench.json."""

import argparse
from pathlib import Path

from benchmarks import generate, ingest, runs
from benchmarks.harness import keep
from lakehouse.config import load_config
from lakehouse.session import build_session

MILLION = 1_000_000


def main() -> None:
    """Run the benchmarks and keep their figures."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--records", type=int, nargs=2, default=(MILLION, 4 * MILLION), metavar=("SMALL", "LARGE"))
    parser.add_argument("--times", type=int, default=3, help="counted rounds (default: 3)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    config = load_config("local", {"ingest": {"settle_seconds": 0.0}})
    folder = options.folder.resolve()
    found = generate.measure(folder, options.times) + runs.measure(load_config("local"), folder)
    spark = build_session(config, "bench")
    keep("bench", found + ingest.measure(spark, config, folder, tuple(options.records), options.times))


if __name__ == "__main__":
    main()
