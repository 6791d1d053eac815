"""Reading and checking the plan: every problem at once, before anything is drawn."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from datagen.plan import PLAN_PATH, Plan, PlanError


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _unknown_or_missing(raw: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for section in fields(Plan):
        wanted = {field.name for field in fields(section.type)}  # type: ignore[arg-type]
        found = set(raw.get(section.name, {}))
        yield from (f"{section.name}.{name} is missing" for name in sorted(wanted - found))
        yield from (f"{section.name}.{name} is unknown" for name in sorted(found - wanted))
    yield from (f"section {name} is unknown" for name in sorted(set(raw) - {field.name for field in fields(Plan)}))


def _contradictions(plan: Plan) -> Iterator[str]:
    same_length = {
        "deferral": (plan.deferral, ("codes", "reasons", "shares", "days", "permanent_shares")),
        "testing": (plan.testing, ("markers", "reactive", "confirmed_per_100k")),
        "habits": (plan.habits, ("names", "shares", "visits_a_year", "interval_days")),
        "components": (plan.components, ("red_cell_products", "red_cell_shares")),
        "collection": (plan.collection, ("mobile_kinds", "mobile_kind_shares")),
        "donors": (plan.donors, ("ethnicities", "ethnicity_shares", "group_shares")),
        "hospitals": (
            plan.hospitals,
            ("services", "shares", "length_of_stay_days", "red_cell_episodes", "platelet_episodes", "mortality"),
        ),
    }
    for section, (record, names) in same_length.items():
        if len({len(getattr(record, name)) for name in names}) > 1:
            yield f"{section}: {', '.join(names)} must be equally long"
    for section, record in ((field.name, getattr(plan, field.name)) for field in fields(plan)):
        for field in fields(record):
            value = getattr(record, field.name)
            if field.name.endswith("_share") and not (isinstance(value, tuple) or 0 <= value <= 1):
                yield f"{section}.{field.name} = {value} is no share"


def load_plan(path: Path = PLAN_PATH) -> Plan:
    """The plan in `path`.

    Raises:
        PlanError: names every section or constant that is missing, unknown or contradicts another.
    """
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    problems = list(_unknown_or_missing(raw))
    if problems:
        raise PlanError("; ".join(problems))
    sections = {
        field.name: field.type(**{name: _frozen(value) for name, value in raw[field.name].items()})  # type: ignore[operator]
        for field in fields(Plan)
    }
    plan = Plan(**sections)
    problems = list(_contradictions(plan))
    if problems:
        raise PlanError("; ".join(problems))
    return plan
