"""Probabilities that add up to at most 1, stacked over time: competing ends, or the places of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.event_log.log import Floats
from sim.report.charts import marks
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Chart, Panel
from sim.report.charts.style import PERCENT, Look, time_axis

HEIGHT = 220


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """One probability over time, shape [n_times]; time: days, increasing."""

    label: str
    time: Floats
    value: Floats
    look: Look


def stacked(
    arms: Sequence[tuple[str, Sequence[Area]]], *, title: str, is_step: bool = False, since: str = "the start"
) -> Chart:
    """A panel for each arm; the first area lies lowest and stands first in the legend."""
    x = time_axis(float(arms[0][1][0].time[-1]), since)
    y = replace(PERCENT, title=title)
    panels, keys = [], {}
    for name, areas in arms:
        drawn, top = [], np.zeros(len(areas[0].time))
        for area in areas:
            low, top = top, top + np.nan_to_num(area.value)
            drawn.append(marks.Area(area.label, area.time, low, top, area.look, is_step=is_step))
            keys[area.label] = area.look
        panels.append(Panel(x, y, HEIGHT, areas=tuple(drawn), title=name if len(arms) > 1 else ""))
    return Chart(tuple(panels), legend(list(keys), list(keys.values()), "area"))
