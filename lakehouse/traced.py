"""Look-back on request: what hangs on one donor, donation, unit, patient, lot or case, as a spreadsheet.

The raw id of a person becomes a pseudonym before anything is asked, and is shown, logged and written nowhere.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path

from lakehouse.catalogue import TABLES
from lakehouse.cli import Outcome, Run
from lakehouse.errors import UsageError
from lakehouse.l2.pseudonym import hmac_sha256, key_id, read_key
from lakehouse.release import Release, ReleaseReader, find_release
from lakehouse.trace.answer import COLUMNS, answer
from lakehouse.trace.find import Finder
from lakehouse.trace.follow import KINDS, follow
from lakehouse.trace.spreadsheet import workbook

PERSONS = ("donor", "patient")
PSEUDONYM = re.compile(r"[0-9a-f]{64}")
SHOWN_OF_PSEUDONYM = 12
HELP = {
    "donor": "all donations of a donor, by the donor's id or pseudonym",
    "bag": "the donation of a bag",
    "din": "a donation, by its number",
    "unit": "a unit, the donations behind it, and all that was made of those",
    "patient": "what a patient received, its donors, and who else received of them; by id or pseudonym",
    "lot": "donations collected in bags of a lot, or tested with kits of it",
    "case": "a case of look_backs",
}


def look_back_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/look_back.py."""
    asked = parser.add_mutually_exclusive_group(required=True)
    for kind in KINDS:
        asked.add_argument(f"--{kind}", metavar="VALUE", help=f"{HELP[kind]}; - reads it from standard input")
    parser.add_argument("--out", metavar="FILE.xlsx", help="where to write (default: below reports/ in the lake)")
    parser.add_argument("--known-at", metavar="RELEASE", help="as this release has it (default: the current one)")


def look_back_job(run: Run) -> Outcome:
    """Find all that hangs on what is asked, and write it down.

    Raises:
        UsageError: an empty value, no such release, a key that is not the lake's, or no place to write to.
    """
    _check_out(run.args.out)
    kind, value = _asked(run.args)
    release = find_release(run.lake, run.args.known_at)
    key = _pseudonym(value, run.config.lake.key_variable, release) if kind in PERSONS else value
    shown = f"{kind} {key[:SHOWN_OF_PSEUDONYM]}…" if kind in PERSONS else f"{kind} {value}"
    facts = {"release_id": release.release_id, "as_of": release.as_of, "asked": shown}
    find = Finder(_reader(run, release), run.config.pipeline.threads)
    trail = follow(find, kind, key)
    if trail.is_empty:
        print(f"found nothing for {shown} in release {release.release_id}, as of {release.as_of}")
        return Outcome("nothing", facts=facts)
    about = {
        "asked": f"{kind} {key}",
        "release": release.release_id,
        "as of": release.as_of,
        "published at (UTC)": release.published_at,
    }
    found = answer(find, trail, about)
    content = workbook(found.sheets, COLUMNS, release.published_at)
    place = _written(run, release, content, f"{kind}-{_file_name(kind, key)}.xlsx")
    print(place)
    return Outcome("done", facts={**facts, **found.counts, "spreadsheet": place})


def _asked(args: argparse.Namespace) -> tuple[str, str]:
    """What kind of thing is asked for, and its value."""
    kind, given = next((kind, getattr(args, kind)) for kind in KINDS if getattr(args, kind) is not None)
    value: str = (sys.stdin.readline() if given == "-" else given).strip()
    if not value:
        raise UsageError(f"--{kind} is empty; wanted a value")
    return kind, value


def _pseudonym(value: str, variable: str, release: Release) -> str:
    """The pseudonym of a person: what has its form is taken as one.

    Raises:
        UsageError: the key at hand is not the one that the release was made with.
    """
    if PSEUDONYM.fullmatch(value):
        return value
    key = read_key(variable)
    if key_id(key) != release.key_id:
        raise UsageError(f"{variable} holds the key {key_id(key)}; release {release.release_id} has {release.key_id}")
    return hmac_sha256(key)(value)


def _reader(run: Run, release: Release) -> ReleaseReader:
    return ReleaseReader(run.lake, release, {t.name: t for t in TABLES.values() if t.tier == "l2"})


def _file_name(kind: str, key: str) -> str:
    """A name that any file system takes, and that tells one value from another."""
    if kind in PERSONS:
        return key[:SHOWN_OF_PSEUDONYM]
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", key)[:40]
    return plain if plain == key else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _check_out(out: str | None) -> None:
    """Raise UsageError where the file can't be meant, before Spark starts."""
    if out is not None and not (out.endswith(".xlsx") and Path(out).parent.is_dir()):
        raise UsageError(f"found --out {out}; wanted a name that ends in .xlsx, in a folder that is there")


def _written(run: Run, release: Release, content: bytes, name: str) -> str:
    out: str | None = run.args.out
    if out is None:
        path = f"reports/{release.release_id}/look_back/{name}"
        run.lake.files.write(path, content)
        return f"{run.lake.root}/{path}"
    try:
        Path(out).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{out} can't be written: {error.strerror}") from error
    return out
