"""The outline of a scenario on a few pages: its patients, and which way leads where, without times."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from sim.pathway.diagram import targets, ways_of
from sim.report.text.phrases import Line
from sim.report.text.protocol import Section, definitions, named, print_sections
from sim.scenario.language.model import Destination, Draw, Scenario


def outline(scenario: Scenario) -> tuple[Section, ...]:
    """The sections of the outline; empty ones are left out."""
    sections = [
        ("Patients", _patients(scenario)),
        ("Definitions", definitions(scenario)),
        ("Pathway", _stages(scenario)),
        ("Clocks, which continue from stage to stage", _clocks(scenario)),
        ("Outcomes", [Line(0, ", ".join(one.label or one.name for one in scenario.outcomes))]),
    ]
    found = (Section(heading, tuple(lines)) for heading, lines in sections)
    return tuple(section for section in found if section.lines)


def print_outline(scenario: Scenario, console: Console) -> None:
    """Print the outline of a scenario."""
    print_sections(scenario, outline(scenario), console)


def _patients(scenario: Scenario) -> Iterator[Line]:
    """The attributes that differ between patients at the start."""
    drawn = [one.name for one in scenario.patients.attributes if isinstance(one.initial, Draw)]
    yield Line(0, f"differ at the start in {', '.join(drawn)}" if drawn else "are alike at the start")


def _stages(scenario: Scenario) -> Iterator[Line]:
    for stage in scenario.stages:
        if stage.terminal:
            continue
        found: dict[str, list[str]] = {}
        for target, by in ways_of(stage):
            found.setdefault(target, [])
            if by:
                found[target].append(by)
        onward = [f"to {target}" + (f" ({', '.join(by)})" if by else "") for target, by in found.items()]
        yield Line(0, f"{named(stage.name, stage.label)}: {'; '.join(onward) or 'until a clock ends it'}")


def _clocks(scenario: Scenario) -> Iterator[Line]:
    for clock in scenario.clocks:
        onward = ", ".join(_targets(clock.to)) or "the stage stays"
        where = "any stage" if clock.in_stages is None else _counted(len(clock.in_stages), clock.in_stages)
        yield Line(0, f"{clock.name}: {onward}, from {where}")


def _counted(number: int, names: tuple[str, ...]) -> str:
    return ", ".join(names) if number <= 3 else f"{number} stages"


def _targets(to: Destination) -> list[str]:
    return [f"to {target}" for target in dict.fromkeys(target for target, _ in targets(to, None))]
