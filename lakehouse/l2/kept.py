"""Frames that much is built on: computed once, and a leaf of every plan above."""

from threading import Lock

from pyspark.sql import DataFrame

CONSTRAINTS = "spark.sql.constraintPropagation.enabled"
_setting = Lock()


def kept(frame: DataFrame) -> DataFrame:
    """The same rows, computed when they are first asked for and kept, on disk where memory is short.

    A frame that is used n times is otherwise planned and computed n times, and so is all that it is made of. An
    executor that is lost takes its part along: the run fails, and is run again.
    """
    return frame.localCheckpoint(eager=False)


def kept_for_unions(frame: DataFrame) -> DataFrame:
    """Kept, without what Spark has concluded of its rows, which is told by columns that the kept frame has no more.

    A union of such frames fails otherwise (Spark 4.1: "key not found", from `UnionBase.rewriteConstraints`).
    """
    conf = frame.sparkSession.conf
    with _setting:
        before = str(conf.get(CONSTRAINTS, "true"))
        conf.set(CONSTRAINTS, "false")
        try:
            return kept(frame)
        finally:
            conf.set(CONSTRAINTS, before)
