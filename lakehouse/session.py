"""The one place that makes a Spark session."""

import os
import sys

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lakehouse.config import Config
from lakehouse.errors import UsageError

DELTA_CLASS = "org.apache.spark.sql.delta.DeltaLog"

# What every Column asks the JVM for by name; each asking is a search through some three hundred jars.
FUNCTIONS = ("col", "lit", "when", "not", "coalesce", "sum", "struct")
OFTEN_ASKED = {
    "functions": FUNCTIONS,
    "org.apache.spark.sql.functions": FUNCTIONS,
    "PythonUtils": ("toSeq",),
    "PythonSQLUtils": (),
    "org.apache.spark.sql.classic.SparkSession": ("getActiveSession", "getDefaultSession"),
}


def build_session(config: Config, app_name: str = "lakehouse") -> SparkSession:
    """Make (or get) the session that `config` describes.

    Raises:
        UsageError: Java or Delta's jars are missing.
    """
    builder = SparkSession.builder.appName(app_name)
    if config.spark.master and not _is_submitted():
        # Workers on this machine run the interpreter that runs the driver.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master(config.spark.master)
    builder = builder.config("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
    for key, value in {**config.spark.conf, **_s3_endpoint()}.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except (PySparkException, RuntimeError, FileNotFoundError) as error:
        raise UsageError(f"Spark did not start ({error}); it needs Java 17 or 21: run `make setup`") from error
    _require_delta(spark)
    _remember_classes(spark)
    return spark


def _remember_classes(spark: SparkSession) -> None:
    """Keep the handles of the classes and functions that building a plan asks for thousands of times."""
    for name, members in OFTEN_ASKED.items():
        found = getattr(spark._jvm, name)
        for member in members:
            setattr(found, member, getattr(found, member))
        setattr(spark._jvm, name, found)


def _is_submitted() -> bool:
    """Whether spark-submit was given a master, which then wins over ours."""
    return "--master" in os.environ.get("PYSPARK_SUBMIT_ARGS", "") or "SPARK_ENV_LOADED" in os.environ


def _s3_endpoint() -> dict[str, str]:
    """S3A's endpoint and region from the variables that every AWS client reads."""
    names = {"AWS_ENDPOINT_URL": "spark.hadoop.fs.s3a.endpoint", "AWS_REGION": "spark.hadoop.fs.s3a.endpoint.region"}
    return {setting: os.environ[name] for name, setting in names.items() if os.environ.get(name)}


def _require_delta(spark: SparkSession) -> None:
    try:
        spark._jvm.java.lang.Class.forName(DELTA_CLASS)  # type: ignore[union-attr]
    except Exception as error:
        raise UsageError(
            "Delta's jars are not on the class path: run `make setup`, or give spark-submit "
            "--packages io.delta:delta-spark_4.1_2.13:4.4.0"
        ) from error
