"""The look of all charts: colours that colour-blind readers distinguish, and never colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from sim.event_log.log import Floats
from sim.units import DAYS_IN

COLOURS = ("#1A7FBD", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1")
"""Okabe and Ito's palette (2008, jfly.uni-koeln.de/color) without black and yellow, which vanish on
a dark or on a white page, with its blue a little lighter for the same reason, and a violet."""
ENDED = "#8A8A8A"
FAINT = "rgba(128, 128, 128, 0.28)"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
PATTERNS = ("", "/", ".", "x", "-", "\\", "+", "|")
SYMBOLS = ("diamond", "triangle-up", "square", "star", "circle", "hexagon", "triangle-left", "bowtie")


@dataclass(frozen=True, slots=True)
class Look:
    """The look of one line, area or bar; its parts differ together."""

    colour: str
    dash: str
    pattern: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a time axis: its length in days, and its name."""

    days: float
    name: str


def looks(names: Iterable[str], *, ended: Iterable[str] = ()) -> Mapping[str, Look]:
    """A look for each name, in order; those that are `ended` (terminal) are grey."""
    grey = set(ended)
    found: dict[str, Look] = {}
    for i, name in enumerate(dict.fromkeys(names)):
        among = [other for other in found if (other in grey) == (name in grey)]
        palette = (ENDED,) if name in grey else COLOURS
        found[name] = Look(
            colour=palette[len(among) % len(palette)],
            dash=DASHES[i % len(DASHES)],
            pattern=PATTERNS[len(among) // len(palette) % len(PATTERNS)],
            symbol=SYMBOLS[i % len(SYMBOLS)],
        )
    return found


def rounded(values: Floats) -> list[float | None]:
    """Four decimals, finer than a picture can show; a gap where a value is unknown."""
    return [None if np.isnan(value) else round(value, 4) for value in values.tolist()]


def pattern(colour: str, shape: str) -> dict[str, object]:
    """A white pattern on the colour of a bar or area, for plotly."""
    return {"shape": shape, "bgcolor": colour, "fgcolor": "rgba(255,255,255,0.8)", "size": 6, "solidity": 0.2}


def with_alpha(colour: str, alpha: float) -> str:
    """A colour `#RRGGBB` with transparency."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def unit_of(longest: float) -> Unit:
    """The unit of an axis of so many days."""
    if longest >= 2 * DAYS_IN["year"]:
        return Unit(DAYS_IN["year"], "years")
    if longest >= 4 * DAYS_IN["month"]:
        return Unit(DAYS_IN["month"], "months")
    return Unit(1.0, "days")


def even_ticks(longest: float, unit: Unit, most: int = 7) -> list[float]:
    """Round times from 0 to `longest` days, in `unit`; at most so many."""
    end = longest / unit.days
    for step in (1, 2, 3, 5, 6, 10, 12, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000):
        if end / step < most:
            return [float(step * i) for i in range(int(end / step + 1e-9) + 1)]
    return [0.0, end]


def dressed(figure: go.Figure, *, height: int) -> go.Figure:
    """A figure with the layout of all charts; the page sets the colour of text."""
    figure.update_layout(
        height=height,
        autosize=True,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
        },
        template=None,
    )
    figure.update_xaxes(
        title={"font": {"size": 13}, "standoff": 10},
        gridcolor=FAINT,
        zeroline=False,
        automargin=True,
        linecolor=ENDED,
        ticks="outside",
        tickcolor=ENDED,
    )
    figure.update_yaxes(
        title={"font": {"size": 13}, "standoff": 12}, gridcolor=FAINT, zeroline=False, automargin=True
    )
    return figure
