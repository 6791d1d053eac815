"""What the gate costs, beside what it could be held against.

Peers are the load that it guards, a plain aggregate of the same checks, and Great Expectations alone with every row
named. All is warm: every way runs once before it is timed.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.harness import Measurement, at_least, at_most, seconds
from benchmarks.ingest import FEED, gate, landing, load
from lakehouse.config import HOME, Config
from lakehouse.gates import gx
from lakehouse.gates.checks import with_checks
from lakehouse.gates.compile import violated
from lakehouse.gates.gate import judge_feed, vouch, weigh
from lakehouse.gates.profile import profile_files
from lakehouse.gates.suite import Suite, read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.storage.lake import Lake
from lakehouse.table import Feed

PLAIN = "one aggregate of the same conditions"
SPLIT_GOAL, GATE_GOAL, FIXED_GOAL = 1.3, 0.6, 1.5
COMPLETE = {"result_format": "COMPLETE", "unexpected_index_column_names": ["_file_id", "_line"]}
FEW = 10
Pair = tuple[list[float], list[float]]


def measure(spark: SparkSession, config: Config, folder: Path, sizes: tuple[int, int], times: int) -> list[Measurement]:
    """The cost of the gate over donations, and its fixed cost over all feeds."""
    suites = read_suites(HOME / "expectations" / "l1", tuple(FEEDS))
    small, large = (landing(folder, size, "clean") for size in sizes)
    root = folder / "lake"
    found = [_beside_load(spark, config, large, root, times)]
    rows = Lake(spark, str(root), run_id="bench").read(FEED.l1)
    found.append(_split(rows, suites[FEED.name], times))
    load(spark, config, small, root)
    found.append(_beside_complete(Lake(spark, str(root), run_id="bench").read(FEED.l1), suites[FEED.name]))
    found.append(_fixed(spark, suites, config.pipeline.threads, times))
    return found


def _beside_load(spark: SparkSession, config: Config, files: Path, root: Path, times: int) -> Measurement:
    gated, loaded = _paired(lambda: gate(spark, root), lambda: load(spark, config, files, root), times)
    ratios = [ours / theirs for ours, theirs in zip(gated, loaded, strict=True)]
    return at_most("the whole gate beside its load", ratios, "x load", GATE_GOAL, "ingest of the same files")


def _split(rows: DataFrame, suite: Suite, times: int) -> Measurement:
    def ours() -> None:
        profile_files(judge_feed(rows, FEED, suite).frame, FEED, suite).collect()

    def plain() -> None:
        counts = [F.count_if(violated(rule)).alias(rule.id.replace(".", "_")) for rule in suite.scoped("row")]
        with_checks(rows, FEED).agg(*counts).collect()

    split, aggregate = _paired(ours, plain, times)
    ratios = [mine / theirs for mine, theirs in zip(split, aggregate, strict=True)]
    return at_most("the row split beside an aggregate", ratios, "x aggregate", SPLIT_GOAL, PLAIN)


def _beside_complete(rows: DataFrame, suite: Suite) -> Measurement:
    """How many times longer Great Expectations alone takes when it names every row, which a split needs."""

    def ours() -> None:
        judged = judge_feed(rows, FEED, suite)
        vouch(weigh(judged), judged.accepted(), suite)

    def theirs() -> None:
        batch = gx.batch_definition("spark").get_batch(batch_parameters={"dataframe": with_checks(rows, FEED)})
        batch.validate(gx.suite(suite.name, suite.scoped("row")), result_format=COMPLETE)

    mine, complete = _paired(ours, theirs, 1)
    ratio = [theirs_took / ours_took for ours_took, theirs_took in zip(mine, complete, strict=True)]
    return at_least("Great Expectations alone, COMPLETE", ratio, "x gate", 1, "GX over the same rows")


def _fixed(spark: SparkSession, suites: dict[str, Suite], threads: int, times: int) -> Measurement:
    """Seconds a feed of the gate over feeds with a few records each, side by side."""
    frames = {name: _few(spark, feed) for name, feed in FEEDS.items()}

    def gate_one(name: str) -> None:
        judged = judge_feed(frames[name], replace(FEEDS[name], refused_share_max=1.0), suites[name])
        vouch(weigh(judged), judged.accepted(), suites[name])

    def gate_all() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(gate_one, FEEDS))

    gate_all()
    took = [seconds(gate_all) / len(FEEDS) for _ in range(times)]
    return at_most("fixed cost of the gate", took, "s a feed", FIXED_GOAL, "")


def _few(spark: SparkSession, feed: Feed) -> DataFrame:
    """A few records of a feed that name nothing but their place: the cost is that of looking at them."""
    arrived = datetime(2024, 3, 6, tzinfo=UTC)
    place = {"_batch_seq": 1, "_file_id": 1, "_ingested_at": arrived}
    rows = [tuple((place | {"_line": line}).get(column) for column in feed.l1.columns) for line in range(FEW)]
    return spark.createDataFrame(rows, feed.l1.schema).localCheckpoint()


def _paired(ours: Callable[[], object], theirs: Callable[[], object], times: int) -> Pair:
    """Seconds of both ways, in turn, after a round that warms up."""
    theirs()
    ours()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(times)]
    return [mine for mine, _ in pairs], [peer for _, peer in pairs]
