"""Scenarios change what they say they change, on their days, and nothing before."""

from datetime import date
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest
from world_files import files_of, lines_of, live

from datagen.cli import main
from datagen.days import number_of
from datagen.plan import PlanError
from datagen.planner import load_plans
from datagen.scenarios import FOLDER, Course, load_scenario
from datagen.simulate import live_day, new_world
from datagen.writer import Outbox

START = date(2024, 4, 1)
ON = "2024-05-06"
PLAN = load_plans()["north_river"]


def lived(*scenarios: str, days: int = 50, donors: int = 3000) -> dict[str, pl.DataFrame]:
    course = Course(load_scenario(f"{name}@{ON}") for name in scenarios)
    world, outbox = new_world(PLAN, seed=5, start=number_of(START), donors=donors, course=course), Outbox()
    for _ in range(days):
        live_day(world, outbox)
    return outbox.frames()


@pytest.fixture(scope="module")
def usual() -> dict[str, pl.DataFrame]:
    return lived()


def before(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("recorded_at") < f"{ON}T05")


def after(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("recorded_at") >= f"{ON}T05")


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_scenario__changes_nothing_before_its_day(name: str, usual: dict[str, pl.DataFrame]) -> None:
    told = lived(name)
    for feed, frame in told.items():
        assert before(frame).equals(before(usual[feed])), feed
    # Ageing takes years to show.
    assert name == "ageing" or not all(frame.equals(usual[feed]) for feed, frame in told.items())


def given(frames: dict[str, pl.DataFrame]) -> int:
    return after(frames["donations"])["din"].n_unique()


def admitted(frames: dict[str, pl.DataFrame]) -> int:
    return after(frames["patients"])["admission_id"].n_unique()


def test_epidemic__demand_falls_and_supply_follows() -> None:
    told = lived("epidemic", days=80)
    demand = told["patients"].filter(pl.col("admission_date").is_between(pl.lit(ON), pl.lit("2024-05-19")))
    usually = lived(days=80)["patients"].filter(pl.col("admission_date").is_between(pl.lit(ON), pl.lit("2024-05-19")))
    assert demand["admission_id"].n_unique() < 0.85 * usually["admission_id"].n_unique()
    visits = told["donor_visits"].with_columns(day=pl.col("visited_at").str.slice(0, 10))
    early = visits.filter(pl.col("day").is_between(pl.lit(ON), pl.lit("2024-05-19"))).height
    late = visits.filter(pl.col("day").is_between(pl.lit("2024-05-22"), pl.lit("2024-06-04"))).height
    assert late < 0.9 * early


def test_mass_casualty__brings_trauma_and_then_newcomers(usual: dict[str, pl.DataFrame]) -> None:
    told = lived("mass_casualty")
    trauma = after(told["patients"]).filter((pl.col("service") == "trauma") & (pl.col("admission_date") == ON))
    assert trauma["admission_id"].n_unique() >= round(90 * 3000 / 20_000)
    assert after(told["donors"])["donor_id"].n_unique() > after(usual["donors"])["donor_id"].n_unique() + 10


def test_school_holidays_and_closed_site__collect_less(usual: dict[str, pl.DataFrame]) -> None:
    assert given(lived("school_holidays", "closed_site")) < 0.9 * given(usual)
    sites = after(lived("closed_site")["donation_events"])["facility_id"].unique()
    assert "NR-COL01" not in sites and "NR-COL02" in sites


def test_cold_chain_failure__wastes_red_cells_at_the_hub() -> None:
    ends = lived("cold_chain_failure")["dispositions"].filter(pl.col("reason") == "cold store failure")
    assert ends.height > 20 and set(ends["facility_id"]) == {"NR-HUB01"} and set(ends["kind"]) == {"wasted"}


def test_new_exclusion__defers_for_good(usual: dict[str, pl.DataFrame]) -> None:
    def excluded(frames: dict[str, pl.DataFrame]) -> int:
        visits = after(frames["donor_visits"])
        return visits.filter((pl.col("deferral_code") == "RSK") & pl.col("is_permanent")).height

    assert excluded(lived("new_exclusion")) > excluded(usual) + 3


def test_kit_recall__recalls_and_discards_what_was_tested_with_them() -> None:
    told = lived("kit_recall")
    recalled = told["unit_events"].filter(pl.col("kind") == "recalled")
    ends = told["dispositions"].filter(pl.col("reason") == "hbv test kits recalled")
    assert recalled.height > 50 and set(recalled["unit_id"]) == set(ends["unit_id"])
    assert set(ends["kind"]) == {"discarded"} and set(ends["happened_at"].str.slice(0, 10)) == {ON}
    born = told["components"].filter(pl.col("unit_id").is_in(recalled["unit_id"].to_list()))["collected_at"]
    assert born.min() >= "2024-04-14"


def test_ageing__lets_fewer_young_people_join() -> None:
    course = Course([load_scenario(f"ageing@{START}")])
    assert [round(course.factor("young_newcomers", number_of(START) + days), 2) for days in (0, 1825, 3650, 3651)] == [
        1.0,
        0.72,
        0.45,
        1.0,
    ]


def test_scenarios__compose() -> None:
    day = number_of(date.fromisoformat(ON))
    course = Course([load_scenario(f"school_holidays@{ON}"), load_scenario(f"closed_site@{ON}")])
    assert np.isclose(course.factor("donations", day), 0.86 * 0.85)
    assert course.factor("donations", day - 1) == 1.0


def test_scenario__is_remembered_from_day_to_day(tmp_path: Path) -> None:
    asked = ("--scenario", "cold_chain_failure@2024-01-29")
    whole = live(tmp_path / "whole", *asked, days=16, donors=800)
    parts = live(tmp_path / "parts", *asked, days=13, donors=800)
    for day in ("2024-01-28", "2024-01-29", "2024-01-30"):
        assert main(["day", "--date", day, "--out", str(parts)]) == 0
    assert lines_of(parts) == lines_of(whole)
    assert any(orjson.loads(line).get("reason") == "cold store failure" for line in lines_of(whole)["dispositions"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("plague@2024-05-06", "found scenario 'plague@2024-05-06'; wanted NAME@YYYY-MM-DD with one of ageing, closed"),
        ("epidemic", "found scenario 'epidemic'; wanted NAME@YYYY-MM-DD"),
        ("epidemic@May", "'May' is no day YYYY-MM-DD"),
        ("epidemic@2023-12-31", "epidemic@2023-12-31 begins before the world does, on 2024-01-15"),
    ],
)
def test_scenario__that_can_not_be(asked: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["history", "--start", "2024-01-15", "--days", "2", "--out", str(tmp_path), "--scenario", asked]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert files_of(tmp_path) == {}


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ('kind = "weather"\ndays = [0, 1]', "kinds are admissions"),
        ('kind = "donations"\ndays = [0, 1]', "donations lacks factor"),
        ('kind = "donations"\ndays = [0, 1]\nfactr = [1, 1]', "says ['factr']"),
    ],
)
def test_scenario_file__that_contradicts_itself(effect: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text(f'about = "x"\n[[effects]]\n{effect}\n')
    with pytest.raises(PlanError) as found:
        load_scenario("odd@2024-01-01", folder=tmp_path)
    assert said in str(found.value)
