"""Frames that much is built on: computed once, and a leaf of every plan above."""

from pyspark.sql import DataFrame


def kept(frame: DataFrame) -> DataFrame:
    """The same rows, computed when they are first asked for and kept, on disk where memory is short.

    A frame that is used n times is otherwise planned and computed n times, and so is all that it is made of. An
    executor that is lost takes its part along: the run fails, and is run again.
    """
    return frame.localCheckpoint(eager=False)
