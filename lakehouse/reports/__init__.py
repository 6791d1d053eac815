"""The reports on a release: self-contained HTML pages, one for those who use the figures, one on their quality."""

from lakehouse.reports.facts import Delivery, QualityFacts, ReportFacts
from lakehouse.reports.page import render
from lakehouse.reports.quality import render_quality

__all__ = ["Delivery", "QualityFacts", "ReportFacts", "render", "render_quality"]
