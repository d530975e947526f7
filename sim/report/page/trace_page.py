"""The page of one patient: the pathway drawn, in two arms below each other, and the story in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.outcomes.comparison.comparability import arm_labels
from sim.outcomes.evaluation import Arm
from sim.report.page.arms import PageArm
from sim.report.page.document import Section, document
from sim.report.page.patient_pictures import patient_picture
from sim.report.page.sections import provenance_section
from sim.report.tables.model import Row, Table, Value, texts
from sim.report.text.story import Line, days, story
from sim.report.text.twin_story import TwinStory, beside, twin_story
from sim.units import DAYS_IN


def trace_page(arms: Sequence[Arm], index: int, facts: Mapping[str, object]) -> str:
    """The page of the patient at this index of one log, or of two. facts: how it was made."""
    labels = arm_labels(arms).values()
    of_page = [PageArm.of(arm, label, arm.scenario.horizon) for arm, label in zip(arms, labels, strict=True)]
    if len(arms) == 1:
        one = story(arms[0].log, arms[0].scenario, index)
        patient, at_start, answer = one.patient, one.at_start, f"{one.patient}: {_end([one.end])}."
        tables = [_table("What happens", [*one.lines, one.end])]
    else:
        twins = twin_story(arms[0], arms[1], index)
        patient, at_start, answer, tables = twins.patient, twins.at_start, _answer(twins), _tables(twins)
    lead = f"At the start: {at_start}." if at_start else ""
    return document(
        title=arms[-1].scenario.title,
        compared_with=arms[0].scenario.title if len(arms) > 1 else "",
        subtitle=patient,
        answer=answer,
        sections=(
            Section("patient", "In a picture", (patient_picture(of_page, index),)),
            Section("story", "In words", tuple(tables), lead),
            provenance_section(of_page, facts),
        ),
    )


def _answer(twins: TwinStory) -> str:
    """Where the two pathways diverge, and how each ends, in a line each."""
    if not twins.differs_in:
        return f"The two pathways are the same: {_end(twins.common)}."
    ends = [
        f"{name}: {_end(lines)}."
        for name, lines in zip(twins.names, (twins.reference, twins.arm), strict=True)
    ]
    day = days(min(twins.reference[0].time, twins.arm[0].time))
    return "\n".join([f"The two pathways diverge on day {day}, in {twins.differs_in}.", *ends])


def _end(lines: Sequence[Line]) -> str:
    return lines[-1].text


def _tables(twins: TwinStory) -> list[Table]:
    """What both pathways have, and from their divergence the two beside each other."""
    if not twins.differs_in:
        return [_table("Both pathways", twins.common)]
    rows: list[Row] = [
        (_when(time), *("" if line is None else Value(line.text, line.changes) for line in lines))
        for time, *lines in beside(twins.reference, twins.arm)
    ]
    title = f"From the divergence, in {twins.differs_in}"
    apart = Table(title, texts("day", *twins.names), tuple(rows))
    return [_table("What both pathways have", twins.common), apart] if twins.common else [apart]


def _table(title: str, lines: Sequence[Line]) -> Table:
    rows = tuple((_when(line.time), Value(line.text, line.changes)) for line in lines)
    return Table(title, texts("day", "what happens"), rows)


def _when(time: float) -> Value:
    return Value(days(time), f"{time / DAYS_IN['year']:.2f} years")
