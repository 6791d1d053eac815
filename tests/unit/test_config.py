"""Settings: files in order, overrides, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from lakehouse import config as config_module
from lakehouse.config import ENVIRONMENTS, load_config
from lakehouse.errors import UsageError


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_load_config__reads_every_environment(environment: str) -> None:
    config = load_config(environment)
    assert config.environment == environment
    assert config.lake.release_window_days == 400
    assert config.lease.seconds > 2 * config.lease.renew_seconds
    assert config.spark.conf["spark.sql.session.timeZone"] == "UTC"
    assert config.params["lapse_months"] == 24


def test_load_config__lets_an_environment_override_single_settings() -> None:
    local, cluster = load_config("local"), load_config("cluster")
    assert (local.spark.master, cluster.spark.master) == ("local[2]", "")
    assert local.spark.conf["spark.databricks.delta.snapshotPartitions"] == "1"
    assert cluster.spark.conf["spark.databricks.delta.snapshotPartitions"] == "2"


def test_for_units__takes_the_settings_of_a_large_lake_from_its_size_on() -> None:
    large = {"spark": {"large": {"a": "large"}, "conf": {"a": "small", "b": "same"}}}
    config = load_config("local", {**large, "pipeline": {"slice_units": 10}})
    few, many = [config.for_units(units).spark.conf for units in (9, 10)]
    assert ((few["a"], few["b"]), (many["a"], many["b"])) == (("small", "same"), ("large", "same"))
    assert many == {**few, **config.spark.large}


def test_load_config__reads_s3_on_top_of_local() -> None:
    local, s3 = load_config("local"), load_config("s3")
    assert (s3.spark.master, s3.spark.large) == (local.spark.master, local.spark.large)
    assert s3.spark.large and local.spark.conf.items() < s3.spark.conf.items()


def test_load_config__lets_overrides_win() -> None:
    config = load_config("local", {"ingest": {"settle_seconds": 0}, "params": {"outlook_days": 7}})
    assert (config.ingest.settle_seconds, config.ingest.attempts) == (0, 3)
    assert (config.params["outlook_days"], config.params["lapse_months"]) == (7, 24)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"ingest": {"atempts": 3}}, r"unknown settings in \[ingest\]: \['atempts'\]; known are .*attempts"),
        ({"params": {"outlok_days": 7}}, r"^found outlok_days in \[params\]; wanted outlook_days$"),
        ({"params": {"x": 7}}, r"^found x in \[params\]; wanted one of cohort_months, .*outlook_days, "),
        ({"ingset": {"attempts": 3}}, r"sections .*'ingset'.*; wanted .*'ingest'"),
        ({"ingest": {"attempts": "3"}}, r"ingest.attempts is '3'; wanted <class 'int'>"),
        ({"ingest": {"settle_seconds": True}}, r"ingest.settle_seconds is True; wanted <class 'float'>"),
        ({"spark": {"master": 2}}, "spark.master is 2"),
        ({"spark": {"conf": "x=y"}}, "spark.conf is 'x=y'"),
    ],
)
def test_load_config__refuses_what_it_does_not_know(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_config("local", overrides)


def test_load_config__takes_any_name_within_a_definition() -> None:
    lots = {"BL00017": "2024-03-01"}
    assert load_config("local", {"params": {"look_back_lots": lots}}).params["look_back_lots"] == lots


def test_load_config__refuses_an_unknown_environment() -> None:
    with pytest.raises(UsageError, match="--conf-env is 'prod'; wanted one of local, s3, cluster"):
        load_config("prod")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no settings at .*base.toml; set LAKEHOUSE_HOME"),
        ("[lake", "base.toml is not TOML"),
        ("[lake]\nkey_variable = 'K'", "the settings have the sections"),
        (
            "[lake]\nkey_variable = 'K'\n[ingest]\n[lease]\n[pipeline]\n[spark]\n[params]",
            r"settings are missing in \[lake\]: .*release_window_days",
        ),
    ],
)
def test_load_config__says_what_is_wrong_with_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, message: str
) -> None:
    monkeypatch.setattr(config_module, "HOME", tmp_path)
    if text is not None:
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf/base.toml").write_text(text)
        (tmp_path / "conf/local.toml").write_text("")
    with pytest.raises(UsageError, match=message):
        load_config("local")
