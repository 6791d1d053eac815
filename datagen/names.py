"""Pools of names and addresses, drawn once with Faker; the world then only picks numbers."""

from collections.abc import Callable

import numpy as np
from faker import Faker

from datagen.ids import Array
from datagen.plan import Plan


class Names:
    """Pools of first names by sex (0 female, 1 male), last names, streets, and towns with postal codes."""

    def __init__(self, plan: Plan, seed: int) -> None:
        fake = Faker("en_US", use_weighting=False)
        fake.seed_instance(seed)
        size = plan.service.name_pool
        self.first = (_pool(fake.first_name_female, size), _pool(fake.first_name_male, size))
        self.last = _pool(fake.last_name, size)
        self.streets = _pool(fake.street_name, size)
        self.towns = _pool(fake.city, 24)
        self.postal_codes = np.array([f"58{100 + 7 * town:03d}" for town in range(len(self.towns))], object)

    def full(self, sex: Array, first: Array, last: Array) -> Array:
        """Full names."""
        given = np.where(sex == 0, self.first[0][first], self.first[1][first])
        return np.asarray(given + " " + self.last[last], object)


def _pool(draw: Callable[[], str], size: int) -> Array:
    return np.array([draw() for _ in range(size)], object)
