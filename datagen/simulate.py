"""One day of the service, in the order in which things happen."""

import numpy as np

from datagen import bedside, collection, components, flow, modify, patients, people, places, supply, testing
from datagen.orders import Dispatch
from datagen.plan import Plan
from datagen.scenarios import Course
from datagen.shelves import Shelves
from datagen.world import Day, World
from datagen.writer import Outbox


def new_world(plan: Plan, *, seed: int, start: int, donors: int, course: Course | None = None) -> World:
    """A world before its first day, `start`; `donors` is the size of its register."""
    demand = np.asarray(supply.expected_demand(plan, donors))
    return World(seed, start, start, donors, plan, demand, course=course or Course())


def live_day(world: World, outbox: Outbox) -> None:
    """Live the world's next day and put its records into `outbox`."""
    day = Day(world, world.next_day, outbox)
    if day.number == world.start:
        places.open_places(day)
        people.register(day)
    flow.arrive(day)
    flow.outdate(day)
    flow.fail_cold_store(day)
    by_group, platelet_pull = supply.appeals(day)
    supply.import_units(day)
    supply.trade(day)
    patients.admit(day)
    _laboratory(day)
    _hospitals(day)
    collection.collect(day, by_group, platelet_pull)
    components.prepare(day)
    modify.make_cryo(day)
    modify.ship_for_manufacture(day)
    modify.send_to_hub(day)
    bedside.order_ahead(day)
    patients.discharge(day)
    people.leave(day)
    supply.learn(day)
    flow.clear(day)
    world.next_day += 1


def _laboratory(day: Day) -> None:
    testing.recall(day)
    testing.confirm(day)
    testing.culture(day)
    modify.pool_platelets(day)
    modify.courier_platelets(day)
    testing.report_donations(day)
    testing.hold_after_calls(day)


def _hospitals(day: Day) -> None:
    shelves, dispatch = Shelves(day.world["units"]), Dispatch()
    supply.stock_orders(day, shelves, dispatch)
    bedside.serve(day, shelves, dispatch)
    supply.send_back(day)
