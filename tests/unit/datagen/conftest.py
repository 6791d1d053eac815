"""A tiny world, lived once for all tests of the generator."""

from pathlib import Path

import orjson
import pytest
from world_files import Records, lines_of, live


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("world") / "landing")


@pytest.fixture(scope="session")
def records(landing: Path) -> Records:
    return {feed: [orjson.loads(line) for line in lines] for feed, lines in lines_of(landing).items()}
