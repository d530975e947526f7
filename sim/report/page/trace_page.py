"""The page of one patient: the life drawn, or two lives beneath each other, and the story in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.files import write_whole
from sim.outcomes.comparison import comparability
from sim.report.page.arms import Arm
from sim.report.page.evidence import provenance_section
from sim.report.page.page import how_made, laid_out
from sim.report.page.parts import Cell, Section, Table
from sim.report.page.patient_pictures import life_picture
from sim.report.text.story import Line, days, story
from sim.report.text.twin_story import TwinStory, beside, twin_story
from sim.units import DAYS_IN


def report_trace(of: Sequence[comparability.Arm], index: int, path: Path, *, command: Sequence[str]) -> None:
    """Write the page of the patient at this index of one log, or of two, whole or not at all.

    Raises: RunError where the disk refuses.
    """
    facts = how_made(command, seed=of[0].seed, replications=of[0].replications)
    write_whole(path, page_of_trace(of, index, facts))


def page_of_trace(of: Sequence[comparability.Arm], index: int, facts: Mapping[str, Any]) -> str:
    """The whole page."""
    arms = [Arm(arm.name, arm.scenario, arm.log, arm.use) for arm in of]
    picture = life_picture(arms, index)
    if len(of) == 1:
        one = story(of[0].log, of[0].scenario, index)
        patient, at_start, answer = one.patient, one.at_start, f"{one.patient}: {_end([one.end])}."
        tables = [_told("What happens", [*one.lines, one.end])]
    else:
        twins = twin_story(of[0], of[1], index)
        patient, at_start, answer, tables = twins.patient, twins.at_start, _answer(twins), _of_two(twins)
    lead = f"At the start: {at_start}." if at_start else ""
    return laid_out(
        title=arms[-1].scenario.title,
        compared_with=arms[0].scenario.title if len(arms) > 1 else "",
        subtitle=patient,
        answer=answer,
        sections=(
            Section("life", "In a picture", (picture,)),
            Section("story", "In words", tuple(tables), lead),
            provenance_section(arms, facts),
        ),
    )


def _answer(told: TwinStory) -> str:
    """Where two lives part, and how each ends, in a line each."""
    if not told.differs_in:
        return f"The two lives are the same: {_end(told.common)}."
    ends = [f"{name}: {_end(of)}." for name, of in zip(told.names, (told.reference, told.arm), strict=True)]
    day = days(min(told.reference[0].time, told.arm[0].time))
    return f"The two lives part on day {day}, in {told.differs_in}.\n" + "\n".join(ends)


def _end(lines: Sequence[Line]) -> str:
    return lines[-1].text.removeprefix("is ")


def _of_two(told: TwinStory) -> list[Table]:
    """What both lives have, and from where they part the two beside each other."""
    if not told.differs_in:
        return [_told("Both lives", told.common)]
    rows: list[tuple[Cell, ...]] = [
        (_when(time), *("" if line is None else _what(line) for line in (one, other)))
        for time, one, other in beside(told.reference, told.arm)
    ]
    apart = Table(
        f"From where the two lives part, in {told.differs_in}",
        ("day", *told.names),
        tuple(rows),
        is_prose=True,
    )
    return [_told("What both lives have", told.common), apart] if told.common else [apart]


def _told(caption: str, lines: Sequence[Line]) -> Table:
    rows: list[tuple[Cell, ...]] = [(_when(line.time), _what(line)) for line in lines]
    return Table(caption, ("day", "what happens"), tuple(rows), is_prose=True)


def _when(time: float) -> Cell:
    return days(time), f"{time / DAYS_IN['year']:.2f} years"


def _what(line: Line) -> Cell:
    return line.text, line.changes
