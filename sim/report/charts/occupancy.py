"""Where patients are over time, stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.outcomes.history.state_occupancy import Whereabouts
from sim.report.charts.incidence import with_room_for_titles
from sim.report.charts.style import Look, dressed, pattern, unit_of


def occupancy(
    arms: Sequence[tuple[str, Whereabouts]], labels: Mapping[str, str], look: Mapping[str, Look]
) -> go.Figure:
    """One panel for each arm, beneath one another; places where nobody ever is are left out."""
    longest = float(arms[0][1].time[-1])
    unit = unit_of(longest)
    titles = [name for name, _ in arms] if len(arms) > 1 else []
    figure = make_subplots(
        rows=len(arms), cols=1, shared_xaxes=True, vertical_spacing=0.07, subplot_titles=titles
    )
    shown: set[str] = set()
    for row, (_, places) in enumerate(arms, start=1):
        for name, share in zip(places.names, places.share, strict=True):
            if not np.nansum(share):
                continue
            figure.add_scatter(
                row=row,
                col=1,
                x=np.round(places.time / unit.days, 4).tolist(),
                y=[None if np.isnan(v) else round(v, 4) for v in share.tolist()],
                name=labels.get(name, name),
                legendgroup=name,
                showlegend=name not in shown,
                stackgroup=f"arm{row}",
                mode="lines",
                line={"width": 0.8, "color": look[name].colour},
                fillcolor=look[name].colour,
                fillpattern=pattern(look[name].colour, look[name].pattern),
                hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
            )
            shown.add(name)
    dressed(figure, height=120 + (300 if len(arms) == 1 else 240 * len(arms)))
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    figure.update_xaxes(title_text=unit.name, row=len(arms), col=1)
    return with_room_for_titles(figure, len(arms))
