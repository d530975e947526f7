"""Differences between arms as a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import plotly.graph_objects as go

from sim.report.charts.style import ENDED, dressed, looks


@dataclass(frozen=True, slots=True)
class Bar:
    """A difference of one outcome in one arm, with its interval and the interval without pairing.

    All in the unit of the axis; nan for a limit that does not exist.
    """

    label: str
    arm: str
    difference: float
    interval: tuple[float, float]
    unpaired: tuple[float, float]


def forest(bars: Sequence[Bar], *, unit: str) -> go.Figure:
    """A row for each outcome, as high as its label (pixels), with a mark for each arm in it.

    The faint line below is the unpaired interval.
    """
    labels = {label: wrapped(label) for label in dict.fromkeys(bar.label for bar in bars)}
    arms = list(dict.fromkeys(bar.arm for bar in bars))
    look = looks(arms)
    heights = [max(15 * text.count("<br>") + 15, 15 * len(arms)) + 12 for text in labels.values()]
    middles = [-(sum(heights[:i]) + height / 2) for i, height in enumerate(heights)]
    middle = dict(zip(labels, middles, strict=True))
    figure = go.Figure()
    for i, arm in enumerate(arms):
        own = [bar for bar in bars if bar.arm == arm]
        place = [middle[bar.label] - 15 * (i + 0.5 - len(arms) / 2) for bar in own]
        prefix, colour = "" if len(arms) == 1 else f"{arm}, ", look[arm].colour
        unpaired, paired = [bar.unpaired for bar in own], [bar.interval for bar in own]
        _add_lines(figure, f"{prefix}unpaired", unpaired, [at - 5 for at in place], ENDED, 1.5)
        _add_lines(figure, f"{prefix}paired", paired, place, colour, 3)
        figure.add_scatter(
            name=arm,
            showlegend=False,
            mode="markers",
            marker={"color": colour, "symbol": look[arm].symbol, "size": 10},
            x=[bar.difference for bar in own],
            y=place,
            text=[bar.label for bar in own],
            hovertemplate="%{text}: %{x:.3~g}<extra>" + arm + "</extra>",
        )
    dressed(figure, height=120 + sum(heights))
    figure.update_yaxes(
        tickvals=middles,
        ticktext=list(labels.values()),
        tickfont={"size": 12},
        range=[-sum(heights), 0],
        showgrid=False,
    )
    figure.update_xaxes(title_text=unit, range=_range(bars))
    return figure.add_vline(x=0, line={"color": ENDED, "width": 1.5, "dash": "dash"})


def _add_lines(
    figure: go.Figure,
    name: str,
    intervals: Sequence[tuple[float, float]],
    heights: Sequence[float],
    colour: str,
    width: float,
) -> None:
    """The two ends of each interval, and a gap."""
    known = [(ends, y) for ends, y in zip(intervals, heights, strict=True) if not any(map(isnan, ends))]
    figure.add_scatter(
        name=name,
        mode="lines",
        line={"color": colour, "width": width},
        hoverinfo="skip",
        x=[end for ends, _ in known for end in (*ends, None)],
        y=[value for _, y in known for value in (y, y, None)],
    )


def _range(bars: Sequence[Bar]) -> list[float]:
    """From the lowest to the highest of all that is drawn, including 0, with some room."""
    drawn = [end for bar in bars for end in (bar.difference, *bar.interval, *bar.unpaired, 0.0)]
    ends = [end for end in drawn if not isnan(end)]
    room = 0.06 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - room, max(ends) + room]


def wrapped(label: str, width: int = 28, most: int = 3) -> str:
    """A label in lines of at most `width` letters, cut after `most` lines."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"])
