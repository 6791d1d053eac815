"""Generate a made-up blood service at scale: one task a region, the same bytes as `python -m datagen history`."""

import sys
from collections import Counter
from datetime import UTC, datetime

from datagen.cli import asked, history_options, order_of, require_no_world
from datagen.history import Counts, try_history
from datagen.plan import PlanError
from datagen.planner import load_plans
from datagen.state import StateError, all_or_none
from lakehouse.cli import Outcome, Run, main
from lakehouse.errors import UsageError


def generate(run: Run) -> Outcome:
    """Start the regions asked for, each in a task of its own."""
    try:
        plans, landing = load_plans(), run.landing
        regions, order = asked(run.args, plans), order_of(run.args)
        require_no_world(landing)
    except (PlanError, StateError) as error:
        raise UsageError(str(error)) from error
    context = run.lake.spark.sparkContext
    works = context.parallelize([plans[region] for region in regions], len(regions))
    with all_or_none(landing, regions):
        done = works.map(lambda plan: try_history(order, plan, landing)).collect()
        if problems := [f"{region}: {problem}" for region, (_, problem) in zip(regions, done, strict=True) if problem]:
            raise UsageError(f"can't write to {landing.root}: {'; '.join(problems)}")
    counts: Counts = sum((count for count, _ in done), Counter())
    return Outcome("done", facts={"regions": regions, "records": dict(counts)})


if __name__ == "__main__":
    sys.exit(main("generate", __doc__, generate, lambda: datetime.now(UTC), history_options))
