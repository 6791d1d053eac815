"""The twins and our builds tell the same of every row; what compares them sees every difference."""

from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from benchmarks import conformed, twins
from benchmarks.builds import OverParquet, Task, naive, ours
from lakehouse.config import load_config
from lakehouse.l2.pipeline import L2_TABLES

UNITS, DAYS = 1500, 50
CONFIG = load_config("local")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Task:
    """A lake with the five and their dimensions, built by us; beside it the twins."""
    root = tmp_path_factory.mktemp("builds")
    as_of = conformed.make(root / "conformed", UNITS, days=DAYS, seed=5)
    made = Task(root / "conformed", root / "ours", as_of, (*twins.TWINS, *twins.DIMENSIONS))
    ours(made, spark, CONFIG)
    (root / "twins").mkdir()
    twins.build(made.conformed, made.out, root / "twins", as_of=as_of, params=CONFIG.params)
    return made


def differences(task: Task, name: str, twin: Path | None = None) -> dict[str, int]:
    twin = twin or task.out.parent / "twins" / name / "*.parquet"
    return twins.differences(task.out / L2_TABLES[name].path, twin, L2_TABLES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", twins.TWINS)
def test_a_twin_has_our_rows(task: Task, name: str) -> None:
    rows = duckdb.connect().execute(f"select count(*) from '{task.out / L2_TABLES[name].path}/*.parquet'").fetchall()
    assert rows[0][0] > UNITS / 4
    assert not differences(task, name)


@pytest.mark.slow
def test_the_input_has_the_states_that_are_hard_to_tell(task: Task) -> None:
    states = duckdb.connect().execute(f"select distinct state from '{task.out / 'l2/units'}/*.parquet'").fetchall()
    wanted = {"quarantined", "reserved", "in_transit", "consumed", "exported", "presumed_outdated", "fate_unknown"}
    assert wanted <= {state for (state,) in states}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value", "is_seen"),
    [
        ("volume_ml", "volume_ml + 1e-6", True),
        ("volume_ml", "volume_ml + 1e-12", False),
        ("volume_ml", "null", True),
        ("platelet_doses", "1.01", True),
        ("outcome", "null", True),
        ("date_sk", "date_sk + 1", True),
    ],
)
def test_one_value_that_differs_is_seen(task: Task, tmp_path: Path, column: str, value: str, is_seen: bool) -> None:
    first = "donation_key = (select min(donation_key) from twin)"
    spoilt = spoil(
        task, tmp_path, f"select * replace (case when {first} then {value} else {column} end as {column}) from twin"
    )
    assert differences(task, "fact_donation", spoilt) == ({column: 1} if is_seen else {})


@pytest.mark.slow
@pytest.mark.parametrize(("less", "more"), [("offset 1", ""), ("", "union all (from twin limit 1)")])
def test_a_row_too_few_or_too_many_is_seen(task: Task, tmp_path: Path, less: str, more: str) -> None:
    spoilt = spoil(task, tmp_path, f"from (from twin {less}) {more}")
    assert differences(task, "fact_donation", spoilt) == {"rows": 1}


def spoil(task: Task, folder: Path, change: str) -> Path:
    """The twin of fact_donation, changed."""
    connection = duckdb.connect()
    right, spoilt = task.out.parent / "twins" / "fact_donation" / "*.parquet", folder / "spoilt.parquet"
    connection.execute(f"create view twin as from '{right}'")
    connection.execute(f"create table spoilt as {change}")
    connection.execute(f"copy spoilt to '{spoilt}' (format parquet)")
    return spoilt


@pytest.mark.slow
def test_a_lake_over_parquet_reads_what_it_does_not_build_from_another(
    task: Task, spark: SparkSession, tmp_path: Path
) -> None:
    lake = OverParquet(spark, Task(task.conformed, tmp_path, task.as_of, ("units",), task.out))
    assert lake.read(L2_TABLES["dim_event"]).count() > 1


@pytest.mark.slow
def test_a_naive_build_gives_the_same_rows(task: Task, spark: SparkSession, tmp_path: Path) -> None:
    took = naive(Task(task.conformed, tmp_path, task.as_of, ("fact_donation",)), spark, CONFIG)
    assert took["fact_donation"] > 0
    assert not differences(task, "fact_donation", tmp_path / "fact_donation" / "*.parquet")
