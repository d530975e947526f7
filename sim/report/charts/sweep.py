"""An outcome over the values of a sweep, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

import sim.units as units
from sim.report.charts import marks
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Chart, Curve, Key, Panel, Rule
from sim.report.charts.style import ENDED, Axis, Look, looks, number_axis, unit_of
from sim.scenario.source.tree import plain, read_text


@dataclass(frozen=True, slots=True)
class Point:
    """The outcome at one value, as it is written in the scenario; nan where it is unknown."""

    at: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """The outcome over one path; name: the values of the other paths."""

    name: str
    points: tuple[Point, ...]


def sweep(lines: Sequence[Line], *, over: str, unit: str, is_share: bool, base_case: float) -> Chart:
    """A line for each of `lines` with whiskers, and a dashed one across at the base case (nan: none)."""
    look = looks([line.name for line in lines])
    place, x = _axis([point.at for line in lines for point in line.points], over)
    ends = [end for line in lines for one in line.points for end in (one.value, one.low, one.high)]
    ends = [end for end in (*ends, base_case) if not isnan(end)]
    y = number_axis(ends, unit, percent=is_share, least=0.0 if is_share or not ends else min(ends))
    curves, points = [], []
    for line in lines:
        known = sorted((one for one in line.points if not isnan(one.value)), key=lambda one: place[one.at])
        at, own = [place[one.at] for one in known], look[line.name]
        curves.append(
            Curve(line.name, np.array(at), np.array([one.value for one in known]), own, is_step=False)
        )
        points += [
            marks.Point(line.name, a, one.value, own, one.low, one.high)
            for a, one in zip(at, known, strict=True)
        ]
    rules: tuple[Rule, ...] = ()
    keys = legend([line.name for line in lines], list(look.values()), "line")
    if not isnan(base_case):
        rules = (Rule(x.low, base_case, x.high, base_case, "base case"),)
        keys = (*keys, Key("base case", Look(ENDED, "5 4"), "line"))
    curves = [one for one in curves if len(one.x)]
    return Chart((Panel(x, y, 280, curves=tuple(curves), points=tuple(points), rules=rules),), keys)


def _axis(texts: Sequence[str], over: str) -> tuple[dict[str, float], Axis]:
    """The place of each written value: numbers and times by size, all else in the order written."""
    values = {text: plain(read_text(text, text)) for text in dict.fromkeys(texts)}
    kinds, unit = {units.kind(value) for value in values.values()}, ""
    labels = {text: text for text in values}
    if kinds == {"number"}:
        sizes = {text: float(str(value)) for text, value in values.items()}
    elif kinds == {"time"}:
        days = {text: units.days(str(value)) for text, value in values.items()}
        axis = unit_of(max(days.values()))
        sizes, unit = {text: value / axis.days for text, value in days.items()}, f", {axis.name}"
        labels = {text: f"{size:.3g}" for text, size in sizes.items()}
    else:
        sizes = {text: float(i) for i, text in enumerate(values)}
    room = 0.03 * (max(sizes.values()) - min(sizes.values())) or 1.0
    ticks = tuple(sorted((sizes[text], labels[text]) for text in values))
    return sizes, Axis(min(sizes.values()) - room, max(sizes.values()) + room, ticks, over + unit)
