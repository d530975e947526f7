"""A scenario checked as far as it can be without running it, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.pathway.tables import check_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid scenario. summary: its size and digest, and the notes."""

    scenario: Scenario
    summary: str


def checked(file: Path, settings: Sequence[str]) -> Checked:
    """Read, resolve and check. Raises: ScenarioError with every problem found."""
    scenario = load(file, settings=settings)
    check_pathway(scenario)
    sizes = f"{len(scenario.stages)} stages, {len(scenario.outcomes)} outcomes"
    lines = [f"{file}: valid ({sizes}, digest {scenario.digest[:12]})"]
    lines += [f"    note: {note}" for note in scenario.notes]
    return Checked(scenario, "\n".join(lines))
