"""Resources over calendar time: units in use, patients waiting, capacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.queues.queue_summary import UseOverTime
from sim.report.charts.marks import Chart, Curve, Key, Panel, Rule
from sim.report.charts.style import ENDED, GHOST, Look, looks, number_axis, time_axis

DASH = {"in use": "", "waiting": "2 3", "capacity": "7 4"}


Uses: TypeAlias = Sequence[tuple[str, Sequence[UseOverTime]]]
"""The resources of each arm, by its name."""


def resources(arms: Uses, *, warm_up: float, ghosts: Uses = ()) -> Chart:
    """A panel for each resource; arms by colour, quantities by dash.

    warm_up: days; averages begin after them, at a line. ghosts: the same resources in the base case of
    each arm: the patients waiting, in grey behind the others.
    """
    names = [use.resource for use in arms[0][1]]
    look = looks([name for name, _ in arms])
    axis = time_axis(float(arms[0][1][0].edges[-1]), title="{} on the calendar")
    panels, keys = [], {}
    for i, resource in enumerate(names):
        curves = [
            Curve(GHOST, found[i].edges, _steps(found[i].queue), Look(ENDED, DASH["waiting"]), width=1.8)
            for _, found in ghosts
        ]
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
                        _steps(values),
                        drawn,
                        width=1.2 if is_capacity else 1.8,
                    )
                )
                keys["capacity" if is_capacity else name] = drawn
        if ghosts:
            keys[f"{GHOST}: waiting"] = curves[0].look
        y = number_axis([float(np.nanmax(one.y)) for one in curves], "Units, patients")
        rules = (Rule(warm_up, y.low, warm_up, y.high, "end of the warm-up"),) if warm_up > 0 else ()
        title = resource.replace("_", " ") if len(names) > 1 else ""
        panels.append(Panel(axis, y, 150, curves=tuple(curves), rules=rules, title=title))
    return Chart(tuple(panels), tuple(Key(name, drawn, "line") for name, drawn in keys.items()))


def _steps(values: Floats) -> Floats:
    """The values of intervals, the last one for its end too."""
    return np.append(values, values[-1])
