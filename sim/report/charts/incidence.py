"""Cumulative incidences of ends that compete, stacked: together with who is free of them they make 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.outcomes.curves import Curve, Curves
from sim.report.charts.style import dressed, looks, unit_of, with_alpha


def incidence(arms: Sequence[tuple[str, Curves]], labels: Mapping[str, str]) -> go.Figure:
    """One panel for each arm, beneath one another. labels: the words for the name of each end."""
    causes = [curve.name for curve in _ends(arms[0][1])]
    look = looks(causes)
    longest = float(arms[0][1].main.time[-1])
    unit = unit_of(longest)
    figure = make_subplots(
        rows=len(arms), cols=1, shared_xaxes=True, vertical_spacing=0.07, subplot_titles=_titles(arms)
    )
    for row, (_, curves) in enumerate(arms, start=1):
        for curve in _ends(curves):
            one = look[curve.name]
            figure.add_scatter(
                row=row,
                col=1,
                x=np.round(curve.time / unit.days, 4).tolist(),
                y=[None if np.isnan(v) else round(v, 4) for v in curve.value.tolist()],
                name=labels.get(curve.name, curve.name),
                legendgroup=curve.name,
                showlegend=row == 1,
                stackgroup=f"arm{row}",
                mode="lines",
                line={"shape": "hv", "color": one.colour, "dash": one.dash, "width": 1.5},
                fillcolor=with_alpha(one.colour, 0.55),
                hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
            )
    dressed(figure, height=70 + (300 if len(arms) == 1 else 210 * len(arms)))
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    figure.update_xaxes(title_text=unit.name, row=len(arms), col=1)
    figure.update_layout(hovermode="x unified")
    return with_room_for_titles(figure, len(arms))


def _ends(curves: Curves) -> list[Curve]:
    return [curves.main, *curves.causes]


def _titles(arms: Sequence[tuple[str, object]]) -> list[str]:
    return [name for name, _ in arms] if len(arms) > 1 else []


def with_room_for_titles(figure: go.Figure, panels: int) -> go.Figure:
    """The titles of several panels stand to the left, and the legend above the first of them."""
    if panels > 1:
        figure.update_annotations(x=0, xanchor="left", font={"size": 13})
        figure.update_layout(legend={"y": 1 + 34 / figure.layout.height}, margin={"t": 8})
    return figure
