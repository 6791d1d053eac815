"""How long a transfer takes: handling, and the road as a multiple of the great circle."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

EARTH_RADIUS_KM = 6371.0
ROAD_FACTOR = 1.3
"""Road distance over the great circle's; from memory: about 1.2 to 1.4 in most countries."""


@dataclass(frozen=True)
class Travel:
    """Speed and handling; `hours_default` where coordinates are unknown."""

    speed_km_h: float
    handling_hours: float
    hours_default: float

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "Travel":
        """From the parameters."""
        return cls(
            float(params["transfer_speed_km_h"]),
            float(params["transfer_handling_hours"]),
            float(params["transfer_hours_default"]),
        )

    def hours(self, here: tuple[float, float], there: tuple[float, float]) -> float:
        """Hours from leaving to being on the shelf, between two places (latitude, longitude in degrees)."""
        if any(map(math.isnan, (*here, *there))):
            return self.hours_default
        return round(self.handling_hours + ROAD_FACTOR * great_circle_km(here, there) / self.speed_km_h, 2)


def great_circle_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Great-circle distance by the haversine formula; degrees in."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, place)) for place in (here, there))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def hours_between(rows: pd.DataFrame, travel: Travel) -> dict[tuple[str, str], float]:
    """(from, to) -> hours, for every two facilities of `rows` (facility_id, latitude, longitude)."""
    known = rows.drop_duplicates("facility_id").set_index("facility_id")[["latitude", "longitude"]].astype("float64")
    places = {
        str(name): (float(lat), float(lon)) for name, (lat, lon) in zip(known.index, known.to_numpy(), strict=True)
    }
    return {
        (here, there): travel.hours(places[here], places[there]) for here in places for there in places if here != there
    }
