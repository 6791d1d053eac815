"""Reasons to defer a donor, in the classes of the National Blood Collection and Utilization Survey (2017, Table 5).

Codes are each centre's own: those that this service's register sends are listed, and words of the reason tell
where a code does not.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pyspark.sql import Column
from pyspark.sql import functions as F

UNCLASSIFIED = "unclassified"
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "low_hemoglobin": r"ha?emoglobin|ha?ematocrit|\bhgb\b|\bhb\b|an(a)?emia",
        "blood_pressure": r"pulse|pressure",
        "travel": r"travel",
        "tattoo": r"tattoo|piercing",
        "drug_use": r"drug",
        "high_risk": r"high.risk|exposure",
        "other_non_medical": r"non.?medical",
        "other_medical": r"medical|illness|infection|surgery|medication",
    }
)
"""Class -> words of a reason that tell it; the first class that fits counts."""

CODES: Mapping[str, str] = MappingProxyType(
    {
        "HGB": "low_hemoglobin",
        "BP": "blood_pressure",
        "TRV": "travel",
        "TAT": "tattoo",
        "DRG": "drug_use",
        "RSK": "high_risk",
        "OTH": "other_non_medical",
        "MED": "other_medical",
    }
)
CLASSES = (*WORDS, UNCLASSIFIED)


def deferral_class(code: Column, reason: Column) -> Column:
    """One of `CLASSES`: by the code where it is one of `CODES`, else by words of the reason."""
    codes = F.create_map(*[F.lit(word) for pair in CODES.items() for word in pair])
    by_words = F.lit(None).cast("string")
    for name, words in reversed(tuple(WORDS.items())):
        by_words = F.when(F.lower(reason).rlike(words), name).otherwise(by_words)
    return F.coalesce(F.try_element_at(codes, F.upper(F.trim(code))), by_words, F.lit(UNCLASSIFIED))
