"""A small table of equal-length columns: what the world keeps from day to day."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from datagen.ids import Array, Ints


class Columns:
    """Equal-length numpy columns that grow at the end and shrink by a mask."""

    def __init__(self, dtypes: Mapping[str, str]) -> None:
        self.dtypes = dict(dtypes)
        self.data: dict[str, Array] = {name: np.zeros(0, dtype) for name, dtype in dtypes.items()}

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    def __getitem__(self, name: str) -> Array:
        return self.data[name]

    def append(self, **values: Any) -> Ints:
        """Add rows and return their numbers; a scalar fills its column.

        Raises:
            KeyError: when the columns given are not the declared ones.
        """
        if set(values) != set(self.dtypes):
            raise KeyError(f"columns {sorted(set(values) ^ set(self.dtypes))} are missing or not declared")
        count = max(len(value) for value in values.values() if np.ndim(value))
        before = len(self)
        for name, value in values.items():
            grown = np.empty(before + count, self.dtypes[name])
            grown[:before], grown[before:] = self.data[name], value
            self.data[name] = grown
        return np.arange(before, before + count)

    def keep(self, mask: Array) -> None:
        """Drop the rows outside `mask`; row numbers change."""
        self.data = {name: column[mask] for name, column in self.data.items()}
