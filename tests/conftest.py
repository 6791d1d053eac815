"""One Spark session a test process, small and quiet."""

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession

from lakehouse.config import load_config
from lakehouse.session import build_session
from tests.support.homes import UNCOMPILED

# As a job has it (lakehouse.cli): Spark gives Python instants in the zone of the process.
os.environ["TZ"] = "UTC"
time.tzset()
# The same examples each time: a red build must be one that can be repeated.
settings.register_profile("house", derandomize=True, print_blob=True)
settings.load_profile("house")

TEST_SESSION = {
    "spark": {
        "master": "local[1]",
        "conf": {
            "spark.sql.shuffle.partitions": "1",
            "spark.default.parallelism": "1",
            "spark.sql.adaptive.enabled": "false",
            "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
            **UNCOMPILED,
            "spark.ui.showConsoleProgress": "false",
        },
    }
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session of this test process."""
    session = build_session(load_config("local", TEST_SESSION), "tests")
    yield session
    session.stop()
