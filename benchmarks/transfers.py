"""What suggested transfers would have saved on past days of a made-up region, whose future is known.

Both arms, with and without the transfers, live through the same four weeks: the hospitals' real transfusions (not the
forecast's), and the units that were really released. A hospital uses its oldest unit first; what it lacks it gets from
the centre on the day, and what the centre lacks too is missing. In the evening it orders what it uses in a week, less
its stock, oldest first. The real hospitals did other than this, so the figures compare the arms, and tell nothing else.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.harness import Measurement
from lakehouse.columns import last_day, local_date
from lakehouse.config import Config
from lakehouse.l2.derivatives.expiry_outlook import held_units
from lakehouse.l2.derivatives.transfer_suggestions import NEVER
from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import DERIVATIVES, L2_TABLES
from lakehouse.l2.shared import Frames
from lakehouse.release import live
from lakehouse.storage.lake import Lake

WEEKS = 4
DAYS = 7 * WEEKS
CENTRE = "centre"
COMPONENTS = ("red_cells", "platelets", "plasma")
NEEDED = (
    "units",
    "regional_demand",
    "forecast_quality",
    "demand_forecast",
    "supply_forecast",
    "expiry_outlook",
    "transfer_suggestions",
)
Shelf = tuple[str, str]


@dataclass
class Region:
    """One component of one region at the start: a shelf is (facility, group), its units are counted by days left."""

    stock: dict[Shelf, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    demand: dict[int, Counter[Shelf]] = field(default_factory=lambda: defaultdict(Counter))
    supply: dict[int, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    moves: list[tuple[Shelf, Shelf, int, int]] = field(default_factory=list)
    levels: dict[Shelf, int] = field(default_factory=dict)  # of hospitals

    def lived(self, *, with_moves: bool) -> tuple[int, int]:
        """Units outdated and units missing over the weeks."""
        shelves = defaultdict(Counter, {shelf: Counter(units) for shelf, units in self.stock.items()})
        for source, target, left, units in self.moves if with_moves else ():
            shelves[source][left] -= units
            shelves[target][left] += units
        lost = missing = 0
        for day in range(1, DAYS + 1):
            for group, left in self.supply[day]:
                shelves[CENTRE, group][left] += 1
            for shelf, units in self.demand[day].items():
                for _ in range(units):
                    missing += not (taken(shelves[shelf], day) or taken(shelves[CENTRE, shelf[1]], day))
            lost += sum(units.pop(day, 0) for units in shelves.values())
            for shelf, level in self.levels.items():
                while shelves[shelf].total() < level and (left := taken(shelves[CENTRE, shelf[1]], day + 1)):
                    shelves[shelf][left] += 1
        return lost, missing


def taken(shelf: Counter[int], day: int) -> int:
    """Take the oldest unit that can be used on a day; gives the day of its end, 0 where there is none."""
    left = min((end for end, units in shelf.items() if units > 0 and end >= day), default=0)
    if left:
        shelf[left] -= 1
    return left


def measure(session: SparkSession, config: Config, root: Path, *, days: int = 6) -> list[Measurement]:
    """Lost and missing units, with and without the transfers, over the months before the end of a lake's data."""
    lake = Lake(session, str(root), run_id="bench")
    frames = {name: live(table, lake.read(table)) for name, table in L2_TABLES.items()}
    end = frames["expiry_outlook"].agg(F.max("as_of")).first()[0]
    future, before = frames["units"], session.createDataFrame([], L2_TABLES["forecast_quality"].schema)
    total: Counter[str] = Counter()
    for number in range(days, 0, -1):
        as_of = end - timedelta(days=DAYS * number)
        built = _built_at(frames, before, as_of, dict(config.params) | {"reselect_days": 400})
        before = built["forecast_quality"]
        for region in _regions(built, future, as_of):
            total += _both_arms(region)
    return _figures(total)


def _built_at(frames: dict[str, DataFrame], before: DataFrame, as_of: date, params: dict[str, Any]) -> dict[str, Any]:
    """The answers as of a day, with the forecasts' models chosen on the first of the days."""
    found = frames | {"forecast_quality_before": before}
    steps = {step.table.name: step for step in DERIVATIVES}
    shared = Frames(found.__getitem__)
    for name in NEEDED:
        step = steps[name]
        found[name] = kept(step.build(*shared.of(step.inputs), as_of=as_of, params=params))
    return found | {"places": shared.of(["places"])[0]}


def _regions(built: dict[str, DataFrame], future: DataFrame, as_of: date) -> Iterator[Region]:
    """What each region had, would use and would get, by component."""
    places = built["places"].select("facility_id", "kind", "region", "timezone").toPandas().set_index("facility_id")
    held = held_units(built["units"], built["places"], as_of).where("is_in_date and state in ('available', 'reserved')")
    stock, moves, outlook = (rows.toPandas() for rows in (held, built["transfer_suggestions"], built["expiry_outlook"]))
    used, released = _used(future, as_of), _released(future, built["places"], as_of)
    for name in sorted(places["region"].dropna().unique()):
        here = places[places["region"] == name]
        for component in COMPONENTS:
            tables = (stock, used, released, moves, outlook)
            yield _region(here, as_of, *(rows[rows.component == component] for rows in tables))


def _used(future: DataFrame, as_of: date) -> pd.DataFrame:
    given = future.where((F.col("state") == "transfused") & F.col("ended_on").between(*_span(as_of)))
    return given.select(
        F.col("ended_at_facility_id").alias("facility_id"), "component", "abo_rhd", "ended_on"
    ).toPandas()


def _released(future: DataFrame, places: DataFrame, as_of: date) -> pd.DataFrame:
    """Units that came to stock for use: not those that became another product, or left the region."""
    zones = places.select(F.col("facility_id").alias("made_at_facility_id"), "timezone")
    zone = F.coalesce("timezone", F.lit("UTC"))
    stays = ~F.col("state").isin("consumed", "further_manufacture", "research", "exported")
    timed = future.where(stays).join(F.broadcast(zones), "made_at_facility_id", how="left")
    released_on, expires_on = local_date(F.col("released_at"), zone), last_day(F.col("expires_at"), zone)
    days = timed.withColumns({"released_on": released_on, "expires_on": expires_on})
    wanted = days.where(F.col("released_on").between(*_span(as_of)))
    return wanted.select("made_at_facility_id", "component", "abo_rhd", "released_on", "expires_on").toPandas()


def _span(as_of: date) -> tuple[date, date]:
    return as_of + timedelta(days=1), as_of + timedelta(days=DAYS)


def _region(
    here: pd.DataFrame,
    as_of: date,
    stock: pd.DataFrame,
    used: pd.DataFrame,
    released: pd.DataFrame,
    moves: pd.DataFrame,
    outlook: pd.DataFrame,
) -> Region:
    """All facilities but hospitals are one centre."""
    found = Region()
    hospitals = set(here.index[here["kind"] == "hospital"])

    def at(facility: str) -> str:
        return facility if facility in hospitals else CENTRE

    def left(day: date | None) -> int:
        return NEVER if pd.isna(day) else (day - as_of).days

    for row in stock[stock.facility_id.isin(here.index)].itertuples():
        found.stock[at(row.facility_id), row.abo_rhd][left(row.expires_on)] += 1
    for row in used[used.facility_id.isin(hospitals)].itertuples():
        found.demand[left(row.ended_on)][row.facility_id, row.abo_rhd] += 1
    for row in released[released.made_at_facility_id.isin(here.index)].itertuples():
        found.supply[left(row.released_on)].append((row.abo_rhd, left(row.expires_on)))
    for row in moves[moves.from_facility_id.isin(here.index)].itertuples():
        source, target = (at(row.from_facility_id), row.abo_rhd), (at(row.to_facility_id), row.for_abo_rhd)
        found.moves.append((source, target, left(row.expires_on), row.units))
    for row in outlook[outlook.facility_id.isin(hospitals)].itertuples():
        found.levels[row.facility_id, row.abo_rhd] = math.ceil(7 * row.mean_daily_demand)
    return found


def _both_arms(region: Region) -> Counter[str]:
    lost, missing = region.lived(with_moves=False)
    then_lost, then_missing = region.lived(with_moves=True)
    moved = sum(units for *_, units in region.moves)
    return Counter(
        {"lost": lost, "missing": missing, "then lost": then_lost, "then missing": then_missing, "moved": moved}
    )


def _figures(total: Counter[str]) -> list[Measurement]:
    """The units of both arms; the transfers must lose and lack no more than doing nothing."""
    without, with_moves = "do nothing", f"{total['moved']} units moved"
    return [
        Measurement("outdated without transfers", total["lost"], "units", peer=without),
        Measurement(
            "outdated with transfers",
            total["then lost"],
            "units",
            f"<= {total['lost']}",
            total["then lost"] <= total["lost"],
            with_moves,
        ),
        Measurement("missing without transfers", total["missing"], "units", peer=without),
        Measurement(
            "missing with transfers",
            total["then missing"],
            "units",
            f"<= {total['missing']}",
            total["then missing"] <= total["missing"],
            with_moves,
        ),
    ]
