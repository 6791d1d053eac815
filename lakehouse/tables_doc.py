"""Renders docs/tables.md from the declarations: `python -m lakehouse.tables_doc --write` or `--check`.

Without either it prints the page. What many tables share is said once.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from lakehouse.catalogue import OPS
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.pipeline import DERIVATIVES, Derivative
from lakehouse.table import L1_FIELDS, RECORD_FIELDS, Feed, Field, Table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tables.md"

HEAD = """\
# Tables

Made from the declarations in the code by `make docs`; a test compares the two. Don't edit it by hand.

Marks: **!** required: the record is refused, or the build at fault, where it is missing; **P** identifies a
person and stays in L1. Dates are local to their facility, instants are UTC. A unit is one blood component in
one bag. The law of a table says what must add up in it.

- [L1: what landed](#l1-what-landed)
- [L2: conformed](#l2-conformed)
- [L2: derivatives](#l2-derivatives)
- [Ops: the lake's own logs](#ops-the-lakes-own-logs)
"""
L1_TEXT = """\
## L1: what landed

A row of `l1/<feed>` is a line of a landing file, as it came. Append-only; the key is (`_file_id`, `_line`).
Law: {law}.
The key below is that of the record: the same key may come again, as a newer version.
"""
CONFORMED_TEXT = """\
## L2: conformed

A row of `l2/<feed>` is the current version of an accepted record: the last one by `recorded_at`, else by
arrival. Ids of persons are pseudonyms from here on. Readers don't see withdrawn records.
Law: {law}.
"""
DERIVED_TEXT = """\
## L2: derivatives

Each answers one question, and is built from other tables for one as-of day.
"""
OPS_TEXT = """\
## Ops: the lake's own logs

Append-only event logs; the current state is the last event.
"""


def render() -> str:
    """The whole page, in Markdown."""
    shared = _shared([conformed.table for conformed in CONFORMED.values()])
    parts = [HEAD, L1_TEXT.format(law=_one_law([feed.l1 for feed in FEEDS.values()]))]
    parts += ["### Columns of every L1 table\n", _columns((*L1_FIELDS, *RECORD_FIELDS))]
    parts += [_feed(feed) for feed in FEEDS.values()]
    law = _one_law([conformed.table for conformed in CONFORMED.values()])
    parts += [CONFORMED_TEXT.format(law=law), "### Columns of every conformed table\n", _columns(shared)]
    conformed = [table for feed in CONFORMED.values() for table in feed.tables]
    parts += [_table(table, without=shared, shared_law=law) for table in conformed]
    parts += [DERIVED_TEXT, *(_derivative(step) for step in DERIVATIVES)]
    parts += [OPS_TEXT, *(_table(table) for table in OPS)]
    return "\n".join(parts)


def _shared(tables: Sequence[Table]) -> tuple[Field, ...]:
    """The fields that all of the tables have, declared alike."""
    return tuple(field for field in tables[0].fields if all(field in table.fields for table in tables))


def _one_law(tables: Sequence[Table]) -> str:
    """The law that most of the tables keep; it is said once."""
    return Counter(table.law for table in tables).most_common(1)[0][0]


def _feed(feed: Feed) -> str:
    lines = [
        f"### l1/{feed.name}\n",
        f"A record is {feed.grain}. Key of the record: {_names(feed.key)}.",
        *([f"It happens at `{feed.happens_at}`."] if feed.happens_at else []),
        f"A batch is held when more than {feed.refused_share_max * 100:g} % of it is refused.",
    ]
    return " ".join(lines).replace("\n ", "\n\n") + "\n\n" + _columns(feed.fields)


def _derivative(step: Derivative) -> str:
    return _table(step.table, more=f"Built from {_names(step.sources)}.\n")


def _table(table: Table, *, without: Iterable[Field] = (), shared_law: str = "", more: str = "") -> str:
    own = [field for field in table.fields if field not in set(without)]
    said = [f"### {table.path}\n", f"A row is {table.grain}. Key: {_names(table.key)}.\n"]
    said += [more] if more else []
    said += [f"Partitioned by {_names(table.partition_by)}.\n"] if table.partition_by else []
    said += [f"Law: {table.law}.\n"] if table.law != shared_law else []
    return "\n".join([*said, _columns(own)])


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _columns(fields: Iterable[Field]) -> str:
    rows = [
        f"| `{field.name}` | {_marks(field)} | {field.type.simpleString()} | {_cell(field.doc)} |" for field in fields
    ]
    return "\n".join(["| column | | type | meaning |", "|---|---|---|---|", *rows, ""])


def _marks(field: Field) -> str:
    return " ".join(mark for mark, holds in (("!", field.required), ("P", field.pii)) if holds)


def _cell(text: str) -> str:
    """Text that can't break out of its cell, nor be taken for HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def main(argv: Sequence[str] | None = None) -> int:
    """Print, write or check the page; 1 where the check finds another one."""
    parser = argparse.ArgumentParser(prog="tables_doc", description="Render docs/tables.md from the declarations.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="write the page")
    mode.add_argument("--check", action="store_true", help="end 1 where the page is not what the declarations say")
    args = parser.parse_args(argv)
    page = render()
    if args.write:
        PAGE.write_text(page, encoding="utf-8")
    elif args.check:
        is_same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page
        if not is_same:
            print("docs/tables.md is not what the declarations say: run `make docs`", file=sys.stderr)
        return 0 if is_same else 1
    else:
        print(page, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
