"""How the report says things: numbers, groups, components, days and states in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

THIN = "\u202f"
MINUS = "\u2212"
NONE = "–"

GROUPS = ("O-", "O+", "A-", "A+", "B-", "B+", "AB-", "AB+")
COMPONENTS = ("red_cells", "platelets", "plasma", "cryoprecipitate", "whole_blood")
CLASSES = (
    "first_time",
    "regular",
    "returning",
    "occasional",
    "lapsing",
    "inactive",
    "never_donated",
    "stopped",
)

_IRREGULAR = {"red_cells": "Red cells", "cryoprecipitate": "Cryo", "whole_blood": "Whole blood"}


@dataclass(frozen=True)
class Status:
    """How a stock level is shown: a sign and a word beside the colour, for those who don't see it."""

    name: str
    sign: str
    word: str


STATUSES: Mapping[str, Status] = {
    status.name: status
    for status in (
        Status("red", "✖", "critical"),
        Status("amber", "▲", "low"),
        Status("yellow", "◆", "watch"),
        Status("green", "●", "enough"),
        Status("no_demand", "○", "no demand"),
    )
}


def number(value: float | None, decimals: int = 0) -> str:
    """1234.5 → "1 235" with thin spaces; a dash for None."""
    if value is None:
        return NONE
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    return f"{MINUS}{text}" if float(value) < 0 and float(text.replace(THIN, "")) != 0 else text


def days_of_stock(value: float | None) -> str:
    """Days with one decimal below 10 and none above; 99+ from 100 on."""
    if value is None:
        return NONE
    return "99+" if value >= 100 else number(value, 1 if value < 9.95 else 0)


def percent(part: float | None, whole: float | None, decimals: int = 1) -> str:
    """Share of a whole; a dash where there is no whole, "<0.1 %" where it would round to nothing."""
    if part is None or not whole:
        return NONE
    share = 100 * part / whole
    least = 10**-decimals
    return f"<{least:g}{THIN}%" if 0 < share < least / 2 else f"{number(share, decimals)}{THIN}%"


def group(name: str | None) -> str:
    """O- → "O−" with a real minus sign; "not known" where no record tells."""
    return "not known" if name in (None, "", "unknown") else str(name).replace("-", MINUS)


def region(name: str | None) -> str:
    """The region's name (north_river → "North river"), or "Region not known"."""
    if name in (None, "", "unknown"):
        return "Region not known"
    return words(name) if "_" in str(name) else str(name)


def component(name: str | None) -> str:
    """red_cells → "Red cells"."""
    return _IRREGULAR.get(name or "", words(name))


def words(name: str | None) -> str:
    """first_time → "First time"."""
    return (name or "not stated").replace("_", " ").capitalize()


def day(value: date | None, with_year: bool = False) -> str:
    """30 Dec, or 30 Dec 2024."""
    if value is None:
        return NONE
    return f"{value.day} {value:%b %Y}" if with_year else f"{value.day} {value:%b}"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """(1, "unit") → "1 unit"; (2, "unit") → "2 units"."""
    return f"{number(count)} {noun if count == 1 else nouns or noun + 's'}"


def component_order(name: str | None) -> tuple[int, str]:
    """Sorts components as people list them, unknown ones last."""
    return (COMPONENTS.index(name) if name in COMPONENTS else len(COMPONENTS), name or "")


def group_order(name: str | None) -> tuple[int, str]:
    """Sorts groups O, A, B, AB, negative first; unknown ones last."""
    return (GROUPS.index(name) if name in GROUPS else len(GROUPS), name or "")
