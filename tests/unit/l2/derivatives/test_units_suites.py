"""The suites of units and refused events know the states and reasons of the code."""

from lakehouse.config import HOME
from lakehouse.gates.suite import read_suite
from lakehouse.l2.derivatives import refused_events, units


def values(name: str, rule: str) -> tuple[str, ...]:
    suite = read_suite(HOME / "expectations" / "l2" / f"{name}.json")
    return tuple(next(found.kwargs["value_set"] for found in suite.rules if found.id == rule))


def test_suites__know_the_states_and_reasons_of_the_code() -> None:
    assert values("units", "units.state.known_value") == units.STATES
    assert values("units", "units.abo_rhd.known_value") == ("O+", "O-", "A+", "A-", "B+", "B-", "AB+", "AB-")
    assert values("refused_events", "refused_events.reason.known_value") == refused_events.REASONS
