"""Build logstore/conditional-log-store.jar from its source, byte for byte the same every time.

    python scripts/build_logstore.py [TARGET]

The zip is written here and not by `jar`, which stamps the time of the build into it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "logstore" / "src"
JAR = ROOT / "logstore" / "conditional-log-store.jar"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
BUILT_WITH = "17"  # other compilers order the constants of a class otherwise
SOURCE_DIGEST = "META-INF/source.sha256"
MANIFEST = "Manifest-Version: 1.0\r\n\r\n"


def find_javac() -> str | None:
    """Path of a Java compiler: JAVA_HOME's, else the first on PATH; None where only a runtime is."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "javac").exists():
        return str(Path(home) / "bin" / "javac")
    return shutil.which("javac")


def class_path() -> str:
    """The jars to compile against: the lake's and Spark's own."""
    import pyspark  # noqa: PLC0415 - set-up reads this module before pyspark is installed

    spark_jars = Path(str(pyspark.__file__)).parent / "jars"
    lake_jars = Path(os.environ.get("LAKE_JARS", ROOT / ".jars"))
    return f"{lake_jars}/*{os.pathsep}{spark_jars}/*"


def source_digest() -> str:
    """SHA-256 over every source file; the jar carries it, to tell without a compiler whether it is stale."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCES.rglob("*.java")))).hexdigest()


def build(target: Path) -> None:
    """Compile every source and write the jar to `target`.

    Raises:
        FileNotFoundError: there is no Java compiler.
        subprocess.CalledProcessError: the source does not compile.
    """
    javac = find_javac()
    if javac is None:
        raise FileNotFoundError("no javac: install a JDK 17 or 21 to build the log store")
    with tempfile.TemporaryDirectory() as folder:
        sources = sorted(str(path) for path in SOURCES.rglob("*.java"))
        options = ["--release", "17", "-proc:none", "-g:none", "-Xlint:all,-options,-classfile,-path", "-Werror"]
        subprocess.run([javac, *options, "-cp", class_path(), "-d", folder, *sources], check=True)
        write_jar(Path(folder), target)


def write_jar(classes: Path, target: Path) -> None:
    """Zip `classes`, sorted, uncompressed and without times, so that equal classes give equal bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as jar:
        jar.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF", EPOCH), MANIFEST)
        jar.writestr(zipfile.ZipInfo(SOURCE_DIGEST, EPOCH), source_digest())
        for path in sorted(classes.rglob("*.class")):
            jar.writestr(zipfile.ZipInfo(path.relative_to(classes).as_posix(), EPOCH), path.read_bytes())


if __name__ == "__main__":
    wanted = Path(sys.argv[1]) if len(sys.argv) > 1 else JAR
    build(wanted)
    print(f"built {wanted}", file=sys.stderr)
