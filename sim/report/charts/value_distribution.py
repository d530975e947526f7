"""How times and grades are spread: boxes for times in stages, bars for shares of patients."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from sim.outcomes.value_distribution import Share, Spread
from sim.report.charts.style import PATTERNS, dressed, looks, pattern, with_alpha
from sim.units import DAYS_IN

SHORTEST = 0.1
"""Days at which the logarithmic axis begins; what is shorter is drawn there."""
TICKS = {
    "1 d": 1.0,
    "1 wk": 7.0,
    "1 mo": DAYS_IN["month"],
    "6 mo": 6 * DAYS_IN["month"],
    "2 y": 2 * DAYS_IN["year"],
    "10 y": 10 * DAYS_IN["year"],
}


def stays(arms: Sequence[tuple[str, Sequence[Spread]]], labels: Mapping[str, str]) -> go.Figure:
    """Boxes from the lower to the upper quartile with the median, whiskers from 5% to 95%."""
    names = list(dict.fromkeys(spread.name for _, spreads in arms for spread in spreads))
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for arm, spreads in reversed(arms):
        quantiles = [[max(q, SHORTEST) for q in spread.quantiles] for spread in spreads]
        figure.add_box(
            orientation="h",
            name=arm,
            y=[labels.get(spread.name, spread.name) for spread in spreads],
            lowerfence=[q[0] for q in quantiles],
            q1=[q[1] for q in quantiles],
            median=[q[2] for q in quantiles],
            q3=[q[3] for q in quantiles],
            upperfence=[q[4] for q in quantiles],
            line={"color": look[arm].colour, "width": 1.5},
            fillcolor=with_alpha(look[arm].colour, 0.35),
            showlegend=len(arms) > 1,
        )
    dressed(figure, height=90 + len(names) * (18 + 14 * len(arms)))
    order = [labels.get(name, name) for name in names][::-1]
    figure.update_yaxes(categoryorder="array", categoryarray=order)
    figure.update_xaxes(type="log", tickvals=list(TICKS.values()), ticktext=list(TICKS), tickangle=0)
    figure.update_layout(boxmode="group", boxgap=0.3, legend={"traceorder": "reversed"})
    return figure


def shares(arms: Sequence[tuple[str, Sequence[Share]]]) -> go.Figure:
    """A bar for each value and arm, with the 95% interval of its share; of one arm the shares beneath.

    An arm without any keeps its look, and has no bars.
    """
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for i, (arm, found) in enumerate(arms):
        if not found:
            continue
        value = [share.estimate.value for share in found]
        figure.add_bar(
            name=arm,
            x=[share.value for share in found],
            y=value,
            error_y=_whiskers(found),
            marker={
                "color": look[arm].colour,
                "pattern": pattern(look[arm].colour, PATTERNS[i % len(PATTERNS)]),
            },
            hovertemplate="%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
            showlegend=len(arms) > 1,
        )
    dressed(figure, height=320)
    figure.update_layout(barmode="group")
    figure.update_xaxes(type="category", showgrid=False)
    if len(arms) == 1:
        ((_, found),) = arms
        beneath = [f"{share.value}<br>{share.estimate.value:.1%}" for share in found]
        figure.update_xaxes(tickvals=[share.value for share in found], ticktext=beneath)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure


def _whiskers(found: Sequence[Share]) -> dict[str, object] | None:
    """From the lower to the upper limit of each share; None where there are no intervals."""
    if not all(share.estimate.has_interval for share in found):
        return None
    above = [share.estimate.high - share.estimate.value for share in found]
    below = [share.estimate.value - share.estimate.low for share in found]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.2}


def waits(arms: Sequence[tuple[str, Sequence[float]]]) -> go.Figure:
    """The share of waits that last longer than a time, for each arm that has any: in days, all ended."""
    look = looks([name for name, _ in arms])
    figure = go.Figure()
    for arm, days in arms:
        if not days:
            continue
        time, longer = _survivors(days)
        figure.add_scatter(
            name=arm,
            x=time,
            y=longer,
            mode="lines",
            line={"shape": "hv", "color": look[arm].colour, "dash": look[arm].dash, "width": 2.2},
            hovertemplate="%{y:.1%} longer than %{x:.1f} days<extra>%{fullData.name}</extra>",
            showlegend=len(arms) > 1,
        )
    dressed(figure, height=320)
    figure.update_xaxes(title_text="days waited", rangemode="tozero")
    figure.update_yaxes(title_text="wait longer", tickformat=".0%", range=[0, 1.02])
    return figure


def _survivors(days: Sequence[float], points: int = 200) -> tuple[list[float], list[float]]:
    """The share of values above each of some evenly spaced times."""
    ordered = sorted(days)
    last, n = ordered[-1], len(ordered)
    time = [last * i / points for i in range(points + 1)]
    return [round(t, 3) for t in time], [round(1 - bisect_right(ordered, t) / n, 4) for t in time]
