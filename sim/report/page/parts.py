"""What a page is made of: sections, tables, pictures. Plain values, which the template lays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

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


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """A table that tells of a day which the reader chooses, from 0 to `last`; ready for JSON in `data`.

    data: `places`, each a name and its kind, and `patients`, each a number and then a day and a
    place for every move (-1: gone). numbers: the same on a few days, for whoever cannot choose.
    """

    name: str
    caption: str
    last: int
    data: Mapping[str, Any]
    numbers: Table


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its heading; name: its anchor."""

    name: str
    heading: str
    items: tuple[Table | Picture | Chooser, ...]
    lead: str = ""
