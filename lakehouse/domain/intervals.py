"""Donation intervals: how soon a donor may give again, how often in a year, and from what age.

Sources: 21 CFR 630.15(a)(1) (whole blood 8 weeks, double red cells 16 weeks); the donor pages of the American Red
Cross and Vitalant (56, 112, 7 and 28 days; 6, 3, 24 and 13 a year). What a procedure asks of the *next other* one
(platelets and plasma after red cells) is usual practice that each centre sets for itself; it is to be confirmed
with the centre, and overridden there. Autologous and therapeutic donations are under no interval.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pyspark.sql import Column
from pyspark.sql import functions as F

PROCEDURES = (
    "whole_blood",
    "double_red_cells",
    "apheresis_red_cells",
    "apheresis_platelets",
    "apheresis_multi",
    "plasma",
)
EXEMPT_TYPES = ("autologous", "therapeutic")
TRIPLE_PLATELET_DAYS = 14
TRIPLE_PLATELET_DOSES = 3


def _after(days: int, **exceptions: int) -> Mapping[str, int]:
    return MappingProxyType({procedure: exceptions.get(procedure, days) for procedure in PROCEDURES})


INTERVAL_DAYS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "whole_blood": _after(56),
        "double_red_cells": _after(112),
        "apheresis_red_cells": _after(56),
        "apheresis_platelets": _after(7),
        # A multi-component donation may hold a red cell unit: it counts as one.
        "apheresis_multi": _after(56),
        "plasma": _after(7, plasma=28),
    }
)
"""Procedure given -> next procedure -> days between. Three doses of platelets at once ask `TRIPLE_PLATELET_DAYS`."""

YEARLY_MAXIMUM: Mapping[str, int] = MappingProxyType(
    {
        "whole_blood": 6,
        "double_red_cells": 3,
        "apheresis_red_cells": 6,
        "apheresis_platelets": 24,
        "apheresis_multi": 6,
        "plasma": 13,
    }
)
"""Procedure -> donations allowed in any 365 days."""

MINIMUM_AGE_YEARS: Mapping[str, int] = MappingProxyType(
    {
        "whole_blood": 16,
        "double_red_cells": 17,
        "apheresis_red_cells": 17,
        "apheresis_platelets": 17,
        "apheresis_multi": 17,
        "plasma": 17,
    }
)
"""Procedure -> lowest age; some states ask 17 for whole blood too, and double red cells of women ask 19."""


def interval_days(given: Column, following: Column, platelet_doses: Column | None = None) -> Column:
    """Days that must lie between a donation by procedure `given` and the next one by `following`.

    A donation that names no procedure counts as whole blood. Three or more `platelet_doses` ask for
    `TRIPLE_PLATELET_DAYS` where the plain interval is shorter.
    """
    table = F.create_map(
        *[
            F.lit(part)
            for before, after in INTERVAL_DAYS.items()
            for then, days in after.items()
            for part in (f"{before}>{then}", days)
        ]
    )
    named = F.coalesce(given, F.lit("whole_blood"))
    days = F.try_element_at(table, F.concat(named, F.lit(">"), F.coalesce(following, F.lit("whole_blood"))))
    if platelet_doses is None:
        return days
    is_triple = (named == "apheresis_platelets") & (platelet_doses >= TRIPLE_PLATELET_DOSES)
    return F.when(is_triple, F.greatest(days, F.lit(TRIPLE_PLATELET_DAYS))).otherwise(days)
