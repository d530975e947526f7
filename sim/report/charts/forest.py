"""Differences between arms as a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

from sim.report.charts.drawing import legend
from sim.report.charts.marks import Chart, Key, Lane, Lanes, Line, Mark
from sim.report.charts.style import ENDED, looks, number_axis


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of one outcome in one arm, with its interval, the interval without pairing, and in print.

    All in the unit of the axis; nan for a limit that does not exist.
    """

    label: str
    arm: str
    difference: float
    interval: tuple[float, float]
    unpaired: tuple[float, float]
    printed: str


def forest(differences: Sequence[Difference], *, unit: str, reference: str = "") -> Chart:
    """A lane for each outcome and arm with the difference in print; the faint line is the unpaired interval.

    reference: the arm that has the first look in other charts.
    """
    names = list(dict.fromkeys(one.arm for one in differences))
    look = looks([*([reference] if reference else []), *names])
    lanes, before = [], ""
    for one in differences:
        marks = [
            Line(name, *ends, colour, width, at)
            for name, ends, colour, width, at in (
                ("unpaired", one.unpaired, ENDED, 1.5, 76.0),
                ("paired", one.interval, look[one.arm].colour, 3.0, 50.0),
            )
            if not any(map(isnan, ends))
        ]
        mark = Mark(one.arm, one.difference, look[one.arm], f"{one.arm}: {one.printed}")
        key = Key(one.arm, look[one.arm], "symbol") if len(names) > 1 else None
        is_new = one.label != before
        lane = Lane(one.label, (*marks, mark), (one.printed,), 24, key, begins_group=is_new)
        lanes.append(lane if is_new else replace(lane, label=""))
        before = one.label
    ends = [end for one in differences for end in (one.difference, *one.interval, *one.unpaired)]
    axis = number_axis(ends, f"Difference in {unit}")
    drawn = Lanes(axis, tuple(lanes), ("difference (95% interval)",), rule=0.0)
    return Chart((drawn,), legend(names, [look[name] for name in names], "symbol"))
