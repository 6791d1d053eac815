"""The profile of a batch: a row of `PROFILE` is one day's delivery of one stream of a feed in one batch.

It is made in two steps: one pass of Spark over the judged rows gives a row a file, which is small; plain Python
sums the files up by stream, day and batch, sees which files lack a required field, and holds each day against the
days before it.
"""

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gates.judge import is_flagged, is_refused, is_warned
from lakehouse.gates.streams import NO_PAST, Past, Stream
from lakehouse.gates.suite import Suite
from lakehouse.table import DATE, LONG, LONG_BY_TEXT, NUMBER, TEXT, TEXTS, Feed, Field, Table

PROFILE = Table(
    tier="ops",
    name="gate_profile",
    grain="one day's delivery of one stream of a feed in one batch, as judged at the gate",
    key=("feed", "stream", "_batch_seq", "_delivered_on", "run_id"),
    fields=(
        Field("feed", TEXT, "the feed", required=True),
        Field("stream", TEXT, "what comes under one file name but for its digits", required=True),
        Field("_batch_seq", LONG, "the batch", required=True),
        Field("_delivered_on", DATE, "day of delivery; null where the path names none"),
        Field("files", LONG, "files with at least one line", required=True),
        Field("rows", LONG, "lines", required=True),
        Field("rows_low", LONG, "the fewest that are no surprise; 0 where the past can't tell", required=True),
        Field("rows_high", LONG, "the most that are no surprise; rows where the past can't tell", required=True),
        Field(
            "level_shift", NUMBER, "level of the last 28 days over that of the 91 before; 1 where the past can't tell"
        ),
        Field("mix", LONG_BY_TEXT, "value of the feed's mix column -> rows; null where the feed has none"),
        Field("mix_shift", NUMBER, "distance from the mix of like days / the most that is no surprise", required=True),
        Field("records", LONG, "lines that are JSON objects", required=True),
        Field("refused", LONG, "rows that break a critical rule", required=True),
        Field("warned", LONG, "rows that are accepted with a warning", required=True),
        Field("refused_share", NUMBER, "refused / rows, 0 to 1", required=True),
        Field("warned_share", NUMBER, "warned / rows, 0 to 1", required=True),
        Field("batch_refused_share", NUMBER, "refused / rows over all days of the batch", required=True),
        Field("refused_share_max", NUMBER, "the feed's declared threshold", required=True),
        Field("unknown_field_rows", LONG, "rows with a field that is not declared", required=True),
        Field("unknown_fields", TEXTS, "the fields that are not declared"),
        Field("frozen_rows", LONG, "unknown_field_rows where the feed's fields are frozen, else 0", required=True),
        Field("misfit_rows", LONG, "rows with a value that does not fit its type", required=True),
        Field("files_lacking_required", LONG, "files in which no record has some required field", required=True),
        Field("records_without", LONG_BY_TEXT, "required field -> records that do not have it"),
        Field("violations", LONG_BY_TEXT, "rule -> rows that break it"),
        Field("run_id", TEXT, "the run that judged"),
    ),
    law="rows = records + lines that are no record; per feed and batch: sum of rows = L1 rows of the batch",
)
Delivery = tuple[int, date, str]
"""Batch, day (the first of all days where the path names none), stream."""


_SUMS = ("rows", "records", "refused", "warned", "unknown_field_rows", "misfit_rows")

FileProfile = Mapping[str, Any]


def profile_files(judged: DataFrame, feed: Feed, suite: Suite) -> DataFrame:
    """One row a file of judged rows (with their computed checks): counts, drift and violations by rule."""
    by_rule = {rule.id: is_flagged() & F.array_contains("_violations.rule", rule.id) for rule in suite.scoped("row")}
    absent = {name: _is_live() & _is_absent(name) for name in feed.required}
    return judged.groupBy("_batch_seq", "_delivered_on", "_file_id").agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if("_is_record").alias("records"),
        F.count_if(_is_live()).alias("live"),
        F.count_if(is_refused()).alias("refused"),
        F.count_if(is_warned()).alias("warned"),
        F.count_if(F.col("_unknown_fields").isNotNull()).alias("unknown_field_rows"),
        F.count_if(F.col("_misfits").isNotNull() | F.col("_unreadable").isNotNull()).alias("misfit_rows"),
        # The texts are few: they are taken apart once a file, not once a row.
        F.flatten(F.transform(F.collect_set("_unknown_fields"), _names)).alias("unknown_fields"),
        _counts(absent).alias("records_without"),
        _counts(by_rule).alias("violations"),
        _counts(_kinds(feed, suite)).alias("mix"),
    )


def profile(files: Iterable[FileProfile], feed: Feed, past: Past = NO_PAST) -> tuple[dict[str, Any], ...]:
    """Sum up files by stream, day and batch: rows of `PROFILE`, in order of batch, day and stream."""
    days: dict[Delivery, list[FileProfile]] = defaultdict(list)
    of_batch: Counter[tuple[int, str]] = Counter()
    for file in files:
        batch, stream = file["_batch_seq"], past.names.get(file["_file_id"], feed.name)
        days[batch, file["_delivered_on"] or date.min, stream].append(file)
        of_batch.update({(batch, name): file[name] for name in ("rows", "refused")})
    shares = {batch: of_batch[batch, "refused"] / of_batch[batch, "rows"] for batch, _, _ in days}
    known = {name: stream.copy() for name, stream in past.streams.items()}
    return tuple(
        _day(feed, delivery, of_day, shares[delivery[0]], known.setdefault(delivery[2], Stream()))
        for delivery, of_day in sorted(days.items(), key=lambda item: item[0])
    )


def lacking(file: FileProfile, feed: Feed) -> tuple[str, ...]:
    """Required fields that no record of a file has. A file of nothing but withdrawals or junk lacks none."""
    return tuple(name for name in feed.required if 0 < file["live"] == file["records_without"].get(name, 0))


def lacking_messages(files: Iterable[FileProfile], feed: Feed) -> tuple[str, ...]:
    """One sentence for each set of required fields that some files lack: found and wanted, renames recognised."""
    by_fields: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = defaultdict(list)
    for file in files:
        if fields := lacking(file, feed):
            by_fields[fields, tuple(sorted(set(file["unknown_fields"])))].append(file["_file_id"])
    return tuple(_lacking_message(feed, *fields, ids) for fields, ids in sorted(by_fields.items()))


def _lacking_message(feed: Feed, fields: Sequence[str], unknown: Sequence[str], file_ids: Sequence[int]) -> str:
    wanted = ", ".join(_wanted(name, unknown) for name in fields)
    others = f" and {len(file_ids) - 1} more" if len(file_ids) > 1 else ""
    return f"{feed.name}: no record of file {min(file_ids)}{others} has {wanted}"


def _wanted(name: str, unknown: Sequence[str]) -> str:
    by_folded = {_folded(field): field for field in unknown}
    close = difflib.get_close_matches(_folded(name), list(by_folded), n=1, cutoff=0.7)
    if close:
        return f"{name} (found {by_folded[close[0]]}, wanted {name}: renamed?)"
    return f"{name} (found {', '.join(unknown) or 'no field that is not declared'}, wanted {name})"


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()


def _day(feed: Feed, delivery: Delivery, files: Sequence[FileProfile], share: float, stream: Stream) -> dict[str, Any]:
    """One row of `PROFILE`; the stream learns of the day."""
    batch, day, name = delivery
    sums = {column: sum(file[column] for file in files) for column in _SUMS}
    mix = _added(file["mix"] for file in files)
    row = {
        **sums,
        **stream.surprise(day, sums["rows"], mix),
        "feed": feed.name,
        "stream": name,
        "mix": mix if feed.mix else None,
        "_batch_seq": batch,
        "_delivered_on": None if day == date.min else day,
        "files": len(files),
        "refused_share": sums["refused"] / sums["rows"],
        "warned_share": sums["warned"] / sums["rows"],
        "batch_refused_share": share,
        "refused_share_max": feed.refused_share_max,
        "unknown_fields": sorted({name for file in files for name in file["unknown_fields"]}),
        "frozen_rows": sums["unknown_field_rows"] if feed.unknown_fields == "freeze" else 0,
        "files_lacking_required": sum(bool(lacking(file, feed)) for file in files),
        "records_without": _added(file["records_without"] for file in files),
        "violations": _added(file["violations"] for file in files),
    }
    return {column: row.get(column) for column in PROFILE.columns}


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sums by name, without the zeros."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return {name: number for name, number in total.items() if number}


def _kinds(feed: Feed, suite: Suite) -> dict[str, Column]:
    """A flag for each known value of the feed's mix column; which are known, its rule says."""
    of_mix = (rule for rule in suite.scoped("row") if rule.kwargs.get("column") == feed.mix)
    known = next((rule.kwargs["value_set"] for rule in of_mix if "value_set" in rule.kwargs), ())
    return {value: F.col(str(feed.mix)) == value for value in known}


def _names(listed: Column) -> Column:
    return F.split(listed, ", ")


def _counts(flags: Mapping[str, Column]) -> Column:
    """A map from each name to the rows of the group whose flag is true."""
    pairs = [part for name, flag in flags.items() for part in (F.lit(name), F.count_if(flag))]
    return F.create_map(*pairs).cast(LONG_BY_TEXT)


def _is_live() -> Column:
    """A record that is no withdrawal, of which little is required."""
    return F.col("_is_record") & ~F.coalesce("is_void", F.lit(False))


def _is_absent(name: str) -> Column:
    """Not sent at all: neither there nor kept aside as a misfit."""
    is_misfit = F.coalesce(F.array_contains("_rescued_names", name), F.lit(False))
    return F.col(name).isNull() & ~is_misfit
