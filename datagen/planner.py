"""Reading and checking the plan: every problem at once, before anything is drawn."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from datagen.plan import PLAN_PATH, Plan, PlanError, Service, Transfer

REGIONS, TRANSFERS = "regions", "transfers"
_SECTIONS = tuple(field for field in fields(Plan) if field.name not in ("service", TRANSFERS))
_EQUALLY_LONG = {
    "deferral": (("codes", "reasons", "shares", "days", "permanent_shares"),),
    "testing": (("markers", "reactive", "confirmed_per_100k"),),
    "habits": (("names", "shares", "visits_a_year", "churn", "interval_days"),),
    "components": (("red_cell_products", "red_cell_shares"),),
    "collection": (("mobile_kinds", "mobile_kind_shares"), ("reject_reasons", "reject_shares")),
    "donors": (
        ("ethnicities", "ethnicity_shares", "group_shares"),
        ("age_shares", "first_time_age_shares", "age_rates", "age_churn", "never_returns_shares"),
    ),
    "hospitals": (
        (
            *("services", "shares", "length_of_stay_days", "red_cell_episodes", "platelet_episodes"),
            *("plasma_episodes", "cryo_episodes", "emergency_share", "irradiated_share", "returning_share"),
            *("mortality", "female_share"),
        ),
    ),
}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _compared(place: str, record: Any, raw: Mapping[str, Any]) -> Iterator[str]:
    wanted = {field.name for field in fields(record)}
    yield from (f"{place}.{name} is missing" for name in sorted(wanted - set(raw)))
    yield from (f"{place}.{name} is unknown" for name in sorted(set(raw) - wanted))


def _unknown_or_missing(raw: Mapping[str, Any]) -> Iterator[str]:
    for section in _SECTIONS:
        yield from _compared(section.name, section.type, raw.get(section.name, {}))
    for lists, record in ((REGIONS, Service), (TRANSFERS, Transfer)):
        for number, listed in enumerate(raw.get(lists, ()), 1):
            yield from _compared(f"{lists}[{number}]", record, listed)
    if not raw.get(REGIONS):
        yield "there are no regions"
    known = {section.name for section in _SECTIONS} | {REGIONS, TRANSFERS}
    yield from (f"section {name} is unknown" for name in sorted(set(raw) - known))


def _contradictions(plans: Sequence[Plan]) -> Iterator[str]:
    for place, groups in _EQUALLY_LONG.items():
        record = getattr(plans[0], place)
        for names in groups:
            if len({len(getattr(record, name)) for name in names}) > 1:
                yield f"{place}: {', '.join(names)} must be equally long"
    for section in _SECTIONS:
        record = getattr(plans[0], section.name)
        for field in fields(record):
            value = getattr(record, field.name)
            if field.name.endswith("_share") and not (isinstance(value, tuple) or 0 <= value <= 1):
                yield f"{section.name}.{field.name} = {value} is no share"
    for name in ("region", "number", "code"):
        times = Counter(getattr(plan.service, name) for plan in plans)
        yield from (f"{REGIONS}: {name} {value!r} is given twice" for value, count in times.items() if count > 1)
    known = {plan.service.region for plan in plans}
    for transfer in plans[0].transfers:
        strangers = {transfer.sender, transfer.receiver} - known
        yield from (f"{TRANSFERS}: there is no region {name}" for name in sorted(strangers))
    yield from (
        f"{REGIONS}: number {plan.service.number} of {plan.service.region} is not 1..99"
        for plan in plans
        if not 1 <= plan.service.number <= 99
    )


def load_plans(path: Path = PLAN_PATH) -> dict[str, Plan]:
    """The plan in `path`, by region, in the order in which it lists them.

    Raises:
        PlanError: names every section or constant that is missing, unknown or contradicts another.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"can't read the plan {path}: {error}") from error
    problems = list(_unknown_or_missing(raw))
    if problems:
        raise PlanError("; ".join(problems))
    sections = {section.name: _made(section.type, raw[section.name]) for section in _SECTIONS}
    transfers = tuple(_made(Transfer, listed) for listed in raw.get(TRANSFERS, ()))
    plans = [Plan(service=_made(Service, region), transfers=transfers, **sections) for region in raw[REGIONS]]
    problems = list(_contradictions(plans))
    if problems:
        raise PlanError("; ".join(problems))
    return {plan.service.region: plan for plan in plans}


def _made(record: Any, raw: Mapping[str, Any]) -> Any:
    return record(**{name: _frozen(value) for name, value in raw.items()})
