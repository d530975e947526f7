"""A scenario checked as far as it can be without running it, and what there is to say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.pathway.tables import check_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario

MOST_ALIKE = 3
"""Notes of one kind that are printed one by one."""
_NAMES = re.compile(r"^\S+:\d+:\d+: |`[^`]*`|\S+\.\S+")
"""What differs between notes of one kind: places, names and paths."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid scenario. summary: its size and digest, and the notes."""

    scenario: Scenario
    summary: str


def checked(file: Path, settings: Sequence[str]) -> Checked:
    """Read, resolve and check. Raises: ScenarioError with every problem found."""
    scenario = load(file, settings=settings)
    check_pathway(scenario)
    sizes = f"{_count(len(scenario.stages), 'stage')}, {_count(len(scenario.outcomes), 'outcome')}"
    lines = [f"{file}: valid ({sizes}, digest {scenario.digest[:12]})"]
    lines += [f"    note: {note}" for note in folded(scenario.notes)]
    return Checked(scenario, "\n".join(lines))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def folded(notes: Iterable[str]) -> Iterator[str]:
    """The notes; of many of one kind the first, and how many there are."""
    kinds: dict[str, list[str]] = {}
    for note in notes:
        kinds.setdefault(_NAMES.sub("", note), []).append(note)
    for alike in kinds.values():
        if len(alike) > MOST_ALIKE:
            yield f"{alike[0]} (and {len(alike) - 1} more notes of this kind)"
        else:
            yield from alike
