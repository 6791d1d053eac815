"""Pseudonyms: the keys that stand for donors, patients and employees outside L1.

A pseudonym is HMAC-SHA-256 over the UTF-8 id, in hex: who lacks the key can neither make one nor try all ids.
Spark has no HMAC function, and a key given to one as a literal would be printed in every plan; so the key
travels inside the pickled function of a UDF, which no plan, event log or message shows.
"""

import hashlib
import os
from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import functions as F

from lakehouse.errors import UsageError
from lakehouse.l2.conformed.order import Pseudonym

KEY_CHARACTERS_MIN = 16


def read_key(variable: str) -> bytes:
    """The key from an environment variable.

    Raises:
        UsageError: the variable is not set, or holds fewer than `KEY_CHARACTERS_MIN` characters.
    """
    key = os.environ.get(variable, "")
    if not key:
        raise UsageError(f"{variable} is not set: it holds the key that pseudonyms are made with")
    if len(key) < KEY_CHARACTERS_MIN:
        raise UsageError(f"{variable} holds {len(key)} characters; wanted at least {KEY_CHARACTERS_MIN}")
    return key.encode()


def key_id(key: bytes) -> str:
    """Name of a key that can be stored and shown: 12 hex digits that don't tell the key."""
    return hashlib.sha256(b"key-id" + key).hexdigest()[:12]


def pseudonymiser(key: bytes) -> Pseudonym:
    """Make the function that turns a column of ids into pseudonyms (64 hex digits); NULL stays NULL."""

    def pseudonym(ids: pa.Array) -> pa.Array:
        # People come back, in one Arrow batch too: each distinct id is hashed once.
        encoded = ids.dictionary_encode()
        digests = list(map(hmac_sha256(key), encoded.dictionary.to_pylist()))
        return pa.array(digests, pa.string()).take(encoded.indices)

    as_column: Pseudonym = F.arrow_udf(pseudonym, "string")  # type: ignore[attr-defined]  # PySpark's stubs lack it
    return as_column


def hmac_sha256(key: bytes) -> Callable[[str], str]:
    """HMAC-SHA-256 (RFC 2104) under one key, in hex.

    Both hashes that HMAC starts with depend on the key alone: copying them takes a third of the time that
    `hmac.digest` takes for each id.
    """
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    inner_start = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer_start = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(text: str) -> str:
        inner, outer = inner_start.copy(), outer_start.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    return digest
