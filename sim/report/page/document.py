"""One self-contained HTML file: opens from disk without a network, text escaped, charts drawn by plotly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import plotly.graph_objects as go
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from sim.report.tables.model import Table
from sim.report.tables.notebook import table_html

SIZE = "<!-- size -->"
"""Where the page gives its own size: markup, which no text of a scenario can write."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A chart with a caption, and its numbers for readers who cannot see it.

    is_wide: does not fit a phone, so that it scrolls within its own frame.
    """

    name: str
    title: str
    caption: str
    figure: go.Figure
    numbers: tuple[Table, ...]
    is_wide: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """A table of a day that the reader chooses, from 0 to `last`.

    places: name and kind of each. patients: a number, then a day and the index of a place for every
    move (-1: gone). numbers: the same on a few days, for readers who cannot choose.
    """

    name: str
    caption: str
    last: int
    places: Sequence[tuple[str, str]]
    patients: Sequence[Sequence[float]]
    numbers: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its heading; name: its anchor."""

    name: str
    heading: str
    items: tuple[Table | Picture | Chooser, ...]
    lead: str = ""


def document(
    *,
    title: str,
    subtitle: str,
    answer: str,
    sections: Sequence[Section],
    compared_with: str = "",
    interval_note: str = "",
    notes: Sequence[str] = (),
) -> str:
    """The page. answer: a sentence a line. compared_with: the titles of other scenarios.

    interval_note: what the intervals of the answer cover. notes: what else to know of it.
    """
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["picture"] = lambda item: isinstance(item, Picture)
    environment.tests["table"] = lambda item: isinstance(item, Table)
    environment.filters["table"] = lambda table: Markup(table_html(table))  # noqa: S704
    environment.filters["figure_json"] = lambda picture: _inert(json.loads(picture.figure.to_json()))
    environment.filters["data_json"] = lambda chooser: _inert(
        {"places": chooser.places, "patients": chooser.patients}
    )
    plotly = get_plotlyjs()
    html = environment.get_template("page.html").render(
        title=title,
        compared_with=compared_with,
        subtitle=subtitle,
        answer=answer,
        interval_note=interval_note,
        notes=notes,
        sections=sections,
        css=Markup(_text("page.css")),  # noqa: S704
        script=Markup(_text("page.js")),  # noqa: S704
        plotly=Markup(plotly),  # noqa: S704
        plotly_megabytes=_megabytes(plotly),
        plotly_version=get_plotlyjs_version(),
    )
    return html.replace(SIZE, _megabytes(html))


def _megabytes(text: str) -> str:
    """The size of a text in a file, in millions of bytes."""
    return f"{len(text.encode()) / 1e6:.2f}"


def _text(name: str) -> str:
    return (files("sim.report.page") / name).read_text("utf-8")


def _inert(value: Mapping[str, object]) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704
