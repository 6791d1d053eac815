"""Promotion: what L1 holds goes through the gates into L2, is audited, and becomes a release."""

from lakehouse.promote.promote import Promoted, Suites, promote

__all__ = ["Promoted", "Suites", "promote"]
