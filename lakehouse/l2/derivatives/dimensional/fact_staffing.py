"""A row is an employee at a session up to the as-of day.

Slice: a session; its record, its staff's and those of the employees touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import date_sk, day_sk, found, known, sk
from lakehouse.table import NUMBER, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="fact_staffing",
    grain="an employee at a session that starts by the end of the as-of day, or that no record describes",
    key=("event_id", "employee_key"),
    fields=(
        Field("event_id", TEXT, "the session", required=True),
        Field("employee_key", TEXT, "the employee's pseudonym (HMAC-SHA-256, hex), known or not", required=True),
        sk("event_sk", "dim_event", "the session"),
        sk("employee_sk", "dim_employee", "the employee"),
        day_sk("date_sk", "day on which the session starts, local to its facility"),
        Field("hours", NUMBER, "hours worked at the session"),
    ),
    law="event_employees = rows + staff of sessions after the as-of day; every key is in its dimension",
)


def build(
    event_employees: DataFrame,
    dim_event: DataFrame,
    dim_employee: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Who worked where, up to `as_of`.

    Args:
        event_employees: staff of sessions.
        dim_event: sessions.
        dim_employee: members of staff.
        as_of: staff of later sessions is not seen.
        params: not used.
    """
    sessions = known(dim_event, "event_sk", "event_id", "starts_on")
    staff = known(dim_employee, "employee_sk", "employee_key")
    is_seen = F.coalesce("starts_on", F.lit(as_of)) <= F.lit(as_of)
    return (
        event_employees.join(sessions, "event_id", how="left")
        .where(is_seen)
        .join(staff, "employee_key", how="left")
        .withColumns({"event_sk": found("event_sk"), "employee_sk": found("employee_sk")})
        .withColumn("date_sk", date_sk(F.col("starts_on")))
        .select(*TABLE.columns)
    )
