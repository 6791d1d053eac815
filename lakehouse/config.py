"""Settings: conf/base.toml, overridden by the files of an environment, read once into frozen records."""

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from lakehouse.errors import UsageError

HOME = Path(os.environ.get("LAKEHOUSE_HOME", Path(__file__).resolve().parents[1]))
T = TypeVar("T")
ENVIRONMENTS: Mapping[str, tuple[str, ...]] = {"local": ("local",), "s3": ("local", "s3"), "cluster": ("cluster",)}
"""Each with the files in conf/ that override base.toml, the last one last."""


@dataclass(frozen=True)
class LakeConf:
    """Settings of the lake as a whole."""

    key_variable: str
    release_window_days: int


@dataclass(frozen=True)
class IngestConf:
    """Settings of ingest; sizes in bytes."""

    settle_seconds: float
    max_line_bytes: int
    segment_bytes: int
    attempts: int


@dataclass(frozen=True)
class LeaseConf:
    """How long a lease holds, and how often it is renewed."""

    seconds: float
    renew_seconds: float


@dataclass(frozen=True)
class PipelineConf:
    """How a promote runs, from how many units on tables are refreshed by slices, and the derivatives left out."""

    threads: int
    slice_units: int
    leave_out: list[str]


@dataclass(frozen=True)
class SparkConf:
    """The session: `master` is empty where spark-submit names it; `large` overrides `conf` for a large lake."""

    conf: Mapping[str, str]
    master: str = ""
    large: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """All settings of one run. `params` are the definitions that builds take."""

    environment: str
    lake: LakeConf
    ingest: IngestConf
    lease: LeaseConf
    pipeline: PipelineConf
    spark: SparkConf
    params: Mapping[str, Any]

    def for_units(self, units: int) -> "Config":
        """The settings for a lake of so many units: those for a large one from `slice_units` on."""
        if units < self.pipeline.slice_units:
            return self
        return replace(self, spark=replace(self.spark, conf={**self.spark.conf, **self.spark.large}))


def load_config(environment: str = "local", overrides: Mapping[str, Any] | None = None) -> Config:
    """Read the settings of an environment.

    Args:
        environment: one of `ENVIRONMENTS`.
        overrides: nested settings that win over the files; for tests.

    Raises:
        UsageError: an unknown environment or setting, with the wanted ones named.
    """
    if environment not in ENVIRONMENTS:
        raise UsageError(f"--conf-env is {environment!r}; wanted one of {', '.join(ENVIRONMENTS)}")
    raw = base = _read("base")
    for name in ENVIRONMENTS[environment]:
        raw = _merge(raw, _read(name))
    raw = _merge(raw, overrides or {})
    sections = {field.name for field in fields(Config)} - {"environment"}
    if set(raw) != sections:
        raise UsageError(f"the settings have the sections {sorted(raw)}; wanted {sorted(sections)}")
    _require_known(raw["params"], base.get("params", {}))
    return Config(
        environment=environment,
        lake=_section(LakeConf, raw, "lake"),
        ingest=_section(IngestConf, raw, "ingest"),
        lease=_section(LeaseConf, raw, "lease"),
        pipeline=_section(PipelineConf, raw, "pipeline"),
        spark=_section(SparkConf, raw, "spark"),
        params=raw["params"],
    )


def _read(name: str) -> dict[str, Any]:
    path = HOME / "conf" / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no settings at {path}; set LAKEHOUSE_HOME to the folder that holds conf/") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both_tables = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both_tables else value
    return merged


def _require_known(params: Collection[str], known: Collection[str]) -> None:
    """Refuse definitions that base.toml does not have: nothing would read them."""
    for name in sorted(set(params) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        wanted = near[0] if near else f"one of {', '.join(sorted(known))}"
        raise UsageError(f"found {name} in [params]; wanted {wanted}")


def _section(kind: type[T], raw: Mapping[str, Any], name: str) -> T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    unknown = set(raw[name]) - known
    if unknown:
        raise UsageError(f"unknown settings in [{name}]: {sorted(unknown)}; known are {sorted(known)}")
    try:
        found = kind(**raw[name])
    except TypeError as error:
        raise UsageError(f"settings are missing in [{name}]: {error}") from None
    _require_types(found, name)
    return found


def _require_types(section: Any, name: str) -> None:
    for field in fields(section):
        value, wanted = getattr(section, field.name), _TYPES[field.type]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise UsageError(f"{name}.{field.name} is {value!r}; wanted {field.type}")


_TYPES: dict[Any, Any] = {int: int, float: int | float, str: str, Mapping[str, str]: Mapping, list[str]: list}
