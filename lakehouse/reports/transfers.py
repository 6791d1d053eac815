"""The section of the report on transfers: the moves that are worth most, with the names of both places."""

from pyspark.sql import Row

from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.reports import queries, words
from lakehouse.reports.facts import ReportFacts
from lakehouse.reports.sections import Read, View

SUGGESTIONS = "transfer_suggestions"
SHOWN = 15


def transfers(read: Read, facts: ReportFacts) -> View:
    """Suggested moves, the greatest gain first; not `is_built` where the lake leaves them out."""
    if SUGGESTIONS not in facts.versions:
        return {"is_built": False}
    places = all_facilities(read("facilities"), read("hospitals"))
    rows = queries.transfers(read(SUGGESTIONS), places).collect()
    return {
        "is_built": True,
        "rows": [_move(row) for row in rows[:SHOWN]],
        "left_out": max(0, len(rows) - SHOWN),
        "units": words.plural(sum(row.units for row in rows), "unit"),
        "gain": words.number(sum(row.gain for row in rows), 1),
        "shortage_cost": f"{float(facts.params['transfer_shortage_cost']):g}",
    }


def _move(row: Row) -> View:
    is_own = row.abo_rhd == row.for_abo_rhd
    return {
        "units": words.number(row.units),
        "component": words.component(row.component),
        "group": words.group(row.abo_rhd) + ("" if is_own else f" for {words.group(row.for_abo_rhd)}"),
        "from": row.from_name,
        "to": row.to_name,
        "expires_on": words.day(row.expires_on),
        "depart_by": words.day(row.depart_by),
        "gain": words.number(row.gain, 1),
    }
