"""The dimensional model: two snowflakes and a star over the conformed tables, as BI tools expect them.

docs/model.md draws it. Every fact joins every dimension that it points to: what no record tells is member -1.
"""

from types import ModuleType

from lakehouse.l2.derivatives.dimensional import (
    dim_date,
    dim_donor,
    dim_employee,
    dim_event,
    dim_facility,
    dim_postal_area,
    dim_product,
    dim_region,
    dim_site,
    fact_distribution,
    fact_donation,
    fact_staffing,
)

MODULES: tuple[ModuleType, ...] = (
    dim_region,
    dim_postal_area,
    dim_donor,
    dim_site,
    dim_event,
    dim_facility,
    dim_product,
    dim_employee,
    dim_date,
    fact_donation,
    fact_distribution,
    fact_staffing,
)

__all__ = ["MODULES"]
