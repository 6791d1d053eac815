"""The sections of the report on stock, outdating and demand: released tables in, words and charts out."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup
from pyspark.sql import DataFrame, Row

from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.reports import charts, queries, words
from lakehouse.reports.facts import ReportFacts

Read = Callable[[str], DataFrame]
View = dict[str, Any]

FACILITIES_SHOWN = 40
SHELVES_SHOWN = 15
LINE_DAYS, LINE_STEP = 364, 7


def stock(read: Read, facts: ReportFacts) -> View:
    """Tiles of stock, then days of stock: a heat table a region, then the facilities that are shortest."""
    outlook = read("expiry_outlook")
    rows = queries.stock(outlook, facts.params).collect()
    return {
        "tiles": _tiles(rows, queries.shortages(outlook).collect()[0]),
        "regions": _heats(rows),
        "facilities": _facility_tables(outlook),
        "statuses": list(words.STATUSES.values()),
    }


def _tiles(rows: Sequence[Row], short: Row) -> list[View]:
    totals = {row.component: row for row in rows if row.slice == "component"}
    groups = [row for row in rows if row.slice == "group"]
    tiles = [_stock_tile(name, totals[name], groups) for name in words.COMPONENTS[:3] if name in totals]
    return [*tiles, _outdating_tile(list(totals.values())), _shortage_tile(short)] if totals else []


def _stock_tile(name: str, total: Row, groups: Sequence[Row]) -> View:
    with_demand = [row for row in groups if row.component == name and row.days_of_stock is not None]
    worst = min(with_demand, key=lambda row: row.days_of_stock, default=None)
    doses = f"; {words.number(total.available_doses, 1)} doses" if name == "platelets" and total.available_doses else ""
    note = f"{words.number(total.on_hand)} on hand, {words.number(total.available)} available{doses}"
    lowest = f"lowest {words.group(worst.abo_rhd)} {words.days_of_stock(worst.days_of_stock)} d" if worst else ""
    return {
        "label": words.component(name),
        "value": f"{words.days_of_stock(total.days_of_stock)} days" if total.days_of_stock is not None else "no demand",
        "note": note,
        "status": words.STATUSES[total.status],
        "lowest": lowest,
        "lowest_status": words.STATUSES[worst.status] if worst else None,
    }


def _outdating_tile(totals: Sequence[Row]) -> View:
    one, three, seven = (
        sum(row[name] or 0 for row in totals) for name in ("expiring_1d", "expiring_3d", "expiring_7d")
    )
    note = f"{words.number(one)} within 1 day, {words.number(three)} within 3, {words.number(seven)} within 7"
    return {"label": "Outdating within 3 days", "value": words.plural(three, "unit"), "note": note}


def _shortage_tile(short: Row) -> View:
    note = f"at {words.plural(short.facilities, 'facility', 'facilities')}, a group of a component each"
    return {"label": "Shelves critical or low", "value": words.number(short.cells), "note": note}


def _heats(rows: Sequence[Row]) -> list[View]:
    by_region: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.slice == "region":
            by_region[words.region(row.region)].append(row)
    everywhere = [_heat("All regions", [row for row in rows if row.slice == "group"])] if len(by_region) > 1 else []
    return everywhere + [_heat(name, by_region[name]) for name in sorted(by_region)]


def _heat(name: str, rows: Sequence[Row]) -> View:
    components = sorted({row.component for row in rows}, key=words.component_order)
    groups = sorted({*words.GROUPS, *(row.abo_rhd for row in rows if row.on_hand)}, key=words.group_order)
    at = {(row.component, row.abo_rhd): row for row in rows}
    return {
        "name": name,
        "components": [words.component(component) for component in components],
        "rows": [
            {"group": words.group(group), "cells": [_cell(at.get((component, group))) for component in components]}
            for group in groups
        ],
    }


def _cell(row: Row | None) -> View | None:
    if row is None:
        return None
    return {
        "status": words.STATUSES[row.status],
        "days": words.days_of_stock(row.days_of_stock),
        "available": words.number(row.available),
    }


def _facility_tables(outlook: DataFrame) -> list[View]:
    by_component: dict[str, list[Row]] = defaultdict(list)
    for row in queries.stock_by_facility(outlook, FACILITIES_SHOWN).collect():
        by_component[row.component].append(row)
    return [_facility_table(name, by_component[name]) for name in sorted(by_component, key=words.component_order)]


def _facility_table(component: str, rows: Sequence[Row]) -> View:
    by_place: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_place[row.place].append(row)
    lines = []
    for place in sorted(by_place):
        first, at = by_place[place][0], {row.abo_rhd: row for row in by_place[place]}
        name = first.facility_name or f"Unnamed ({first.facility_id or 'facility not stated'})"
        cells = [_cell(at.get(group)) for group in words.GROUPS]
        lines.append({"name": name, "kind": words.words(first.facility_kind), "cells": cells})
    return {
        "component": words.component(component),
        "groups": [words.group(group) for group in words.GROUPS],
        "rows": lines,
        "left_out": rows[0].facilities - len(lines),
    }


def outdating(read: Read, facts: ReportFacts) -> View:
    """Units outdating by day and component, and the shelves with the most."""
    days = int(facts.params["outlook_days"])
    zones = all_facilities(read("facilities"), read("hospitals"))
    rows = queries.outdating_by_day(read("units"), zones, facts.as_of, days).collect()
    most = queries.outdating_most(read("expiry_outlook"), SHELVES_SHOWN).collect()
    layers = _layers(rows, facts.as_of, days)
    return {
        "days": days,
        "total": sum(row.units for row in rows),
        "total_words": words.plural(sum(row.units for row in rows), "unit"),
        "legend": layers,
        "wide": _outdating_chart(layers, facts.as_of, 720),
        "narrow": _outdating_chart(layers, facts.as_of, 360),
        "most": [_shelf(row) for row in most],
    }


def _layers(rows: Sequence[Row], as_of: date, days: int) -> list[charts.Series]:
    counts = {(row.component, (row.expires_on - as_of).days): row.units for row in rows}
    found = sorted({row.component for row in rows}, key=words.component_order)
    return [
        charts.Series(words.component(name), css(name), [counts.get((name, d + 1), 0) for d in range(days)])
        for name in found
    ]


def css(component: str | None) -> str:
    """The style sheet's class for a component."""
    return f"c-{component}" if component in words.COMPONENTS else "c-other"


def _outdating_chart(layers: Sequence[charts.Series], as_of: date, width: int) -> Markup:
    if not layers:
        return Markup("")
    count = len(layers[0].values)
    ahead = [as_of + timedelta(days=n + 1) for n in range(count)]
    slots = [f"{day:%a} {words.day(day)}" if width > 500 else f"{day:%a}"[:2] + f" {day.day}" for day in ahead]
    return charts.stacked_columns(f"Units outdating on each of the next {count} days", slots, layers, width=width)


def _shelf(row: Row) -> View:
    return {
        "facility": row.facility_name or f"Unnamed ({row.facility_id})",
        "component": words.component(row.component),
        "group": words.group(row.abo_rhd),
        "within_3d": words.number(row.expiring_3d),
        "within_7d": words.number(row.expiring_7d),
        "projected": words.number(row.projected_outdates),
        "next_on": words.day(row.next_expiry_on),
        "days": words.days_of_stock(row.days_of_stock),
    }


def demand(read: Read, facts: ReportFacts) -> View:
    """Requested against transfused by region and component, and how much was filled."""
    table, window = read("regional_demand"), int(facts.params["demand_window_days"])
    totals = {(row.region, row.component): row for row in queries.demand_totals(table, facts.as_of, window).collect()}
    points: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for row in queries.demand_lines(table, facts.as_of, LINE_DAYS, LINE_STEP).collect():
        points[row.region, row.component][(facts.as_of - row.demand_on).days] = row
    regions: dict[str, list[View]] = defaultdict(list)
    for region, component in sorted(points, key=lambda key: (key[0] or "", words.component_order(key[1]))):
        panel = _panel(component, points[region, component], totals.get((region, component)), facts.as_of)
        regions[words.region(region)].append(panel)
    return {"window": window, "regions": [{"name": name, "panels": panels} for name, panels in regions.items()]}


def _panel(component: str, points: dict[int, Row], total: Row | None, as_of: date) -> View:
    oldest = max(points)
    ages = list(range(oldest - oldest % LINE_STEP, -1, -LINE_STEP))
    series = [
        charts.Series(label, style, [points[age][column] if age in points else None for age in ages])
        for label, style, column in (
            ("requested", "l-requested", "requested_ma28"),
            ("transfused", "l-transfused", "transfused_ma28"),
        )
    ]
    marks = sorted({0, len(ages) // 2, len(ages) - 1})
    ticks = [(mark, words.day(as_of - timedelta(days=ages[mark]))) for mark in marks]
    name = words.component(component)
    return {"component": name, "chart": charts.lines(f"{name}: units a day", ticks, series), **_filled(total)}


def _filled(total: Row | None) -> View:
    if total is None:
        return {"requested": None}
    due = (total.requested or 0) - (total.cancelled or 0)
    return {
        "requested": words.number(total.requested),
        "transfused": words.number(total.transfused),
        "fill_rate": words.percent(total.filled_on_time, due),
        "exact_rate": words.percent(total.filled_exact, due),
        "unmet": words.number(total.unmet),
        "unmet_share": words.percent(total.unmet, due),
    }
