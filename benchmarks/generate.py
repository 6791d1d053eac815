"""The generator: records a second, memory over the years, and donors beside a row-by-row loop with Faker."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from faker import Faker

from benchmarks.harness import Measurement, at_least, at_most, seconds
from datagen import people
from datagen.days import number_of
from datagen.planner import load_plans
from datagen.simulate import new_world
from datagen.world import Day
from datagen.writer import Outbox, lines
from lakehouse.config import HOME

START = date(2024, 1, 1)
DONORS_BY_LOOP = 3_000
DONORS_AT_ONCE = 60_000


def measure(folder: Path, times: int) -> list[Measurement]:
    """Speed of two big regions on two cores, memory of one and five years, donors beside a loop."""
    rounds = range(times)
    return [
        at_least("generated records", [_records_a_second(folder) for _ in rounds], "records/s", 300_000),
        at_most(
            "memory of 5 years beside 1", [_memory(folder, 5) / _memory(folder, 1) for _ in rounds], "x 1 year", 1.25
        ),
        at_least("donors beside a loop", [_loop() / _at_once() for _ in rounds], "x loop", 50, "Faker, row by row"),
    ]


def _records_a_second(folder: Path) -> float:
    out, records = folder / "generated", []
    shutil.rmtree(out, ignore_errors=True)
    regions = ("--regions", "north_river,lake_plain")
    took = seconds(lambda: records.append(_history(out, "--days", "120", "--donors", "100000", *regions)))
    return records[0] / took


def _history(out: Path, *options: str) -> int:
    command = [sys.executable, "-m", "datagen", "history", "--start", str(START), "--out", str(out), *options]
    done = subprocess.run(command, cwd=HOME, stdout=subprocess.PIPE, text=True, check=True)
    return sum(json.loads(done.stdout).values())


def _memory(folder: Path, years: int) -> float:
    """Peak resident bytes of a process that lives so many years of one region."""
    out = folder / "years"
    shutil.rmtree(out, ignore_errors=True)
    options: Sequence[str] = ("--start", str(START), "--days", str(365 * years), "--donors", "5000", "--out", str(out))
    source = "import resource, sys; from datagen.cli import main; main(sys.argv[1:])"
    source += "; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    command = [sys.executable, "-c", source, "history", *options]
    done = subprocess.run(command, cwd=HOME, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def _at_once() -> float:
    """Seconds a donor, as the generator registers and writes them."""
    plan = next(iter(load_plans().values()))
    outbox = Outbox()
    world = new_world(plan, seed=1, start=number_of(START), donors=DONORS_AT_ONCE)

    def register() -> None:
        people.register(Day(world, number_of(START), outbox))
        lines(outbox.frames()["donors"])

    return seconds(register) / DONORS_AT_ONCE


def _loop() -> float:
    """Seconds a donor, drawn and written one by one, as small generators do."""
    fake = Faker("en_US")
    fake.seed_instance(1)
    return seconds(lambda: [json.dumps(_donor(fake, number)) for number in range(DONORS_BY_LOOP)]) / DONORS_BY_LOOP


def _donor(fake: Faker, number: int) -> dict[str, object]:
    born = fake.date_of_birth(minimum_age=17, maximum_age=80)
    return {
        "donor_id": f"D{number:010d}",
        "unique_id": fake.bothify("R##########"),
        "name": fake.name(),
        "birthdate": born.isoformat(),
        "age": fake.random_int(17, 80),
        "sex": fake.random_element(("Female", "Male")),
        "ethnicity": fake.random_element(("White", "Black or African American", "Hispanic or Latino", "Asian")),
        "blood_type": fake.random_element(("O positive", "O negative", "A positive", "A negative")),
        "first_donation_date": fake.date_this_decade().isoformat(),
        "last_donation_date": fake.date_this_year().isoformat(),
        "total_donations": fake.random_int(1, 60),
        "address": fake.street_address(),
        "city": fake.city(),
        "state": fake.state_abbr(),
        "postal_code": fake.postcode(),
        "phone": fake.phone_number(),
        "email": fake.email(),
        "region": "north_river",
        "registered_at": fake.iso8601(),
        "is_contactable": fake.boolean(),
        "recorded_at": fake.iso8601(),
        "source_system": "donor_register",
    }
