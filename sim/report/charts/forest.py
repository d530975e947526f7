"""Differences between arms as a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from sim.report.charts.style import ENDED, dressed, looks


@dataclass(frozen=True, slots=True)
class Bar:
    """A difference of one outcome in one arm, with its interval and the one without pairing.

    All in the unit of the axis; an interval is None where there is none.
    """

    label: str
    arm: str
    difference: float
    interval: tuple[float, float] | None
    unpaired: tuple[float, float] | None


def forest(bars: Sequence[Bar], *, unit: str) -> go.Figure:
    """A row for each outcome, as high as its label (pixels), a mark for each arm in it.

    The faint line beneath is the unpaired interval.
    """
    labels = {label: wrapped(label) for label in dict.fromkeys(bar.label for bar in bars)}
    arms = list(dict.fromkeys(bar.arm for bar in bars))
    look = looks(arms)
    heights = [max(15 * text.count("<br>") + 15, 15 * len(arms)) + 12 for text in labels.values()]
    middle = dict(zip(labels, [-(sum(heights[:i]) + of / 2) for i, of in enumerate(heights)], strict=True))
    figure = go.Figure()
    for i, arm in enumerate(arms):
        mine = [bar for bar in bars if bar.arm == arm]
        place = [middle[bar.label] - 15 * (i + 0.5 - len(arms) / 2) for bar in mine]
        figure.add_scatter(
            name="unpaired" if len(arms) == 1 else f"{arm}, unpaired",
            mode="lines",
            line={"color": ENDED, "width": 1.5},
            hoverinfo="skip",
            x=_lines([bar.unpaired for bar in mine]),
            y=[value for at in place for value in (at - 5, at - 5, None)],
        )
        figure.add_scatter(
            name="paired" if len(arms) == 1 else f"{arm}, paired",
            mode="lines",
            line={"color": look[arm].colour, "width": 3},
            hoverinfo="skip",
            x=_lines([bar.interval for bar in mine]),
            y=[value for at in place for value in (at, at, None)],
        )
        figure.add_scatter(
            name=arm,
            showlegend=False,
            mode="markers",
            marker={"color": look[arm].colour, "symbol": look[arm].symbol, "size": 10},
            x=[bar.difference for bar in mine],
            y=place,
            text=[bar.label for bar in mine],
            hovertemplate="%{text}: %{x:.3~g}<extra>" + arm + "</extra>",
        )
    dressed(figure, height=120 + sum(heights))
    figure.update_yaxes(
        tickvals=list(middle.values()),
        ticktext=list(labels.values()),
        tickfont={"size": 12},
        range=[-sum(heights), 0],
        showgrid=False,
    )
    figure.update_xaxes(title_text=unit, range=_range(bars))
    figure.add_vline(x=0, line={"color": ENDED, "width": 1.5, "dash": "dash"})
    return figure


def _range(bars: Sequence[Bar]) -> list[float]:
    """From the least to the largest of all that is drawn, and none, with some room."""
    ends = [
        end for bar in bars for end in (bar.difference, *(bar.interval or ()), *(bar.unpaired or ()), 0.0)
    ]
    room = 0.06 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - room, max(ends) + room]


def _lines(intervals: Sequence[tuple[float, float] | None]) -> list[float | None]:
    """The two ends of each line, and a gap."""
    return [end for limits in intervals for end in (*(limits or (None, None)), None)]


def wrapped(label: str, width: int = 28, most: int = 3) -> str:
    """A label in lines of at most so many letters; what is longer than `most` lines is cut."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"])
