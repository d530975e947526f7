"""One self-contained HTML file: opens from disk without a network, text escaped, charts drawn by plotly."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from sim.files import write_whole
from sim.report.page.arms import Arm
from sim.report.page.parts import Chooser, Picture, Section, Table
from sim.report.page.sections import answer, sections, subtitle
from sim.report.tables.comparison_tables import answer as answer_of_comparison
from sim.report.tables.interval_notes import what_intervals_hold
from sim.runs.comparison import Comparison
from sim.runs.provenance import processor, versions
from sim.runs.simulation import Simulation

SIZE = "<!-- size -->"
"""Where the page tells its own size: markup, which no text of a scenario can write."""


def page(arms: Sequence[Arm], facts: Mapping[str, Any], told: Mapping[str, Any] | None = None) -> str:
    """The whole page. facts: how it was made, as words and what stands beside them.

    told: what `sim.outcomes.comparison.paired.compare` says of several arms.
    """
    title, *others = (arm.scenario.title for arm in arms)
    if len(others) == 1:
        title, others = others[0], [title]
    said = answer(arms[0]) if told is None else answer_of_comparison(told)
    scenarios = [arm.scenario for arm in arms]
    return laid_out(
        title=title,
        compared_with="; ".join(others),
        subtitle=subtitle(arms[0]),
        notes=_notes(arms),
        answer=said,
        beside=what_intervals_hold(said, arms[0].summary if told is None else told, scenarios),
        sections=sections(arms, facts, told),
    )


def _notes(arms: Sequence[Arm]) -> list[str]:
    """What the arms' summaries note; what not all of them do, with the names of those that do."""
    said: dict[str, list[str]] = {}
    for arm in arms:
        for note in arm.summary["notes"]:
            said.setdefault(note, []).append(arm.name)
    return [
        note if len(names) == len(arms) else f"with {', '.join(names)}, {note}"
        for note, names in said.items()
    ]


def laid_out(
    *,
    title: str,
    compared_with: str,
    subtitle: str,
    answer: str,
    sections: Sequence[Section],
    beside: str = "",
    notes: Sequence[str] = (),
) -> str:
    """The page of these parts; compared_with: the titles of other scenarios, if any.

    answer: a sentence a line. beside: what its intervals hold. notes: what else has to be known of it.
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
    environment.tests["chooser"] = lambda item: isinstance(item, Chooser)
    environment.filters["figure_json"] = lambda picture: _inert(json.loads(picture.figure.to_json()))
    environment.filters["data_json"] = lambda chooser: _inert(chooser.data)
    plotly = get_plotlyjs()
    whole = environment.get_template("page.html").render(
        title=title,
        compared_with=compared_with,
        subtitle=subtitle,
        answer=answer,
        beside=beside,
        notes=notes,
        sections=sections,
        css=Markup(_text("page.css")),  # noqa: S704
        script=Markup(_text("page.js")),  # noqa: S704
        plotly=Markup(plotly),  # noqa: S704
        plotly_megabytes=_megabytes(plotly),
        plotly_version=get_plotlyjs_version(),
    )
    return whole.replace(SIZE, _megabytes(whole))


def _megabytes(text: str) -> str:
    """The size of a text in a file, in millions of bytes."""
    return f"{len(text.encode()) / 1e6:.2f}"


def report_run(simulation: Simulation, path: Path, *, command: Sequence[str]) -> None:
    """Write the page of one run whole or not at all. Raises: RunError where the disk refuses."""
    result, summary = simulation.result, simulation.summary
    arm = Arm(Path(simulation.scenario.file).stem, simulation.scenario, result.log, result.use, summary)
    asked = simulation.asked
    facts = how_made(command, seed=asked.seed, replications=asked.replications)
    write_whole(path, page([arm], facts))


def report_comparison(comparison: Comparison, path: Path, *, command: Sequence[str]) -> None:
    """Write the page of a comparison whole or not at all. Raises: RunError where the disk refuses."""
    told, reference = comparison.table, comparison.arms[0]
    facts = how_made(command, seed=reference.seed, replications=reference.replications)
    write_whole(path, page(arms_of(comparison), facts, told))


def arms_of(comparison: Comparison) -> list[Arm]:
    """The arms of a comparison, each with its summary and its differences from the first."""
    told = comparison.table
    return [
        Arm(
            arm.name,
            arm.scenario,
            arm.log,
            arm.use,
            told["arms"][arm.name],
            {
                name: entry["differences"][arm.name]
                for name, entry in told["outcomes"].items()
                if arm.name in entry["differences"]
            },
        )
        for arm in comparison.arms
    ]


def how_made(command: Sequence[str], *, seed: int, replications: int) -> dict[str, Any]:
    """What whoever makes the page again has to know."""
    told = ", ".join(f"{part} {number}" for part, number in versions().items())
    return {
        "command": shlex.join(command),
        "seed": seed,
        "replications": replications,
        "versions": told,
        "processor": processor(),
    }


def _text(name: str) -> str:
    return (files("sim.report.page") / name).read_text("utf-8")


def _inert(value: Any) -> Markup:
    """A value as JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704
