"""Random numbers that depend on what they are for, never on when they are asked for."""

import hashlib

import numpy as np


class Streams:
    """Independent random streams of one world.

    A stream is a pure function of (seed, name, day), so no stage of the simulation can disturb another,
    and a world that is stopped and taken up again draws the same numbers.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def at(self, name: str, day: int) -> np.random.Generator:
        """The stream `name` of `day` (days since 1970-01-01)."""
        purpose = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
        return np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, purpose, day])))
