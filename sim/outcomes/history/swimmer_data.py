"""Data of swimmer plots: the stays of single patients, and the events to mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.event_log.log import ENTERS
from sim.outcomes.history.history import NEVER, History, rows
from sim.scenario.language.model import EventSelector


@dataclass(frozen=True, slots=True)
class Stay:
    """A period in one stage, or of waiting, in days since the patient's start.

    stage: while waiting the one that was left, before the first the one waited for. waits_for: the stage
    waited for, "" in a stage.
    """

    stage: str
    state: str
    begin: float
    end: float
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class SwimmerLane:
    """One patient: stays without a gap, marks (event, day), and the end.

    end: the terminal stage, "" where follow-up ended first; at day `until`.
    """

    patient: int
    replication: int
    stays: tuple[Stay, ...]
    marks: tuple[tuple[str, float], ...]
    end: str
    until: float


def swimmer_lanes(
    history: History, patients: Sequence[int], marks: Mapping[str, EventSelector]
) -> tuple[SwimmerLane, ...]:
    """The lanes of the patients at these indices. marks: event selectors by name."""
    marked: dict[int, list[tuple[str, float]]] = {index: [] for index in patients}
    for name, what in marks.items():
        found = rows(history, what)
        for index in patients:
            first, after = np.searchsorted(found, history.log.row_of[index : index + 2])
            marked[index] += [(name, float(history.log.time[row])) for row in found[first:after]]
    return tuple(_lane(history, index, tuple(marked[index])) for index in patients)


def _lane(history: History, index: int, marks: tuple[tuple[str, float], ...]) -> SwimmerLane:
    log, names, spells = history.log, history.log.names, history.stage_spells
    states = {stage.name: stage.state for stage in history.scenario.stages}
    terminal = {stage.name for stage in history.scenario.stages if stage.terminal}
    first, after = np.searchsorted(spells.row, log.row_of[index : index + 2])
    waits = _waits(history, index)
    stays: list[Stay] = []
    end, state = "", ""
    for position in range(int(first), int(after)):
        row = int(spells.row[position])
        stage = names.stages[spells.code[position]]
        state = states[stage] or state
        begin = float(log.time[row])
        if stage in terminal and log.does[row] == ENTERS:
            end = stage
            break
        until = float(log.time[spells.row[position + 1]]) if position + 1 < after else float(log.ends[index])
        stays += _parted(Stay(stage, state, begin, until), waits)
    return SwimmerLane(
        int(log.patient[index]), int(log.replication[index]), tuple(stays), marks, end, float(log.ends[index])
    )


def _waits(history: History, index: int) -> list[tuple[str, float, float]]:
    """The stage waited for, begin and end of each wait of a patient."""
    log, waits = history.log, history.waits
    first, after = np.searchsorted(waits.asked, log.row_of[index : index + 2])
    return [
        (
            log.names.stages[waits.stage[i]],
            float(log.time[waits.asked[i]]),
            float(log.ends[index] if waits.ended[i] == NEVER else log.time[waits.ended[i]]),
        )
        for i in range(int(first), int(after))
    ]


def _parted(stay: Stay, waits: Sequence[tuple[str, float, float]]) -> Iterator[Stay]:
    """A stay without the waits in it, and these; none of no length."""
    begin = stay.begin
    for waits_for, asked, ended in waits:
        if stay.begin <= asked < ended <= stay.end:
            if asked > begin:
                yield replace(stay, begin=begin, end=asked)
            yield replace(stay, begin=asked, end=ended, waits_for=waits_for)
            begin = ended
    if stay.end > begin:
        yield replace(stay, begin=begin)
