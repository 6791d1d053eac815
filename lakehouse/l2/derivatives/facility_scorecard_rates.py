"""The rates of a scorecard's row, each worked out from its sums; NULL where there is nothing to divide by."""

from functools import reduce

from pyspark.sql import Column, Window
from pyspark.sql import functions as F

from lakehouse.domain.kinds import CENTRES, RED_CELLS

RATES = {
    "fill_rate_patient": "filled_patient / (requested_patient - cancelled_patient)",
    "fill_rate_exact_patient": "filled_exact_patient / (requested_patient - cancelled_patient)",
    "fill_rate_stock": "filled_stock / (requested_stock - cancelled_stock)",
    "fill_rate_exact_stock": "filled_exact_stock / (requested_stock - cancelled_stock)",
    "on_time_rate": "(filled_patient + filled_stock) / (filled_patient + filled_stock + filled_late)",
    "urgent_share": "urgent_requests / requests_with_urgency",
    "wapi": "a hospital's wastage as a share of its issues: (outdated + wasted) / received",
    "outdate_rate": "hospital: outdated / (transfused + outdated + wasted); centre, site or hub: outdated / "
    "(issued - came_back, not below 0, + outdated + discarded_after_release); null for other kinds",
    "system_outdate_rate": "outdated / collected, over the region: the same on every row of month, region, component",
    "wastage_rate": "a hospital's wasted / (transfused + outdated + wasted)",
    "crossmatch_transfusion_ratio": "C:T of red cells and whole blood: crossmatched_units / transfused_units",
    "o_neg_share": "transfused_o_neg / transfused",
    "o_neg_to_others_share": "o_neg_to_others / (transfused_o_neg - o_neg_to_unknown)",
    "return_rate": "hospital: returned / received; others: came_back / issued",
    "mean_age_at_receipt_days": "receipt_age_days / aged_receipts",
    "mean_age_at_transfusion_days": "transfusion_age_days / aged_transfusions",
}
"""Name of a rate -> its definition."""


def rates() -> dict[str, Column]:
    """Name of a rate -> its value, from the sums, facility_kind, month_on, region and component of a row."""
    used = _sum("transfused", "outdated", "wasted")
    on_time = _sum("filled_patient", "filled_stock")
    return {
        **{
            f"{rate}_{kind}": _share(F.col(f"{filled}_{kind}"), F.col(f"requested_{kind}") - F.col(f"cancelled_{kind}"))
            for kind in ("patient", "stock")
            for rate, filled in (("fill_rate", "filled"), ("fill_rate_exact", "filled_exact"))
        },
        "on_time_rate": _share(on_time, on_time + F.col("filled_late")),
        "urgent_share": _share(F.col("urgent_requests"), F.col("requests_with_urgency")),
        "wapi": F.when(_is_hospital(), _share(_sum("outdated", "wasted"), F.col("received"))),
        "outdate_rate": _outdate_rate(used),
        "system_outdate_rate": _share(_over_region("outdated"), _over_region("collected")),
        "wastage_rate": F.when(_is_hospital(), _share(F.col("wasted"), used)),
        "crossmatch_transfusion_ratio": F.when(
            F.col("component").isin(*RED_CELLS), _share(F.col("crossmatched_units"), F.col("transfused_units"))
        ),
        "o_neg_share": _share(F.col("transfused_o_neg"), F.col("transfused")),
        "o_neg_to_others_share": _share(
            F.col("o_neg_to_others"), F.col("transfused_o_neg") - F.col("o_neg_to_unknown")
        ),
        "return_rate": F.when(_is_hospital(), _share(F.col("returned"), F.col("received"))).otherwise(
            _share(F.col("came_back"), F.col("issued"))
        ),
        "mean_age_at_receipt_days": _share(F.col("receipt_age_days"), F.col("aged_receipts")),
        "mean_age_at_transfusion_days": _share(F.col("transfusion_age_days"), F.col("aged_transfusions")),
    }


def _outdate_rate(used: Column) -> Column:
    issued_net = F.greatest(F.col("issued") - F.col("came_back"), F.lit(0))
    gone = issued_net + _sum("outdated", "discarded_after_release")
    return F.when(_is_hospital(), _share(F.col("outdated"), used)).when(
        F.col("facility_kind").isin(*CENTRES), _share(F.col("outdated"), gone)
    )


def _is_hospital() -> Column:
    return F.coalesce(F.col("facility_kind") == "hospital", F.lit(False))


def _over_region(name: str) -> Column:
    return F.sum(name).over(Window.partitionBy("month_on", "region", "component"))


def _sum(*names: str) -> Column:
    return reduce(Column.__add__, [F.col(name) for name in names])


def _share(part: Column, whole: Column) -> Column:
    return F.try_divide(part.cast("double"), whole.cast("double"))
