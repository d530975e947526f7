"""Costs and effects: the cost-effectiveness plane, the frontier, costs by category, sums over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import TypeAlias

import numpy as np

from sim.event_log.log import Floats
from sim.report.charts import marks
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Bar, Chart, Curve, Key, Lane, Lanes, Panel, Rule
from sim.report.charts.style import ENDED, Axis, Look, looks, number_axis, time_axis
from sim.units import DAYS_IN

CHI_SQUARED_95 = 5.991464547107979
"""The 95% point of the chi-squared distribution with two degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Point:
    """The effect and cost of an arm, or their differences, with standard errors (nan for none)."""

    arm: str
    effect: float
    cost: float
    effect_error: float = nan
    cost_error: float = nan
    correlation: float = nan


def plane(points: Sequence[Point], *, reference: str, currency: str, threshold: float = nan) -> Chart:
    """Differences from the reference with the 95% ellipse of their simulation error."""
    look = looks([reference, *(point.arm for point in points)])
    rings = [
        Curve("", effects, costs, Look(look[point.arm].colour), is_step=False, width=1.5)
        for point in points
        if point.correlation == point.correlation
        for effects, costs in (_ellipse(point),)
    ]
    right = [point.effect for point in points] + [x for ring in rings for x in ring.x.tolist()]
    up = [point.cost for point in points] + [y for ring in rings for y in ring.y.tolist()]
    x, y = number_axis(right, "Incremental QALYs"), number_axis(up, f"Incremental cost ({currency})")
    rules = [Rule(0, y.low, 0, y.high), Rule(x.low, 0, x.high, 0)]
    keys = legend(["", *(one.arm for one in points)], [look[name] for name in look], "symbol")[1:]
    curves = list(rings)
    if threshold == threshold and threshold > 0:
        ends = np.array([max(x.low, y.low / threshold), min(x.high, y.high / threshold)])
        drawn = Look(ENDED, dash="5 4")
        curves.append(Curve("", ends, ends * threshold, drawn, is_step=False, width=1.5))
        keys = (*keys, Key(f"{threshold:,.10g} {currency} per QALY", drawn, "line"))
    panel = Panel(x, y, 260, curves=tuple(curves), points=_points(points, look, currency), rules=tuple(rules))
    return Chart((panel,), keys)


def _points(points: Sequence[Point], look: Mapping[str, Look], currency: str) -> tuple[marks.Point, ...]:
    return tuple(
        marks.Point(
            one.arm,
            one.effect,
            one.cost,
            look[one.arm],
            title=f"{one.arm}: {one.effect:.3f} QALYs, {one.cost:,.0f} {currency}",
        )
        for one in points
    )


def _ellipse(point: Point) -> tuple[np.ndarray, np.ndarray]:
    """The 95% region of a bivariate normal distribution."""
    angle = np.linspace(0.0, 2.0 * np.pi, 73)
    radius, rho = sqrt(CHI_SQUARED_95), min(max(point.correlation, -1.0), 1.0)
    effects = point.effect + radius * point.effect_error * np.cos(angle)
    turned = rho * np.cos(angle) + sqrt(1.0 - rho * rho) * np.sin(angle)
    return effects, point.cost + radius * point.cost_error * turned


def by_category(arms: Sequence[tuple[str, Mapping[str, float]]], *, currency: str) -> Chart:
    """The cost of each arm as one bar, its categories stacked, and the sum in print."""
    look = looks((name for _, parts in arms for name in parts), is_hatched=True)
    lanes = []
    for arm, parts in arms:
        edges = np.cumsum([0.0, *(parts.get(name, 0.0) for name in look)]).tolist()
        bars = [
            Bar(name, edges[i], edges[i + 1], one, f"{name}: {edges[i + 1] - edges[i]:,.0f} {currency}")
            for i, (name, one) in enumerate(look.items())
        ]
        lanes.append(Lane(arm, tuple(bars), (f"{edges[-1]:,.0f}",), 30))
    axis = number_axis([sum(parts.values()) for _, parts in arms], f"{currency} per patient")
    return Chart((Lanes(axis, tuple(lanes), ("total",)),), legend(list(look), list(look.values()), "area"))


def frontier(points: Sequence[Point], on: Sequence[str], *, currency: str) -> Chart:
    """The arms by QALYs and cost, and a line through those on the frontier."""
    look = looks(point.arm for point in points)
    line = sorted((point.effect, point.cost) for point in points if point.arm in on)
    at, costs_at = np.array(line).T
    joined = Curve("", at, costs_at, Look(ENDED), is_step=False, width=2.0)
    effects, costs = [one.effect for one in points], [one.cost for one in points]
    panel = Panel(
        number_axis(effects, "QALYs per patient", least=min(effects)),
        number_axis(costs, f"Cost per patient ({currency})", least=min(costs)),
        260,
        curves=(joined,),
        points=_points(points, look, currency),
    )
    keys = legend([one.arm for one in points], list(look.values()), "symbol")
    return Chart((panel,), (*keys, Key("frontier", Look(ENDED), "line")))


Line: TypeAlias = tuple[str, Floats]
"""The name of an arm, and a sum up to each year, from 0."""


def cumulative(arms: Sequence[Line], *, title: str) -> Chart:
    """A sum per patient up to each year. title: of the vertical axis."""
    look = looks(name for name, _ in arms)
    curves = tuple(
        Curve(name, np.arange(len(sums), dtype=float), sums, look[name], is_step=False) for name, sums in arms
    )
    last = max(len(sums) for _, sums in arms) - 1
    axis = time_axis(last * DAYS_IN["year"])
    ticks = tuple((float(label), label) for _, label in axis.ticks) if last > 1 else ((0.0, "0"), (1.0, "1"))
    x = Axis(0.0, float(last), ticks, "Years since the start")
    y = number_axis([float(one.y.max()) for one in curves], title)
    return Chart((Panel(x, y, 220, curves=curves),), legend(list(look), list(look.values()), "line"))
