"""What became of each request: which day and group it is demand of, and what was filled, late, substituted or unmet."""

from collections.abc import Callable
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, event_date, is_said_by_day
from lakehouse.l2.derivatives.placed_moves import UNKNOWN, first_place_per_npi

COUNTS = (
    "requested",
    "cancelled",
    "filled_on_time",
    "filled_exact",
    "substituted",
    "received",
    "unmet",
    "requested_patient",
    "requested_stock",
)
OF_REQUEST = ("demand_on", "facility_id", "region", "component", "abo_rhd", "order_kind", "urgency")
DAY = "INTERVAL '24' HOUR"


def judged_requests(blood_requests: DataFrame, moves: DataFrame, places: DataFrame, *, as_of: date) -> DataFrame:
    """One row a request, as it stood at the end of `as_of` at its hospital.

    Args:
        blood_requests: conformed requests.
        moves: movements with their units (`placed_moves`).
        places: all facilities.
        as_of: arrivals, closings and cancellations after this local day are not seen.

    Returns:
        demand_on, facility_id (the NPI where no facility has it), region, component, abo_rhd (group ordered),
        order_kind, urgency (as sent) and `COUNTS` (INT).
    """
    known = blood_requests.join(_replacements(blood_requests), "request_id", how="left")
    return (
        _timed(known, places, as_of)
        .join(_arrivals(moves, as_of), "request_id", how="left")
        .withColumns(_tallies())
        .withColumn("requested", F.coalesce("units_requested", F.lit(0)))
        .withColumn("cancelled", _cancelled())
        .withColumn("filled_on_time", F.least("in_time", _net()))
        .withColumn("filled_exact", F.least("in_time_exact", "filled_on_time"))
        .withColumn("substituted", F.least("in_time_other", F.col("filled_on_time") - F.col("filled_exact")))
        .withColumn("unmet", F.when(_has_closed(), F.greatest(_net() - F.col("by_closing"), F.lit(0))).otherwise(0))
        .withColumn("requested_patient", F.when(F.col("order_kind") == "patient", F.col("requested")).otherwise(0))
        .withColumn("requested_stock", F.col("requested") - F.col("requested_patient"))
        .select(*OF_REQUEST, *[F.col(name).cast("int") for name in COUNTS])
    )


def placed_requests(blood_requests: DataFrame, places: DataFrame) -> DataFrame:
    """The requests with where and when they are demand.

    Returns:
        all columns, `abo_rhd` being the group ordered, and needed_at and closed_at that were sent as bare dates the end
        of those days; facility_id (the NPI where no facility has it), region, zone,
        ordered_on and demand_on (days local to the hospital).
    """
    hospitals = first_place_per_npi(places).select("npi", "facility_id", "region", F.col("timezone").alias("zone"))
    placed = blood_requests.drop("abo_rhd").join(F.broadcast(hospitals), "npi", how="left")
    zone = F.coalesce("zone", F.lit("UTC"))
    return placed.withColumns(
        {
            "zone": zone,
            "ordered_on": event_date(F.col("requested_at"), F.col("is_date_only"), zone),
            "facility_id": F.coalesce("facility_id", "npi", F.lit(UNKNOWN)),
            "region": F.coalesce("region", F.lit(UNKNOWN)),
            "abo_rhd": F.coalesce("group_ordered", F.lit(UNKNOWN)),
            **{name: _by_end_of_day(name, zone) for name in ("needed_at", "closed_at")},
        }
    ).withColumn("demand_on", F.coalesce(event_date(F.col("needed_at"), F.lit(False), F.col("zone")), "ordered_on"))


def _by_end_of_day(name: str, zone: Column) -> Column:
    return F.when(is_said_by_day(name), end_of_day(F.to_date(name), zone)).otherwise(F.col(name))


def _timed(blood_requests: DataFrame, places: DataFrame, as_of: date) -> DataFrame:
    """Requests made by the end of `as_of` with their region, local day and deadlines.

    Adds to `placed_requests` due_at (the units are needed by then), closes_at (what is not here then is unmet),
    as_of_end and is_replaced. Without `needed_at`, units are due 24 hours after the order,
    and an order known by its day alone is due by the end of that day.
    """
    zone, ordered_on = F.col("zone"), F.col("ordered_on")
    replaced_on = event_date(F.col("replacement.requested_at"), F.col("replacement.is_date_only"), zone)
    due_if_unsaid = F.when(F.col("is_date_only"), end_of_day(ordered_on, zone)).otherwise(_a_day_after("requested_at"))
    closed_at = F.when(F.col("closed_at") <= F.col("as_of_end"), F.col("closed_at"))
    return (
        placed_requests(blood_requests, places)
        .where(ordered_on <= F.lit(as_of))
        .withColumn("is_replaced", replaced_on <= F.lit(as_of))
        .withColumn("as_of_end", end_of_day(F.lit(as_of), zone))
        .withColumn("due_at", F.coalesce("needed_at", due_if_unsaid))
        .withColumn("closes_at", F.coalesce(closed_at, _a_day_after("needed_at"), "due_at"))
    )


def _a_day_after(instant: str) -> Column:
    return F.col(instant) + F.expr(DAY)


def _replacements(blood_requests: DataFrame) -> DataFrame:
    """When the first request that replaces another was made: what that one has not got is ordered anew there."""
    newer = blood_requests.where(F.col("replaces_request_id").isNotNull())
    first = F.min(F.struct("requested_at", "is_date_only")).alias("replacement")
    return newer.groupBy(F.col("replaces_request_id").alias("request_id")).agg(first)


def _arrivals(moves: DataFrame, as_of: date) -> DataFrame:
    """Units that arrived on each request by the end of `as_of`: `arrivals` holds the instant and group of each.

    A unit that came, went back and came again on one request arrived once, the first time. A leg of its way, to a
    centre or a hub, brings nothing to the hospital yet.
    """
    is_there = F.col("is_issue") | F.col("to_kind").isNull()
    inbound = ~F.coalesce("kind", F.lit("issue")).isin("return", "export") & is_there
    arrived = moves.where(inbound & F.col("request_id").isNotNull() & (F.col("arrived_on") <= F.lit(as_of)))
    once = arrived.groupBy("request_id", F.coalesce("unit_id", "distribution_id").alias("arrival")).agg(
        F.min(F.struct(F.col("arrived_at").alias("at"), F.col("abo_rhd").alias("group"))).alias("first")
    )
    return once.groupBy("request_id").agg(F.collect_list("first").alias("arrivals"))


def _tallies() -> dict[str, Column]:
    """Counts over a request's arrivals. An order of any or of an unknown group is met by every group."""
    ordered = F.col("abo_rhd")

    def is_exact(unit: Column) -> Column:
        return ordered.isin("any", UNKNOWN) | F.coalesce(unit["group"] == ordered, F.lit(False))

    return {
        "received": _how_many(lambda unit: F.lit(True)),
        "in_time": _how_many(lambda unit: unit["at"] <= F.col("due_at")),
        "in_time_exact": _how_many(lambda unit: (unit["at"] <= F.col("due_at")) & is_exact(unit)),
        "in_time_other": _how_many(
            lambda unit: (unit["at"] <= F.col("due_at")) & ~is_exact(unit) & unit["group"].isNotNull()
        ),
        "by_closing": _how_many(lambda unit: unit["at"] <= F.col("closes_at")),
    }


def _how_many(matches: Callable[[Column], Column]) -> Column:
    return F.coalesce(F.size(F.filter("arrivals", matches)), F.lit(0))


def _cancelled() -> Column:
    """As sent; a request cancelled or replaced as a whole also gives up all that had not come by its closing."""
    is_given_up = F.coalesce(F.lower("status") == "cancelled", F.lit(False)) | F.coalesce("is_replaced", F.lit(False))
    rest = F.when(is_given_up, F.col("requested") - F.col("by_closing")).otherwise(0)
    said = F.greatest(F.coalesce("units_cancelled", F.lit(0)), rest, F.lit(0))
    is_seen = F.coalesce(F.col("closed_at") <= F.col("as_of_end"), F.lit(True))
    return F.when(is_seen, F.least(said, "requested")).otherwise(0)


def _net() -> Column:
    return F.col("requested") - F.col("cancelled")


def _has_closed() -> Column:
    return F.col("closes_at") <= F.col("as_of_end")
