"""The conformed tables: one current row per key, a table a feed, with no identity of a person.

A feed whose module declares `VERSIONS` keeps every accepted version of its records, too.
"""

from types import ModuleType

from lakehouse.l2.conformed import (
    blood_requests,
    components,
    dispositions,
    distribution,
    donation_events,
    donations,
    donor_visits,
    donors,
    employees,
    event_employees,
    facilities,
    hospitals,
    patients,
    test_results,
    unit_events,
    unit_parents,
)
from lakehouse.l2.conformed.order import ConformedTable, Pseudonym, newest

_MODULES: tuple[ModuleType, ...] = (
    donors,
    employees,
    patients,
    event_employees,
    facilities,
    hospitals,
    donation_events,
    donor_visits,
    donations,
    test_results,
    components,
    unit_parents,
    unit_events,
    blood_requests,
    distribution,
    dispositions,
)
CONFORMED: dict[str, ConformedTable] = {
    module.TABLE.name: ConformedTable(module.TABLE, module.build, getattr(module, "VERSIONS", None))
    for module in _MODULES
}
"""Feed name -> its conformed table and the function that makes its rows."""

__all__ = ["CONFORMED", "ConformedTable", "Pseudonym", "newest"]
