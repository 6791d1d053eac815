"""The report on a release: one self-contained HTML page."""

from lakehouse.reports.facts import ReportFacts
from lakehouse.reports.page import render

__all__ = ["ReportFacts", "render"]
