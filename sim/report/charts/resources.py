"""Resources over calendar time: units in use, patients waiting, capacity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.outcomes.queues.queue_summary import UseOverTime
from sim.report.charts.marks import Chart, Curve, Key, Panel, Rule
from sim.report.charts.style import ENDED, Look, looks, number_axis, time_axis

DASH = {"in use": "", "waiting": "2 3", "capacity": "7 4"}


def resources(arms: Sequence[tuple[str, Sequence[UseOverTime]]], *, warm_up: float) -> Chart:
    """A panel for each resource; arms by colour, quantities by dash.

    warm_up: days; averages begin after them, at a line.
    """
    names = [use.resource for use in arms[0][1]]
    look = looks([name for name, _ in arms])
    axis = time_axis(float(arms[0][1][0].edges[-1]), title="{} on the calendar")
    panels, keys = [], {}
    for i, resource in enumerate(names):
        curves = []
        for arm, found in arms:
            use = found[i]
            for what, values in zip(DASH, (use.in_use, use.queue, use.capacity), strict=True):
                if np.isnan(values).all():
                    continue
                name = f"{arm}: {what}" if len(arms) > 1 else what
                is_capacity = what == "capacity"
                drawn = Look(ENDED if is_capacity else look[arm].colour, DASH[what])
                curves.append(
                    Curve(
                        name,
                        use.edges,
                        np.append(values, values[-1]),
                        drawn,
                        width=1.2 if is_capacity else 1.8,
                    )
                )
                keys["capacity" if is_capacity else name] = drawn
        y = number_axis([float(np.nanmax(one.y)) for one in curves], "Units, patients")
        rules = (Rule(warm_up, y.low, warm_up, y.high, "end of the warm-up"),) if warm_up > 0 else ()
        title = resource.replace("_", " ") if len(names) > 1 else ""
        panels.append(Panel(axis, y, 150, curves=tuple(curves), rules=rules, title=title))
    return Chart(tuple(panels), tuple(Key(name, drawn, "line") for name, drawn in keys.items()))
