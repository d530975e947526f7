"""One self-contained HTML file: opens from disk without a network, text escaped, charts as SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sim.report.charts.drawing import chart_html, definitions
from sim.report.charts.marks import Chart
from sim.report.tables.model import Table
from sim.report.tables.notebook import table_html

LINK = re.compile(
    r"(?P<url>https?://[^\s<>\"]+?)(?=[.,;)]*(?:\s|<|$))|\b(?:doi:\s?)?(?P<doi>10\.\d{4,9}/[^\s<>\"]+?)(?=[.,;)]*(?:\s|<|$))"
)
"""An address or a DOI in escaped text."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A chart with a caption, and its numbers for readers who cannot see it.

    is_wide: does not fit a phone, so that it scrolls within its own frame. is_half: two fit a desk.
    """

    name: str
    title: str
    caption: str
    figure: Chart
    numbers: tuple[Table, ...]
    is_wide: bool = False
    is_half: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """A table of a day that the reader chooses, from 0 to `last` by `step`, with a column for each arm.

    places: name and kind of each. arms: the name of each, and for every place its patients on these days.
    numbers: the same on a few days, for readers who cannot choose.
    """

    caption: str
    last: int
    step: int
    places: Sequence[tuple[str, str]]
    arms: Sequence[tuple[str, Sequence[Sequence[int]]]]
    numbers: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Items that a reader unfolds. is_linked: whether addresses and DOIs in them are links."""

    summary: str
    items: tuple[Item, ...]
    is_linked: bool = False


Item: TypeAlias = "Table | Picture | Chooser | Fold"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its heading; name: its anchor."""

    name: str
    heading: str
    items: tuple[Item, ...]
    lead: str = ""


CAUTION = "These results follow from the assumptions of the scenario; they are no advice for a patient."


def document(
    *,
    title: str,
    subtitle: str,
    answer: str,
    sections: Sequence[Section],
    headline: Sequence[Item] = (),
    compared_with: str = "",
    interval_note: str = "",
    notes: Sequence[str] = (),
    caution: str = CAUTION,
) -> str:
    """The page. answer: a sentence a line. headline: what stands on the first screen below it.

    compared_with: the titles of other scenarios. interval_note: what the intervals of the answer cover.
    notes: what else to know of it. caution: what it is not.
    """
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for kind in (Picture, Table, Fold):
        environment.tests[kind.__name__.lower()] = lambda item, kind=kind: isinstance(item, kind)
    environment.filters["table"] = lambda table: Markup(table_html(table))  # noqa: S704
    environment.filters["chart"] = lambda picture: Markup(chart_html(picture.figure))  # noqa: S704
    environment.filters["linked"] = _linked
    environment.filters["data_json"] = lambda chooser: _inert(
        {"places": chooser.places, "arms": chooser.arms, "step": chooser.step}
    )
    return environment.get_template("page.html").render(
        title=title,
        compared_with=compared_with,
        subtitle=subtitle,
        answer=answer,
        headline=headline,
        interval_note=interval_note,
        notes=notes,
        caution=caution,
        sections=sections,
        css=Markup(figure_css() + _text("page.css")),  # noqa: S704
        script=Markup(_text("page.js")),  # noqa: S704
        definitions=Markup(definitions()),  # noqa: S704
    )


def figure_css() -> str:
    """The style of tables and charts; it takes its colours from the variables of the page."""
    return _text("figures.css")


def _text(name: str) -> str:
    return (files("sim.report.page") / name).read_text("utf-8")


def _linked(html: str) -> Markup:
    """Addresses and DOIs in escaped text as links."""

    def link(found: re.Match[str]) -> str:
        url = found["url"] or f"https://doi.org/{found['doi']}"
        return f'<a href="{url}" rel="noreferrer">{found[0]}</a>'

    return Markup(LINK.sub(link, html))  # noqa: S704


def _inert(value: Mapping[str, object]) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704
