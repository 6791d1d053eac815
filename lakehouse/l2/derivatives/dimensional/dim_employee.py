"""A row is a member of staff, without the name.

Slice: an employee; the employee's record touches it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import members, own_sk, sk, surrogate
from lakehouse.table import DATE, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="dim_employee",
    grain="an employee, or the unknown one",
    key=("employee_sk",),
    fields=(
        own_sk("employee_sk"),
        sk("region_sk", "dim_region", "the region of the employee"),
        Field("employee_key", TEXT, "the employee's pseudonym (HMAC-SHA-256, hex); null for the unknown one"),
        Field("role", TEXT, "what the employee does", required=True),
        Field("hired_on", DATE, "first day of work"),
    ),
    law="rows = employees + 1",
)


def build(employees: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every employee on record, whatever the day.

    Args:
        employees: members of staff.
        as_of: not used.
        params: not used.
    """
    keys = {
        "employee_sk": surrogate("employee", F.col("employee_key")),
        "region_sk": surrogate("region", F.col("region")),
    }
    return members(employees.withColumns(keys), TABLE, employees)
