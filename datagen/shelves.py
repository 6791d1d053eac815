"""The shelves of hub and hospitals during one day: oldest first, compatible groups in order."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from datagen import places
from datagen.products import COMPONENT_OF, IS_FOR_MANUFACTURE
from datagen.tables import Columns
from datagen.world import IN_STOCK

Entry = tuple[int, int, int]
"""A unit on a shelf: expiry, unit number, row in `units`."""


class Shelves:
    """Units that may be used, by place, component and group, each list oldest first."""

    def __init__(self, units: Columns) -> None:
        self.lists: dict[tuple[int, int], list[list[Entry]]] = {}
        is_usable = (units["state"] == IN_STOCK) & (units["place"] != places.CENTRE)
        rows = np.flatnonzero(is_usable & ~IS_FOR_MANUFACTURE[units["product"]])
        place, component, group = units["place"][rows], COMPONENT_OF[units["product"][rows]], units["group"][rows]
        order = np.lexsort((units["unit"][rows], units["expires"][rows], group, component, place))
        rows, place, component, group = (column[order] for column in (rows, place, component, group))
        entries = list(zip(units["expires"][rows].tolist(), units["unit"][rows].tolist(), rows.tolist(), strict=True))
        # Where one list ends and the next begins.
        is_new = (np.diff(place) != 0) | (np.diff(component) != 0) | (np.diff(group) != 0)
        bounds = [0, *(np.flatnonzero(is_new) + 1).tolist(), len(rows)] if len(rows) else []
        for first, last in pairwise(bounds):
            self._shelf(int(place[first]), int(component[first]))[group[first]] = entries[first:last]

    def _shelf(self, place: int, component: int) -> list[list[Entry]]:
        shelf = self.lists.get((place, component))
        if shelf is None:
            shelf = self.lists[place, component] = [[] for _ in range(8)]
        return shelf

    def count(self, place: int, component: int, group: int) -> int:
        """Units of one group on one shelf."""
        return len(self._shelf(place, component)[group])

    def put(self, place: int, component: int, group: int, entry: Entry) -> None:
        """Add a unit to a shelf."""
        insort(self._shelf(place, component)[group], entry)

    def take_lasting(self, place: int, component: int, group: int, count: int, until: int) -> list[Entry]:
        """Take up to `count` units of a group, the oldest of those that expire at the instant `until` or later."""
        shelf = self._shelf(place, component)[group]
        first = bisect_left(shelf, (until, 0, 0))
        taken = shelf[first : first + count]
        del shelf[first : first + count]
        return taken

    def take(self, place: int, component: int, order: Sequence[int], count: int, soon: int = 0) -> list[Entry]:
        """Take up to `count` units of the groups in `order`.

        Units that expire before the instant `soon` go first, oldest first, whatever their place in the order:
        a compatible unit given is better than one outdated. Then the order holds.
        """
        shelf = self._shelf(place, component)
        taken: list[Entry] = []
        while len(taken) < count:
            pressing = [shelf[group][0] + (group,) for group in order if shelf[group] and shelf[group][0][0] < soon]
            if not pressing:
                break
            taken.append(shelf[min(pressing)[3]].pop(0))
        for group in order:
            wanted = count - len(taken)
            taken += shelf[group][:wanted]
            del shelf[group][:wanted]
        return taken
