"""Probabilities that add up to at most 1, stacked over time: competing ends, or the places of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.event_log.log import Floats
from sim.report.charts.style import Look, dressed, pattern, rounded, unit_of, with_alpha


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """One probability over time, shape [n_times]; time: days, increasing."""

    label: str
    time: Floats
    value: Floats
    look: Look


def incidence(arms: Sequence[tuple[str, Sequence[Area]]]) -> go.Figure:
    """Cumulative incidences of competing ends: steps with an outline, one panel for each arm."""
    figure = _panels(arms, height=70 + (300 if len(arms) == 1 else 210 * len(arms)))
    for row, (_, areas) in enumerate(arms, start=1):
        for area in areas:
            line = {"shape": "hv", "color": area.look.colour, "dash": area.look.dash, "width": 1.5}
            fill = {"fillcolor": with_alpha(area.look.colour, 0.55)}
            _add_area(figure, area, row, arms, line=line, **fill)
    return figure.update_layout(hovermode="x unified")


def occupancy(arms: Sequence[tuple[str, Sequence[Area]]]) -> go.Figure:
    """Shares of patients in each place, one panel for each arm."""
    figure = _panels(arms, height=120 + (300 if len(arms) == 1 else 240 * len(arms)))
    for row, (_, areas) in enumerate(arms, start=1):
        for area in areas:
            colour, shape = area.look.colour, area.look.pattern
            fill = {"fillcolor": colour, "fillpattern": pattern(colour, shape)}
            _add_area(figure, area, row, arms, line={"width": 0.8, "color": colour}, **fill)
    return figure


def _add_area(
    figure: go.Figure, area: Area, row: int, arms: Sequence[tuple[str, Sequence[Area]]], **look: object
) -> None:
    unit = unit_of(_longest(arms))
    is_first = not any(trace.name == area.label for trace in figure.data)
    figure.add_scatter(
        row=row,
        col=1,
        x=rounded(area.time / unit.days),
        y=rounded(area.value),
        name=area.label,
        legendgroup=area.label,
        showlegend=is_first,
        stackgroup=f"arm{row}",
        mode="lines",
        hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
        **look,
    )


def _longest(arms: Sequence[tuple[str, Sequence[Area]]]) -> float:
    return float(arms[0][1][0].time[-1])


def _panels(arms: Sequence[tuple[str, Sequence[Area]]], *, height: int) -> go.Figure:
    """Panels below each other; the titles of several stand to the left, the legend above the first."""
    n = len(arms)
    titles = [name for name, _ in arms] if n > 1 else []
    figure = make_subplots(rows=n, cols=1, shared_xaxes=True, vertical_spacing=0.07, subplot_titles=titles)
    dressed(figure, height=height)
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    figure.update_xaxes(title_text=unit_of(_longest(arms)).name, row=n, col=1)
    if n > 1:
        figure.update_annotations(x=0, xanchor="left", font={"size": 13})
        figure.update_layout(legend={"y": 1 + 34 / height}, margin={"t": 8})
    return figure
