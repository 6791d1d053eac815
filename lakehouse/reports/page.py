"""Puts the report together: asks the sections, fills the template."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from lakehouse.reports import quality_sections, sections, transfers
from lakehouse.reports.facts import ReportFacts
from lakehouse.reports.sections import Read

THREADS = 3


def render(read: Read, facts: ReportFacts) -> str:
    """The report on a release, as one HTML page that needs nothing beside it.

    Args:
        read: gives a released table as a frame, by name; an empty frame where nothing is there yet.
        facts: what no table holds.

    Returns:
        The page, in UTF-8 text.
    """
    asked = {
        "stock": lambda: sections.stock(read, facts),
        "outdating": lambda: sections.outdating(read, facts),
        "transfers": lambda: transfers.transfers(read, facts),
        "demand": lambda: sections.demand(read, facts),
        "donors": lambda: quality_sections.donors(read, facts),
        "refused": lambda: quality_sections.refused(read, facts),
        "unplaced": lambda: quality_sections.unplaced(read),
        "deviations": lambda: quality_sections.deviations(read),
        "in_doubt": lambda: quality_sections.in_doubt(read, facts),
    }
    with ThreadPoolExecutor(max_workers=THREADS) as pool:  # the sections are small jobs, independent of each other
        waiting = {name: pool.submit(ask) for name, ask in asked.items()}
        answers = {name: answer.result() for name, answer in waiting.items()}
    return fill("report.html.j2", facts, verdict=quality_sections.verdict(facts), **answers)


def fill(template: str, facts: ReportFacts, **views: Any) -> str:
    """A page of this package, with the style of all and what it says of its release."""
    return _template(template).render(
        style=Markup(_resource("report.css")),  # our own file
        provenance=quality_sections.provenance(facts),
        docs=facts.data_docs_href,
        params=facts.params,
        **views,
    )


@cache
def _template(name: str) -> Template:
    loader = FunctionLoader(_resource)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def _resource(name: str) -> str:
    """Text of a file of this package, also where the package is a zip (`spark-submit --py-files`)."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
