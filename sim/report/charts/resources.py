"""Resources over calendar time: units in use, patients waiting, units there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.event_log.log import Floats
from sim.outcomes.queues.use_over_time import UseOverTime
from sim.report.charts.style import ENDED, dressed, looks, unit_of

DASH = {"in use": "solid", "waiting": "dot", "capacity": "dash"}


def resources(arms: Sequence[tuple[str, Sequence[UseOverTime]]], *, warm_up: float) -> go.Figure:
    """A panel for each resource; arms by colour, what is counted by dash.

    warm_up: days; averages begin after them, at a line.
    """
    names = [one.resource for one in arms[0][1]]
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
        for one in found:
            row = names.index(one.resource) + 1
            for what, values in (("in use", one.in_use), ("waiting", one.queue), ("capacity", one.capacity)):
                if np.isnan(values).all():
                    continue
                called = f"{arm}: {what}" if len(arms) > 1 else what
                figure.add_scatter(
                    row=row,
                    col=1,
                    x=_rounded(one.edges / unit.days),
                    y=[*_rounded(values), None],
                    name=called,
                    legendgroup=called,
                    showlegend=row == 1,
                    mode="lines",
                    line={
                        "shape": "hv",
                        "dash": DASH[what],
                        "width": 1.2 if what == "capacity" else 1.8,
                        "color": ENDED if what == "capacity" else look[arm].colour,
                    },
                    hovertemplate="%{y:.1f}<extra>%{fullData.name}</extra>",
                )
    dressed(figure, height=110 + 190 * len(names))
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    if warm_up > 0:
        figure.add_vline(x=warm_up / unit.days, line={"color": ENDED, "width": 1.5, "dash": "dashdot"})
    figure.update_yaxes(rangemode="tozero", nticks=5)
    figure.update_xaxes(title_text=f"{unit.name} on the calendar", row=len(names), col=1)
    figure.update_layout(legend={"y": 1 + 30 / figure.layout.height}, hovermode="x unified")
    return figure


def _rounded(values: Floats) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
