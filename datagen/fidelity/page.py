"""The fidelity table as a page: a row a figure, our interval drawn over the accepted band."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader

from datagen.fidelity.run import Protocol
from datagen.fidelity.table import Interval, Row

WIDTH, PAD = 260.0, 12.0


def _drawn(interval: Interval) -> dict[str, float]:
    """Places on the line of one measure: the band fills its middle half, unless ours lies far out."""
    low, high = interval.accepted
    span = max(high - low, 1e-9)
    start, end = min(low - span / 2, interval.low), max(high + span / 2, interval.high)
    scale = (WIDTH - 2 * PAD) / (end - start)

    def at(value: float) -> float:
        return round(PAD + (value - start) * scale, 1)

    return {
        "band": at(low),
        "band_width": round((high - low) * scale, 1),
        "low": at(interval.low),
        "high": at(interval.high),
        "mean": at(interval.mean),
    }


def render(table: Sequence[Row], protocol: Protocol, donations: int) -> str:
    """The page, self-contained."""
    environment = Environment(loader=PackageLoader("datagen.fidelity", "."), autoescape=True, trim_blocks=True)
    return environment.get_template("page.html.j2").render(
        table=table,
        drawn=_drawn,
        protocol=protocol,
        donations=donations,
        held=sum(bool(row.holds) for row in table),
        emergent=sum(bool(row.holds) and row.kind == "em" for row in table),
        width=WIDTH,
    )
