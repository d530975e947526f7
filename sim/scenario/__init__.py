"""What is asked: a scenario file read, checked and resolved."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sim.errors import Problems
from sim.scenario.language.model import Scenario

__all__ = ["input_files", "load"]


def load(
    path: str | os.PathLike[str], *, settings: Sequence[str] = (), keep: Collection[str] = ()
) -> Scenario:
    """The resolved scenario of a file, with its canonical text and digest.

    settings: `PATH=VALUE` each, the last layer of changes. keep: parameters for which other
    values can be put: a number that one of them gives is a `Drawn`.
    Raises: ScenarioError with every problem found, sorted by place.
    """
    from sim.scenario.source.files import recorded

    with recorded() as inputs:
        scenario = _resolve(path, settings, keep)
    return replace(scenario, inputs=tuple(dict.fromkeys(inputs)))


def input_files(
    scenarios: Iterable[str | os.PathLike[str]], *, settings: Sequence[str] = ()
) -> tuple[str, ...]:
    """Every file that these scenarios are read from: layers below, tables and citations too.

    Raises: as `load`.
    """
    return tuple(file for path in scenarios for file in load(path, settings=settings).inputs)


def _resolve(path: str | os.PathLike[str], settings: Sequence[str], keep: Collection[str]) -> Scenario:
    """The scenario of a file, without the record of the files it was read from."""
    from sim.scenario.checks.graph import deadlocks, leftovers
    from sim.scenario.checks.together import (
        check_together,
        notes_on_today,
        notes_on_waits,
        states_without_stage,
    )
    from sim.scenario.language import reader
    from sim.scenario.language.node_reader import PlacedNode
    from sim.scenario.source import inheritance, references

    problems = Problems()
    layered = inheritance.assemble(path, settings, problems=problems, has_default=reader.has_default)
    problems.stop_if_any()  # what a path missed would be missed again wherever it is referred to
    mark = layered.node.value.get("leftovers") if isinstance(layered.node.value, dict) else None
    is_layered = layered.is_layered or (mark is not None and mark.value is True)
    notes: list[str] | None = list(layered.notes) if is_layered else None
    folder = str(Path(os.fspath(path)).parent)
    node, parameters = references.substitute(layered.node, problems, notes=notes, keep=keep, folder=folder)
    top = PlacedNode(node, "", problems)
    scenario = reader.read(top, folder=folder, is_layered=is_layered)
    problems.stop_if_any()
    assert scenario is not None
    check_together(scenario, top)
    problems.stop_if_any()
    left = leftovers(scenario) if is_layered else ()
    scenario = replace(
        scenario,
        has_leftovers=bool(left),
        file=os.fspath(path),
        parameters=parameters,
        changes=layered.changes,
        files=layered.files,
        notes=(
            *(notes if notes is not None else layered.notes),
            *left,
            *deadlocks(scenario),
            *states_without_stage(scenario),
            *notes_on_today(scenario),
            *notes_on_waits(scenario),
        ),
    )
    text = reader.text(scenario)
    return replace(scenario, text=text, digest=hashlib.sha256(text.encode()).hexdigest())
