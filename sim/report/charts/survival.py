"""Kaplan-Meier curves with their bands, and the numbers at risk below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.outcomes.curves import Curve
from sim.report.charts import marks
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Area, Chart, Key, Panel
from sim.report.charts.style import ENDED, GHOST, PERCENT, Axis, Look, looks, time_axis

HEIGHT = 230


def survival(curves: Sequence[Curve], *, since: str, ghosts: Sequence[Curve] = ()) -> Chart:
    """A step curve for each of `curves` on one axis of time, by name.

    since: what time is counted from. ghosts: the same curves in the base case, in grey behind them.
    """
    axis = time_axis(max(float(curve.time[-1]) for curve in curves), since)
    look = looks([curve.name for curve in curves])
    below = tuple((one.name, look[one.name], _at_risk(one, axis)) for one in curves)
    panel = Panel(
        axis,
        replace(PERCENT, title="Probability"),
        HEIGHT,
        curves=(
            *(marks.Curve(GHOST, one.time, one.value, _grey(look[one.name])) for one in ghosts),
            *(marks.Curve(one.name, one.time, one.value, look[one.name]) for one in curves),
        ),
        areas=tuple(
            Area("", one.time, *_limits(one), Look(look[one.name].colour), 0.18, interval_of=one.name)
            for one in curves
        ),
        below=below,
        below_head="At risk",
    )
    keys = legend([one.name for one in curves], list(look.values()), "line")
    return Chart((panel,), (*keys, Key(GHOST, Look(ENDED), "line")) if ghosts else keys)


def _grey(look: Look) -> Look:
    return replace(look, colour=ENDED)


def _limits(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """The 95% limits, at the value itself where there are none; 0 where that is unknown."""
    low, high = (np.where(np.isnan(end), curve.value, end) for end in (curve.low, curve.high))
    return np.nan_to_num(low), np.nan_to_num(high)


def _at_risk(curve: Curve, axis: Axis) -> tuple[str, ...]:
    return tuple(f"{at_risk(curve, value):,.0f}" for value, _ in axis.ticks)


def at_risk(curve: Curve, time: float) -> float:
    """The number at risk at the first time of the curve that is not earlier."""
    position = int(np.searchsorted(curve.time, time - 1e-9))
    return float(curve.at_risk[min(position, len(curve.at_risk) - 1)])
