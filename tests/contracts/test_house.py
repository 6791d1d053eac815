"""The rules of the house hold over the whole code; and each rule is shown a snippet that breaks it."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import dedent

import pytest

from lakehouse.catalogue import TABLES
from lakehouse.l1.feeds import FEEDS
from scripts import house
from scripts.python_files import Breach, Module, read_modules

ROOT = Path(__file__).resolve().parents[2]


def module(name: str, source: str) -> Module:
    return Module(name, dedent(source))


def said(found: Iterable[Breach]) -> list[str]:
    return [breach.said for breach in found]


def test_house__holds_every_rule() -> None:
    modules = read_modules()
    assert {"lakehouse.table", "lakehouse.l2.pipeline"} <= {module.name for module in modules}
    assert [str(breach) for breach in house.breaches(modules)] == []


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("lakehouse.storage.lake", "from lakehouse.gates.suite import load", "lakehouse.gates.suite.load"),
        ("lakehouse.storage.lake", "from ..gates import suite", "lakehouse.gates.suite"),
        ("lakehouse.domain.dating", "import lakehouse.storage.lake", "lakehouse.storage.lake"),
        ("lakehouse.gates.gx", "def f():\n    from lakehouse.release import publish", "lakehouse.release.publish"),
        ("lakehouse.l1.ingest", "import jobs.run as run", "jobs.run"),
        ("lakehouse.table", "from lakehouse import session", "lakehouse.session"),
    ],
)
def test_imports_upward__names_the_import(name: str, source: str, target: str) -> None:
    assert said(house.imports_upward(module(name, source))) == [f"imports {target}, which stands on a higher floor"]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("jobs.run", "from lakehouse.l1 import ingest"),
        ("jobs.generate", "from datagen.history import write_history"),
        ("lakehouse.l2.pipeline", "from lakehouse.storage import lake"),
        ("lakehouse.gates.gx", "from lakehouse.storage import lake\nfrom lakehouse.table import Feed"),
        ("lakehouse.gates.gx", "from lakehouse.l1.feeds import FEEDS"),
        ("lakehouse.storage.lake", "import os\nfrom pyspark.sql import DataFrame"),
    ],
)
def test_imports_upward__lets_imports_downward_pass(name: str, source: str) -> None:
    assert said(house.imports_upward(module(name, source))) == []


def test_imports_upward__keeps_the_generator_apart() -> None:
    lake = module("lakehouse.l1.ingest", "from datagen.world import World")
    generator = module("datagen.world", "from lakehouse.storage.lake import write\nfrom lakehouse.domain import dating")
    assert said(house.imports_upward(lake)) == ["imports datagen.world.World: the lake does not know its generator"]
    assert said(house.imports_upward(generator)) == [
        "imports lakehouse.storage.lake.write: the generator knows only domain and declarations"
    ]


STORAGE = module("lakehouse.storage.lake", "")
HELPER = module("lakehouse.l2.helper", "from lakehouse.storage import lake")
BUILD = "def build(units):\n    return units\n"


def test_impure_imports__sees_what_a_build_module_reaches_by_way_of_others() -> None:
    build = module("lakehouse.l2.units", f"from lakehouse.l2.helper import read\n{BUILD}")
    assert said(house.impure_imports([STORAGE, HELPER, build])) == [
        "is pure, but reaches lakehouse.storage.lake through lakehouse.l2.helper"
    ]


@pytest.mark.parametrize("impure", ["session", "storage", "config"])
def test_impure_imports__sees_a_direct_import(impure: str) -> None:
    build = module("lakehouse.l2.units", f"from lakehouse import {impure}\n{BUILD}")
    found = list(house.impure_imports([module(f"lakehouse.{impure}", ""), build]))
    assert said(found) == [f"is pure, but reaches lakehouse.{impure} through lakehouse.{impure}"]


def test_impure_imports__leaves_the_wiring_alone() -> None:
    assert list(house.impure_imports([STORAGE, HELPER])) == []


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\nx = datetime.now()",
        "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
        "from datetime import datetime, UTC\nclock = datetime.now",
        "from datetime import date\nx = date.today()",
        "import time\nx = time.time()",
        "from time import time_ns\nx = time_ns()",
        "from pyspark.sql import functions as F\nx = F.current_timestamp()",
        "from pyspark.sql.functions import current_date\nx = current_date()",
        "import pyspark.sql.functions as F\nx = F.unix_timestamp()",
        "import pandas as pd\nx = pd.Timestamp.now()",
        "x = spark.sql('select current_date() as d')",
        "x = F.expr(f'{a} < now()')",
        "import uuid\nx = uuid.uuid4()",
        "from uuid import uuid4\nx = str(uuid4())",
        "import random\nx = random.random()",
        "import random\nx = random.Random()",
        "import random\nx = random.Random(None)",
        "from random import choice\nx = choice([1])",
        "import numpy as np\nx = np.random.default_rng()",
        "import numpy as np\nx = np.random.rand(3)",
        "from pyspark.sql import functions as F\nx = F.rand()",
        "from pyspark.sql import functions as F\nx = F.uuid()",
        "import os\nx = os.urandom(8)",
        "import secrets\nx = secrets.token_hex(8)",
    ],
)
def test_clocks_and_chances__finds_each(source: str) -> None:
    assert len(list(house.clocks_and_chances(module("lakehouse.l2.units", source)))) == 1
    assert len(list(house.clocks_and_chances(module("datagen.world", source)))) == 1
    assert list(house.clocks_and_chances(module("jobs.run", source))) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""Never asks datetime.now() or current_date."""',
        "import time\nx = time.monotonic()",
        "from datetime import datetime\nx = datetime(2024, 1, 1)",
        "import random\nx = random.Random(42)",
        "import numpy as np\nx: np.random.Generator = np.random.default_rng(seed=42)",
        "from pyspark.sql import functions as F\nx = F.unix_timestamp(F.col('a'))",
        "from pyspark.sql import functions as F\nx = F.rand(7)",
        "x = 'what is known now'",
    ],
)
def test_clocks_and_chances__lets_the_innocent_pass(source: str) -> None:
    assert list(house.clocks_and_chances(module("lakehouse.l2.units", source))) == []


def lines(count: int) -> str:
    return "x = 1\n" * count


def function(count: int) -> str:
    return 'def f():\n    """Doc."""\n' + "    x = 1\n" * count


@pytest.mark.parametrize(
    ("name", "source", "breach"),
    [
        ("lakehouse.l2.units", lines(251), "251 lines; at most 250"),
        ("jobs.run", lines(41), "41 lines; at most 40"),
        ("datagen.world", function(41), "f has 41 lines; at most 40"),
    ],
)
def test_sizes__finds_what_is_too_long(name: str, source: str, breach: str) -> None:
    assert said(house.sizes(Module(name, source))) == [breach]


@pytest.mark.parametrize(
    ("name", "source"), [("lakehouse.l2.units", lines(250)), ("jobs.run", lines(40)), ("datagen.world", function(40))]
)
def test_sizes__lets_the_limit_itself_pass(name: str, source: str) -> None:
    assert said(house.sizes(Module(name, source))) == []


def test_typical_size__judges_the_median() -> None:
    assert said(house.typical_size([Module("a", function(2)), Module("b", function(20))])) == [
        "the median function body has 11.0 lines; at most 10"
    ]
    assert said(house.typical_size([Module("a", function(10)), Module("b", function(10))])) == []


def suite_faults(files: Iterable[Path], tables: set[str], read: Callable[[Path], str]) -> list[str]:
    """What is wrong with suite files: one for no declared table, or one that names another table inside."""
    faults = []
    for path in files:
        place = f"{path.parent.name}/{path.stem}"
        if place not in tables:
            faults.append(f"{place} is a suite for no declared table")
        if path.stem not in str(json.loads(read(path))["name"]):
            faults.append(f"{place} names itself otherwise inside")
    return faults


def test_expectations__each_belong_to_a_declared_table() -> None:
    files = sorted((ROOT / "expectations").rglob("*.json"))
    assert files
    assert suite_faults(files, set(TABLES), lambda path: path.read_text(encoding="utf-8")) == []


def test_suite_faults__finds_a_stray_and_a_misnamed_suite() -> None:
    files = [Path("expectations/l1/donors.json"), Path("expectations/l1/doners.json")]
    assert suite_faults(files, {"l1/donors"}, lambda _: '{"name": "l1.doners"}') == [
        "l1/donors names itself otherwise inside",
        "l1/doners is a suite for no declared table",
    ]


def test_expectations__each_feed_has_a_suite() -> None:
    suites = {path.stem for path in (ROOT / "expectations" / "l1").glob("*.json")}
    assert set(FEEDS) - suites == set()
