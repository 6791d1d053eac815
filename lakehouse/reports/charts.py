"""Small static SVG charts. Colours come from the page's style sheet, so that they follow light and dark.

Every mark has a <title>; every chart has a label for screen readers. Nothing here needs a script.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from markupsafe import Markup, escape

from lakehouse.reports.words import number

TOP, BOTTOM, LEFT, RIGHT = 18, 34, 34, 8
# Tops of an axis (times a power of ten), each with the number of steps that gives round ticks.
STEPS = {1: 2, 1.5: 3, 2: 2, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4, 10: 2}


@dataclass(frozen=True)
class Series:
    """One line or one layer of a stack: `css` is the class that colours it."""

    label: str
    css: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Frame:
    """The drawing area: size in SVG units and the value at its top."""

    width: int
    height: int
    top_value: float

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        room = self.height - TOP - BOTTOM
        return round(self.height - BOTTOM - room * value / self.top_value, 1)

    def x(self, index: float, count: int) -> float:
        """Left edge of slot `index` of `count`."""
        return round(LEFT + (self.width - LEFT - RIGHT) * index / max(count, 1), 1)


def nice_top(value: float) -> float:
    """The least round number, one of `STEPS` times a power of ten, that is not below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((top * power for top in STEPS if top * power >= value), 10 * power)


def stacked_columns(
    label: str, slots: Sequence[str], series: Sequence[Series], *, width: int = 720, height: int = 260
) -> Markup:
    """One column a slot, one layer a series, the total above each.

    Args:
        label: what the chart shows, for screen readers.
        slots: name of every column.
        series: layers, the lowest first; as many values as slots, None counts as 0.
        width: size in SVG units; text is 12 units high.
        height: as width.
    """
    totals = [sum(line.values[i] or 0 for line in series) for i in range(len(slots))]
    frame = Frame(width, height, max(nice_top(max(totals, default=0)), 4.0))
    parts = [_axis(frame)]
    for index, slot in enumerate(slots):
        parts.append(_column(frame, slots, series, index))
        middle = frame.x(index + 0.5, len(slots))
        if totals[index]:
            parts.append(_text(middle, frame.y(totals[index]) - 4, number(totals[index]), "middle", "total"))
        parts += _slot_label(middle, frame.height, slot)
    return _svg(label, frame, parts)


def lines(label: str, ticks: Sequence[tuple[int, str]], series: Sequence[Series], *, width: int = 260) -> Markup:
    """One line a series over equally spaced points; None breaks the line.

    Args:
        label: what the chart shows, for screen readers.
        ticks: (index of the point, its name) to write below the axis.
        series: the lines; all of the same length.
        width: size in SVG units.
    """
    highest = max((value for line in series for value in line.values if value is not None), default=0)
    frame = Frame(width, 150, nice_top(highest))
    count = max((len(line.values) for line in series), default=1)
    parts = [_axis(frame)]
    for index, name in ticks:
        anchor = "end" if index == count - 1 else "middle"  # the last one would leave the frame
        parts.append(_text(frame.x(index, count), frame.height - BOTTOM + 15, name, anchor, "tick"))
    parts += [_path(frame, line, count) for line in series]
    return _svg(label, frame, parts)


def _column(frame: Frame, slots: Sequence[str], series: Sequence[Series], index: int) -> Markup:
    slot_width = (frame.width - LEFT - RIGHT) / len(slots)
    left, wide = frame.x(index, len(slots)) + slot_width * 0.14, slot_width * 0.72
    below, rects = 0.0, Markup("")
    for line in series:
        value = line.values[index] or 0
        if value:
            upper, lower = frame.y(below + value), frame.y(below)
            gap = 1.0 if lower - upper > 3 else 0.0
            rects += Markup(
                '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"><title>{}: {} {}</title></rect>'
            ).format(
                line.css, f"{left:.1f}", upper, f"{wide:.1f}", f"{lower - upper - gap:.1f}",
                slots[index], line.label, number(value),
            )  # fmt: skip
            below += value
    return rects


def _slot_label(middle: float, height: int, slot: str) -> list[Markup]:
    """The first word right below the axis, the rest under it."""
    first, _, rest = slot.partition(" ")
    below = [_text(middle, height - BOTTOM + 14, first, "middle", "tick")]
    return below + ([_text(middle, height - BOTTOM + 27, rest, "middle", "tick minor")] if rest else [])


def _path(frame: Frame, line: Series, count: int) -> Markup:
    commands, pen_up = [], True
    for index, value in enumerate(line.values):
        if value is None:
            pen_up = True
            continue
        commands.append(f"{'M' if pen_up else 'L'}{frame.x(index, count):g} {frame.y(value):g}")
        pen_up = False
    return Markup('<path class="line {}" d="{}"><title>{}</title></path>').format(
        line.css, "".join(commands), line.label
    )


def _axis(frame: Frame) -> Markup:
    drawn = Markup("")
    power = 10.0 ** floor(log10(frame.top_value))
    steps = STEPS.get(round(frame.top_value / power, 3), 4)
    decimals = max(0, -floor(log10(frame.top_value / steps)))
    for step in range(steps + 1):
        value = frame.top_value * step / steps
        y = frame.y(value)
        drawn += Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            "grid" if step else "base", LEFT, frame.width - RIGHT, y, y
        )
        drawn += _text(LEFT - 5, y + 4, number(value, decimals if step else 0), "end", "tick")
    return drawn


def _text(x: float, y: float, text: str, anchor: str, css: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        css, f"{x:g}", f"{y:g}", anchor, text
    )


def _svg(label: str, frame: Frame, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        frame.width, frame.height, label, Markup("").join(parts)
    )


def bar(share: float, css: str) -> Markup:
    """A bar as wide as its share (0 to 1) of the room, for a cell of a table."""
    width = max(0.0, min(1.0, share)) * 100
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(Markup('<rect class="{}" width="{}" height="10"/>').format(escape(css), f"{width:.2f}"))


def spark(label: str, points: Sequence[tuple[str, int]]) -> Markup:
    """A row of small columns, one a point, the highest as high as the chart; a point of 0 leaves a dot on the base.

    Args:
        label: what the chart shows, for screen readers.
        points: name and value of each.
    """
    highest = max((value for _, value in points), default=0) or 1
    columns = Markup("")
    for index, (name, value) in enumerate(points):
        height = max(22 * value / highest, 3 if value else 1)
        columns += Markup('<rect class="{}" x="{}" y="{}" width="7" height="{}"><title>{}: {}</title></rect>').format(
            "some" if value else "none", 9 * index, f"{24 - height:.1f}", f"{height:.1f}", name, number(value)
        )
    return Markup('<svg class="spark" viewBox="0 0 {} 24" role="img" aria-label="{}">{}</svg>').format(
        9 * max(len(points), 1) - 2, label, columns
    )
