"""The commits of a Delta table, read from its log by the open protocol, without a Spark job."""

import json
from dataclasses import dataclass
from typing import Any

from lakehouse.errors import StorageError
from lakehouse.storage.files import Files

VERSION_DIGITS = 20


@dataclass(frozen=True)
class Commit:
    """One commit: `note` is its userMetadata, `rows` what it wrote (None where the log does not say)."""

    version: int
    operation: str
    note: str
    rows: int | None
    transactions: tuple[tuple[str, int], ...]


def latest_version(files: Files, path: str) -> int | None:
    """The table's newest version; None where there is no table."""
    names = files.names(f"{path}/_delta_log")
    versions = [int(name[:VERSION_DIGITS]) for name in names if _is_commit(name)]
    return max(versions, default=None)


def read_commit(files: Files, path: str, version: int) -> Commit:
    """Read one commit.

    Raises:
        StorageError: the commit is beyond the log's retention.
    """
    name = f"{path}/_delta_log/{version:0{VERSION_DIGITS}d}.json"
    try:
        with files.open(name) as stream:
            actions = [json.loads(line) for line in stream.read().splitlines() if line]
    except FileNotFoundError:
        raise StorageError(f"{path} has no commit {version} in its log any more") from None
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    rows = info.get("operationMetrics", {}).get("numOutputRows")
    return Commit(
        version=version,
        operation=info.get("operation", ""),
        note=info.get("userMetadata", ""),
        rows=None if rows is None else int(rows),
        transactions=tuple((a["txn"]["appId"], a["txn"]["version"]) for a in actions if "txn" in a),
    )


def commits_after(files: Files, path: str, version: int) -> list[Commit]:
    """Every commit later than `version`, oldest first."""
    latest = latest_version(files, path)
    return [read_commit(files, path, v) for v in range(version + 1, (latest if latest is not None else -1) + 1)]


def _is_commit(name: str) -> bool:
    return name.endswith(".json") and len(name) == VERSION_DIGITS + len(".json") and name[:VERSION_DIGITS].isdigit()
