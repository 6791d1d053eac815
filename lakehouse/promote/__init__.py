"""Promotion: what L1 holds goes through the gates into L2, is audited, and becomes a release."""

from lakehouse.promote.again import Again, Readmission, Rejudgement
from lakehouse.promote.outcome import Promoted
from lakehouse.promote.promote import check, promote
from lakehouse.promote.start import batchwork, places
from lakehouse.promote.suites import Suites

__all__ = ["Again", "Promoted", "Readmission", "Rejudgement", "Suites", "batchwork", "check", "places", "promote"]
