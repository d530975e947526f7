"""Paths of a chart: where the lines of an area run."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sim.report.charts.drawing import chart_html
from sim.report.charts.marks import Area, Chart, Panel
from sim.report.charts.style import PERCENT, Look, time_axis


@pytest.mark.parametrize("low", [(1.0, 0.5, 0.5, 0.2), (1.0, 1.0, 0.4, 0.4), (0.9, 0.7, 0.3, 0.1)])
def test_the_lower_line_of_an_area_holds_each_value_until_the_next_time(low: tuple[float, ...]) -> None:
    """Halfway between two times it is at the earlier value, also where values repeat."""
    time = np.array([0.0, 100.0, 200.0, 400.0])
    axis = time_axis(400.0, "the start")
    area = Area("", time, np.array(low), np.ones(4), Look("black"), interval_of="arm")
    html = chart_html(Chart((Panel(axis, PERCENT, 200, areas=(area,)),)))
    (path,) = re.findall(r'd="([^"]+)z" data-interval-of="arm"', html)
    lower = "M" + path.rpartition("L")[2]
    x, y, found = 0.0, 0.0, {}
    for kind, numbers in re.findall(r"([MHV])([^MHV]+)", lower):
        ends = [float(number) for number in numbers.split()]
        to_x, y = ends if kind == "M" else (ends[0], y) if kind == "H" else (x, ends[0])
        found |= {t: y for t in (50.0, 150.0, 300.0) if kind == "H" and to_x < 1000 * axis.share(t) < x}
        x = to_x
    assert [1 - found[t] / 1000 for t in (50.0, 150.0, 300.0)] == pytest.approx(low[:3])
