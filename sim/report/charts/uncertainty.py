"""Uncertain parameters: survival, costs and effects over draws; decision; worth of information; tornado."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975
from sim.report.charts.drawing import legend
from sim.report.charts.marks import (
    Area,
    Bar,
    Chart,
    Curve,
    Dots,
    Key,
    Lane,
    Lanes,
    Line,
    Panel,
    Point,
    Rule,
)
from sim.report.charts.style import COLOURS, ENDED, PERCENT, Axis, Look, looks, number_axis, time_axis

UNKNOWN = "cannot be known"
FRONTIER = "frontier: largest mean"
MOST_DOTS = 1000
"""Draws that are drawn for each arm; more cannot be seen and make the page heavy."""
HEIGHT = 240


# ---------------------------------------------------------------- survival


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Survival of an arm over draws at increasing times (days): float64 [n] each.

    low_50, high_50 and low_95, high_95: the central 50% and 95% of the draws.
    """

    arm: str
    time: Floats
    median: Floats
    low_50: Floats
    high_50: Floats
    low_95: Floats
    high_95: Floats


def fan(arms: Sequence[Fan], *, since: str) -> Chart:
    """A panel for each arm with both bands, and thin lines for the medians of the others.

    The bands of the others are there without a colour, so that the pointer finds their limits.
    """
    look = looks(one.arm for one in arms)
    axis = time_axis(max(float(one.time[-1]) for one in arms), since)
    y = replace(PERCENT, title="Probability")
    panels = []
    for arm in arms:
        plain = Look(look[arm.arm].colour)
        others = [one for one in arms if one is not arm]
        curves = [
            Curve(one.arm, one.time, one.median, look[one.arm], is_step=False, width=1.1) for one in others
        ]
        curves.append(Curve(arm.arm, arm.time, arm.median, look[arm.arm], is_step=False))
        areas = (
            *(_limits_95(one, plain, 0.18 if one is arm else 0.0) for one in arms),
            Area("", arm.time, arm.low_50, arm.high_50, plain, 0.32, is_step=False),
        )
        title = arm.arm if others else ""
        panels.append(Panel(axis, y, HEIGHT, curves=tuple(curves), areas=areas, title=title))
    return Chart(tuple(panels), legend([one.arm for one in arms], list(look.values()), "line"))


def _limits_95(arm: Fan, look: Look, opacity: float) -> Area:
    return Area("", arm.time, arm.low_95, arm.high_95, look, opacity, is_step=False, interval_of=arm.arm)


# ---------------------------------------------------------------- costs and effects


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The draws of an arm less the reference: incremental effects and costs, float64 [n_draws]."""

    arm: str
    effects: Floats
    costs: Floats


def plane(clouds: Sequence[Cloud], *, reference: str, currency: str, threshold: float) -> Chart:
    """The draws as dots, their mean as a symbol, and the line of the threshold (nan: none)."""
    look = looks([reference, *(one.arm for one in clouds)])
    effects = [value for one in clouds for value in one.effects[:MOST_DOTS].tolist()]
    costs = [value for one in clouds for value in one.costs[:MOST_DOTS].tolist()]
    x, y = number_axis(effects, "Incremental QALYs"), number_axis(costs, f"Incremental cost ({currency})")
    dots = [Dots(one.arm, one.effects[:MOST_DOTS], one.costs[:MOST_DOTS], look[one.arm]) for one in clouds]
    points = []
    for one in clouds:
        effect, cost = float(np.mean(one.effects)), float(np.mean(one.costs))
        title = f"{one.arm}, mean: {effect:.3f} QALYs, {cost:,.0f} {currency}"
        points.append(Point(one.arm, effect, cost, look[one.arm], title=title))
    keys = tuple(Key(f"{one.arm}, mean of the draws", look[one.arm], "symbol") for one in clouds)
    curves: tuple[Curve, ...] = ()
    if threshold > 0:
        ends = np.array([max(x.low, y.low / threshold), min(x.high, y.high / threshold)])
        drawn = Look(ENDED, dash="5 4")
        curves = (Curve("", ends, ends * threshold, drawn, is_step=False, width=1.5),)
        keys = (*keys, Key(f"{threshold:,.10g} {currency} per QALY", drawn, "line"))
    rules = (Rule(0, y.low, 0, y.high), Rule(x.low, 0, x.high, 0))
    return Chart((Panel(x, y, HEIGHT, curves, points=tuple(points), rules=rules, dots=tuple(dots)),), keys)


# ---------------------------------------------------------------- decision and information


@dataclass(frozen=True, slots=True, eq=False)
class Acceptability:
    """Probability that an arm is best at each step, float64 [n_steps], nan where it cannot be known.

    is_frontier: bool [n_steps], whether the arm has the largest mean there.
    """

    arm: str
    probability: Floats
    is_frontier: np.ndarray


def acceptability(arms: Sequence[Acceptability], *, steps: Floats, x: Axis) -> Chart:
    """A line for each arm, its frontier as a broad line below, and grey where nothing can be known.

    steps: float64 [n_steps], the places on the axis.
    """
    look = looks(one.arm for one in arms)
    broad = Look(ENDED)
    below = [
        Curve(
            "",
            steps,
            np.where(one.is_frontier, one.probability, np.nan),
            broad,
            is_step=False,
            width=7.0,
        )
        for one in arms
    ]
    curves = [Curve(one.arm, steps, one.probability, look[one.arm], is_step=False) for one in arms]
    points = [
        Point(one.arm, at, value, look[one.arm], title=f"{one.arm}: {value:.1%}")
        for one in arms
        for at, value in zip(steps.tolist(), one.probability.tolist(), strict=True)
        if isfinite(value)
    ]
    y = replace(PERCENT, title="Probability of being best")
    unknown = tuple(_unknown(arms[0].probability, steps, y))
    names = [one.arm for one in arms]
    keys = (*legend(names, list(look.values()), "line"), Key(FRONTIER, broad, "line"))
    if unknown:
        keys = (*keys, Key(UNKNOWN, Look(ENDED), "area"))
    panel = Panel(x, y, HEIGHT, curves=(*below, *curves), points=tuple(points), areas=unknown)
    return Chart((panel,), keys)


def _unknown(values: Floats, steps: Floats, y: Axis) -> Iterator[Area]:
    """A grey area from the last known step to the next known one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isnan(values), [False]]).astype(int)))
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        ends = steps[[max(first - 1, 0), min(after, len(steps) - 1)]]
        low, high = np.full(2, y.low), np.full(2, y.high)
        yield Area(UNKNOWN, ends, low, high, Look(ENDED), opacity=0.22, is_step=False)


def information(values: Floats, errors: Floats, *, steps: Floats, x: Axis, unit: str) -> Chart:
    """The expected value of perfect information at each step with its 95% interval, grey where unknown."""
    look = looks(["EVPI"])["EVPI"]
    ends = [end for end in (values + NORMAL_975 * errors).tolist() if isfinite(end)]
    y = number_axis(ends, f"{unit} per patient")
    points = tuple(
        Point(
            "EVPI",
            at,
            value,
            look,
            max(value - NORMAL_975 * error, 0.0),
            value + NORMAL_975 * error,
            f"{value:,.4g}",
        )
        for at, value, error in zip(steps.tolist(), values.tolist(), errors.tolist(), strict=True)
        if isfinite(value)
    )
    unknown = tuple(_unknown(values, steps, y))
    curve = Curve("EVPI", steps, values, look, is_step=False)
    keys = (Key(UNKNOWN, Look(ENDED), "area"),) if unknown else ()
    return Chart((Panel(x, y, HEIGHT, curves=(curve,), points=points, areas=unknown),), keys)


@dataclass(frozen=True, slots=True)
class Worth:
    """What it is worth to know a parameter, its standard error, and both in print."""

    name: str
    value: float
    error: float
    printed: str


def worth_bars(rows: Sequence[Worth], *, unit: str) -> Chart:
    """A bar for each parameter with its 95% interval."""
    look = Look(COLOURS[0])
    lanes = tuple(
        Lane(
            one.name,
            (
                Bar(one.name, 0.0, one.value, look, one.printed),
                Line(
                    "95% interval",
                    max(one.value - NORMAL_975 * one.error, 0.0),
                    one.value + NORMAL_975 * one.error,
                    "currentColor",
                    1.4,
                ),
            ),
            (one.printed,),
        )
        for one in rows
    )
    ends = [one.value + NORMAL_975 * one.error for one in rows]
    return Chart((Lanes(number_axis(ends, f"{unit} per patient"), lanes, ("worth (SE)",)),))


# ---------------------------------------------------------------- convergence


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """The mean over the first draws and its standard error, at increasing numbers of draws: float64 [n]."""

    arm: str
    draws: Floats
    mean: Floats
    error: Floats


def running_means(lines: Sequence[Running], *, reference: str, title: str, percent: bool) -> Chart:
    """A line for each arm with its 95% band. reference: the arm that has the first look elsewhere."""
    look = looks([*([reference] if reference else []), *(one.arm for one in lines)])
    limits = [(one.mean - NORMAL_975 * one.error, one.mean + NORMAL_975 * one.error) for one in lines]
    ends = [end for pair in limits for side in pair for end in side.tolist()]
    y = number_axis(ends, title, percent=percent, least=min(ends))
    x = number_axis([float(one.draws[-1]) for one in lines], "Draws")
    areas = tuple(
        Area("", one.draws, low, high, Look(look[one.arm].colour), 0.2, is_step=False, interval_of=one.arm)
        for one, (low, high) in zip(lines, limits, strict=True)
    )
    curves = tuple(Curve(one.arm, one.draws, one.mean, look[one.arm], is_step=False) for one in lines)
    names = [one.arm for one in lines]
    keys = legend(names, [look[name] for name in names], "line")
    return Chart((Panel(x, y, HEIGHT, curves=curves, areas=areas),), keys)


# ---------------------------------------------------------------- one parameter at a time


@dataclass(frozen=True, slots=True)
class Swing:
    """A parameter at its low and its high value (as texts), and the result there with its standard error."""

    name: str
    low: str
    high: str
    at_low: float
    at_high: float
    low_error: float
    high_error: float
    printed: str


def tornado(swings: Sequence[Swing], *, base: float, title: str, percent: bool = False) -> Chart:
    """Two bars for each parameter from the base result, with 95% simulation intervals at their ends."""
    kinds = {"parameter low": Look(COLOURS[0]), "parameter high": Look(COLOURS[1], pattern="rising")}
    lanes, ends = [], [base]
    for one in swings:
        marks: list[Bar | Line] = []
        results = ((one.at_low, one.low_error, one.low, 10.0), (one.at_high, one.high_error, one.high, 52.0))
        for look, (value, error, text, top) in zip(kinds.values(), results, strict=True):
            begin, end = sorted((base, value))
            marks.append(Bar(one.name, begin, end, look, f"{one.name} {text}", top, 38.0))
            interval = value - NORMAL_975 * error, value + NORMAL_975 * error
            if isfinite(error) and error > 0:
                marks.append(Line("95% interval", *interval, "currentColor", 1.2, top + 19.0))
            ends += [end for end in (value, *interval) if isfinite(end)]
        lanes.append(Lane(f"{one.name}: {one.low} to {one.high}", tuple(marks), (one.printed,), 26))
    axis = number_axis(ends, title, percent=percent, least=min(ends))
    drawn = Lanes(axis, tuple(lanes), ("result",), rule=base)
    return Chart((drawn,), legend(list(kinds), list(kinds.values()), "area"))
