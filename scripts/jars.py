"""Fill .jars/ with what Spark lacks for Delta and S3, through Spark's own Ivy, and check it.

    python scripts/jars.py check    ends 0 where .jars/ holds exactly the jars of scripts/jars.sha256
    python scripts/jars.py fill     resolves scripts/jars.txt into .jars/, whole or not at all
    python scripts/jars.py lock     the same, and writes down in scripts/jars.sha256 what came

The resolution also brings Netty, Jackson, log4j and parquet of other versions than Spark's own; in front of
Spark's they break it, so only the jars named by KEPT are kept.
"""

import hashlib
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / ".jars"
PARTIAL = ROOT / "build" / "jars.partial"
COORDINATES = ROOT / "scripts" / "jars.txt"
LOCK = ROOT / "scripts" / "jars.sha256"
LOG_STORE = ROOT / "logstore" / "conditional-log-store.jar"
KEPT = (
    "io.delta_*",
    "io.unitycatalog_*",
    "org.apache.hadoop_hadoop-aws*",
    "software.amazon*",
    "org.reactivestreams*",
    "org.wildfly.openssl*",
)
ATTEMPTS = 3
RESOLVE = """
import sys
from pyspark.sql import SparkSession
packages, excludes, ivy = sys.argv[1:]
conf = {"spark.jars.packages": packages, "spark.jars.excludes": excludes, "spark.jars.ivy": ivy,
        "spark.ui.enabled": "false", "spark.driver.extraClassPath": ""}
builder = SparkSession.builder.master("local[1]")
for key, value in conf.items():
    builder = builder.config(key, value)
builder.getOrCreate().stop()
"""


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def locked() -> dict[str, str]:
    """Name → SHA-256 of every jar that .jars/ must hold: the lock's, and the lake's own log store."""
    lines = LOCK.read_text().splitlines() if LOCK.exists() else []
    wanted = {name: sha for sha, name in (line.split() for line in lines)}
    return wanted | {LOG_STORE.name: digest(LOG_STORE)}


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """What `folder` lacks, has too much, or holds with other bytes; empty where it is as wanted."""
    found = {path.name: digest(path) for path in folder.glob("*.jar")}
    missing = [f"{name} is missing" for name in sorted(wanted.keys() - found.keys())]
    extra = [f"{name} is not in the list" for name in sorted(found.keys() - wanted.keys())]
    changed = [
        f"{name} has other bytes" for name in sorted(wanted.keys() & found.keys()) if wanted[name] != found[name]
    ]
    return missing + extra + changed


def coordinates() -> tuple[list[str], list[str]]:
    """The Maven coordinates of jars.txt: those wanted, and those left out."""
    lines = [line.strip() for line in COORDINATES.read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return [line for line in lines if line[0] != "!"], [line[1:] for line in lines if line[0] == "!"]


def resolve(ivy: Path) -> None:
    """Let Spark's Ivy fetch everything below `ivy`; what came before is not fetched again.

    Raises:
        SystemExit: it failed three times.
    """
    packages, excludes = (",".join(names) for names in coordinates())
    command = [sys.executable, "-c", RESOLVE, packages, excludes, str(ivy)]
    log = PARTIAL / "ivy.log"
    for _ in range(ATTEMPTS):
        with log.open("w") as out:
            if subprocess.run(command, check=False, stdout=out, stderr=out, stdin=subprocess.DEVNULL).returncode == 0:
                return
    raise SystemExit(f"set-up: the jars of scripts/jars.txt could not be fetched; Ivy's own words are in {log}.")


def fill(*, lock: bool = False) -> None:
    """Put the jars into .jars/ at one stroke: a run that dies leaves the folder as it was.

    Raises:
        SystemExit: they cannot be fetched, or are not those of the lock.
    """
    stage = PARTIAL / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    resolve(PARTIAL / "ivy")
    for path in (PARTIAL / "ivy" / "jars").glob("*.jar"):
        if any(fnmatch(path.name, pattern) for pattern in KEPT):
            shutil.copyfile(path, stage / path.name)
    if lock:
        LOCK.write_text("".join(f"{digest(path)}  {path.name}\n" for path in sorted(stage.glob("*.jar"))))
    shutil.copyfile(LOG_STORE, stage / LOG_STORE.name)
    wrong = differences(stage, locked())
    if wrong:
        shutil.rmtree(PARTIAL)
        raise SystemExit(f"set-up: the jars fetched are not those of scripts/jars.sha256: {'; '.join(wrong)}.")
    shutil.rmtree(JARS, ignore_errors=True)
    stage.rename(JARS)
    shutil.rmtree(PARTIAL)


def refresh_log_store() -> None:
    """Take over a log store that was built anew, without fetching the other jars again."""
    mine = JARS / LOG_STORE.name
    if JARS.exists() and not (mine.exists() and digest(mine) == digest(LOG_STORE)):
        fresh = JARS / "log-store.new"  # renamed into place: a running JVM maps the old one
        shutil.copyfile(LOG_STORE, fresh)
        fresh.rename(mine)


def main(verb: str) -> int:
    """Do what the module's text says; 1 from `check` means that a fill is needed."""
    if verb == "check":
        refresh_log_store()
        return 1 if differences(JARS, locked()) else 0
    fill(lock=verb == "lock")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("check", "fill", "lock"):
        sys.exit("usage: python scripts/jars.py check|fill|lock")
    sys.exit(main(sys.argv[1]))
