"""Rules on a transfusion: out of date, or of a group that the patient should not have had. Each reads a use."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.columns import last_day
from lakehouse.domain.blood_groups import abo, is_plasma_compatible, is_red_cell_abo_compatible, is_rhd_positive
from lakehouse.domain.kinds import RED_CELLS
from lakehouse.l2.derivatives.deviations_rules import CRITICAL, DEVIATION, INFO, WARNING, rule, said
from lakehouse.l2.derivatives.units_donations import UTC

LATE_HOURS = 4  # a transfusion takes up to so long: it may have been started in date
CHILDBEARING_YEARS = 50
PLASMA = ("plasma", "whole_blood")


def of_dating() -> tuple[Column, ...]:
    """Transfused after expiry. A bare date on the last day passes; up to `LATE_HOURS` late is information."""
    use, expires_at = F.col("use"), F.col("expires_at")
    until = last_day(expires_at, F.coalesce(use["zone"], F.lit(UTC)))
    is_late = F.when(use["is_date_only"], use["on"] > until).otherwise(use["at"] > expires_at)
    is_soon = ~use["is_date_only"] & (use["at"] <= expires_at + F.make_dt_interval(hours=F.lit(LATE_HOURS)))
    severity = F.when(is_soon, INFO).otherwise(DEVIATION)
    detail = said("transfused after its expiry at ", expires_at)
    return (rule("units.transfused_after_expiry", _is_transfused() & is_late, severity, detail),)


def of_groups() -> tuple[Column, ...]:
    """The unit's group against the patient's, as known then."""
    unit, patient, component = F.col("abo_rhd"), F.col("patient_abo_rhd"), F.col("component")
    is_given = _is_transfused() & F.col("use")["patient_key"].isNotNull()
    groups = said("unit ", unit, ", patient ", patient)
    is_red = is_given & component.isin(*RED_CELLS)
    is_plasma = is_given & component.isin(*PLASMA)
    is_platelets = is_given & (component == "platelets")
    is_sensitising = is_rhd_positive(unit) & ~is_rhd_positive(patient)
    return (
        rule(
            "transfusions.red_cells.abo_incompatible",
            is_red & ~is_red_cell_abo_compatible(unit, patient),
            CRITICAL,
            groups,
        ),
        rule("transfusions.red_cells.rhd_positive_to_negative", is_red & is_sensitising, _rhd_severity(), groups),
        rule(
            "transfusions.plasma.out_of_group",
            is_plasma & ~is_plasma_compatible(unit, patient),
            _plasma_severity(),
            groups,
        ),
        rule("transfusions.platelets.out_of_group", is_platelets & (abo(unit) != abo(patient)), INFO, groups),
        rule("transfusions.patient.group_unknown", is_given & patient.isNull(), INFO, groups),
        rule(
            "transfusions.patient.group_changed",
            is_given & (F.col("near_groups") > 1),
            INFO,
            said("judged on the group then known: ", patient),
        ),
    )


def _is_transfused() -> Column:
    return (F.col("use")["what"] == "ended") & (F.col("use")["kind"] == "transfused")


def _rhd_severity() -> Column:
    """A warning for a female up to 50, for whom anti-D matters most; so too where her age is unknown."""
    age = F.year(F.col("use")["on"]) - F.col("birth_year")
    could_bear = (F.col("sex") == "Female") & (age.isNull() | (age <= CHILDBEARING_YEARS))
    return F.when(could_bear, WARNING).otherwise(INFO)


def _plasma_severity() -> Column:
    """Group A plasma and group O whole blood are what is given in an emergency, before the group is known."""
    component, group = F.col("component"), abo(F.col("abo_rhd"))
    is_usual = ((component == "plasma") & (group == "A")) | ((component == "whole_blood") & (group == "O"))
    return F.when(is_usual & F.col("is_rush"), INFO).otherwise(WARNING)
