"""Pools of names and addresses, drawn once with Faker; the world then only picks numbers."""

from collections.abc import Callable

import numpy as np
from faker import Faker

from datagen.ids import Array
from datagen.plan import Plan
from datagen.wire import Column, chosen, joined


class Names:
    """Pools of first names by sex (0 female, 1 male), last names, streets, and towns with postal codes."""

    def __init__(self, plan: Plan, seed: int) -> None:
        fake = Faker("en_US", use_weighting=False)
        fake.seed_instance(seed)
        size = plan.service.name_pool
        self.first = (_pool(fake.first_name_female, size), _pool(fake.first_name_male, size))
        self.given = (*self.first[0], *self.first[1])
        self.last = _pool(fake.last_name, size)
        self.mailboxes = tuple(name.lower() for name in self.last)
        self.streets = _pool(fake.street_name, size)
        self.towns = _pool(fake.city, 24)
        self.postal_codes = tuple(
            f"{plan.service.postal_prefix}{100 + 7 * town:03d}" for town in range(len(self.towns))
        )

    def full(self, sex: Array, first: Array, last: Array) -> Column:
        """Full names."""
        return joined(
            chosen(self.given, sex.astype(np.int64) * len(self.first[0]) + first), " ", chosen(self.last, last)
        )


def _pool(draw: Callable[[], str], size: int) -> tuple[str, ...]:
    return tuple(draw() for _ in range(size))
