"""Dating: how long a component may be used, and when a unit expires.

The periods are a table, first match wins. `day` periods end at 23:59 on the last day, local to the labelling
facility, with the day of collection (or of irradiation, thawing) as day 0; `hour` periods end at the exact time.
Source, unless a row names another: the table of 21 CFR 610.53(b), as it stood in December 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.columns import local_date

CFR = "21 CFR 610.53(b)"
CIRCULAR = "AABB Circular of Information for the Use of Human Blood and Blood Components (recalled, to be confirmed)"
IRRADIATED_DAYS = 28  # red cells: from irradiation, or the original date, whichever is shorter (21 CFR 610.53(b))


@dataclass(frozen=True)
class Dating:
    """One row of the dating table.

    `when` names what a unit must be: column of the conformed components (or `is_pool`) -> values that match.
    The period counts from `start` in `unit`s. The row holds for units whose `start` is on or after `valid_from`
    (UTC); None means as far back as records go.
    """

    component: str
    period: int
    unit: Literal["hour", "day", "year"]
    start: Literal["collected_at", "prepared_at"] = "collected_at"
    when: Mapping[str, tuple[str | bool, ...]] = field(default_factory=lambda: MappingProxyType({}))
    source: str = CFR
    jurisdiction: str = "US"
    valid_from: date | None = None


PLAIN = ("acd", "cpd", "cp2d")
FROZEN_WITHIN_A_DAY = ("ffp", "pf24", "pf24rt24", "cryo_reduced")
ADDITIVES = ("as1", "as3", "as5", "as7")

DATING: tuple[Dating, ...] = (
    # An opened system counts hours from its opening, whatever the solution.
    Dating("red_cells", 24, "hour", "prepared_at", {"is_washed": (True,)}),
    Dating("red_cells", 10, "year", when={"storage": ("frozen",)}),
    # Deglycerolised: 14 days when it was done in a closed system with an additive, else 24 hours.
    Dating("red_cells", 14, "day", "prepared_at", {"storage": ("thawed",), "additive": ADDITIVES}),
    Dating("red_cells", 24, "hour", "prepared_at", {"storage": ("thawed",)}),
    Dating("red_cells", 42, "day", when={"additive": ADDITIVES}),
    Dating("red_cells", 35, "day", when={"anticoagulant": ("cpda1",)}),
    Dating("red_cells", 21, "day", when={"anticoagulant": PLAIN}),
    Dating("whole_blood", 35, "day", when={"anticoagulant": ("cpda1",)}),
    Dating("whole_blood", 21, "day", when={"anticoagulant": PLAIN}),
    Dating("platelets", 5, "day", when={"storage": ("room",)}),
    Dating("plasma", 5, "day", "prepared_at", {"storage": ("thawed",)}, source=CIRCULAR),
    # Liquid plasma: 5 days after the end of the whole blood's dating.
    Dating("plasma", 40, "day", when={"storage": ("liquid",), "anticoagulant": ("cpda1",)}),
    Dating("plasma", 26, "day", when={"storage": ("liquid",), "anticoagulant": PLAIN}),
    Dating("plasma", 1, "year", when={"storage": ("frozen",), "plasma_kind": FROZEN_WITHIN_A_DAY}),
    Dating("plasma", 5, "year", when={"storage": ("frozen",)}),
    Dating("cryoprecipitate", 1, "year", when={"storage": ("frozen",)}),
    Dating(
        "cryoprecipitate",
        5,
        "day",
        "prepared_at",
        {"storage": ("thawed", "room"), "is_pathogen_reduced": (True,)},
        source="FDA approval of pathogen-reduced cryoprecipitated fibrinogen complex, 2020 (recalled, to be confirmed)",
        valid_from=date(2020, 11, 24),
    ),
    Dating("cryoprecipitate", 4, "hour", "prepared_at", {"storage": ("thawed", "room"), "is_pool": (True,)}, CIRCULAR),
    Dating("cryoprecipitate", 6, "hour", "prepared_at", {"storage": ("thawed", "room")}, CIRCULAR),
)


def computed_expiry(zone: Column, oldest_parent_expires_at: Column | None = None, jurisdiction: str = "US") -> Column:
    """Expiry of a unit by the dating table; NULL where the table has no period, or its start is unknown.

    To be used on a frame with the columns of conformed components, and `is_pool` (FLAG).

    Args:
        zone: IANA zone of the labelling facility.
        oldest_parent_expires_at: earliest expiry among the units that it was made of, NULL for none: a pool, or
            any unit made of others, expires no later.
        jurisdiction: whose periods count.
    """
    rows = [row for row in DATING if row.jurisdiction == jurisdiction]
    first, *rest = rows
    own = F.when(_matches(first), _end(first, zone))
    for row in rest:
        own = own.when(_matches(row), _end(row, zone))
    is_irradiated = (F.col("component") == "red_cells") & F.col("irradiated_at").isNotNull()
    irradiated = F.when(is_irradiated, end_of_days(F.col("irradiated_at"), IRRADIATED_DAYS, zone))
    own = F.when(own.isNotNull(), F.least(own, irradiated))
    if oldest_parent_expires_at is None:
        return own
    return F.when(own.isNotNull(), F.least(own, oldest_parent_expires_at))


def end_of_days(start: Column, days: int, zone: Column) -> Column:
    """23:59 in `zone`, so many days after the local day of `start`, as an instant."""
    return end_of_dating(F.date_add(local_date(start, zone), days), zone)


def _end(row: Dating, zone: Column) -> Column:
    start = F.col(row.start)
    if row.unit == "hour":
        return start + F.make_dt_interval(hours=F.lit(row.period))
    if row.unit == "year":
        # 29 February plus a year is 28 February: never a day longer.
        return end_of_dating(F.add_months(local_date(start, zone), 12 * row.period), zone)
    return end_of_days(start, row.period, zone)


def end_of_dating(day: Column, zone: Column) -> Column:
    """23:59 of a local day in `zone`, as an instant."""
    last_minute = day.cast("timestamp") + F.make_dt_interval(hours=F.lit(23), mins=F.lit(59))
    return F.to_utc_timestamp(last_minute, zone)


def _matches(row: Dating) -> Column:
    matched = F.col("component") == row.component
    if row.valid_from is not None:
        matched = matched & (F.to_date(row.start) >= F.lit(row.valid_from))
    for name, values in row.when.items():
        matched = matched & F.coalesce(F.col(name).isin(*values), F.lit(False))
    return matched
