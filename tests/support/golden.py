"""Golden records: what every rule must refuse, written down apart from the rules.

`tests/golden/l1/<feed>.json` has `records` and `days`: changes to a clean record, or to a clean profile of a day's
delivery, each with the rules that it breaks. `tests/golden/l2/<table>.json` has `rows`, and how many of them break
each rule. All name every rule with its severity: a rule that is dropped, turned round, or made milder no longer fits.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from lakehouse.config import HOME
from lakehouse.gates.audit import audit
from lakehouse.gates.gate import judge_feed
from lakehouse.gates.suite import Suite
from lakehouse.table import Feed, Table
from tests.support.rows import frame
from tests.unit.gates.clean import CLEAN, PLACE

Found = dict[str, tuple[str, Any]]
"""Rule -> its severity, and which cases break it (numbers, from 0) or how many rows do."""

CLEAN_DAY = {
    "rows": 100,
    "rows_low": 80,
    "rows_high": 120,
    "level_shift": 1.0,
    "mix_shift": 0.0,
    "refused_share": 0.0,
    "warned_share": 0.0,
    "batch_refused_share": 0.0,
    "refused_share_max": 0.05,
    "files_lacking_required": 0,
    "frozen_rows": 0,
}


@dataclass(frozen=True)
class Golden:
    """One golden file; `wanted` is what judging it must find."""

    content: dict[str, Any]

    @property
    def records(self) -> Found:
        """Row rules -> the records that break them."""
        return self._cases("records")

    @property
    def days(self) -> Found:
        """Batch rules -> how many of the days break them."""
        return {rule: (severity, len(cases)) for rule, (severity, cases) in self._cases("days").items()}

    @property
    def rows(self) -> Found:
        """Rules of a table -> how many of its rows break them."""
        return {rule: (found["severity"], found["broken_by"]) for rule, found in self.content["rules"].items()}

    def _cases(self, kind: str) -> Found:
        breaking: dict[str, list[int]] = defaultdict(list)
        for number, case in enumerate(self.content[kind]):
            for rule in case["breaks"]:
                breaking[rule].append(number)
        return {rule: (self.content["severity"][rule], cases) for rule, cases in breaking.items()}


def golden(tier: str, name: str) -> Golden:
    """The golden file of a feed (l1) or a table (l2)."""
    path = Path(HOME) / "tests" / "golden" / tier / f"{name}.json"
    return Golden(json.loads(path.read_text(encoding="utf-8")))


def judged_records(spark: SparkSession, feed: Feed, suite: Suite, content: Golden) -> Found:
    """What the gate finds in the golden records of a feed."""
    changes = [case["change"] for case in content.content["records"]]
    rows = [PLACE | CLEAN[feed.name] | change | {"_line": number} for number, change in enumerate(changes)]
    judged = judge_feed(frame(spark, feed.l1, rows), feed, suite).frame.orderBy("_line")
    found: Found = {}
    for row in judged.select("_line", "_violations").collect():
        for broken in row["_violations"]:
            found.setdefault(broken["rule"], (broken["severity"], []))[1].append(row["_line"])
    return found


def judged_days(suite: Suite, content: Golden) -> Found:
    """What Great Expectations finds in the golden days of a feed."""
    days = pd.DataFrame([CLEAN_DAY | case["change"] for case in content.content["days"]])
    return _counted(audit(days, suite, "batch").results)


def judged_rows(spark: SparkSession, table: Table, suite: Suite, content: Golden) -> Found:
    """What Great Expectations finds in the golden rows of a table."""
    return _counted(audit(frame(spark, table, content.content["rows"]), suite, "row", "table").results)


def _counted(results: Any) -> Found:
    return {result.rule: (result.severity, result.unexpected_count) for result in results if result.unexpected_count}
