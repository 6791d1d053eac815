"""The maker of conformed tables: whole rows, no key twice, the same from the same seed."""

from pathlib import Path

import polars as pl
import pytest

from benchmarks import conformed
from lakehouse.l2.pipeline import CONFORMED_TABLES
from lakehouse.table import Table

UNITS, DAYS = 3000, 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("conformed")
    conformed.make(made, UNITS, days=DAYS, seed=7)
    return made


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in parts."""
    made = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conformed, "PART_UNITS", 500)
        conformed.make(made, UNITS, days=DAYS, seed=7)
    return made


def rows(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / name)


@pytest.mark.parametrize("table", CONFORMED_TABLES, ids=lambda table: table.name)
def test_every_table_has_whole_rows_under_their_keys(folder: Path, parts: Path, table: Table) -> None:
    for made in (rows(folder, table.name), rows(parts, table.name)):
        assert made.columns == list(table.columns)
        assert made.height > 0
        assert made.select(table.key).is_duplicated().sum() == 0
        required = [field.name for field in table.fields if field.required]
        assert made.select(pl.col(required).null_count().sum()).sum_horizontal().item() == 0


@pytest.mark.parametrize("table", CONFORMED_TABLES, ids=lambda table: table.name)
def test_the_same_seed_gives_the_same_rows(folder: Path, tmp_path: Path, table: Table) -> None:
    conformed.make(tmp_path / "again", UNITS, days=DAYS, seed=7)
    assert rows(tmp_path / "again", table.name).equals(rows(folder, table.name))


def test_another_seed_gives_other_rows(folder: Path, tmp_path: Path) -> None:
    conformed.make(tmp_path / "other", UNITS, days=DAYS, seed=8)
    assert not rows(tmp_path / "other", "donations").equals(rows(folder, "donations"))


@pytest.mark.parametrize("made", ["folder", "parts"])
def test_the_size_is_about_the_one_asked_for(made: str, request: pytest.FixtureRequest) -> None:
    units = rows(request.getfixturevalue(made), "components").height
    assert 0.85 * UNITS < units < 1.15 * UNITS


def test_records_name_what_is_there(folder: Path) -> None:
    units = rows(folder, "components")
    for name, column in (("unit_events", "unit_id"), ("dispositions", "unit_id"), ("unit_parents", "parent_unit_id")):
        assert rows(folder, name)[column].is_in(units["unit_id"].implode()).all(), name
    moved = rows(folder, "distribution").select(pl.coalesce("unit_id", "bag_id")).to_series()
    bags = rows(folder, "donations")["bag_id"]
    assert moved.is_in(pl.concat([units["unit_id"], bags]).implode()).all()
    donors = rows(folder, "donors")["donor_key"]
    assert rows(folder, "donations")["donor_key"].is_in(donors.implode()).all()


def test_the_shapes_that_the_twins_must_tell_are_there(folder: Path) -> None:
    assert set(rows(folder, "unit_parents")["kind"]) == {"pooled", "modified"}
    assert set(rows(folder, "distribution")["kind"]) == {"transfer", "issue", "return", "import", "export"}
    kinds = {"released", "quarantined", "quarantine_lifted", "recalled", "reserved", "unreserved", "received"}
    assert set(rows(folder, "unit_events")["kind"]) == kinds
    reactive = rows(folder, "test_results").filter((pl.col("result") == "reactive") & pl.col("is_final"))
    assert reactive.height > 0
    assert rows(folder, "dispositions")["replaces_disposition_id"].drop_nulls().len() > 0
    assert rows(folder, "distribution")["unit_id"].null_count() > 0
    assert rows(folder, "dispositions")["is_date_only"].any()
    assert rows(folder, "components")["abo_rhd"].null_count() > 0
    assert rows(folder, "components").filter(pl.col("din").str.starts_with("X")).height > 0
