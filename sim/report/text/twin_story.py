"""One patient's two lives beside each other: what they have in common, and where they part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.divergence import diverge
from sim.outcomes.comparison.patient_changes import IN_WORDS
from sim.report.tables.model import printed
from sim.report.text.story import Line, Story, days, print_lines, story


@dataclass(frozen=True, slots=True)
class TwinStory:
    """A patient's life in two arms.

    common: the lines that both have, before the first row that differs. reference, arm: those from
    there on, the end among them. differs_in: in what that row differs, "" where the lives are one.
    """

    names: tuple[str, str]
    patient: str
    at_start: str
    common: tuple[Line, ...]
    reference: tuple[Line, ...]
    arm: tuple[Line, ...]
    differs_in: str


def twin_story(reference: Arm, arm: Arm, index: int) -> TwinStory:
    """The two lives of the patient at this index of the logs (not of this number)."""
    one, other = (story(of.log, of.scenario, index) for of in (reference, arm))
    diverging = diverge(reference.log, arm.log)
    names = reference.name, arm.name
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


def _from(of: Story, first: int) -> tuple[Line, ...]:
    return (*of.lines[first:], of.end)


def tell_twins(reference: Arm, arm: Arm, index: int, console: Console) -> None:
    """Print the two lives of a patient."""
    told = twin_story(reference, arm, index)
    printed(console, lambda to: _print(told, to))


def _print(told: TwinStory, console: Console) -> None:
    console.print(Text(f"{told.names[0]} and {told.names[1]}", style="bold"))
    console.print(Text(told.patient))
    if told.at_start:
        console.print(Text(f"At the start: {told.at_start}"))
    console.print()
    print_lines(told.common, console)
    if not told.differs_in:
        console.print(Text("\nThe two lives are the same to the end.", style="bold"))
        return
    console.print(Text(f"\nHere the two lives part, in {told.differs_in}.", style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column(Text("day"), justify="right", no_wrap=True)
    for name in told.names:
        table.add_column(Text(name), ratio=1)
    for time, one, other in beside(told.reference, told.arm):
        table.add_row(days(time), *(_cell(line) for line in (one, other)))
    console.print(table)


def beside(
    one: tuple[Line, ...], other: tuple[Line, ...]
) -> Iterator[tuple[float, Line | None, Line | None]]:
    """The lines of both by time; those of one time stand in one row."""
    i = j = 0
    while i < len(one) or j < len(other):
        mine = one[i] if i < len(one) else None
        theirs = other[j] if j < len(other) else None
        if mine is not None and theirs is not None and mine.time != theirs.time:
            mine, theirs = (mine, None) if mine.time < theirs.time else (None, theirs)
        i += mine is not None
        j += theirs is not None
        line = mine or theirs
        assert line is not None
        yield line.time, mine, theirs


def _cell(line: Line | None) -> Text:
    text = Text(line.text if line is not None else "")
    if line is not None and line.changes:
        text.append(f"\n{line.changes}", style="dim")
    return text
