"""Set-up finds what is there, says in one sentence what is not, and notices what is not whole."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from scripts import jars
from scripts.report_of import report_of

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
MODULES = "java.base\\njdk.incubator.vector@17"


BASH = shutil.which("bash") or "/bin/bash"
TOOLS = ("bash", "dirname", "readlink", "sed", "grep")


def bash(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    script = f"set -euo pipefail; source scripts/find.sh; {command}"
    clean = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    return subprocess.run([BASH, "-c", script], cwd=ROOT, env=clean, capture_output=True, text=True, check=False)


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{BASH}\n{script}\n")
    path.chmod(0o755)
    return path


def java(home: Path, version: str, modules: str = MODULES) -> Path:
    """A program that answers as a Java of that version and those modules does."""
    program(
        home / "bin" / "java",
        f"[ $1 = --list-modules ] && printf '{modules}\\n' || echo '    java.specification.version = {version}' >&2",
    )
    return home


def python(folder: Path, name: str, version: tuple[int, int], *, has_venv: bool = True) -> None:
    """A program that says of itself what a Python of that version would."""
    is_wanted = (3, 11) <= version < (3, 15)
    program(
        folder / name,
        f"case $2 in *version_info*) exit {0 if is_wanted else 1};; *) exit {0 if has_venv else 1};; esac",
    )


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A PATH with the few programs that the search itself needs: no Java, no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


@pytest.mark.parametrize("version", ["17", "21"])
def test_find_java__takes_the_home_that_the_environment_names(tmp_path: Path, version: str) -> None:
    home = java(tmp_path / "jdk", version)
    assert bash("find_java", JAVA_HOME=str(home)).stdout.strip() == str(home)


@pytest.mark.parametrize(
    ("version", "modules"),
    [("1.8", MODULES), ("11", MODULES), ("25", MODULES), ("17", "java.base")],
    ids=["8", "11", "25", "trimmed 17"],
)
def test_find_java__passes_over_what_spark_cannot_use(tmp_path: Path, tools: str, version: str, modules: str) -> None:
    wrong = java(tmp_path / "wrong", version, modules)
    right = java(tmp_path / "places" / "jdk with space", "21")
    found = bash("find_java", JAVA_HOME=str(wrong), JAVA_PLACES=str(tmp_path / "places"), PATH=f"{wrong}/bin:{tools}")
    assert found.stdout.strip() == str(right)


def test_find_java__takes_the_one_on_path(tmp_path: Path, tools: str) -> None:
    home = java(tmp_path / "jdk", "21")
    assert bash("find_java", JAVA_PLACES="/nonexistent", PATH=f"{home}/bin:{tools}").stdout.strip() == str(home)


def test_find_java__fails_where_there_is_none(tools: str) -> None:
    found = bash("find_java", JAVA_PLACES="/nonexistent", PATH=tools)
    assert (found.returncode != 0, found.stdout) == (True, "")


def test_find_python__takes_the_first_that_can_make_environments(tmp_path: Path) -> None:
    python(tmp_path, "python3.11", (3, 11), has_venv=False)
    python(tmp_path, "python3.12", (3, 12))
    assert bash("find_python", PATH=f"{tmp_path}:/usr/bin:/bin").stdout.strip() == "python3.12"


def test_find_python__takes_one_without_venv_only_where_no_other_is(tmp_path: Path) -> None:
    for name in ("python3.11", "python3.12", "python3.13", "python3.14", "python3", "python"):
        python(tmp_path, name, (3, 11) if name == "python3" else (3, 9), has_venv=False)
    assert bash("find_python", PATH=f"{tmp_path}:/usr/bin:/bin").stdout.strip() == "python3"


def test_find_python__fails_where_all_are_too_old(tmp_path: Path) -> None:
    python(tmp_path, "old", (3, 10))
    assert bash("find_python", PYTHON=str(tmp_path / "old")).returncode != 0


def test_differences__names_missing_strange_and_damaged_jars(tmp_path: Path) -> None:
    (tmp_path / "good.jar").write_bytes(b"good")
    (tmp_path / "cut.jar").write_bytes(b"cu")
    (tmp_path / "strange.jar").write_bytes(b"")
    wanted = {"good.jar": jars.digest(tmp_path / "good.jar"), "cut.jar": "0" * 64, "gone.jar": "0" * 64}
    assert jars.differences(tmp_path, wanted) == [
        "gone.jar is missing",
        "strange.jar is not in the list",
        "cut.jar has other bytes",
    ]


def test_jars__are_those_that_spark_lacks() -> None:
    names = set(jars.locked())
    assert len(names) == 44
    assert not [
        name for name in names if re.search(r"netty-(?!nio-client)|jackson-(?!core)|log4j|slf4j|parquet|bundle", name)
    ]


def test_jars__are_of_the_versions_that_pyproject_and_the_code_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    delta = next(need for need in project["dependencies"] if need.startswith("delta-spark=="))
    wanted, left_out = jars.coordinates()
    assert f"io.delta:delta-spark_4.1_2.13:{delta.split('==')[1]}" in wanted
    assert left_out == ["software.amazon.awssdk:bundle"]


def test_lock__names_no_address_and_hashes_everything() -> None:
    assert not re.findall(r"(?m)://|^\s*--?(?:index|extra|find|trusted|f )\S*", LOCK)
    blocks = re.split(r"(?m)^(?=[a-z0-9])", LOCK)[1:]
    assert len(blocks) > 50
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert [block.split()[0] for block in blocks if not re.match(r"[\w.-]+(\[[\w,]+\])?==", block)] == []


def test_lock__pins_every_need_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[=<>]", need)[0].lower().replace("_", "-") for need in needs}
    assert names - set(re.findall(r"(?m)^([a-z0-9._-]+)==", LOCK)) == set()


def test_help__has_a_line_for_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", text))
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in shown.splitlines()} == targets
    assert all(len(line.split()) > 4 for line in shown.splitlines())
    assert {"demo", "test", "lint", "sql", "bench", "minio", "docs", "clean", "help"} <= targets


@pytest.mark.parametrize(
    ("output", "report"),
    [
        ('noise\n{"job": "run", "report": "build/demo/reports/r1/index.html"}\n', "build/demo/reports/r1/index.html"),
        ('{"job": "run"}', ""),
        ("Traceback", ""),
        ("[1]", ""),
        ("", ""),
    ],
)
def test_report_of__reads_the_last_line(output: str, report: str) -> None:
    assert report_of(output) == report
