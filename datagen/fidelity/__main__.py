"""`python -m datagen.fidelity`: the table, into the terminal, build/fidelity.json and build/fidelity.html."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from datagen.fidelity.measures import measures
from datagen.fidelity.page import render
from datagen.fidelity.run import Protocol, lived
from datagen.fidelity.table import Row, rows
from datagen.plan import PLAN_PATH

WORDS = {True: "holds", False: "MISSED", None: "not testable"}


def main(arguments: Sequence[str]) -> int:
    """Run the protocol, and show and keep its table; 0 when no row that can be tested is missed."""
    parser = argparse.ArgumentParser(prog="python -m datagen.fidelity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, one year after one of burn-in")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--burn-in", type=int, default=2)
    parser.add_argument("--donors", type=int, default=20_000, help="in each region")
    parser.add_argument("--plan", type=Path, default=PLAN_PATH)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args(arguments)
    seeds, burn_in, years = (1, 1, 1) if options.quick else (options.seeds, options.burn_in, options.years)
    protocol = Protocol(seeds, burn_in, years, options.donors, options.processes, options.plan)
    found, confirmed, donations = [], 0, 0
    for tally in lived(protocol):
        found.append(measures(tally))
        confirmed += tally.sums["confirmed"]
        donations += tally.sums["donations"]
        if sys.stderr.isatty():
            print(f"seed {len(found)} of {seeds}", file=sys.stderr)
    table = rows(found, confirmed, donations)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "fidelity.json").write_text(json.dumps(_kept(table), indent=2) + "\n")
    (options.out / "fidelity.html").write_text(render(table, protocol, donations))
    for row in table:
        print(_line(row))
    held = [row for row in table if row.holds]
    emergent = sum(row.kind == "em" for row in held)
    print(f"{len(held)} of {len(table)} rows hold, {emergent} of them emergent; {donations:,} donations")
    return 0 if all(row.holds is not False for row in table) else 1


def _line(row: Row) -> str:
    ours = "; ".join(
        f"{i.mean:.3g} ({i.low:.3g}-{i.high:.3g}) in {i.accepted[0]:.3g}-{i.accepted[1]:.3g}" for i in row.intervals
    )
    return f"{row.number:>2} {row.kind}  {WORDS[row.holds]:<12}  {row.metric}: published {row.published}; ours {ours}"


def _kept(table: Sequence[Row]) -> list[dict[str, object]]:
    return [
        {
            "name": f"{row.number}. {row.metric}: {i.name}",
            "value": round(i.mean, 4),
            "unit": f"{i.low:.4g}-{i.high:.4g}",
            "goal": f"{i.accepted[0]:.4g}-{i.accepted[1]:.4g}",
            "holds": None if row.holds is None else i.holds,
            "peer": row.published,
        }
        for row in table
        for i in row.intervals
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
