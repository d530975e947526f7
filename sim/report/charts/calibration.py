"""Calibration: figures before and after, profile likelihoods, correlations of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from sim.calibration.identifiability import CHI_SQUARE_95
from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Area, Chart, Curve, Key, Lane, Lanes, Line, Mark, Panel, Rule
from sim.report.charts.style import COLOURS, ENDED, SYMBOLS, Axis, Look, number_axis

BEFORE, AFTER = Look(ENDED, symbol=SYMBOLS[4]), Look(COLOURS[0], symbol=SYMBOLS[0])
HELD_BACK = Look(COLOURS[1], symbol=SYMBOLS[1])
FARTHEST = 8.0
"""Standard errors at which a deviation is drawn at the edge."""
HIGHEST = 10.0
"""Of a profile; the 95% point is 3.84."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A figure's deviation from what was published, in standard errors, and both values in print."""

    label: str
    before: float
    after: float
    is_used: bool
    printed: tuple[str, str, str]


def deviations(figures: Sequence[Deviation]) -> Chart:
    """A lane for each figure; the band is the 95% interval of the published figure."""
    axis = number_axis([-FARTHEST, FARTHEST], "Deviation in standard errors")
    lanes = []
    for one in figures:
        look = AFTER if one.is_used else HELD_BACK
        marks = (
            Line("published", -NORMAL_975, NORMAL_975, "#D9D9D9", 9.0),
            Line("change", one.before, one.after, ENDED, 1.2),
            Mark("before", one.before, BEFORE, f"{one.label}, before: {one.printed[1]}"),
            Mark("after", one.after, look, f"{one.label}, after: {one.printed[2]}"),
        )
        lanes.append(Lane(one.label, marks, one.printed, 22))
    keys = legend(["before", "after", "after, held back"], [BEFORE, AFTER, HELD_BACK], "symbol")
    return Chart((Lanes(axis, tuple(lanes), ("published", "before", "after"), rule=0.0),), keys)


@dataclass(frozen=True, slots=True, eq=False)
class ProfileCurve:
    """The profile likelihood of a parameter: values and deviances, float64 [n] each, and its best fit."""

    label: str
    unit: str
    values: Floats
    deviance: Floats
    best: float


def profiles(curves: Sequence[ProfileCurve]) -> Chart:
    """A panel for each parameter; the dashed line is the 95% point."""
    y = number_axis([0.0, HIGHEST], "Deviance above the least")
    panels = []
    for one in curves:
        x = number_axis(one.values.tolist(), one.unit, least=float(one.values[0]))
        drawn = Curve("", one.values, np.minimum(one.deviance, HIGHEST), AFTER, is_step=False)
        rules = (
            Rule(x.low, CHI_SQUARE_95, x.high, CHI_SQUARE_95, "95% point"),
            Rule(one.best, 0.0, one.best, HIGHEST, "best fit"),
        )
        panels.append(Panel(x, y, 110, curves=(drawn,), rules=rules, title=one.label))
    return Chart(tuple(panels), ())


def correlations(matrix: Floats) -> Chart:
    """A square for each pair of parameters, numbered from 1; darker is a larger absolute correlation."""
    n = len(matrix)
    ticks = tuple((i + 0.5, str(i + 1)) for i in range(n))
    down = tuple((n - i - 0.5, str(i + 1)) for i in range(n))
    positive, negative = Look(COLOURS[0]), Look(COLOURS[1])
    areas = []
    for i in range(n):
        for j in range(n):
            value = float(matrix[i, j])
            if isfinite(value) and abs(value) >= 0.02:
                x = np.array([j + 0.04, j + 0.96])
                low, high = np.full(2, n - i - 0.96), np.full(2, n - i - 0.04)
                look = positive if value > 0 else negative
                areas.append(
                    Area(f"{i + 1} and {j + 1}: {value:+.2f}", x, low, high, look, abs(value), is_step=False)
                )
    keys = (Key("positive", positive, "area"), Key("negative", negative, "area"))
    panel = Panel(Axis(0.0, n, ticks, "parameter"), Axis(0.0, n, down, "Parameter"), 320, areas=tuple(areas))
    return Chart((panel,), keys)
