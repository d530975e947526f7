"""Kaplan-Meier curves with their bands, and the numbers at risk below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.outcomes.curves import Curve
from sim.report.charts.style import Unit, dressed, even_ticks, looks, rounded, unit_of, with_alpha


def survival(curves: Sequence[Curve]) -> go.Figure:
    """A step curve for each of `curves` on one axis of time, by name."""
    longest = max(float(curve.time[-1]) for curve in curves)
    unit = unit_of(longest)
    ticks = even_ticks(longest, unit)
    is_named = len(curves) > 1
    n_rows = len(curves) * (2 if is_named else 1)
    height = 420 + 19 * n_rows
    below, gap = (24 + 19 * n_rows) / height, 58 / height
    heights = [1 - below - gap, below]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=gap)
    look = looks([curve.name for curve in curves])
    for curve in curves:
        colour, time = look[curve.name].colour, rounded(curve.time / unit.days)
        _add_band(figure, curve, time, colour)
        figure.add_scatter(
            row=1,
            col=1,
            x=time,
            y=rounded(curve.value),
            name=curve.name,
            mode="lines",
            line={"shape": "hv", "color": colour, "dash": look[curve.name].dash, "width": 2.2},
            hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
            showlegend=is_named,
        )
    colours = [look[curve.name].colour for curve in curves] if is_named else []
    _add_numbers_at_risk(figure, curves, unit, ticks, colours=colours)
    dressed(figure, height=height)
    figure.update_xaxes(range=[-0.02 * longest / unit.days, 1.02 * longest / unit.days], tickvals=ticks)
    figure.update_xaxes(title_text=unit.name, showticklabels=True, row=1, col=1)
    figure.update_xaxes(visible=False, row=2, col=1)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", row=1, col=1)
    figure.update_yaxes(visible=False, range=[-n_rows - 0.2, 0.9], row=2, col=1)
    return figure.update_layout(hovermode="x unified")


def _add_band(figure: go.Figure, curve: Curve, time: list[float | None], colour: str) -> None:
    """The 95% limits, at the value itself where there are none."""
    edge = {"row": 1, "col": 1, "x": time, "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    edge["line"] = {"shape": "hv", "width": 0}
    low, high = (rounded(np.where(np.isnan(end), curve.value, end)) for end in (curve.low, curve.high))
    figure.add_scatter(y=high, **edge)
    figure.add_scatter(y=low, fill="tonexty", fillcolor=with_alpha(colour, 0.2), **edge)


def _add_numbers_at_risk(
    figure: go.Figure, curves: Sequence[Curve], unit: Unit, ticks: list[float], *, colours: list[str]
) -> None:
    """The numbers at risk at the ticks; of several curves each below its name."""
    text = {"row": 2, "col": 1, "mode": "text", "hoverinfo": "skip", "showlegend": False, "cliponaxis": False}
    label = text | {"x": [0], "textposition": "middle right"}
    figure.add_scatter(y=[0.6], text=["<b>At risk</b>"], **label)
    for i, curve in enumerate(curves):
        numbers = [f"{at_risk(curve, tick * unit.days):,.0f}" for tick in ticks]
        depth = -(2 * i + 1) if colours else -i
        if colours:
            font = {"color": colours[i], "size": 12}
            figure.add_scatter(y=[depth + 0.5], text=[curve.name], textfont=font, **label)
        heights = [depth - 0.4] * len(ticks)
        figure.add_scatter(x=ticks, y=heights, text=numbers, textfont={"size": 12}, **text)


def at_risk(curve: Curve, time: float) -> float:
    """The number at risk at the first time of the curve that is not earlier."""
    position = int(np.searchsorted(curve.time, time - 1e-9))
    return float(curve.at_risk[min(position, len(curve.at_risk) - 1)])
