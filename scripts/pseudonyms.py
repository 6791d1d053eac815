"""Ids in, one a line; `id,pseudonym` out: for who holds the key and must find the person behind a pseudonym."""

import csv
import sys

from lakehouse.config import load_config
from lakehouse.errors import LakeError
from lakehouse.l2.pseudonym import hmac_sha256, key_id, read_key


def main() -> int:
    """Read standard input, write standard output."""
    variable = load_config().lake.key_variable
    try:
        key = read_key(variable)
    except LakeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"made with key {key_id(key)}: that of the lake is key_id in its releases", file=sys.stderr)
    pseudonym, out = hmac_sha256(key), csv.writer(sys.stdout)
    out.writerows((person, pseudonym(person)) for person in map(str.strip, sys.stdin) if person)
    return 0


if __name__ == "__main__":
    sys.exit(main())
