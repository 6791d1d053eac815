"""A row is a change in a unit's life: it comes in, goes to another place or standing, or ends.

What is true of a unit after each record is decided as in `units`, by the same functions, so the last row of a unit
says what its row of `units` says. The series is told with what is known at the as-of day: an end that another
replaces is none, and a unit that is presumed outdated was there until it was given up.

Slice: a unit; what touches it, `slices.touched` says.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import last_day
from lakehouse.l2.conformed.changes import UNIT
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.unit_moves_moments import (
    DISPUTED,
    ENDED,
    EXPIRED,
    FOUND,
    MADE_OF,
    REACTIVE,
    RECORD_PHASE,
    in_order,
    lives,
    moments,
    of_unit,
    so_far,
)
from lakehouse.l2.derivatives.units import ON_HAND
from lakehouse.l2.derivatives.units_donations import UTC
from lakehouse.l2.derivatives.units_states import deciding_steps, standing, with_place
from lakehouse.l2.kept import kept
from lakehouse.table import DATE, DOSES, FLAG, INSTANT, INT, TEXT, Field, Table

IN_TRANSIT = "in_transit"
"""The place of what is on its way, and its standing there."""
STANDINGS = (*ON_HAND, EXPIRED, IN_TRANSIT)
WAYS_IN = ("produced", "imported", "converted_in")

TOLD_BY = (UNIT,)
TABLE = Table(
    tier="l2",
    name="unit_moves",
    grain="a change of a unit's place or standing, from its coming in to its end or the as-of day",
    key=("unit_id", "move_number"),
    fields=(
        Field("unit_id", TEXT, "the unit", required=True),
        Field("move_number", INT, "counts the changes of a unit from 1, its coming in", required=True),
        Field("moved_on", DATE, "local day of the change", required=True),
        Field("moved_at", INSTANT, "when, as the record says; null where none does"),
        Field(
            "is_dated",
            FLAG,
            "false for an end of an unknown day, which counts on the last day known",
            required=True,
        ),
        Field(
            "why",
            TEXT,
            f"how it came in ({', '.join(WAYS_IN)}), the record that changed it (shipped, received, released, "
            "reserved, unreserved, quarantined, quarantine_lifted, recalled, tested, reactive, disputed), expired, "
            "found (its end was reported elsewhere), or the state that ended it, as in units",
            required=True,
        ),
        Field("from_facility_id", TEXT, "where it was; in_transit on its way; null when it comes in"),
        Field("from_standing", TEXT, "one of: " + ", ".join(STANDINGS) + "; null when it comes in"),
        Field("to_facility_id", TEXT, "where it is then; 'unknown' where no record tells; null when it ends"),
        Field("to_standing", TEXT, "its standing then; null when it ends"),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD as of the as-of day; 'unknown' where no record tells", required=True),
        Field("doses", DOSES, "adult doses; null for red cells and whole blood"),
    ),
    law="units = ways in; units that ended, by state = moves that end; where a move begins, the one before ended",
)


def build(
    units: DataFrame,
    dated: DataFrame,
    unit_parents: DataFrame,
    steps: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The changes in the lives of all units up to the as-of day.

    Args:
        units: the units' state at `as_of`: what they are, and how they ended.
        dated: `dated_donations`: what assumed units are told by.
        unit_parents: which units were made of others.
        steps: `steps_of_units`: releases, holds, reservations, movements, receipts.
        places: `all_facilities`: time zones.
        as_of: the last local day that counts.
        params: presumed_outdated_days.
    """
    known = kept(lives(units, dated, places, as_of, params))
    return _changes(_placed(moments(known, steps, unit_parents, as_of), places)).select(*TABLE.columns)


def _placed(moments: DataFrame, places: DataFrame) -> DataFrame:
    """Add where each moment leaves its unit: to_facility_id, to_standing; both NULL when it ended."""
    what, on = F.col("what"), F.col("on")
    running = {
        **deciding_steps(F.lit(True)),
        "is_reactive": F.max(what == REACTIVE),
        "is_label_disputed": F.max(what == DISPUTED),
        "known_on": F.max(F.when(F.col("phase") <= RECORD_PHASE, on)),
    }
    told = moments.withColumns({name: aggregate.over(so_far()) for name, aggregate in running.items()})
    is_over = what.isin(FOUND, ENDED)
    at_end = with_place(told, on).withColumns(
        {
            "place_id": F.when(is_over, F.col("ended_at_facility_id")).otherwise(F.col("place_id")),
            "is_moving": F.col("is_moving") & ~is_over,
        }
    )
    zones = F.broadcast(places.select(F.col("facility_id").alias("place_id"), F.col("timezone").alias("place_zone")))
    here = F.when(F.col("is_moving"), IN_TRANSIT).otherwise(F.coalesce("place_id", F.lit(UNKNOWN)))
    state = standing(on)
    stands = F.when(state.isin(*ON_HAND) & _is_expired(), EXPIRED).otherwise(state)
    lasts = what != ENDED
    return at_end.join(zones, "place_id", how="left").withColumns(
        {"to_facility_id": F.when(lasts, here), "to_standing": F.when(lasts, stands)}
    )


def _is_expired() -> Column:
    """Whether the last usable day is over."""
    until = last_day(F.col("expires_at"), F.coalesce("place_zone", F.lit(UTC)))
    is_past = (until < F.col("on")) | ((until == F.col("on")) & (F.col("what") == EXPIRED))
    return F.coalesce(is_past, F.lit(False))


def _changes(placed: DataFrame) -> DataFrame:
    """The moments that change something, numbered, with where the unit was before."""
    now = F.struct("to_facility_id", "to_standing")
    followed = _since_import(placed).withColumn("was", F.lag(now).over(in_order()))
    changed = followed.where(~F.col("was").eqNullSafe(now))
    is_first = F.col("was").isNull()
    way_in = F.when(F.col("is_imported"), "imported").when(F.col("what") == MADE_OF, "converted_in")
    why = F.when(is_first, way_in.otherwise("produced")).when(F.col("what") == ENDED, F.col("end_state"))
    is_undated = F.col("what").isin(FOUND, ENDED) & ~F.col("is_dated")
    return changed.withColumns(
        {
            "move_number": F.row_number().over(in_order()),
            "moved_on": F.when(is_undated, F.col("known_on")).otherwise(F.col("on")),
            "moved_at": F.col("at"),
            "is_dated": ~is_undated,
            "why": why.otherwise(F.col("what")),
            "from_facility_id": F.col("was")["to_facility_id"],
            "from_standing": F.col("was")["to_standing"],
        }
    )


def _since_import(placed: DataFrame) -> DataFrame:
    """Leave out the life of an import with the service that made it, where a movement tells when it came."""
    step = F.col("step")
    is_import = F.coalesce((step["what"] == "shipped") & (step["kind"] == "import"), F.lit(False))
    known = placed.withColumns({"has_come": F.max(is_import).over(so_far()), "comes": F.max(is_import).over(of_unit())})
    return known.where(F.col("has_come") | ~(F.col("is_imported") & F.col("comes")))
