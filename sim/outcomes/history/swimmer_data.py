"""Data of swimmer plots: the stays of single patients, and the events to mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.event_log.log import ENTERS
from sim.outcomes.history.history import History, rows
from sim.scenario.language.model import EventSelector


@dataclass(frozen=True, slots=True)
class Stay:
    """A period in one stage, in days since the patient's start."""

    stage: str
    state: str
    begin: float
    end: float


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
        if until > begin:
            stays.append(Stay(stage, state, begin, until))
    return SwimmerLane(
        int(log.patient[index]), int(log.replication[index]), tuple(stays), marks, end, float(log.ends[index])
    )
