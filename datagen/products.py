"""The service's own product list: what a unit is, what it is kept in, how long it keeps.

Dating periods: 21 CFR 610.53(b) [F]; of what is thawed, AABB Circular of Information [R]. One year is dated as
365 days, five as 1825, so that no label is ever late.
"""

from dataclasses import dataclass, fields

import numpy as np

from datagen.ids import Array

RED_CELLS, PLATELETS, PLASMA, CRYO = range(4)
COMPONENTS = ("red_cells", "platelets", "plasma", "cryoprecipitate")


@dataclass(frozen=True)
class Product:
    """One line of the product list; `doses` in adult doses, `volume_ml` the mean.

    `dating_hours` is for products that are dated by the hour, from when they are made.
    """

    product_code: str
    component: int
    anticoagulant: str
    additive: str
    storage: str
    dating_days: int
    volume_ml: float
    doses: float | None = None
    plasma_kind: str | None = None
    is_leukoreduced: bool = True
    is_pathogen_reduced: bool = False
    is_irradiated: bool = False
    dating_hours: int = 0


PRODUCTS = (
    Product("RC11", RED_CELLS, "cpd", "as1", "refrigerated", 42, 330),
    Product("RC12", RED_CELLS, "cp2d", "as3", "refrigerated", 42, 325),
    Product("RC13", RED_CELLS, "cpd", "as5", "refrigerated", 42, 330),
    Product("RC19", RED_CELLS, "cpd", "as1", "refrigerated", 42, 345, is_leukoreduced=False),
    Product("RC21", RED_CELLS, "acd", "as3", "refrigerated", 42, 320),
    Product("RC11I", RED_CELLS, "cpd", "as1", "refrigerated", 28, 330, is_irradiated=True),
    Product("RC12I", RED_CELLS, "cp2d", "as3", "refrigerated", 28, 325, is_irradiated=True),
    Product("RC13I", RED_CELLS, "cpd", "as5", "refrigerated", 28, 330, is_irradiated=True),
    Product("RC19I", RED_CELLS, "cpd", "as1", "refrigerated", 28, 345, is_leukoreduced=False, is_irradiated=True),
    Product("RC21I", RED_CELLS, "acd", "as3", "refrigerated", 28, 320, is_irradiated=True),
    Product("PL11", PLATELETS, "acd", "none", "room", 5, 230, 1.0),
    Product("PL12", PLATELETS, "acd", "pas", "room", 5, 240, 1.0, is_pathogen_reduced=True),
    Product("PL31", PLATELETS, "cpd", "none", "room", 5, 55, 0.25),
    Product("PL32", PLATELETS, "cpd", "none", "room", 5, 220, 1.0),
    Product("PL11I", PLATELETS, "acd", "none", "room", 5, 230, 1.0, is_irradiated=True),
    Product("PL32I", PLATELETS, "cpd", "none", "room", 5, 220, 1.0, is_irradiated=True),
    Product("PF11", PLASMA, "cpd", "none", "frozen", 365, 250, 1.0, "ffp"),
    Product("PF12", PLASMA, "cpd", "none", "frozen", 365, 250, 1.0, "pf24"),
    Product("PF21", PLASMA, "acd", "none", "frozen", 365, 400, 1.5, "ffp"),
    Product("PF31", PLASMA, "cpd", "none", "frozen", 365, 230, 1.0, "cryo_reduced"),
    Product("PR11", PLASMA, "cpd", "none", "frozen", 1825, 260, 1.0),
    Product("CR11", CRYO, "cpd", "none", "frozen", 365, 15, 0.2),
    Product("CR31", CRYO, "cpd", "none", "frozen", 365, 75, 1.0),
    Product("PF11T", PLASMA, "cpd", "none", "thawed", 5, 250, 1.0, "ffp"),
    Product("PF12T", PLASMA, "cpd", "none", "thawed", 5, 250, 1.0, "pf24"),
    Product("PF21T", PLASMA, "acd", "none", "thawed", 5, 400, 1.5, "ffp"),
    Product("CR31T", CRYO, "cpd", "none", "thawed", 0, 75, 1.0, dating_hours=4),
)
NUMBER_OF = {product.product_code: number for number, product in enumerate(PRODUCTS)}
IRRADIATED_OF = np.array([NUMBER_OF.get(f"{product.product_code}I", -1) for product in PRODUCTS])
"""The irradiated form of each product, -1 where there is none."""
THAWED_OF = np.array([NUMBER_OF.get(f"{product.product_code}T", -1) for product in PRODUCTS])
"""What each frozen product becomes for a patient, -1 for those that are not frozen or never get to one."""

LISTED: dict[str, Array] = {
    field.name: np.array([getattr(product, field.name) for product in PRODUCTS], object) for field in fields(Product)
}
COMPONENT_OF = LISTED["component"].astype(np.int64)
DATING_DAYS = LISTED["dating_days"].astype(np.int64)
DATING_HOURS = LISTED["dating_hours"].astype(np.int64)
IS_FOR_MANUFACTURE = np.isin(LISTED["product_code"], ("PR11", "PF31"))
"""Plasma that never goes to a hospital."""
