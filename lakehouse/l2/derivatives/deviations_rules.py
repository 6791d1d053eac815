"""What a rule gives back, and the rules on a unit's records and on its issue. Each reads a row of `uses`."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.units import LABEL_DISPUTED, LABEL_TOO_LATE

SEVERITIES = CRITICAL, DEVIATION, WARNING, INFO = ("critical", "deviation", "warning", "info")
EXCUSED_STATES = ("research", "further_manufacture")


def rule(
    name: str,
    is_broken: Column,
    severity: str | Column,
    detail: Column,
    *,
    is_excused: Column | None = None,
    at: Column | None = None,
) -> Column:
    """A struct of what was found, NULL where the rule holds or can't be judged; `at` where it is not the use's."""
    level = F.lit(severity) if isinstance(severity, str) else severity
    excused = F.lit(False) if is_excused is None else F.coalesce(is_excused, F.lit(False))
    found = F.struct(
        F.lit(name).alias("rule"),
        level.alias("severity"),
        excused.alias("is_excused"),
        detail.alias("detail"),
        (F.lit(None).cast("timestamp") if at is None else at).alias("at"),
    )
    return F.when(is_broken, found)


def said(*parts: str | Column) -> Column:
    """A sentence of words and values; an absent value reads "none"."""
    texts = [F.lit(part) if isinstance(part, str) else F.coalesce(part.cast("string"), F.lit("none")) for part in parts]
    return F.concat(*texts)


def of_units() -> tuple[Column, ...]:
    """Rules on a unit's records as a whole: its live dispositions, its label."""
    is_unit = F.col("use")["what"] == "unit"
    ends = F.col("ends")
    kinds = F.array_join(F.array_sort(F.array_distinct(F.transform(ends, lambda end: end["kind"]))), ", ")
    last_at = F.array_max(F.transform(ends, lambda end: end["at"]))
    given = F.filter(ends, lambda end: end["kind"] == "transfused")
    patients = F.size(F.array_distinct(F.array_compact(F.transform(given, lambda end: end["patient_key"]))))
    late = said("label expires at ", F.col("expires_at"), ", dating ends at ", F.col("computed_expires_at"))
    return (
        rule(
            "dispositions.several_live",
            is_unit & (F.size(ends) > 1),
            WARNING,
            said(F.size(ends), " live dispositions: ", kinds),
            at=last_at,
        ),
        rule(
            "dispositions.two_patients",
            is_unit & (patients > 1),
            DEVIATION,
            said("transfused to ", patients, " patients by its live dispositions"),
            at=last_at,
        ),
        rule(LABEL_TOO_LATE, is_unit & F.array_contains("warnings", LABEL_TOO_LATE), WARNING, late),
        rule(
            LABEL_DISPUTED,
            is_unit & F.array_contains("warnings", LABEL_DISPUTED),
            WARNING,
            said("the label's group is not that of the donation's final test"),
        ),
    )


def of_issues() -> tuple[Column, ...]:
    """Rules on an issue to a hospital, and on any use under quarantine.

    Imports were tested elsewhere; the tests of a unit that waits for its donation can't be known before that.
    """
    use, tested_at, reactive_at = F.col("use"), F.col("tested_at"), F.col("reactive_at")
    is_issue = use["what"] == "issued"
    is_ours = ~F.col("is_imported") & (F.col("donation_key").isNotNull() | F.col("is_pool"))
    is_untested = F.coalesce(tested_at > use["latest_at"], F.lit(True))
    is_excused = F.coalesce(F.col("is_excused_type"), F.lit(False)) | F.col("state").isin(*EXCUSED_STATES)
    is_held = F.col("held_by")["what"] != "quarantine_lifted"
    is_use = is_issue | (use["kind"] == "transfused")
    verb = F.when(is_issue, "issued").otherwise("transfused")
    return (
        rule(
            "units.issued_before_final_tests",
            is_issue & is_ours & is_untested,
            DEVIATION,
            said("issued before the final tests, which were out at ", tested_at),
            is_excused=F.col("is_rush"),
        ),
        rule(
            "units.issued_after_reactive_result",
            is_issue & (reactive_at <= use["at"]),
            CRITICAL,
            said("issued after a final reactive result of ", reactive_at),
            is_excused=is_excused,
        ),
        rule(
            "units.used_under_quarantine",
            is_use & is_held,
            DEVIATION,
            said(verb, " while ", F.col("held_by")["what"], " since ", F.col("held_by")["at"]),
        ),
    )


def of_ends() -> tuple[Column, ...]:
    """The rule on the time of any disposition."""
    use = F.col("use")
    is_early = (use["what"] == "ended") & (use["latest_at"] < F.col("prepared_at"))
    detail = said(use["kind"], " before it was prepared at ", F.col("prepared_at"))
    return (rule("dispositions.before_prepared", is_early, WARNING, detail),)
