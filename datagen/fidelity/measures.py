"""The measures of the fidelity table, of one seed: percentages, ratios and days, from the added tallies."""

import math
import statistics
import warnings
from collections import Counter, defaultdict

import numpy as np

from datagen.fidelity.table import WEEKDAYS
from datagen.fidelity.tally import A_NEGATIVE, O_NEGATIVE, Tally, index_of

BIG_HOSPITAL = 300
MONTHS_TESTED = 24


def measures(tally: Tally) -> dict[str, float]:
    """Every measure by its name; weekdays as `<what>_<Mon..Sun>`."""
    s = tally.sums
    expiry = [_expiry(counts) for counts in tally.hospitals.values() if counts["given"]]
    crossmatched = [counts["crossmatched"] / counts["given"] for counts in tally.hospitals.values() if counts["given"]]
    all_hospitals: Counter[str] = sum(tally.hospitals.values(), Counter())
    # Donors join all through the first year; the last of them must have been followed for two.
    is_followed = s["followed days"] >= tally.regions * (3 * 365 - 7)
    days = {group: statistics.median(found) for group, found in tally.stock_days.items()}
    return {
        "rejected_testing": 100 * s["rejected_testing"] / s["collected"],
        "rejected_other": 100 * s["rejected_other"] / s["collected"],
        "outdated": 100 * s["red outdated"] / s["collected"],
        "outdated_at_centre": 100 * s["red outdated at centre"] / max(s["red outdated"], 1),
        "transfused": 100 * s["red given"] / s["collected"],
        "platelets_lost": 100 * (1 - s["platelets given"] / s["platelets issued"]),
        "apheresis": 100 * s["apheresis"] / s["collected"],
        "deferred": 100 * s["deferred"] / s["presentations"],
        "low_hb": 100 * (s["low_hb Female"] + s["low_hb Male"]) / s["presentations"],
        "low_hb_women": 100 * s["low_hb Female"] / s["presentations Female"],
        "low_hb_men": 100 * s["low_hb Male"] / s["presentations Male"],
        "first_time": 100 * s["first-time donors"] / s["donors"],
        "age_25_44": 100 * s["gifts 25-44"] / s["gifts"],
        "age_45_64": 100 * s["gifts 45-64"] / s["gifts"],
        "o_negative_given": 100 * s["red given O-"] / s["red given"],
        "o_negative_donors": 100 * s["donors O-"] / s["donors"],
        "o_negative_collected": 100 * s["labelled O-"] / s["labelled"],
        "crossmatch_ratio": statistics.median(crossmatched),
        "expiry_median": statistics.median(expiry),
        "expiry_high": 100 * sum(share >= 3.5 for share in expiry) / len(expiry),
        "expiry_volume": _expiry(all_hospitals),
        "back_1_year": 100 * s["back in 1 year"] / s["joined"] if is_followed else math.nan,
        "back_2_years": 100 * s["back in 2 years"] / s["joined"] if is_followed else math.nan,
        "o_negative_days": days[O_NEGATIVE],
        "a_negative_days": days[A_NEGATIVE],
        "days_ratio": days[O_NEGATIVE] / days[A_NEGATIVE],
        "demand_mape": demand_mape(tally.hospital_months),
        **{f"platelets_{day}": share for day, share in zip(WEEKDAYS, index_of(s, "platelets"), strict=True)},
        **{f"donations_{day}": share for day, share in zip(WEEKDAYS, index_of(s, "donations"), strict=True)},
    }


def _expiry(counts: Counter[str]) -> float:
    return 100 * counts["outdated"] / max(counts["given"] + counts["outdated"] + counts["wasted"], 1)


def demand_mape(months: Counter[tuple[str, str]]) -> float:
    """Median over big hospitals of the mean absolute error, in %, of forecasts of the next month.

    NaN where the months are too few: the last 24 are forecast, each from at least 12 before it.
    """
    by_hospital: dict[str, dict[str, int]] = defaultdict(dict)
    for (hospital, month), count in months.items():
        by_hospital[hospital][month] = count
    # The first and the last month may not be whole.
    series = [[found[month] for month in sorted(found)][1:-1] for found in by_hospital.values()]
    big = [np.array(counts, float) for counts in series if counts and np.mean(counts) >= BIG_HOSPITAL]
    if not big or min(map(len, big)) < MONTHS_TESTED + 10:
        return float("nan")
    return statistics.median(_one_step(counts) for counts in big)


def _one_step(counts: np.ndarray) -> float:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing  # noqa: PLC0415  heavy, and of the report alone

    errors = []
    for month in range(len(counts) - MONTHS_TESTED, len(counts)):
        seasons = {"seasonal": "add", "seasonal_periods": 12} if month >= 24 else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = ExponentialSmoothing(counts[:month], trend="add", damped_trend=True, **seasons).fit()
        errors.append(abs(float(fitted.forecast(1)[0]) - counts[month]) / counts[month])
    return float(100 * np.mean(errors))
