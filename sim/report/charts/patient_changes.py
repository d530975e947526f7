"""Who does better, the same and worse, as one bar for each arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from sim.report.charts.style import COLOURS, ENDED, dressed, pattern

KINDS = ("better", "same", "worse")

LOOKS = {"better": (COLOURS[0], ""), "same": (ENDED, "."), "worse": (COLOURS[1], "/")}


def better_and_worse(arms: Sequence[tuple[str, Mapping[str, float]]]) -> go.Figure:
    """Shares of patients, which add up to 1; by arm, for each of KINDS."""
    figure = go.Figure()
    for kind in KINDS:
        colour, shape = LOOKS[kind]
        shares = [of[kind] for _, of in arms]
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
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    return figure
