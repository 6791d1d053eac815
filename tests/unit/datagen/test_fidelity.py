"""The fidelity table: what is counted, when a row holds, and what the page and the command show."""

import json
import math
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from datagen.fidelity.__main__ import main
from datagen.fidelity.measures import demand_mape
from datagen.fidelity.page import render
from datagen.fidelity.run import Protocol
from datagen.fidelity.table import WEEKDAYS, Interval, Row, interval, rows
from datagen.fidelity.tally import Tally, added, index_of
from datagen.plan import PLAN_PATH

SINCE = date(2024, 1, 1)
MONTH = {"first": date(2024, 1, 1), "last": date(2024, 1, 31)}


def donor(number: int, group: str, first: str, sex: str = "Female", born: str = "1990-01-01") -> dict[str, str]:
    ids = {"donor_id": f"D{number}", "sex": sex, "birthdate": born, "blood_type": group}
    return {**ids, "first_donation_date": first}


def gift(number: int, on: str, *, units: int = 1, reason: str | None = None) -> dict[str, object]:
    procedure = "double_red_cells" if units == 2 else "whole_blood"
    given = {"donor_id": f"D{number}", "donation_date": on, "test_date": on, "red_cell_units": units}
    return {**given, "procedure": procedure, "reject_reason": reason}


def end(unit: str, kind: str, at: str, facility: str = "NR-HOS01") -> dict[str, str]:
    return {"unit_id": unit, "kind": kind, "happened_at": f"{at}T12:00:00Z", "facility_id": facility}


def test_tally__counts_gifts_rejections_and_returns() -> None:
    tally = Tally(SINCE)
    donors = [donor(1, "O negative", "2024-01-02"), donor(2, "A positive", "2015-05-05", "Male", "1960-06-06")]
    gifts = [
        gift(1, "2024-01-02", units=2),
        gift(2, "2024-01-03", reason="reactive"),
        gift(2, "2024-01-31", reason="qns"),
    ]
    tally.take({"donors": pl.DataFrame(donors), "donations": pl.DataFrame(gifts)}, **MONTH)
    later = pl.DataFrame([gift(1, "2025-01-10"), gift(1, "2025-03-10")])
    tally.take({"donations": later}, first=date(2025, 1, 1), last=date(2025, 3, 31))
    tally.finish()
    wanted = {"collected": 6, "apheresis": 2, "rejected_testing": 1, "rejected_other": 1, "donations": 5}
    wanted |= {"gifts": 5, "gifts 25-44": 3, "gifts 45-64": 2}
    # D1 in both years, D2 in the first: three donor-years, one of them first-time, two of them O negative.
    wanted |= {
        "donors": 3,
        "first-time donors": 1,
        "donors O-": 2,
        "joined": 1,
        "back in 1 year": 0,
        "back in 2 years": 1,
    }
    assert {name: tally.sums[name] for name in wanted} == wanted
    assert index_of(tally.sums, "donations").tolist() == pytest.approx([1.4, 1.4, 2.8, 0, 1.4, 0, 0])


def test_tally__counts_what_became_of_units() -> None:
    tally = Tally(SINCE)
    labels = {"X1-01": "O negative", "X2-01": "A positive", "X3-51": "A positive", "X4-02": "A positive"}
    made = [
        {"unit_id": unit, "component": "red_cells", "product_code": "RC11I" if unit == "X3-51" else "RC11"}
        | {"blood_type": group, "is_imported": unit == "X4-02"}
        for unit, group in labels.items()
    ]
    pool = {"unit_id": "P1-06", "component": "cryoprecipitate", "product_code": "CR31", "blood_type": "O positive"}
    ends = [
        *(end("X1-01", "transfused", "2024-01-05"), end("X2-01", "transfused", "2024-01-06")),
        *(end("X3-51", "outdated", "2024-01-20"), end("X4-02", "outdated", "2024-01-20", "NR-HUB01")),
        *(end("P1-06", "transfused", "2024-01-05"), end("X5-03", "transfused", "2024-01-08")),
    ]
    moves = [{"unit_id": unit, "kind": "issue"} for unit in ("X1-01", "X5-03", "X6-04", "P1-06")]
    reserved = [{"kind": "reserved", "method": method, "facility_id": "NR-HOS01"} for method in ("serologic", None)]
    frames = {
        "components": pl.DataFrame([*made, {**pool, "is_imported": False}]),
        "dispositions": pl.DataFrame(ends),
        "distribution": pl.DataFrame(moves),
        "unit_events": pl.DataFrame(reserved),
    }
    tally.take(frames, **MONTH)
    wanted = {"labelled": 2, "labelled O-": 1, "red given": 2, "red given O-": 1, "red outdated": 2}
    wanted |= {"red outdated at centre": 1, "platelets issued": 2, "platelets given": 1}
    assert {name: tally.sums[name] for name in wanted} == wanted
    assert tally.hospitals == {"NR-HOS01": Counter(crossmatched=1, given=2, outdated=1)}
    assert tally.hospital_months == {("NR-HOS01", "2024-01"): 2}


def test_tally__leaves_out_the_burn_in_and_adds_up() -> None:
    early, late = Tally(SINCE), Tally(SINCE)
    frames = {"donations": pl.DataFrame([gift(1, "2023-12-02")])}
    early.take(frames, first=date(2023, 12, 1), last=date(2023, 12, 31))
    assert not early.sums
    late.take(frames, **MONTH)
    late.stock_days[1].append(2.0)
    total = added([early, late, late])
    assert total.sums["donations"] == 2 and total.stock_days[1] == [2.0, 2.0]


def test_interval__lies_around_the_mean_and_holds_inside_the_band() -> None:
    found = interval("x", [1.0, 2.0, 3.0], (0.0, 5.0))
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, -0.484, 4.484), abs=1e-3)
    assert not found.holds
    assert interval("x", [1.9, 2.0, 2.1], (0.0, 5.0)).holds
    assert interval("x", [2.0], (2.0, 2.0)).holds


def test_rows__hold_miss_or_can_not_be_tested(tmp_path: Path) -> None:
    (tmp_path / "rows.toml").write_text(
        "\n".join(
            f'[[rows]]\nnumber = {number}\nkind = "in"\nmetric = "m"\npublished = "p"\n{more}'
            for number, more in enumerate(
                (
                    "measures = { good = [0, 2], bad = [5, 6] }",
                    "measures = { good = [0, 2] }",
                    "measures = { missing = [0, 2] }",
                    "per_100k = 20\nleast_donations = 1000\nmeasures = {}",
                    'weekdays = "w"\naround = [1, 1, 1, 1, 1, 1, 1]\nwithin = 0.1\nmeasures = {}',
                ),
                1,
            )
        )
    )
    measured = {"good": 1.0, "bad": 1.0, "missing": float("nan"), **{f"w_{day}": 1.05 for day in WEEKDAYS}}

    def held(confirmed: int, donations: int) -> list[bool | None]:
        return [row.holds for row in rows([measured], confirmed, donations, tmp_path / "rows.toml")]

    assert held(20, 100_000) == [False, True, None, True, True]
    assert held(60, 100_000)[3] is False and held(0, 999)[3] is None


def test_demand_mape__forecasts_the_last_two_years() -> None:
    months = [f"{year}-{month:02d}" for year in range(2020, 2025) for month in range(1, 13)]
    steady = Counter({("NR-HOS01", month): 400 for month in months})
    jumping = Counter({("NR-HOS01", month): 400 + 37 * i * i % 211 for i, month in enumerate(months)})
    assert demand_mape(steady) == pytest.approx(0, abs=0.1)
    assert demand_mape(jumping) > 5
    assert math.isnan(demand_mape(Counter({("NR-HOS01", month): 200 for month in months})))
    assert math.isnan(demand_mape(Counter({("NR-HOS01", month): 400 for month in months[:30]})))


def test_page__shows_every_row_in_words() -> None:
    intervals = (Interval("far_out", 9.0, 8.0, 10.0, (1.0, 2.0)),)
    table = [Row(1, "em", "a & b, %", "7", intervals, False), Row(2, "in", "c", "8", intervals, None)]
    page = render(table, Protocol(), 1_234_567)
    for said in (
        "a &amp; b, %",
        "missed",
        "not testable",
        "emergent",
        "1,234,567 donations",
        "far out",
        "accepted 1 to 2",
    ):
        assert said in page
    assert "http" not in page


def test_main__prints_the_table_and_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # One region is enough to see the way from the plan to the page.
    regions = PLAN_PATH.read_text().split("[[regions]]")
    rest = regions[-1].split("[calendar]", 1)[1]
    (tmp_path / "plan.toml").write_text(f"{regions[0]}[[regions]]{regions[1]}\n[calendar]{rest}")
    options = ["--quick", "--donors", "400", "--plan", str(tmp_path / "plan.toml"), "--out", str(tmp_path)]
    # So few donors agree with no published figure, and the command says so.
    assert main(options) == 1
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 20 and " rows hold, " in printed[-1]
    kept = json.loads((tmp_path / "fidelity.json").read_text())
    assert {"name", "value", "unit", "goal", "holds", "peer"} == set(kept[0])
    assert len(kept) == 42
    assert (tmp_path / "fidelity.html").read_text().count("<article>") == 19
