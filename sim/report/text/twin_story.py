"""The trajectories of one patient in two arms: what both have, and where they diverge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console

from sim.outcomes.comparison.comparability import arm_labels
from sim.outcomes.comparison.patient_changes import IN_WORDS, diverge
from sim.outcomes.evaluation import Arm
from sim.report.tables.model import BOLD, Column, Table, Value, print_table, printed, prose, texts
from sim.report.text.story import Line, Story, days, print_lines, print_patient, story


@dataclass(frozen=True, slots=True)
class TwinStory:
    """A patient's trajectories in two arms.

    common: the lines of both, before the first row that differs. reference, arm: the lines from there
    on, including the end. differs_in: what differs in that row, "" if the trajectories are identical.
    """

    names: tuple[str, str]
    patient: str
    at_start: str
    common: tuple[Line, ...]
    reference: tuple[Line, ...]
    arm: tuple[Line, ...]
    differs_in: str


def twin_story(reference: Arm, arm: Arm, index: int) -> TwinStory:
    """The trajectories of the patient at this index of the logs (which is not the patient's number)."""
    one, other = (story(each.log, each.scenario, index) for each in (reference, arm))
    diverging = diverge(reference.log, arm.log)
    labels = arm_labels([reference, arm])
    names = labels[reference.name], labels[arm.name]
    if not diverging.diverges[index]:
        return TwinStory(names, one.patient, one.at_start, (*one.lines, one.end), (), (), "")
    first = int(diverging.sequence[index])
    return TwinStory(
        names,
        one.patient,
        one.at_start,
        one.lines[:first],
        _from(one, first),
        _from(other, first),
        IN_WORDS[int(diverging.differs[index])],
    )


def _from(story: Story, first: int) -> tuple[Line, ...]:
    return (*story.lines[first:], story.end)


def print_twin_story(reference: Arm, arm: Arm, index: int, console: Console) -> None:
    """Print the trajectories of a patient in two arms."""
    twins = twin_story(reference, arm, index)
    printed(console, lambda to: _print(twins, to))


def _print(twins: TwinStory, console: Console) -> None:
    prose(console, f"{twins.names[0]} and {twins.names[1]}", BOLD)
    print_patient(twins.patient, twins.at_start, console)
    print_lines(twins.common, console)
    if not twins.differs_in:
        prose(console, "\nThe two trajectories are identical.", BOLD)
        return
    prose(console, f"\nThe two trajectories diverge here, in {twins.differs_in}.", BOLD)
    rows = tuple(
        (days(time), *("" if line is None else Value(line.text, line.changes) for line in pair))
        for time, *pair in beside(twins.reference, twins.arm)
    )
    print_table(Table("", (Column("day"), *texts(*twins.names)), rows), console)


def beside(
    reference: tuple[Line, ...], arm: tuple[Line, ...]
) -> Iterator[tuple[float, Line | None, Line | None]]:
    """Both sequences of lines by time; lines of one time are paired in order."""
    i = j = 0
    while i < len(reference) or j < len(arm):
        left = reference[i] if i < len(reference) else None
        right = arm[j] if j < len(arm) else None
        if left is not None and right is not None and left.time != right.time:
            left, right = (left, None) if left.time < right.time else (None, right)
        i += left is not None
        j += right is not None
        line = left or right
        assert line is not None
        yield line.time, left, right
