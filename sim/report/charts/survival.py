"""Kaplan-Meier curves with their bands, and the numbers at risk beneath."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sim.event_log.log import Floats
from sim.outcomes.curves import Curve
from sim.report.charts.style import Unit, dressed, even_ticks, looks, unit_of, with_alpha


def survival(lines: Sequence[Curve]) -> go.Figure:
    """A step curve for each line on one axis of time; names tell them apart."""
    longest = max(float(curve.time[-1]) for curve in lines)
    unit = unit_of(longest)
    ticks = even_ticks(longest, unit)
    named = len(lines) > 1
    rows = len(lines) * (2 if named else 1)
    height = 420 + 19 * rows
    share, gap = (24 + 19 * rows) / height, 58 / height
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        row_heights=[1 - share - gap, share],
        vertical_spacing=gap,
    )
    look = looks([curve.name for curve in lines])
    for curve in lines:
        colour, time = look[curve.name].colour, _rounded(curve.time / unit.days)
        _add_band(figure, curve, time, colour)
        figure.add_scatter(
            row=1,
            col=1,
            x=time,
            y=_rounded(curve.value),
            name=curve.name,
            mode="lines",
            line={"shape": "hv", "color": colour, "dash": look[curve.name].dash, "width": 2.2},
            hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
            showlegend=named,
        )
    _add_numbers(figure, lines, unit, ticks, colours=[look[c.name].colour for c in lines] if named else [])
    dressed(figure, height=height)
    figure.update_xaxes(range=[-0.02 * longest / unit.days, 1.02 * longest / unit.days], tickvals=ticks)
    figure.update_xaxes(title_text=unit.name, showticklabels=True, row=1, col=1)
    figure.update_xaxes(visible=False, row=2, col=1)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", row=1, col=1)
    figure.update_yaxes(visible=False, range=[-rows - 0.2, 0.9], row=2, col=1)
    figure.update_layout(hovermode="x unified")
    return figure


def _rounded(values: Floats) -> list[float | None]:
    """Four decimals, which is finer than a picture can show; a gap where a value is unknown."""
    return [None if np.isnan(value) else round(value, 4) for value in values.tolist()]


def _add_band(figure: go.Figure, curve: Curve, time: list[float | None], colour: str) -> None:
    """The 95% limits, at the value itself where there are none."""
    low = np.where(np.isnan(curve.low), curve.value, curve.low)
    high = np.where(np.isnan(curve.high), curve.value, curve.high)
    edge = {"shape": "hv", "width": 0}
    shared = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, "line": edge}
    figure.add_scatter(row=1, col=1, x=time, y=_rounded(high), **shared)
    figure.add_scatter(
        row=1, col=1, x=time, y=_rounded(low), fill="tonexty", fillcolor=with_alpha(colour, 0.2), **shared
    )


def _add_numbers(
    figure: go.Figure, lines: Sequence[Curve], unit: Unit, ticks: list[float], *, colours: list[str]
) -> None:
    """The numbers at risk at the ticks; with several lines each under its name."""
    first = {
        "row": 2,
        "col": 1,
        "mode": "text",
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }
    figure.add_scatter(x=[0], y=[0.6], text=["<b>At risk</b>"], textposition="middle right", **first)
    for i, curve in enumerate(lines):
        numbers = [f"{at_risk(curve, tick * unit.days):,.0f}" for tick in ticks]
        depth = -(2 * i + 1) if colours else -i
        if colours:
            figure.add_scatter(
                x=[0],
                y=[depth + 0.5],
                text=[curve.name],
                textposition="middle right",
                textfont={"color": colours[i], "size": 12},
                **first,
            )
        figure.add_scatter(
            x=ticks, y=[depth - 0.4] * len(ticks), text=numbers, textfont={"size": 12}, **first
        )


def at_risk(curve: Curve, time: float) -> float:
    """How many are at risk at the first time of the curve that is not earlier."""
    position = int(np.searchsorted(curve.time, time - 1e-9))
    return float(curve.at_risk[min(position, len(curve.at_risk) - 1)])
