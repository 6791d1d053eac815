"""Data Docs: Great Expectations' own page for every audit of a run, and an index, as a static site.

Its pages load styles, scripts and pictures from the Internet; here they carry their own style and need nothing.
The audits hold counts and no value of any row, so neither do the pages.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment

from lakehouse.gates.audit import Audit, RuleResult

# What a page of Great Expectations takes from elsewhere, or only works with its scripts.
_FOREIGN = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<link\b[^>]*>|<img\b[^>]*>|<nav\b.*?</nav>|<footer\b.*?</footer>"
    r"|<div class=\"card\b.*?(?=<div class=\"col-md-10)",
    re.DOTALL,
)
_LINK_TO_SUITE = re.compile(r'<a href="[^"#]*expectations/[^"]*" ?>(.*?)</a>', re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """How an audit ended, in words, and the style of them."""

    words: str
    style: str


@dataclass(frozen=True)
class Page:
    """One audit, as the index lists it."""

    file: str
    name: str
    scopes: str
    rules: int
    failed: tuple[RuleResult, ...]
    verdict: Verdict


def build_docs(audits: Iterable[Audit], folder: Path) -> Path:
    """Write the site below `folder`: index.html and a page for each audit.

    Returns:
        The index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    css = resources.files(__package__).joinpath("docs.css").read_text(encoding="utf-8")
    seen: Counter[str] = Counter()
    pages = []
    for audit in audits:
        page = _page(audit, seen)
        pages.append(page)
        (folder / page.file).write_text(render(audit, css), encoding="utf-8")
    index = folder / "index.html"
    template = resources.files(__package__).joinpath("docs.html.j2").read_text(encoding="utf-8")
    html = Environment(autoescape=True, trim_blocks=True).from_string(template).render(pages=pages, css=css)
    index.write_text(html, encoding="utf-8")
    return index


def render(audit: Audit, css: str) -> str:
    """Great Expectations' page for an audit, freed of everything that it would load."""
    # Where there is an audit, `lakehouse.gates.gx` has set the library up for this process.
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer  # noqa: PLC0415
    from great_expectations.render.view.view import DefaultJinjaPageView  # noqa: PLC0415

    renderer: Any = ValidationResultsPageRenderer(run_info_at_end=True)
    view: Any = DefaultJinjaPageView()
    html = str(view.render(renderer.render(audit.validation), show_how_to_buttons=False))
    html = _LINK_TO_SUITE.sub(r"\1", _FOREIGN.sub("", html))
    back = '<main><a href="index.html">Data Docs</a></main>'
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    html = html.replace("</head>", f"{viewport}<style>{css}</style></head>", 1)
    return re.sub(r"<body[^>]*>", lambda body: body[0] + back, html, count=1)


def _page(audit: Audit, seen: Counter[str]) -> Page:
    scopes = ", ".join(sorted({result.scope for result in audit.results}))
    stem = re.sub(r"[^a-z0-9]+", "-", f"{audit.name} {scopes}".lower())
    seen[stem] += 1
    number = f"-{seen[stem]}" if seen[stem] > 1 else ""
    failed = tuple(result for result in audit.results if not result.success)
    return Page(f"{stem}{number}.html", audit.name, scopes, len(audit.results), failed, _verdict(audit, failed))


def _verdict(audit: Audit, failed: tuple[RuleResult, ...]) -> Verdict:
    if audit.holds:
        return Verdict("held", "bad")
    return Verdict("passed with warnings", "warn") if failed else Verdict("passed", "good")
