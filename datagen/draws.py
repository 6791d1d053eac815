"""Random numbers that depend on what they are for, never on when, where or in which order they are drawn.

A number is a pure function of (seed, region, purpose, entity, day): whom it is drawn for is part of the draw. So
no region, scenario or worker can disturb another, and what one donor does says nothing of the next.
The mixing function is SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from datagen.ids import Array, Ints

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 2**64 - 1
_FEW = 10.0
_LANES = 64
"""How many numbers one entity may draw at once, in `several`."""


def _mix(bits: npt.NDArray[np.uint64]) -> None:
    """Mix in place: a day draws for every donor, and time goes into moving the numbers about."""
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(_FIRST)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(_SECOND)
    bits ^= bits >> np.uint64(31)


def _mixed(bits: int) -> int:
    """The same of one number, without numpy's cost a call."""
    bits = (bits ^ (bits >> 30)) * _FIRST & _WORD
    bits = (bits ^ (bits >> 27)) * _SECOND & _WORD
    return bits ^ (bits >> 31)


@dataclass(frozen=True)
class Draw:
    """The numbers of one purpose on one day, by entity."""

    key: np.uint64

    def uniform(self, entities: Array | Sequence[int]) -> npt.NDArray[np.float64]:
        """Between 0 and 1, both excluded, one for each entity (its number)."""
        bits = np.array(entities, np.int64).view(np.uint64)
        # The multiplications are meant to wrap; numpy says nothing of it for arrays.
        bits *= np.uint64(_GOLDEN)
        bits += self.key
        _mix(bits)
        bits += self.key
        _mix(bits)
        bits >>= np.uint64(12)
        drawn = bits.astype(np.float64)
        drawn += 0.5
        drawn *= 2.0**-52
        return drawn

    def several(self, entities: Array, count: int) -> npt.NDArray[np.float64]:
        """`count` numbers an entity: one row an entity."""
        lanes = np.asarray(entities)[:, None] * _LANES + np.arange(count)
        return self.uniform(lanes.reshape(-1)).reshape(lanes.shape)

    def chance(self, entities: Array, share: Array | float) -> Array:
        """Whether something with this probability happens."""
        return np.asarray(self.uniform(entities) < share)

    def normal(self, entities: Array, mean: Array | float, spread: Array | float) -> Array:
        """Normally distributed."""
        return np.asarray(mean + special.ndtri(self.uniform(entities)) * spread)

    def exponential(self, entities: Array, mean: Array | float) -> Array:
        """Exponentially distributed."""
        return np.asarray(-np.log(self.uniform(entities)) * mean)

    def gamma(self, entities: Array, shape: float) -> Array:
        """Gamma distributed, with a mean of 1."""
        return np.asarray(special.gammaincinv(shape, self.uniform(entities)) / shape)

    def integers(self, entities: Array, low: int, high: int) -> Ints:
        """Integers from `low` to below `high`, all alike."""
        return low + (self.uniform(entities) * (high - low)).astype(np.int64)

    def picks(self, entities: Array, shares: Sequence[float] | Array) -> Ints:
        """An index with the given shares, which need not add up to 1."""
        weights = np.asarray(shares, float)
        return np.searchsorted(np.cumsum(weights) / weights.sum(), self.uniform(entities), side="right").astype(
            np.int64
        )

    def poisson(self, entities: Array, mean: Array | float) -> Ints:
        """Poisson distributed."""
        drawn = self.uniform(entities)
        mean = np.broadcast_to(np.asarray(mean, float), drawn.shape)
        count, is_large = np.zeros(drawn.shape, np.int64), mean > _FEW
        count[is_large] = np.ceil(np.maximum(special.pdtrik(drawn[is_large], mean[is_large]), 0))
        # Few are counted up from none: it takes a step for each, and no special function.
        chance = np.where(is_large, 1.0, np.exp(-np.minimum(mean, _FEW)))
        below = chance.copy()
        while np.any(is_above := drawn > below):
            count[is_above] += 1
            chance[is_above] *= mean[is_above] / count[is_above]
            below[is_above] += np.maximum(chance[is_above], np.finfo(float).eps)
        return count

    def binomial(self, entities: Array, trials: Ints, share: float) -> Ints:
        """How many of a few trials succeed."""
        most = int(trials.max(initial=0))
        hits = self.several(entities, most) < share
        return np.asarray((hits & (np.arange(most) < trials[:, None])).sum(axis=1), np.int64)


class Draws:
    """The random numbers of one region of one world."""

    def __init__(self, seed: int, region: str) -> None:
        self._place = f"{seed}/{region}"
        self._keys: dict[str, int] = {}

    def at(self, purpose: str, day: int) -> Draw:
        """The draws of one purpose on one day (days since 1970-01-01)."""
        key = self._keys.get(purpose)
        if key is None:
            digest = hashlib.blake2b(f"{self._place}/{purpose}".encode(), digest_size=8).digest()
            key = self._keys[purpose] = int.from_bytes(digest, "big")
        return Draw(np.uint64(_mixed(key + day * _GOLDEN & _WORD)))
