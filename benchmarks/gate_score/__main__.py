"""`make gate-score`: plants faults in a made-up region, runs the lake over it, and holds both beside each other.

Precision: of what the lake found, the share that was planted. Recall: of what was planted, the share it found.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

from benchmarks.gate_score.score import Score, measured, scores, unexplained
from benchmarks.gate_score.world import Ordered, landed, promoted
from benchmarks.harness import save, show
from lakehouse.config import load_config
from lakehouse.session import build_session
from lakehouse.storage.lake import Lake

COLUMNS = "{:<24} {:<6} {:>8} {:>6} {:>10} {:>7}  {}"


def main() -> int:
    """Plant, run, compare; 0 when every figure holds."""
    parser = argparse.ArgumentParser(prog="benchmarks.gate_score", description=__doc__)
    parser.add_argument("--donors", type=int, default=15_000)
    parser.add_argument("--days", type=int, default=45, help="days with faults; twelve without follow")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--folder", type=Path, default=Path("build/gate_score"))
    options = parser.parse_args()
    ordered = Ordered(options.seed, date(2024, 1, 1), options.days, options.donors)
    folder, config = options.folder.resolve(), load_config("local")
    labels = landed(ordered, folder)
    promoted(config, folder, ordered.last_day)
    lake = Lake(build_session(config, "gate-score"), str(folder), run_id="gate-score")
    found = scores(lake, labels, ordered.timezone)
    print(COLUMNS.format("fault", "shown", "planted", "found", "precision", "recall", "ends as"))
    for score in found:
        print(_line(score))
    rest = unexplained(lake, labels)
    show(rest)
    save("gate_score", measurements := measured(found) + rest)
    return 0 if all(m.holds for m in measurements) else 1


def _line(score: Score) -> str:
    figures = f"{score.precision:.3f}", f"{score.recall:.3f}"
    return COLUMNS.format(score.fault, score.shown_by, score.planted, score.found, *figures, score.ends)


if __name__ == "__main__":
    sys.exit(main())
