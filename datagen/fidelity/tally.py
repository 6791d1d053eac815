"""What one region did in the years that are measured: sums that regions can be added up by.

It takes the records as they would land, month by month, and keeps counts; only donors are kept one by one.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from datagen.ids import Ints
from datagen.places import HUB
from datagen.products import COMPONENT_OF, RED_CELLS
from datagen.world import IN_STOCK, World

Frames = dict[str, pl.DataFrame]
O_NEGATIVE, A_NEGATIVE = 1, 3
LOCAL_HOURS = 6
"""All regions of the plan are about six hours behind UTC; a day is told by them."""
_AS_COLLECTED = ("RC11", "RC12", "RC13", "RC19", "RC21")
_OUTCOMES_PRESENT = ("donated", "deferred", "failed", "left")
_LABELS = {"unit_id": pl.String, "blood_type": pl.String}
_WHO = {"donor_id": pl.String, "sex": pl.String, "birthdate": pl.String, "blood_type": pl.String, "first": pl.String}


@dataclass
class Tally:
    """The sums of one region from the day `since` on."""

    since: date
    sums: Counter[str] = field(default_factory=Counter)
    hospital_months: Counter[tuple[str, str]] = field(default_factory=Counter)  # red cells given
    hospitals: dict[str, Counter[str]] = field(default_factory=dict)
    stock_days: dict[int, list[float]] = field(default_factory=lambda: {O_NEGATIVE: [], A_NEGATIVE: []})
    regions: int = 1
    _who: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_WHO))
    _gifts: list[pl.DataFrame] = field(default_factory=list)
    _red: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_LABELS))
    _cryo_pools: set[str] = field(default_factory=set)

    def look(self, world: World) -> None:
        """At the end of a day: the centre's days of stock of O- and A- red cells."""
        units = world["units"]
        is_here = (units["state"] == IN_STOCK) & (units["place"] <= HUB) & (COMPONENT_OF[units["product"]] == RED_CELLS)
        stock = np.bincount(units["group"][is_here], minlength=8)
        for group, days in self.stock_days.items():
            days.append(float(stock[group] / world.demand[group]))

    def take(self, frames: Frames, *, first: date, last: date) -> None:
        """Count the records of some days; donors of the burn-in are remembered, but not counted."""
        if "donors" in frames:
            known = frames["donors"].select(
                "donor_id", "sex", "birthdate", "blood_type", pl.col("first_donation_date").alias("first")
            )
            self._who = pl.concat([self._who, known]).unique("donor_id", keep="last", maintain_order=True)
        if "components" in frames:
            self._remember(frames["components"])
        if last < self.since:
            return
        for feed, count in (
            ("donor_visits", self._visits),
            ("donations", self._donations),
            ("components", self._components),
            ("test_results", self._tests),
            ("unit_events", self._events),
            ("distribution", self._movements),
            ("dispositions", self._ends),
        ):
            if feed in frames:
                count(frames[feed], frames)

    def _remember(self, components: pl.DataFrame) -> None:
        """What the ends of units do not say: the label of red cells, and which pools are cryoprecipitate."""
        red = components.filter(pl.col("component") == "red_cells").select(*_LABELS)
        self._red = pl.concat([self._red, red])
        self._cryo_pools.update(components.filter(pl.col("product_code").is_in(["CR31", "CR31T"]))["unit_id"])

    def _visits(self, visits: pl.DataFrame, _: Frames) -> None:
        present = visits.filter(pl.col("outcome").is_in(_OUTCOMES_PRESENT)).join(self._who, "donor_id", how="left")
        self.sums["presentations"] += present.height
        self.sums["deferred"] += present.filter(pl.col("outcome") == "deferred").height
        low = (
            present.filter(pl.col("deferral_code") == "HGB") if "deferral_code" in present.columns else present.clear()
        )
        for name, frame in (("presentations", present), ("low_hb", low)):
            for sex, count in frame["sex"].value_counts().iter_rows():
                self.sums[f"{name} {sex}"] += count

    def _donations(self, donations: pl.DataFrame, _: Frames) -> None:
        if "test_date" not in donations.columns:
            return
        tested = donations.filter(pl.col("test_date").is_not_null())
        red = pl.col("red_cell_units")
        rejected = pl.col("reject_reason").is_not_null()
        reactive = pl.col("reject_reason") == "reactive"
        found = tested.select(
            collected=red.sum(),
            rejected_testing=red.filter(reactive).sum(),
            rejected_other=red.filter(rejected & ~reactive).sum(),
            apheresis=red.filter(pl.col("procedure") == "double_red_cells").sum(),
            donations=pl.len(),
        )
        self.sums.update({name: int(value or 0) for name, value in found.row(0, named=True).items()})
        self._weekdays("donations", tested["donation_date"].str.to_date())
        self._gifts.append(tested.select("donor_id", pl.col("donation_date").str.to_date().alias("on")))

    def _is_platelets(self) -> pl.Expr:
        return _place().is_in([3, 4, 5, 6]) & ~pl.col("unit_id").is_in(list(self._cryo_pools))

    def _weekdays(self, name: str, days: pl.Series) -> None:
        for weekday, count in days.dt.weekday().value_counts().iter_rows():
            self.sums[f"{name} weekday {weekday - 1}"] += count

    def _components(self, components: pl.DataFrame, _: Frames) -> None:
        red = components.filter(pl.col("product_code").is_in(_AS_COLLECTED) & ~pl.col("is_imported"))
        self.sums["labelled"] += red.height
        self.sums["labelled O-"] += red.filter(pl.col("blood_type") == "O negative").height

    def _tests(self, tests: pl.DataFrame, _: Frames) -> None:
        is_viral = pl.col("marker").is_in(["hiv", "hbv", "hcv"])
        confirmed = tests.filter((pl.col("stage") == "supplemental") & is_viral & (pl.col("result") == "reactive"))
        self.sums["confirmed"] += confirmed.height

    def _events(self, events: pl.DataFrame, _: Frames) -> None:
        if "method" in events.columns:
            reserved = events.filter((pl.col("kind") == "reserved") & pl.col("method").is_not_null())
            self._by_hospital("crossmatched", reserved)

    def _movements(self, moves: pl.DataFrame, _: Frames) -> None:
        issued = moves.filter((pl.col("kind") == "issue") & self._is_platelets())
        self.sums["platelets issued"] += issued.height
        self.sums["platelets issued"] -= moves.filter((pl.col("kind") == "return") & self._is_platelets()).height

    def _ends(self, ends: pl.DataFrame, _: Frames) -> None:
        given = ends.filter(pl.col("kind") == "transfused")
        platelets = given.filter(self._is_platelets())
        self.sums["platelets given"] += platelets.height
        self._weekdays(
            "platelets", platelets["happened_at"].str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.offset_by(f"-{LOCAL_HOURS}h")
        )
        red = ends.filter(_is_red())
        for kind, outcome in (("transfused", "given"), ("outdated", "outdated"), ("wasted", "wasted")):
            self._by_hospital(outcome, red.filter(pl.col("kind") == kind))
            self.sums[f"red {outcome}"] += red.filter(pl.col("kind") == kind).height
        labelled = red.filter(pl.col("kind") == "transfused").join(self._red, "unit_id", how="left")
        self.sums["red given O-"] += labelled.filter(pl.col("blood_type") == "O negative").height
        self._red = self._red.join(red, "unit_id", how="anti")
        at_centre = ~pl.col("facility_id").str.contains("-HOS")
        self.sums["red outdated at centre"] += red.filter((pl.col("kind") == "outdated") & at_centre).height
        self._months(red.filter(pl.col("kind") == "transfused"))

    def _months(self, given: pl.DataFrame) -> None:
        month = pl.col("happened_at").str.slice(0, 7)
        for hospital, name, count in given.group_by("facility_id", month.alias("month")).len().iter_rows():
            self.hospital_months[hospital, name] += count

    def _by_hospital(self, name: str, rows: pl.DataFrame) -> None:
        for facility, count in rows["facility_id"].value_counts().iter_rows():
            if "-HOS" in facility:
                self.hospitals.setdefault(facility, Counter())[name] += count

    def finish(self) -> None:
        """Count what needs a donor's whole time: ages, groups, first gifts, returns."""
        gifts = pl.concat(self._gifts).join(self._who, "donor_id", how="left")
        age = (gifts["on"] - gifts["birthdate"].str.to_date()).dt.total_days() / 365.25
        self.sums["gifts"] += gifts.height
        self.sums["gifts 25-44"] += int(((age >= 25) & (age < 45)).sum())
        self.sums["gifts 45-64"] += int(((age >= 45) & (age < 65)).sum())
        gifts = gifts.with_columns(pl.col("first").str.to_date())
        for year, of_year in gifts.group_by(((pl.col("on") - self.since).dt.total_days() // 365).alias("year")):
            people = of_year.unique("donor_id")
            start = pl.lit(self.since) + pl.duration(days=365 * int(year[0]))
            self.sums["donors"] += people.height
            self.sums["first-time donors"] += people.filter(pl.col("first") >= start).height
            self.sums["donors O-"] += people.filter(pl.col("blood_type") == "O negative").height
        self._returns(gifts)

    def _returns(self, gifts: pl.DataFrame) -> None:
        """First-time donors of the first measured year, who are all followed for two years more."""
        a_year = pl.lit(self.since) + pl.duration(days=365)
        joined = gifts.filter((pl.col("first") >= self.since) & (pl.col("first") < a_year))
        again = (
            joined.filter(pl.col("on") > pl.col("first"))
            .group_by("donor_id")
            .agg((pl.col("on").min() - pl.col("first").first()).dt.total_days().alias("days"))
        )
        self.sums["joined"] += joined["donor_id"].n_unique()
        self.sums["followed days"] = int((gifts["on"] - self.since).dt.total_days().max() or 0)  # type: ignore[arg-type]
        self.sums["back in 1 year"] += again.filter(pl.col("days") <= 365).height
        self.sums["back in 2 years"] += again.filter(pl.col("days") <= 730).height


def _place() -> pl.Expr:
    """The place of a unit in its donation, which tells red cells from platelets."""
    return pl.col("unit_id").str.slice(-2).cast(pl.Int32) % 50


def _is_red() -> pl.Expr:
    return _place().is_in([1, 2])


def added(tallies: list[Tally]) -> Tally:
    """The tallies of several regions as one."""
    total = Tally(tallies[0].since, regions=0)
    for tally in tallies:
        total.sums.update(tally.sums)
        total.regions += tally.regions
        total.hospital_months.update(tally.hospital_months)
        total.hospitals.update(tally.hospitals)
        for group, days in tally.stock_days.items():
            total.stock_days[group] += days
    return total


def index_of(sums: Counter[str], name: str) -> Ints:
    """Counts by weekday, Monday first, relative to their mean."""
    counts = np.array([sums[f"{name} weekday {weekday}"] for weekday in range(7)], float)
    return np.asarray(counts / counts.mean())
