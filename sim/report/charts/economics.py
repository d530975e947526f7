"""Costs and effects: the cost-effectiveness plane, costs by category, the frontier, costs over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import plotly.graph_objects as go

from sim.report.charts.style import ENDED, PATTERNS, dressed, looks, pattern

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


def plane(points: Sequence[Point], *, reference: str, currency: str, threshold: float = nan) -> go.Figure:
    """Differences from the reference with the 95% ellipse of their simulation error."""
    look = looks([reference, *(point.arm for point in points)])
    figure = go.Figure()
    for point in points:
        colour = look[point.arm].colour
        if point.correlation == point.correlation:
            effects, costs = _ellipse(point)
            figure.add_scatter(
                x=effects,
                y=costs,
                mode="lines",
                line={"color": colour, "width": 1.5},
                showlegend=False,
                hoverinfo="skip",
            )
        figure.add_scatter(
            name=point.arm,
            x=[point.effect],
            y=[point.cost],
            mode="markers",
            marker={"color": colour, "symbol": look[point.arm].symbol, "size": 11},
            hovertemplate="%{x:.3~g} QALYs, %{y:,.0f} " + currency + "<extra>" + point.arm + "</extra>",
        )
    dressed(figure, height=420)
    if threshold == threshold:
        reach = 1.2 * max(abs(point.effect) for point in points)
        figure.add_scatter(
            name=f"{threshold:,.10g} per QALY",
            x=[-reach, reach],
            y=[-reach * threshold, reach * threshold],
            mode="lines",
            line={"color": ENDED, "width": 1.5, "dash": "dash"},
            hoverinfo="skip",
        )
    for add in (figure.add_vline, figure.add_hline):
        add(0, line={"color": ENDED, "width": 1})
    figure.update_xaxes(title_text="incremental QALYs")
    return figure.update_yaxes(title_text=f"incremental cost ({currency})")


def _ellipse(point: Point) -> tuple[list[float], list[float]]:
    """The 95% region of a bivariate normal distribution."""
    angle = np.linspace(0.0, 2.0 * np.pi, 73)
    radius, rho = sqrt(CHI_SQUARED_95), min(max(point.correlation, -1.0), 1.0)
    effects = point.effect + radius * point.effect_error * np.cos(angle)
    turned = rho * np.cos(angle) + sqrt(1.0 - rho * rho) * np.sin(angle)
    return effects.tolist(), (point.cost + radius * point.cost_error * turned).tolist()


def by_category(arms: Sequence[tuple[str, Mapping[str, float]]], *, currency: str) -> go.Figure:
    """The cost of each arm as one bar, its categories stacked."""
    names = list(dict.fromkeys(name for _, parts in arms for name in parts))
    look = looks(names)
    figure = go.Figure()
    for i, name in enumerate(names):
        colour = look[name].colour
        figure.add_bar(
            orientation="h",
            name=name,
            y=[arm for arm, _ in arms],
            x=[parts.get(name, 0.0) for _, parts in arms],
            marker={"color": colour, "pattern": pattern(colour, PATTERNS[i % len(PATTERNS)])},
            hovertemplate="%{y}: %{x:,.0f}<extra>" + name + "</extra>",
        )
    dressed(figure, height=130 + 44 * len(arms))
    figure.update_layout(barmode="stack")
    figure.update_yaxes(autorange="reversed")
    return figure.update_xaxes(title_text=f"{currency} per patient")


def frontier(points: Sequence[Point], on: Sequence[str], *, currency: str) -> go.Figure:
    """The arms by QALYs and cost, and a line through those on the frontier."""
    look = looks(point.arm for point in points)
    figure = go.Figure()
    line = sorted((point.effect, point.cost) for point in points if point.arm in on)
    figure.add_scatter(
        name="frontier",
        x=[effect for effect, _ in line],
        y=[cost for _, cost in line],
        mode="lines",
        line={"color": ENDED, "width": 2},
        hoverinfo="skip",
    )
    for point in points:
        figure.add_scatter(
            name=point.arm,
            x=[point.effect],
            y=[point.cost],
            mode="markers",
            marker={"color": look[point.arm].colour, "symbol": look[point.arm].symbol, "size": 11},
            hovertemplate="%{x:.3~g} QALYs, %{y:,.0f} " + currency + "<extra>" + point.arm + "</extra>",
        )
    dressed(figure, height=400)
    figure.update_xaxes(title_text="QALYs per patient")
    return figure.update_yaxes(title_text=f"cost per patient ({currency})")


def cumulative(arms: Sequence[tuple[str, tuple[list[float], list[float]]]], *, currency: str) -> go.Figure:
    """The cost per patient up to each year."""
    look = looks(name for name, _ in arms)
    figure = go.Figure()
    for name, (years, costs) in arms:
        figure.add_scatter(
            name=name,
            x=years,
            y=costs,
            mode="lines",
            line={"color": look[name].colour, "dash": look[name].dash, "width": 2},
            showlegend=len(arms) > 1,
            hovertemplate="year %{x:.0f}: %{y:,.0f}<extra>" + name + "</extra>",
        )
    dressed(figure, height=360)
    figure.update_xaxes(title_text="years since the start")
    return figure.update_yaxes(title_text=f"cumulative cost per patient ({currency})", rangemode="tozero")
