"""A positive culture ends every unit of the donation before one of them is issued."""

from dataclasses import replace
from datetime import date

import orjson

from datagen.days import number_of
from datagen.planner import load_plans
from datagen.simulate import live_day, new_world
from datagen.writer import Outbox, lines


def test_positive_culture__ends_all_units_of_the_donation() -> None:
    plan = load_plans()["north_river"]
    # One culture in four is positive here, in a plan that makes many pools of whole-blood platelets.
    plan = replace(
        plan,
        testing=replace(plan.testing, culture_reactive=0.25),
        components=replace(plan.components, pools_a_1000_donors_a_day=2.0),
    )
    world = new_world(plan, seed=3, start=number_of(date(2024, 4, 1)), donors=3000)
    outbox = Outbox()
    for _ in range(12):
        live_day(world, outbox)
    records = {
        feed: [orjson.loads(line) for line in lines(frame).splitlines()] for feed, frame in outbox.frames().items()
    }
    positive = {
        result["din"]
        for result in records["test_results"]
        if result["marker"] == "bacterial" and result["result"] == "reactive"
    }
    made = {unit["unit_id"]: unit for unit in records["components"] if unit.get("din") in positive}
    fates = {end["unit_id"]: end["kind"] for end in records["dispositions"] if end["unit_id"] in made}
    assert {unit["component"] for unit in made.values()} >= {"red_cells", "platelets"}
    assert set(fates) == set(made)
    # Recovered plasma may have gone for manufacture the evening before.
    assert set(fates.values()) <= {"discarded", "further_manufacture"}
    assert not [move for move in records["distribution"] if move["kind"] == "issue" and move["unit_id"] in made]
