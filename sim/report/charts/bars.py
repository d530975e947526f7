"""Bars and boxes: steps of a funnel, patient changes, shares of values, times in stages, waits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from sim.outcomes.value_distribution import Share, ValueDistribution
from sim.report.charts.style import COLOURS, ENDED, PATTERNS, dressed, looks, pattern, with_alpha
from sim.units import DAYS_IN

CHANGES = {"better": (COLOURS[0], ""), "same": (ENDED, "."), "worse": (COLOURS[1], "/")}
"""Colour and pattern of each kind of patient change."""
SHORTEST = 0.1
"""Days at which the logarithmic axis begins; shorter times are drawn there."""
TICKS = {
    "1 d": 1.0,
    "1 wk": 7.0,
    "1 mo": DAYS_IN["month"],
    "6 mo": 6 * DAYS_IN["month"],
    "2 y": 2 * DAYS_IN["year"],
    "10 y": 10 * DAYS_IN["year"],
}


def _filled(colour: str, i: int) -> dict[str, Any]:
    return {"color": colour, "pattern": pattern(colour, PATTERNS[i % len(PATTERNS)])}


def funnel(arms: Sequence[tuple[str, Sequence[int]]], steps: Sequence[str]) -> go.Figure:
    """A bar for each step and arm: the patients with it, and their share of the first."""
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for i, (arm, counts) in reversed(list(enumerate(arms))):
        first = counts[0] or 1
        figure.add_bar(
            orientation="h",
            name=arm,
            y=list(steps),
            x=[count / first for count in counts],
            text=[f"{count:,} ({count / first:.0%})" for count in counts],
            textposition="auto",
            marker=_filled(look[arm].colour, i),
            hovertemplate="%{y}: %{text}<extra>%{fullData.name}</extra>",
            showlegend=len(arms) > 1,
        )
    dressed(figure, height=60 + len(steps) * (20 + 22 * len(arms)))
    figure.update_layout(barmode="group", bargap=0.25, legend={"traceorder": "reversed"})
    figure.update_yaxes(categoryorder="array", categoryarray=list(steps), range=[len(steps) - 0.5, -0.5])
    return figure.update_xaxes(tickformat=".0%", range=[0, 1.02])


def patient_changes(arms: Sequence[tuple[str, Mapping[str, float]]]) -> go.Figure:
    """The shares of patients who do better, the same and worse, as one bar for each arm."""
    figure = go.Figure()
    for kind, (colour, shape) in CHANGES.items():
        shares = [share[kind] for _, share in arms]
        figure.add_bar(
            orientation="h",
            name=kind,
            y=[name for name, _ in arms],
            x=shares,
            text=[f"{share:.1%}" for share in shares],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            marker={"color": colour, "pattern": pattern(colour, shape)},
            hovertemplate="%{y}: %{x:.1%}<extra>" + kind + "</extra>",
        )
    dressed(figure, height=110 + 44 * len(arms))
    figure.update_layout(barmode="stack", bargap=0.3)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure.update_xaxes(tickformat=".0%", range=[0, 1])


def shares(arms: Sequence[tuple[str, Sequence[Share]]]) -> go.Figure:
    """A bar for each value and arm, with the 95% interval of its share; of one arm with the shares below.

    An arm without values keeps its look, and has no bars.
    """
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for i, (arm, found) in enumerate(arms):
        if found:
            figure.add_bar(
                name=arm,
                x=[share.value for share in found],
                y=[share.estimate.value for share in found],
                error_y=_whiskers(found),
                marker=_filled(look[arm].colour, i),
                hovertemplate="%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
                showlegend=len(arms) > 1,
            )
    dressed(figure, height=320)
    figure.update_layout(barmode="group")
    figure.update_xaxes(type="category", showgrid=False)
    if len(arms) == 1:
        below = [f"{share.value}<br>{share.estimate.value:.1%}" for share in arms[0][1]]
        figure.update_xaxes(tickvals=[share.value for share in arms[0][1]], ticktext=below)
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def _whiskers(found: Sequence[Share]) -> dict[str, object] | None:
    """From the lower to the upper limit of each share; None where there are no intervals."""
    if not all(share.estimate.has_interval for share in found):
        return None
    above = [share.estimate.high - share.estimate.value for share in found]
    below = [share.estimate.value - share.estimate.low for share in found]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.2}


def times_in_stages(
    arms: Sequence[tuple[str, Sequence[ValueDistribution]]], labels: Mapping[str, str]
) -> go.Figure:
    """Boxes from the lower to the upper quartile with the median, whiskers from 5% to 95%."""
    names = list(dict.fromkeys(spread.name for _, spreads in arms for spread in spreads))
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for arm, spreads in reversed(arms):
        quantiles = [[max(q, SHORTEST) for q in spread.quantiles] for spread in spreads]
        keys = ("lowerfence", "q1", "median", "q3", "upperfence")
        figure.add_box(
            orientation="h",
            name=arm,
            y=[labels.get(spread.name, spread.name) for spread in spreads],
            line={"color": look[arm].colour, "width": 1.5},
            fillcolor=with_alpha(look[arm].colour, 0.35),
            showlegend=len(arms) > 1,
            **{key: [q[i] for q in quantiles] for i, key in enumerate(keys)},
        )
    dressed(figure, height=90 + len(names) * (18 + 14 * len(arms)))
    order = [labels.get(name, name) for name in names][::-1]
    figure.update_yaxes(categoryorder="array", categoryarray=order)
    figure.update_xaxes(type="log", tickvals=list(TICKS.values()), ticktext=list(TICKS), tickangle=0)
    return figure.update_layout(boxmode="group", boxgap=0.3, legend={"traceorder": "reversed"})


def waits(arms: Sequence[tuple[str, Sequence[float]]], points: int = 200) -> go.Figure:
    """The share of waits that last longer than a time, for each arm with ended waits (days)."""
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for arm, days in arms:
        if not days:
            continue
        ordered = sorted(days)
        time = [ordered[-1] * i / points for i in range(points + 1)]
        figure.add_scatter(
            name=arm,
            x=[round(t, 3) for t in time],
            y=[round(1 - bisect_right(ordered, t) / len(ordered), 4) for t in time],
            mode="lines",
            line={"shape": "hv", "color": look[arm].colour, "dash": look[arm].dash, "width": 2.2},
            hovertemplate="%{y:.1%} longer than %{x:.1f} days<extra>%{fullData.name}</extra>",
            showlegend=len(arms) > 1,
        )
    dressed(figure, height=320)
    figure.update_xaxes(title_text="days waited", rangemode="tozero")
    return figure.update_yaxes(title_text="wait longer", tickformat=".0%", range=[0, 1.02])
