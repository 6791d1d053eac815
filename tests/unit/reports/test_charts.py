"""The charts: marks where the values are, nothing unescaped."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from lakehouse.reports import charts
from lakehouse.reports.charts import Series


def marks(svg, tag):
    return [node.attrib for node in ElementTree.fromstring(str(svg)).iter(tag)]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.07, 0.08), (1, 1), (1.01, 1.5), (7, 8), (9.99, 10), (101, 150), (4321, 5000)]
)
def test_nice_top__is_the_least_round_number_that_holds_the_value(value, top):
    assert charts.nice_top(value) == pytest.approx(top)


def test_stacked_columns__draws_layers_on_top_of_each_other_as_high_as_their_values():
    svg = charts.stacked_columns("x", ["Mo 1"], [Series("a", "c-a", [2]), Series("b", "c-b", [6])], height=252)
    low, high = marks(svg, "rect")
    unit = (252 - charts.TOP - charts.BOTTOM) / 8
    assert float(low["height"]) == pytest.approx(2 * unit - 1, abs=0.2)
    assert float(high["height"]) == pytest.approx(6 * unit - 1, abs=0.2)
    assert float(high["y"]) + 6 * unit == pytest.approx(float(low["y"]), abs=0.2)


def test_stacked_columns__writes_the_total_and_leaves_empty_days_empty():
    svg = charts.stacked_columns("x", ["Mo", "Tu"], [Series("a", "c-a", [1500, None]), Series("b", "c-b", [30, 0])])
    assert re.findall(r'class="total"[^>]*>([^<]*)<', str(svg)) == ["1\u202f530"]
    assert len(marks(svg, "rect")) == 2


def test_stacked_columns__escapes_names():
    svg = charts.stacked_columns('"<x>', ["<i>"], [Series("<b>", "c", [1])])
    assert "<b>" not in svg and "<i>" not in svg and "<x>" not in svg
    assert "<b>" in [node.text.split(":")[1].split(" ")[1] for node in ElementTree.fromstring(str(svg)).iter("title")]


def test_lines__breaks_where_a_value_is_missing():
    svg = charts.lines("x", [(0, "1 Jan")], [Series("r", "l", [None, 1.0, 2.0, None, 3.0])])
    assert re.sub(r"[-\d. ]+", "", marks(svg, "path")[0]["d"]) == "MLM"


def test_lines__puts_higher_values_higher_and_zero_on_the_base():
    svg = charts.lines("x", [], [Series("r", "l", [0.0, 10.0])])
    _, y_zero, _, y_top = re.findall(r"[-\d.]+", marks(svg, "path")[0]["d"])
    base = next(mark for mark in marks(svg, "line") if mark["class"] == "base")
    assert float(y_zero) == float(base["y1"])
    assert float(y_top) == charts.TOP


@pytest.mark.parametrize("highest", [0.3, 1.0, 4.0, 9.0, 13.0, 120.0, 4100.0])
def test_lines__writes_round_ticks(highest):
    svg = charts.lines("x", [], [Series("r", "l", [highest])])
    ticks = [float(text.replace("\u202f", "")) for text in re.findall(r'class="tick"[^>]*>([^<]*)<', str(svg))]
    steps = {round(b - a, 6) for a, b in pairwise(ticks)}
    assert len(steps) == 1 and ticks[0] == 0 and ticks[-1] >= highest


@pytest.mark.parametrize(("share", "width"), [(0.5, 50.0), (1.7, 100.0), (-1, 0.0)])
def test_bar__is_as_wide_as_its_share_and_never_leaves_its_room(share, width):
    assert float(marks(charts.bar(share, "k"), "rect")[0]["width"]) == width
