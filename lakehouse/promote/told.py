"""What a promote leaves for people to read: held batches, the results of the gates, Great Expectations' docs."""

import tempfile
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from lakehouse.gates.audit import Audit
from lakehouse.gates.docs import build_docs
from lakehouse.gates.holds import HOLDS, hold_rows
from lakehouse.gates.profile import PROFILE
from lakehouse.gates.results import GATE_RESULTS
from lakehouse.promote.admit import Admission
from lakehouse.promote.audit import ReleaseAudit
from lakehouse.storage.lake import Lake


def write_holds(lake: Lake, admissions: Collection[Admission], at: datetime) -> None:
    """Write down the batches that the gate held."""
    holds = [hold for admission in admissions for hold in admission.holds]
    if holds:
        lake.append_rows(HOLDS, hold_rows(holds, lake.run_id, at))


def write_results(lake: Lake, admissions: Collection[Admission], audited: ReleaseAudit) -> None:
    """Write down what every rule and law found, and the profile of what came."""
    if profile := [row for admission in admissions for row in admission.profile]:
        lake.append_rows(PROFILE, profile)
    lake.append_rows(GATE_RESULTS, [row for a in admissions for row in a.results] + audited.results)


def write_docs(lake: Lake, label: str, audits: list[Audit]) -> str:
    """Build Great Expectations' own docs beside, and put them with the lake.

    Returns:
        Where their index is.
    """
    site = f"reports/{label}/data-docs"
    with tempfile.TemporaryDirectory() as folder:
        build_docs(audits, Path(folder))
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file():
                lake.files.write(f"{site}/{file.relative_to(folder).as_posix()}", file.read_bytes())
    return f"{lake.root}/{site}/index.html"
