"""An outcome over the values that were swept, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from sim import units
from sim.report.charts.style import ENDED, dressed, looks, unit_of
from sim.scenario.source.tree import plain, read_text


@dataclass(frozen=True, slots=True)
class Point:
    """The outcome at one swept value, as it is written; None where it is unknown."""

    at: str
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Line:
    """The outcome over one path, everything else that is swept being as the name says."""

    name: str
    points: tuple[Point, ...]


def sweep(
    lines: Sequence[Line], *, over: str, unit: str, is_share: bool, as_it_stands: float | None
) -> go.Figure:
    """A line for each of `lines` with whiskers; a dashed one across at the scenario as it stands."""
    figure = go.Figure()
    look = looks([line.name for line in lines])
    axis, unit_of_axis = _axis([point.at for line in lines for point in line.points])
    for line in lines:
        known = [point for point in line.points if point.value is not None]
        figure.add_scatter(
            name=line.name,
            mode="lines+markers",
            line={"color": look[line.name].colour, "dash": look[line.name].dash, "width": 2.2},
            marker={"color": look[line.name].colour, "symbol": look[line.name].symbol, "size": 9},
            x=[axis[point.at] for point in known],
            y=[point.value for point in known],
            error_y=_whiskers(known),
            hovertemplate="%{x}: %{y:" + (".1%" if is_share else ".4~g") + "}<extra>%{fullData.name}</extra>",
            showlegend=len(lines) > 1,
        )
    if as_it_stands is not None:
        figure.add_hline(
            y=as_it_stands,
            line={"color": ENDED, "width": 1.5, "dash": "dash"},
            annotation_text="as it stands",
            annotation_position="bottom right",
        )
    dressed(figure, height=400)
    figure.update_xaxes(
        title=f"{over}, {unit_of_axis}" if unit_of_axis else over, tickvals=list(dict.fromkeys(axis.values()))
    )
    figure.update_yaxes(title_text=unit, tickformat=".0%" if is_share else "")
    return figure


def _whiskers(points: Sequence[Point]) -> dict[str, Any]:
    """The intervals, as far above and below the values as they reach."""
    ends = [(point.value or 0.0, *(point.interval or (point.value, point.value))) for point in points]
    above = [(high or 0.0) - value for value, _, high in ends]
    below = [value - (low or 0.0) for value, low, _ in ends]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "width": 5}


def _axis(texts: Sequence[str]) -> tuple[dict[str, float | str], str]:
    """Where each written value stands: numbers and times at their size, all else in the order written."""
    values = {text: plain(read_text(text, text)) for text in dict.fromkeys(texts)}
    kinds = {units.kind(value) for value in values.values()}
    if kinds == {"number"}:
        return {text: float(str(value)) for text, value in values.items()}, ""
    if kinds == {"time"}:
        unit = unit_of(max(units.days(str(value)) for value in values.values()))
        return {text: units.days(str(value)) / unit.days for text, value in values.items()}, unit.name
    return {text: text for text in values}, ""
