"""Of several writers of one commit on S3, one makes it and the others are told; nothing is lost."""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from scripts import build_logstore
from tests.support.s3 import S3Server, bucket_settings, s3_bucket, s3_endpoint, s3_environment, s3_server

__all__ = ["s3_bucket", "s3_endpoint", "s3_server"]
ROOT = Path(__file__).resolve().parents[2]
APPENDS = 10
WRITERS = 2
OURS = '{"commitInfo":{"txnId":"ours"}}'
RIVALS = '{"commitInfo":{"txnId":"rival"}}\n'
CONDITIONAL = "lake.delta.ConditionalS3LogStore"
STOCK = "io.delta.storage.S3SingleDriverLogStore"


class Store:
    """A log store inside the test's JVM, writing to one bucket."""

    def __init__(self, spark: SparkSession, class_name: str, bucket: str, url: str) -> None:
        self.jvm: Any = spark._jvm
        hadoop = self.jvm.org.apache.hadoop.conf.Configuration(spark._jsc.hadoopConfiguration())
        for name, value in bucket_settings(bucket, url).items():
            hadoop.set(name, value)
        self.hadoop, self.bucket = hadoop, bucket
        loader = self.jvm.java.lang.Thread.currentThread().getContextClassLoader()
        parameters = spark.sparkContext._gateway.new_array(self.jvm.java.lang.Class, 1)
        parameters[0] = loader.loadClass("org.apache.hadoop.conf.Configuration")
        arguments = spark.sparkContext._gateway.new_array(self.jvm.java.lang.Object, 1)
        arguments[0] = hadoop
        self.store = loader.loadClass(class_name).getConstructor(parameters).newInstance(arguments)

    def write(self, name: str, *lines: str, overwrite: bool = False) -> None:
        path = self.jvm.org.apache.hadoop.fs.Path(f"s3a://{self.bucket}/t/_delta_log/{name}")
        actions = self.jvm.java.util.ArrayList()
        for line in lines:
            actions.add(line)
        self.store.write(path, actions.iterator(), overwrite, self.hadoop)


def text_of(bucket: str, url: str, name: str) -> str:
    client = boto3.client("s3", endpoint_url=url)
    return client.get_object(Bucket=bucket, Key=f"t/_delta_log/{name}")["Body"].read().decode()


def put_rival(bucket: str, url: str, name: str) -> None:
    boto3.client("s3", endpoint_url=url).put_object(Bucket=bucket, Key=f"t/_delta_log/{name}", Body=RIVALS.encode())


def java_error(failure: pytest.ExceptionInfo[Py4JJavaError]) -> str:
    return str(failure.value.java_exception.getClass().getName())


@pytest.mark.s3
def test_write__makes_the_file(spark: SparkSession, s3_bucket: str, s3_endpoint: str) -> None:
    Store(spark, CONDITIONAL, s3_bucket, s3_endpoint).write("1.json", "a", "é")
    assert text_of(s3_bucket, s3_endpoint, "1.json") == "a\né\n"


@pytest.mark.s3
def test_write__refuses_the_second_writer_of_a_commit(spark: SparkSession, s3_bucket: str, s3_endpoint: str) -> None:
    Store(spark, CONDITIONAL, s3_bucket, s3_endpoint).write("1.json", "first")
    with pytest.raises(Py4JJavaError) as failure:
        Store(spark, CONDITIONAL, s3_bucket, s3_endpoint).write("1.json", "second")
    assert java_error(failure) == "java.nio.file.FileAlreadyExistsException"
    assert text_of(s3_bucket, s3_endpoint, "1.json") == "first\n"


@pytest.mark.s3
def test_write__refuses_when_a_rival_comes_between_look_and_put(
    spark: SparkSession, s3_bucket: str, s3_server: S3Server
) -> None:
    store = Store(spark, CONDITIONAL, s3_bucket, s3_server.url)
    s3_server.before_put = lambda _: put_rival(s3_bucket, s3_server.url, "1.json")
    with pytest.raises(Py4JJavaError) as failure:
        store.write("1.json", OURS)
    assert java_error(failure) == "java.nio.file.FileAlreadyExistsException"
    assert text_of(s3_bucket, s3_server.url, "1.json") == RIVALS


@pytest.mark.s3
def test_stock_store__loses_the_rival_that_comes_between(
    spark: SparkSession, s3_bucket: str, s3_server: S3Server
) -> None:
    """Why the lake carries a store of its own; once this fails, Delta's own store will do."""
    store = Store(spark, STOCK, s3_bucket, s3_server.url)
    s3_server.before_put = lambda _: put_rival(s3_bucket, s3_server.url, "1.json")
    store.write("1.json", OURS)
    assert text_of(s3_bucket, s3_server.url, "1.json") == OURS + "\n"


@pytest.mark.s3
def test_write__knows_its_own_commit_when_the_answer_was_lost(
    spark: SparkSession, s3_bucket: str, s3_server: S3Server
) -> None:
    s3_server.lose_answer_to = "1.json"
    Store(spark, CONDITIONAL, s3_bucket, s3_server.url).write("1.json", OURS)
    assert s3_server.lose_answer_to is None
    assert text_of(s3_bucket, s3_server.url, "1.json") == OURS + "\n"


@pytest.mark.s3
def test_write__takes_no_equal_bytes_for_its_own_without_a_transaction_id(
    spark: SparkSession, s3_bucket: str, s3_server: S3Server
) -> None:
    s3_server.lose_answer_to = "1.json"
    with pytest.raises(Py4JJavaError) as failure:
        Store(spark, CONDITIONAL, s3_bucket, s3_server.url).write("1.json", "no id")
    assert java_error(failure) == "java.nio.file.FileAlreadyExistsException"


@pytest.mark.s3
def test_write__overwrites_where_asked(spark: SparkSession, s3_bucket: str, s3_endpoint: str) -> None:
    store = Store(spark, CONDITIONAL, s3_bucket, s3_endpoint)
    store.write("_last_checkpoint", "old")
    store.write("_last_checkpoint", "new", overwrite=True)
    assert text_of(s3_bucket, s3_endpoint, "_last_checkpoint") == "new\n"


APPENDER = """
import sys, time
from pathlib import Path
from lakehouse.config import load_config
from lakehouse.session import build_session
table, writer, appends, gate = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
quick = {"spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
spark = build_session(load_config("s3", {"spark": {"master": "local[1]", "conf": quick}}), writer)
assert spark.sparkContext.getConf().get("spark.delta.logStore.s3a.impl") == "lake.delta.ConditionalS3LogStore"
spark.read.format("delta").load(table).count()
(gate / writer).touch()
while not (gate / "go").exists():
    time.sleep(0.02)
for n in range(appends):
    frame = spark.sql(f"select '{writer}-{n}' as id")
    try:
        frame.write.format("delta").mode("append").save(table)
        print(f"acknowledged {writer}-{n}", flush=True)
    except Exception as error:
        print(f"refused {writer}-{n} {type(error).__name__}: {str(error)[:200]}", flush=True)
"""


def run(script: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, **s3_environment(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_for(paths: list[Path], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not all(path.exists() for path in paths):
        assert time.monotonic() < end, f"still waiting for {paths}"
        time.sleep(0.05)


@pytest.fixture
def raced(spark: SparkSession, s3_bucket: str, s3_endpoint: str, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """What several processes said that appended to one table at once, and what is in the table after."""
    table = f"s3a://{s3_bucket}/raced"
    for name, value in bucket_settings(s3_bucket, s3_endpoint).items():
        spark._jsc.hadoopConfiguration().set(name, value)
    spark.sql("select '' as id limit 0").write.format("delta").save(table)
    writers = {name: run(APPENDER, table, name, str(APPENDS), str(tmp_path)) for name in map(str, range(WRITERS))}
    try:
        wait_for([tmp_path / name for name in writers])
        (tmp_path / "go").touch()
        said = "".join(process.communicate(timeout=180)[0] for process in writers.values())
        yield said, [row.id for row in spark.read.format("delta").load(table).collect()]
    finally:
        for process in writers.values():
            process.kill()


@pytest.mark.s3
@pytest.mark.slow
def test_race__every_acknowledged_append_is_in_the_table(raced: tuple[str, list[str]]) -> None:
    said, found = raced
    acknowledged = sorted(line.split()[1] for line in said.splitlines() if line.startswith("acknowledged "))
    assert sorted(found) == acknowledged
    # Appends don't contradict each other, and the table was there: Delta tries again until each is in.
    assert len(acknowledged) == WRITERS * APPENDS, said


def test_jar__was_built_from_this_source() -> None:
    with zipfile.ZipFile(build_logstore.JAR) as jar:
        assert jar.read(build_logstore.SOURCE_DIGEST).decode() == build_logstore.source_digest()


def test_jar__is_built_again_byte_for_byte(tmp_path: Path) -> None:
    javac = build_logstore.find_javac()
    if javac is None:
        pytest.skip("no javac here: only a JDK can build the log store again")
    version = subprocess.run([javac, "-version"], capture_output=True, text=True, check=True).stdout.split()[1]
    if version.split(".")[0] != build_logstore.BUILT_WITH:
        pytest.skip(
            f"javac {version} here; the jar was built by {build_logstore.BUILT_WITH}, and other compilers differ"
        )
    build_logstore.build(tmp_path / "again.jar")
    again, committed = (
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "again.jar", build_logstore.JAR)
    )
    assert again == committed, "run `make logstore` and commit the jar"
