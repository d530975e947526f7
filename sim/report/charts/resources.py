"""Resources over calendar time: units in use, patients waiting, capacity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.outcomes.queues.queue_summary import UseOverTime
from sim.report.charts.style import ENDED, dressed, looks, rounded, unit_of

DASH = {"in use": "solid", "waiting": "dot", "capacity": "dash"}


def resources(arms: Sequence[tuple[str, Sequence[UseOverTime]]], *, warm_up: float) -> go.Figure:
    """A panel for each resource; arms by colour, quantities by dash.

    warm_up: days; averages begin after them, at a line.
    """
    names = [use.resource for use in arms[0][1]]
    look = looks([name for name, _ in arms])
    figure = make_subplots(
        rows=len(names),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=min(0.08, 0.3 / len(names)),
        subplot_titles=[name.replace("_", " ") for name in names],
    )
    unit = unit_of(float(arms[0][1][0].edges[-1]))
    for arm, found in arms:
        for use in found:
            row = names.index(use.resource) + 1
            for what, values in zip(DASH, (use.in_use, use.queue, use.capacity), strict=True):
                if np.isnan(values).all():
                    continue
                name = f"{arm}: {what}" if len(arms) > 1 else what
                is_capacity = what == "capacity"
                colour, width = (ENDED, 1.2) if is_capacity else (look[arm].colour, 1.8)
                figure.add_scatter(
                    row=row,
                    col=1,
                    x=rounded(use.edges / unit.days),
                    y=[*rounded(values), None],
                    name=name,
                    legendgroup=name,
                    showlegend=row == 1,
                    mode="lines",
                    line={"shape": "hv", "dash": DASH[what], "width": width, "color": colour},
                    hovertemplate="%{y:.1f}<extra>%{fullData.name}</extra>",
                )
    dressed(figure, height=110 + 190 * len(names))
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    if warm_up > 0:
        figure.add_vline(x=warm_up / unit.days, line={"color": ENDED, "width": 1.5, "dash": "dashdot"})
    figure.update_yaxes(rangemode="tozero", nticks=5)
    figure.update_xaxes(title_text=f"{unit.name} on the calendar", row=len(names), col=1)
    return figure.update_layout(legend={"y": 1 + 30 / figure.layout.height}, hovermode="x unified")
