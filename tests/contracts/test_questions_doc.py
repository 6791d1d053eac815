"""The questions of docs/questions.md and README.md can be asked: every table and column that they name is there."""

import re

import pytest
from pyspark.sql import SparkSession

from lakehouse.catalogue import TABLES
from lakehouse.config import HOME

ASKED = {
    "questions": re.findall(
        r"```sql\n(.*?)```", (HOME / "docs" / "questions.md").read_text(encoding="utf-8"), re.DOTALL
    ),
    "readme": re.findall(r'-e ["\'](select[^"]*?)["\']\n', (HOME / "README.md").read_text(encoding="utf-8")),
}


@pytest.fixture(scope="module")
def asking(spark: SparkSession) -> SparkSession:
    """A session with an empty view for every table that may be asked."""
    for table in TABLES.values():
        if table.tier in ("l2", "ops"):
            spark.createDataFrame([], table.schema).createOrReplaceTempView(table.name)
    return spark


@pytest.mark.parametrize("question", [question for questions in ASKED.values() for question in questions])
def test_question__can_be_asked(asking: SparkSession, question: str) -> None:
    assert asking.sql(question).columns


def test_questions__are_found() -> None:
    assert {page: len(questions) for page, questions in ASKED.items()} == {"questions": 13, "readme": 5}
