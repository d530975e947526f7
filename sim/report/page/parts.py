"""What a page is made of: sections, tables, pictures. Plain values, which the template lays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import plotly.graph_objects as go

Cell: TypeAlias = "str | tuple[str, str]"
"""A text, or a text with a fainter one beneath it (an estimate and its interval)."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is what a row is about, the others are numbers unless is_prose."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    is_prose: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A chart with the words that stand for it where it cannot be seen: a caption and its numbers.

    is_wide: does not fit a phone, so that it scrolls within its own frame.
    """

    name: str
    title: str
    caption: str
    figure: go.Figure
    numbers: Table
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its heading; name: its anchor."""

    name: str
    heading: str
    items: tuple[Table | Picture, ...]
    lead: str = ""
