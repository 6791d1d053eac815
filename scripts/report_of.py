"""Print where the report is that a job made: the `report` of the JSON object on its last line, if there is one."""

import json
import sys
from pathlib import Path


def report_of(output: str) -> str:
    """Path of the report named by a job's output; empty where it names none."""
    lines = output.strip().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        return ""
    return str(said.get("report") or "") if isinstance(said, dict) else ""


if __name__ == "__main__":
    print(report_of(Path(sys.argv[1]).read_text()))
