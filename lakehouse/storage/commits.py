"""The commits of a Delta table, by the open protocol and without a Spark job: read, and the first one written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from lakehouse.errors import StorageError
from lakehouse.storage.files import Files
from lakehouse.table import Table

VERSION_DIGITS = 20
GROUP_ROWS = 100_000
"""Rows of a row group, where a table is looked up by some columns; as many values, at most, has its Bloom filter."""
PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}
"""What a reader and a writer of our tables must know; no table feature is used."""


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
    try:
        with files.open(_commit_path(path, version)) as stream:
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


def properties_of(table: Table, window_days: int) -> dict[str, str]:
    """The properties that a table is created with: how far back its versions stay, and what its log may tell."""
    window = f"interval {window_days} days"
    properties = {"delta.deletedFileRetentionDuration": window, "delta.logRetentionDuration": window}
    if table.looked_up_by:
        # Delta hands them to the writer of Parquet: what is asked for reads only groups of rows that may have it.
        properties["parquet.block.row.count.limit"] = str(GROUP_ROWS)
        for column in table.looked_up_by:
            properties[f"parquet.bloom.filter.enabled#{column}"] = "true"
            properties[f"parquet.bloom.filter.expected.ndv#{column}"] = str(GROUP_ROWS)
    personal = [place for place, field in enumerate(table.fields) if field.pii]
    if personal:
        # Delta writes the least and greatest value of a column into its log, and Spark tells its own log what is there.
        properties["delta.dataSkippingNumIndexedCols"] = str(personal[0])
    return properties


def create_table(files: Files, table: Table, properties: Mapping[str, str], note: str) -> None:
    """Write a table's first commit, which is all that an empty table is; nothing where another has written it.

    One file appears at once, so neither a race nor a kill leaves half a table, as Delta's own statement does
    (it makes the log's folder first, and then refuses a folder that is not empty).
    """
    metadata = {
        "id": str(uuid5(NAMESPACE_URL, f"{files.root}/{table.path}#{note}")),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": table.schema.json(),
        "partitionColumns": list(table.partition_by),
        "configuration": dict(properties),
    }
    info = {
        "operation": "CREATE TABLE",
        "operationParameters": {"partitionBy": json.dumps(list(table.partition_by)), "isManaged": "false"},
        "isBlindAppend": True,
        "operationMetrics": {},
        "userMetadata": note,
    }
    actions = ({"commitInfo": info}, {"metaData": metadata}, {"protocol": PROTOCOL})
    content = "".join(f"{json.dumps(action)}\n" for action in actions)
    if files.create(_commit_path(table.path, 0), content.encode()):
        files.create(f"{table.path}/_delta_log/{0:0{VERSION_DIGITS}d}.crc", json.dumps(_checksum(metadata)).encode())


def _checksum(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The state of an empty table; it may be missing, but spares Delta two jobs before the first write."""
    return {
        "tableSizeBytes": 0,
        "numFiles": 0,
        "numMetadata": 1,
        "numProtocol": 1,
        "setTransactions": [],
        "domainMetadata": [],
        "metadata": metadata,
        "protocol": PROTOCOL,
        "allFiles": [],
    }


def _commit_path(path: str, version: int) -> str:
    return f"{path}/_delta_log/{version:0{VERSION_DIGITS}d}.json"


def _is_commit(name: str) -> bool:
    return name.endswith(".json") and len(name) == VERSION_DIGITS + len(".json") and name[:VERSION_DIGITS].isdigit()
