"""The questions of docs/model.md can be asked, and are answered as counted by hand."""

import re

import pytest

from lakehouse.config import HOME
from lakehouse.l2.derivatives.dimensional import MODULES

PAGE = (HOME / "docs" / "model.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
ANSWERS = [
    [
        (1, "North", 1, 1),
        (2, "North", 1, 1),
        (2, "South", 1, 1),
        (3, "North", 1, 1),
        (3, "South", 1, 1),
        (3, "unknown", 2, 2),
    ],
    [
        ("South", "red_cells", "O+", 1),
        ("South", "unknown", "unknown", 1),
        ("unknown", "red_cells", "O-", 1),
        ("unknown", "whole_blood", "unknown", 1),
    ],
    [("Sunday", "nurse", 7.0), ("Sunday", "unknown", 2.0), ("unknown", "nurse", 1.0)],
]


@pytest.mark.parametrize(("question", "answer"), list(zip(QUESTIONS, ANSWERS, strict=True)))
def test_question(spark, frames, question, answer):
    for module in MODULES:
        frames[module.TABLE.name].createOrReplaceTempView(module.TABLE.name)
    assert [tuple(row) for row in spark.sql(question).collect()] == answer


def test_page__names_every_table_of_the_model():
    assert [module.TABLE.name for module in MODULES if f"`{module.TABLE.name}`" not in PAGE] == []
