"""A row is a transfer worth making now: units of one shelf and expiry day, to a facility that will use them.

Per region and component, by the demand that `expiry_outlook` expects; see `transfer_suggestions_plan`. Units that no
record places, or of an unknown group or dating, are moved by nobody. Ordinary issues from a centre are no transfers.

Slice: a region and component; touched by its shelves.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.expiry_outlook import held_units
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.shelf_demand import SHELF
from lakehouse.l2.derivatives.transfer_suggestions_plan import planned
from lakehouse.l2.derivatives.transfer_suggestions_routes import Travel, hours_between
from lakehouse.l2.derivatives.transfer_suggestions_shelves import Rules, Shelf, days_needed
from lakehouse.table import DATE, INT, NUMBER, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="transfer_suggestions",
    grain="available units of one shelf and last usable day, to be moved to another facility to meet a group's demand",
    key=("from_facility_id", "to_facility_id", "component", "abo_rhd", "expires_on", "for_abo_rhd"),
    fields=(
        Field("from_facility_id", TEXT, "the hospital that has the units", required=True),
        Field("to_facility_id", TEXT, "the hospital or centre that will use them", required=True),
        Field("region", TEXT, "region of both; 'unknown' where no record tells", required=True),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "group of the units", required=True),
        Field("for_abo_rhd", TEXT, "group whose demand they meet: their own, or one that may get it", required=True),
        Field("expires_on", DATE, "last local day on which the units can be used", required=True),
        Field("units", INT, "how many", required=True),
        Field("hours", NUMBER, "from leaving to being on the shelf: handling and road", required=True),
        Field("depart_by", DATE, "last local day to leave with enough days of use left", required=True),
        Field(
            "outdates_avoided",
            NUMBER,
            "units, on average: the row's part of what the plan saves",
            required=True,
        ),
        Field("shortage_avoided", NUMBER, "units: the same of what would have been missing", required=True),
        Field(
            "gain",
            NUMBER,
            "in units lost: outdates_avoided + cost of a shortage x shortage_avoided; above 0",
            required=True,
        ),
        Field("as_of", DATE, "the day at whose end the stock was so", required=True),
    ),
    law="no more units leave a shelf than are available on it",
)
GROUP = ("region", "component")
NEVER = 10**6
"""Days left of units without dating."""


def build(
    units: DataFrame,
    expiry_outlook: DataFrame,
    places: DataFrame,
    facilities: DataFrame,
    hospitals: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Transfers worth making on the day after `as_of`.

    Args:
        units: the units' state at `as_of`.
        expiry_outlook: shelves with the demand expected of them.
        places: `all_facilities`: time zones and regions.
        facilities: coordinates.
        hospitals: coordinates of hospitals that have none in `facilities`.
        as_of: local day of each facility.
        params: outlook_days, and the `transfer_` ones (see `rules_of` and `Travel`).
    """
    rules, travel = rules_of(params), Travel.of(params)
    wanted = F.coalesce("region", F.lit(UNKNOWN)).alias("region")
    shelves = expiry_outlook.where((F.col("facility_id") != UNKNOWN) & (F.col("abo_rhd") != UNKNOWN)).select(
        *SHELF, wanted, (F.col("facility_kind") != "hospital").alias("is_centre"), "expected_demand"
    )
    by_day = _stock(units, places, as_of)
    located = shelves.join(by_day, list(SHELF), how="left").join(
        F.broadcast(coordinates(facilities, hospitals)), "facility_id", how="left"
    )

    def suggested(shelves: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(list(transfers(shelves, as_of, rules, travel)), columns=list(TABLE.columns))

    return located.groupBy(*GROUP).applyInPandas(suggested, TABLE.schema).select(*TABLE.columns)


def rules_of(params: Mapping[str, Any]) -> Rules:
    """The rules of the plan."""
    return Rules(
        outlook_days=int(params["outlook_days"]),
        cover_days=int(params["transfer_cover_days"]),
        hours_max=float(params["transfer_hours_max"]),
        days_left_min=int(params["transfer_days_left_min"]),
        centre_days=int(params["transfer_centre_days"]),
        shortage_cost=float(params["transfer_shortage_cost"]),
        move_cost=float(params["transfer_move_cost"]),
        demand_spread=float(params["transfer_demand_spread"]),
    )


def coordinates(facilities: DataFrame, hospitals: DataFrame) -> DataFrame:
    """facility_id, latitude, longitude: of the facility's own record, else of the hospital's with its NPI."""
    known = hospitals.select("npi", F.struct("latitude", "longitude").alias("of_hospital"))
    npi = F.coalesce("npi", "facility_id").alias("npi")  # an NPI may be the facility's id
    own = facilities.select("facility_id", npi, F.struct("latitude", "longitude").alias("own"))
    both = own.join(known, "npi", how="full").withColumn("facility_id", F.coalesce("facility_id", "npi"))
    return both.select("facility_id", _either("latitude"), _either("longitude"))


def _either(name: str) -> Column:
    is_whole = F.col("own.latitude").isNotNull() & F.col("own.longitude").isNotNull()
    return F.when(is_whole, F.col(f"own.{name}")).otherwise(F.col(f"of_hospital.{name}")).alias(name)


def _stock(units: DataFrame, places: DataFrame, as_of: date) -> DataFrame:
    """Units in date of each shelf by their last usable day: in_stock, and of them movable.

    What a hospital has thawed, irradiated or divided itself stays: it was made ready for a patient there.
    """
    held = held_units(units, places, as_of).where("is_in_date")
    movable = (F.col("state") == "available") & F.col("expires_on").isNotNull() & ~F.col("is_remade_here")
    return (
        held.where(F.col("state").isin("available", "reserved"))
        .groupBy(*SHELF, "expires_on")
        .agg(F.count("*").alias("in_stock"), F.count_if(movable).alias("movable"))
    )


def transfers(rows: pd.DataFrame, as_of: date, rules: Rules, travel: Travel) -> Iterator[dict[str, Any]]:
    """Rows of this table for one region and component; `rows` has one for each shelf and last usable day."""
    region, component = rows["region"].iloc[0], rows["component"].iloc[0]
    shelves = list(_shelves(rows, as_of).values())
    hours = hours_between(rows, travel)
    plan = planned(component, shelves, hours, rules)
    total = sum(units for _, units in plan.moves)
    for move, units in plan.moves:
        source, target = shelves[move.source], shelves[move.target]
        on = as_of + timedelta(days=move.days_left)
        yield {
            "from_facility_id": source.facility,
            "to_facility_id": target.facility,
            "region": region,
            "component": component,
            "abo_rhd": source.group,
            "for_abo_rhd": target.group,
            "expires_on": on,
            "units": units,
            "hours": move.hours,
            "depart_by": on - timedelta(days=days_needed(move.hours, target, rules) - 1),
            "outdates_avoided": plan.outdates_avoided * units / total,
            "shortage_avoided": plan.shortage_avoided * units / total,
            "gain": plan.gain(rules) * units / total,
            "as_of": as_of,
        }


def _shelves(rows: pd.DataFrame, as_of: date) -> dict[tuple[str, str], Shelf]:
    found: dict[tuple[str, str], Shelf] = {}
    for row in rows.sort_values(["facility_id", "abo_rhd", "expires_on"], kind="stable").to_dict("records"):
        key = (row["facility_id"], row["abo_rhd"])
        shelf = found.setdefault(key, Shelf(*key, bool(row["is_centre"]), float(row["expected_demand"])))
        if pd.isna(row["in_stock"]):
            continue
        is_dated = not pd.isna(row["expires_on"])
        left = (row["expires_on"] - as_of).days if is_dated else NEVER
        shelf.stock[left] = shelf.stock.get(left, 0) + int(row["in_stock"])
        if row["movable"]:
            shelf.movable[left] = int(row["movable"])
    return found
