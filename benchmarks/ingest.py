"""Ingest, and ingest with the gate, beside a bare read and write of the same files.

All as the slope between two sizes: what a run costs whatever its size is apart.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.storagelevel import StorageLevel

from benchmarks.harness import Measurement, at_most, seconds, slope
from benchmarks.landing import write_donations
from lakehouse.config import HOME, Config
from lakehouse.gates.gate import judge_feed, vouch, weigh
from lakehouse.gates.suite import read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ingest import ingest
from lakehouse.storage.files import files_at
from lakehouse.storage.lake import Lake

FEED = FEEDS["donations"]
KINDS = {"clean": (1.6, 2.4), "with unknown fields": (2.8, 3.4)}
FILES = 4


def measure(spark: SparkSession, config: Config, folder: Path, sizes: tuple[int, int], times: int) -> list[Measurement]:
    """The ratios of the slopes, for clean files and for files in which every record has unknown fields."""
    found = []
    for kind, (goal, goal_gated) in KINDS.items():
        landings = [landing(folder, size, kind) for size in sizes]
        ratios = list(_ratios(spark, config, folder, landings, sizes, times))
        peer = "spark.read.schema.json -> delta"
        found.append(at_most(f"ingest, {kind}", [ratio for ratio, _ in ratios], "x bare", goal, peer))
        found.append(at_most(f"ingest and gate, {kind}", [ratio for _, ratio in ratios], "x bare", goal_gated, peer))
    return found


def _ratios(
    spark: SparkSession, config: Config, folder: Path, landings: list[Path], sizes: tuple[int, int], times: int
) -> Iterator[tuple[float, float]]:
    """Without and with the gate, a round; the first round warms up and is left out."""
    for turn in range(times + 1):
        bare, ours, gated = [], [], []
        for files in landings:
            bare.append(seconds(lambda files=files: _bare(spark, files, folder / "bare")))
            ours.append(seconds(lambda files=files: load(spark, config, files, folder / "lake")))
            gated.append(ours[-1] + seconds(lambda: gate(spark, folder / "lake")))
        if turn:
            yield _slope(sizes, ours) / _slope(sizes, bare), _slope(sizes, gated) / _slope(sizes, bare)


def _slope(sizes: tuple[int, int], took: list[float]) -> float:
    return slope((sizes[0], took[0]), (sizes[1], took[1]))


def landing(folder: Path, records: int, kind: str) -> Path:
    """A landing folder with so many donations, written once."""
    made = folder / f"landing-{kind.replace(' ', '-')}-{records}"
    if not made.exists():
        write_donations(made, records, files=FILES, unknown=kind != "clean")
    return made


def _bare(spark: SparkSession, landing: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    fields = [field for field in FEED.l1.schema.fields if not field.name.startswith("_")]
    rows = spark.read.schema(type(FEED.l1.schema)(fields)).option("recursiveFileLookup", "true").json(str(landing))
    rows.write.format("delta").save(str(target))


def load(spark: SparkSession, config: Config, landing: Path, root: Path) -> None:
    """Ingest the files into a lake of their own."""
    shutil.rmtree(root, ignore_errors=True)
    lake = Lake(spark, str(root), run_id=f"bench-{landing.name}")
    result = ingest(lake, files_at(str(landing)), config, lambda: datetime.now(UTC))
    if not result.rows:
        raise RuntimeError(f"nothing was ingested from {landing}: {result}")


def gate(spark: SparkSession, root: Path) -> None:
    """Judge, weigh and vouch for the batch, as a promote does."""
    suite = read_suites(HOME / "expectations" / "l1", tuple(FEEDS))[FEED.name]
    judged = judge_feed(Lake(spark, str(root), run_id="bench").read(FEED.l1), FEED, suite)
    kept = replace(judged, frame=judged.frame.persist(StorageLevel.MEMORY_AND_DISK))
    verdict = vouch(weigh(kept), kept.accepted(), suite)
    kept.frame.unpersist()
    if verdict.holds or verdict.refused:
        raise RuntimeError(f"clean records were refused: {verdict}")
