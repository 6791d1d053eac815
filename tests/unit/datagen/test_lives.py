"""The lives of units break no rule: tested before issue, in date, compatible, ended once, in order."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from world_files import Record, Records, current

from datagen.planner import load_plans
from lakehouse.domain.blood_groups import plasma_groups, red_cell_groups

SHORT = {
    f"{abo} {word}": abo + sign
    for abo in ("O", "A", "B", "AB")
    for word, sign in (("positive", "+"), ("negative", "-"))
}
DAYS = {"red_cells": 42, "platelets": 5}


@pytest.fixture(scope="module")
def units(records: Records) -> dict[str, Record]:
    return {record["unit_id"]: record for record in records["components"]}


@pytest.fixture(scope="module")
def ends(records: Records) -> dict[str, Record]:
    return {record["unit_id"]: record for record in records["dispositions"]}


def test_unit__ends_at_most_once(records: Records) -> None:
    counts = Counter(record["unit_id"] for record in records["dispositions"])
    assert max(counts.values()) == 1


def test_all_kinds_of_lives_are_lived(records: Records) -> None:
    kinds = {record["kind"] for record in records["dispositions"]}
    assert {"transfused", "outdated", "discarded", "further_manufacture", "consumed"} <= kinds
    assert {record["kind"] for record in records["unit_parents"]} == {"pooled", "modified"}
    assert {"released", "quarantined", "received", "reserved", "unreserved"} <= {
        record["kind"] for record in records["unit_events"]
    }


def test_transfusion__in_date_and_outdating_after(units: dict[str, Record], ends: dict[str, Record]) -> None:
    for unit, end in ends.items():
        if end["kind"] == "outdated":
            assert end["happened_at"] > units[unit]["expires_at"]
        else:
            assert end["happened_at"] <= units[unit]["expires_at"]


def test_transfusion__compatible(units: dict[str, Record], ends: dict[str, Record], records: Records) -> None:
    patients = current(records["patients"], "admission_id")
    allowed = {"red_cells": red_cell_groups, "plasma": plasma_groups}
    given: Counter[str] = Counter()
    for unit, end in ends.items():
        component = units[unit]["component"]
        if end["kind"] == "transfused" and component in allowed:
            patient = patients[end["admission_id"]]
            assert patient["patient_id"] == end["patient_id"]
            assert SHORT[units[unit]["blood_type"]] in allowed[component](SHORT[patient["blood_type"]])
            given[component] += 1
    assert min(given[component] for component in allowed) > 20


def test_issue__only_after_release_and_final_tests(records: Records, units: dict[str, Record]) -> None:
    reported: dict[str, str] = defaultdict(str)
    reactive = set()
    for result in records["test_results"]:
        if result["is_final"]:
            reported[result["din"]] = max(reported[result["din"]], result["resulted_at"])
            if result["result"] == "reactive":
                reactive.add(result["din"])
    released: dict[str, str] = {}
    for event in records["unit_events"]:
        if event["kind"] == "released":
            released.setdefault(event["unit_id"], event["happened_at"])
    issues = [movement for movement in records["distribution"] if movement["kind"] == "issue"]
    assert issues
    for issue in issues:
        din = units[issue["unit_id"]].get("din")
        assert released[issue["unit_id"]] <= issue["shipped_at"]
        assert din is None or reported[din] <= issue["shipped_at"]
        assert din not in reactive


def test_reactive_donations__give_no_unit_to_anyone(records: Records, ends: dict[str, Record]) -> None:
    donations = current(records["donations"], "din").values()
    reactive = {donation["din"] for donation in donations if donation.get("reject_reason") == "reactive"}
    assert reactive
    fates = {end["kind"] for unit, end in ends.items() if unit.split("-")[0] in reactive}
    assert fates == {"discarded"}
    assert all(donation["test_result"] is False for donation in donations if donation["din"] in reactive)


def test_events__stand_in_order(records: Records, units: dict[str, Record], ends: dict[str, Record]) -> None:
    for unit in units.values():
        assert unit["collected_at"] < unit["prepared_at"] < unit["expires_at"]
    lives = [(event["unit_id"], event["happened_at"]) for event in records["unit_events"]]
    lives += [(movement["unit_id"], movement["shipped_at"]) for movement in records["distribution"]]
    for unit, happened_at in lives:
        assert units[unit]["prepared_at"] <= happened_at
        assert unit not in ends or happened_at <= ends[unit]["happened_at"]


def test_places__a_unit_moves_from_where_it_is_and_ends_there(
    records: Records, units: dict[str, Record], ends: dict[str, Record]
) -> None:
    place = {unit: record["facility_id"] for unit, record in units.items()}
    moves = current(records["distribution"], "distribution_id").values()
    for move in sorted(moves, key=lambda move: str(move["shipped_at"])):
        assert move["from_facility_id"] == place[move["unit_id"]]
        assert move.get("received_at", "9") > move["shipped_at"]
        place[move["unit_id"]] = move["to_facility_id"]
    assert all(end["facility_id"] == place[unit] for unit, end in ends.items())


def test_reservation__one_patient_at_a_time(records: Records, ends: dict[str, Record]) -> None:
    holder: dict[str, str] = {}
    events = [event for event in records["unit_events"] if event["kind"] in ("reserved", "unreserved")]
    for event in sorted(events, key=lambda event: str(event["happened_at"])):
        if event["kind"] == "reserved":
            assert event["unit_id"] not in holder
            holder[event["unit_id"]] = event["patient_id"]
        else:
            assert holder.pop(event["unit_id"]) == event["patient_id"]
    transfused = {unit: end["patient_id"] for unit, end in ends.items() if end["kind"] == "transfused"}
    assert holder == transfused


def test_labels__end_at_2359_local_on_the_last_day(units: dict[str, Record]) -> None:
    zone = ZoneInfo("America/Chicago")
    for unit in units.values():
        if unit["component"] == "cryoprecipitate" and unit["storage"] == "thawed":
            continue
        expires = datetime.fromisoformat(unit["expires_at"]).astimezone(zone)
        collected = datetime.fromisoformat(unit["collected_at"]).astimezone(zone)
        assert (expires.hour, expires.minute) == (23, 59)
        days = DAYS.get(unit["component"])
        if days is not None:
            made = datetime.fromisoformat(unit["prepared_at"]).astimezone(zone)
            irradiated = 28 if unit["is_irradiated"] and unit["component"] == "red_cells" else 999
            last = min(collected.date() + timedelta(days=days), made.date() + timedelta(days=irradiated))
            assert expires.date() == last


def test_thawed__made_at_the_hospital_for_a_patient_and_kept_for_days_or_hours(
    records: Records, units: dict[str, Record], ends: dict[str, Record]
) -> None:
    zone = ZoneInfo("America/Chicago")
    parents = {link["unit_id"]: units[link["parent_unit_id"]] for link in records["unit_parents"]}
    hospitals = {record["facility_id"] for record in records["facilities"] if record["kind"] == "hospital"}
    fates: dict[str, set[str]] = defaultdict(set)
    for unit in units.values():
        if unit["storage"] == "thawed":
            parent, made = parents[unit["unit_id"]], datetime.fromisoformat(unit["prepared_at"])
            assert (parent["storage"], parent["component"]) == ("frozen", unit["component"])
            assert unit["facility_id"] in hospitals
            expires = datetime.fromisoformat(unit["expires_at"])
            if unit["component"] == "plasma":
                assert (expires.astimezone(zone).date() - made.astimezone(zone).date()).days == 5
            else:
                assert expires - made == timedelta(hours=4)
            fates[unit["component"]].add(ends.get(unit["unit_id"], {"kind": "in stock"})["kind"])
    assert all("transfused" in fates[component] for component in ("plasma", "cryoprecipitate"))
    given = [units[unit] for unit, end in ends.items() if end["kind"] == "transfused"]
    assert all(unit["storage"] != "frozen" for unit in given)


def test_intervals__are_kept(records: Records) -> None:
    days = {"whole_blood": 56, "double_red_cells": 112, "apheresis_platelets": 7, "plasma": 28}
    before: dict[str, tuple[datetime, str]] = {}
    repeats = 0
    donations = current(records["donations"], "din").values()
    for donation in sorted(donations, key=lambda donation: str(donation["collected_at"])):
        on = datetime.fromisoformat(donation["donation_date"])
        if donation["donor_id"] in before:
            last, procedure = before[donation["donor_id"]]
            assert (on - last).days >= days[procedure]
            repeats += 1
        before[donation["donor_id"]] = (on, donation["procedure"])
    assert repeats


def test_parents__are_consumed_when_the_unit_is_made(records: Records, ends: dict[str, Record]) -> None:
    for link in records["unit_parents"]:
        assert ends[link["parent_unit_id"]]["kind"] == "consumed"
        assert ends[link["parent_unit_id"]]["happened_at"] == link["made_at"]


def test_shelves__fresh_where_they_turn_over_slowly_and_sent_back_while_they_last(
    records: Records, units: dict[str, Record]
) -> None:
    stock = next(iter(load_plans().values())).stock
    beds = {record["NPI"]: record["beds"] for record in records["hospitals"]}
    npis = {record["facility_id"]: record["NPI"] for record in records["facilities"] if record.get("NPI")}
    orders = {request["request_id"]: request for request in records["blood_requests"]}
    restocked = returned = 0
    for move in current(records["distribution"], "distribution_id").values():
        unit = units[move["unit_id"]]
        left = (datetime.fromisoformat(unit["expires_at"]) - datetime.fromisoformat(move["shipped_at"])).days
        if move["kind"] == "return":
            assert stock.remote_beds < beds[npis[move["from_facility_id"]]] < stock.rotating_beds
            assert stock.return_above_days <= left < stock.return_below_days
            returned += 1
        elif unit["component"] == "red_cells" and orders.get(move.get("request_id"), {}).get("order_kind") == "stock":
            is_slow = beds[move["NPI"]] < stock.rotating_beds
            assert left >= (stock.fresh_days if is_slow else stock.least_days)
            restocked += 1
    assert min(restocked, returned) > 5
