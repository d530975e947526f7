"""An outcome over the values of a sweep, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import plotly.graph_objects as go

from sim import units
from sim.report.charts.style import ENDED, dressed, looks, unit_of
from sim.scenario.source.tree import plain, read_text


@dataclass(frozen=True, slots=True)
class Point:
    """The outcome at one value, as it is written in the scenario; nan where it is unknown."""

    at: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """The outcome over one path; name: the values of the other paths."""

    name: str
    points: tuple[Point, ...]


def sweep(lines: Sequence[Line], *, over: str, unit: str, is_share: bool, base_case: float) -> go.Figure:
    """A line for each of `lines` with whiskers, and a dashed one across at the base case (nan: none)."""
    figure = go.Figure()
    look = looks([line.name for line in lines])
    axis, unit_of_axis = _axis([point.at for line in lines for point in line.points])
    order = list(axis)
    for line in lines:
        known = [point for point in line.points if not isnan(point.value)]
        known.sort(key=lambda point: order.index(point.at))
        ends = [
            (point.value, point.value) if isnan(point.low + point.high) else (point.low, point.high)
            for point in known
        ]
        whiskers = {
            "type": "data",
            "symmetric": False,
            "array": [high - point.value for (_, high), point in zip(ends, known, strict=True)],
            "arrayminus": [point.value - low for (low, _), point in zip(ends, known, strict=True)],
            "width": 5,
        }
        figure.add_scatter(
            name=line.name,
            mode="lines+markers",
            line={"color": look[line.name].colour, "dash": look[line.name].dash, "width": 2.2},
            marker={"color": look[line.name].colour, "symbol": look[line.name].symbol, "size": 9},
            x=[axis[point.at] for point in known],
            y=[point.value for point in known],
            error_y=whiskers,
            hovertemplate="%{x}: %{y:" + (".1%" if is_share else ".4~g") + "}<extra>%{fullData.name}</extra>",
            showlegend=len(lines) > 1,
        )
    if not isnan(base_case):
        figure.add_hline(
            y=base_case,
            line={"color": ENDED, "width": 1.5, "dash": "dash"},
            annotation_text="base case",
            annotation_position="bottom right",
        )
    dressed(figure, height=400)
    title = f"{over}, {unit_of_axis}" if unit_of_axis else over
    figure.update_xaxes(title=title, tickvals=list(dict.fromkeys(axis.values())))
    return figure.update_yaxes(title_text=unit, tickformat=".0%" if is_share else "")


def _axis(texts: Sequence[str]) -> tuple[dict[str, float | str], str]:
    """The place of each written value: numbers and times by size, all else in the order written."""
    values = {text: plain(read_text(text, text)) for text in dict.fromkeys(texts)}
    kinds = {units.kind(value) for value in values.values()}
    if kinds == {"number"}:
        sizes, unit = {text: float(str(value)) for text, value in values.items()}, ""
    elif kinds == {"time"}:
        days = {text: units.days(str(value)) for text, value in values.items()}
        axis = unit_of(max(days.values()))
        sizes, unit = {text: value / axis.days for text, value in days.items()}, axis.name
    else:
        return {text: text for text in values}, ""
    return dict(sorted(sizes.items(), key=lambda item: item[1])), unit
