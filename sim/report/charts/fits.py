"""Fitted curves over what was observed: survival or incidence with the numbers at risk, and hazards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.event_log.log import Floats
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Area, Chart, Curve, Panel, Rule
from sim.report.charts.style import PERCENT, Axis, Look, Unit, even_ticks, looks, number_axis

HEIGHT = 250


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line through points, shape [n_times], in days; with limits where it was observed (a step curve)."""

    name: str
    time: Floats
    value: Floats
    low: Floats | None = None
    high: Floats | None = None

    @property
    def is_observed(self) -> bool:
        """Whether it is an estimate from the data alone."""
        return self.low is not None


def fitted(
    lines: Sequence[Line],
    *,
    longest: float,
    unit: Unit,
    at_risk: Sequence[tuple[str, Floats, Floats]] = (),
    last_event: float | None = None,
    title: str = "Probability",
) -> Chart:
    """Probabilities over time up to `longest` days.

    at_risk: name, times and numbers. last_event: where a line stands.
    """
    axis = _axis(longest, unit)
    look = _looks(lines)
    below = []
    for name, time, number in at_risk:
        texts = [f"{number[_last_at(time, value)]:,.0f}" for value, _ in axis.ticks]
        below.append((name, look.get(name, next(iter(look.values()))), tuple(texts)))
    rules = () if last_event is None else (Rule(last_event, 0.0, last_event, 1.0, "the last event"),)
    panel = Panel(
        axis,
        replace(PERCENT, title=title),
        HEIGHT,
        curves=tuple(_curve(line, look[line.name]) for line in lines),
        areas=tuple(area for line in lines for area in _areas(line, look[line.name])),
        rules=rules,
        below=tuple(below),
        below_head="At risk" if below else "",
    )
    return Chart((panel,), legend([line.name for line in lines], list(look.values()), "line"))


def hazards(lines: Sequence[Line], *, longest: float, unit: Unit, title: str) -> Chart:
    """Hazards over time: observed pieces with their limits, fitted lines."""
    look = _looks(lines)
    observed = [end for line in lines if line.is_observed for end in line.value.tolist() if np.isfinite(end)]
    most = 1.8 * max(observed, default=1.0)
    y = number_axis([0.0, most], title)
    panel = Panel(
        _axis(longest, unit),
        y,
        HEIGHT,
        curves=tuple(_curve(_cut(line, y.high), look[line.name]) for line in lines),
        areas=tuple(area for line in lines for area in _areas(line, look[line.name])),
    )
    return Chart((panel,), legend([line.name for line in lines], list(look.values()), "line"))


def _axis(longest: float, unit: Unit) -> Axis:
    """An axis in the unit of the data."""
    ticks = tuple((tick * unit.days, f"{tick:g}") for tick in even_ticks(longest, unit))
    return Axis(0.0, longest, ticks, unit.name.capitalize(), size=unit.days)


def _looks(lines: Sequence[Line]) -> Mapping[str, Look]:
    return looks([line.name for line in lines], ended=[line.name for line in lines if line.is_observed])


def _cut(line: Line, high: float) -> Line:
    return line if line.is_observed else replace(line, value=np.where(line.value <= high, line.value, np.nan))


def _last_at(time: Floats, value: float) -> int:
    return min(int(np.searchsorted(time, value - 1e-9)), len(time) - 1)


def _curve(line: Line, look: Look) -> Curve:
    return Curve(line.name, line.time, line.value, look, is_step=line.is_observed)


def _areas(line: Line, look: Look) -> tuple[Area, ...]:
    if line.low is None or line.high is None:
        return ()
    low, high = np.nan_to_num(line.low), np.nan_to_num(line.high)
    return (Area("", line.time, low, high, Look(look.colour), opacity=0.18),)
