"""The long multi-state format of R's mstate (de Wreede, Fiocco, Putter 2011, doi:10.18637/jss.v038.i07).

One row for each transition for which a patient is at risk in each stay in a state: `id from to trans
Tstart Tstop time status`, and the matrix that numbers the transitions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.event_log.arrow_tables import patient_ids, valued
from sim.event_log.log import Codes, EventLog, Floats, Indices
from sim.formats.tables import without_formula, write_csv
from sim.outcomes.history.history import History

DATA, MATRIX = "msdata.csv", "tmat.csv"
FILES = (DATA, MATRIX)
SHORTEST = 2.0**-20
"""Days: the step of the grid of times."""
STAYS_IN_GROUP = 2**15
"""Stays processed at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Every stay in a state, sorted by patient and time. Arrays of shape [n_stays].

    patient: index in the log. state: code. begin, end: days since the patient's start, begin < end.
    following: code of the next state, -1 if follow-up ended.
    """

    patient: NDArray[np.int32]
    state: Codes
    begin: Floats
    end: Floats
    following: Codes


def write(folder: Path, history: History, *, by: str) -> None:
    """Write the two files. by: the states of the model, `stages` or `states`."""
    names = history.log.names.stages if by == "stages" else history.log.names.states
    found = stays(history, by=by)
    at_once = np.unique(found.patient[found.end == SHORTEST]).size
    if at_once:
        text = "note: %d patients end on day 0; in the model they stay for 2^-20 days before"
        logging.getLogger("allpath").warning(text, at_once)
    matrix = transitions(found, len(names))
    kept = np.union1d(modelled(history, by=by), found.state)
    _write_matrix(folder / MATRIX, matrix[np.ix_(kept, kept)], [names[code] for code in kept])
    write_csv(folder / DATA, rows(history.log, found, matrix, kept))


def stays(history: History, *, by: str) -> Stays:
    """The stays of the multi-state process, right-continuous in time.

    A stage in which no time passes (a decision) is omitted, and consecutive stays in one state are
    joined: the model has no transition that takes no time or leads to the same state. Who ends on day 0
    would have no stay at all, and is where the path begins for the SHORTEST time.
    """
    log = history.log
    spells = history.stage_spells if by == "stages" else history.state_spells
    patient = history.patients(spells.row)
    begin = log.time[spells.row]
    is_last = np.append(patient[1:] != patient[:-1], True)[: len(patient)]
    end = np.where(is_last, log.follow_up[patient], np.append(begin[1:], 0.0)[: len(begin)])
    takes_time = (end > begin) | is_last  # what is entered at the very end is what follows the stay before
    patient, state = patient[takes_time], spells.code[takes_time]
    begin, end = begin[takes_time], end[takes_time]
    is_new = np.ones(len(patient), bool)
    is_new[1:] = (patient[1:] != patient[:-1]) | (state[1:] != state[:-1])
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], len(patient))[: len(first)] - 1
    patient, state = patient[first], state[first]
    continues = np.append(patient[1:] == patient[:-1], False)[: len(patient)]
    following = np.where(continues, np.append(state[1:], np.int16(-1))[: len(state)], np.int16(-1))
    begin, end = begin[first], end[last]
    stays_on = end > begin
    found = Stays(patient[stays_on], state[stays_on], begin[stays_on], end[stays_on], following[stays_on])
    return _with_ends_on_day_0(history, found, by=by)


def _with_ends_on_day_0(history: History, found: Stays, *, by: str) -> Stays:
    """The stays, and one of the SHORTEST time for each patient who is in a terminal stage from day 0."""
    log = history.log
    terminal = {stage.name for stage in history.scenario.stages if stage.terminal}
    stage = log.stage_to[log.row_of[1:] - 1]
    is_over = np.array([name in terminal for name in log.names.stages])[stage]
    over = np.flatnonzero(is_over & (log.time[log.row_of[1:] - 1] == 0.0))
    first = log.stage_to[history.starts[over]]
    start, end = (
        (first, stage[over])
        if by == "stages"
        else (history.state_of_stage[first], history.state_of_stage[stage[over]])
    )
    moves = (start >= 0) & (end >= 0) & (start != end)
    over, start, end = over[moves], start[moves], end[moves]
    later = np.where(np.isin(found.patient, over) & (found.begin == 0.0), SHORTEST, found.begin)
    columns = [
        np.concatenate(pair)
        for pair in (
            (over, found.patient),
            (start, found.state),
            (np.zeros(len(over)), later),
            (np.full(len(over), SHORTEST), found.end),
            (end, found.following),
        )
    ]
    order = np.argsort(columns[0], kind="stable")
    return Stays(*(column[order] for column in columns))


def transitions(found: Stays, n_states: int) -> NDArray[np.int64]:
    """The observed transitions, numbered from 1 by the state left, then by the state entered.

    Shape [n_states, n_states]; 0 where there is none.
    """
    observed = np.zeros((n_states, n_states), bool)
    ended = found.following >= 0
    observed[found.state[ended], found.following[ended]] = True
    return np.where(observed, np.cumsum(observed).reshape(observed.shape), 0)


def modelled(history: History, *, by: str) -> Indices:
    """The codes of the states of the model: the stages that take time, or all health states."""
    if by == "states":
        return np.arange(len(history.log.names.states))
    return np.flatnonzero(~history.is_decision)


def rows(
    log: EventLog,
    found: Stays,
    matrix: NDArray[np.int64],
    kept: Indices,
    stays_in_group: int = STAYS_IN_GROUP,
) -> Iterator[pa.Table]:
    """The long table, as tables of `stays_in_group` stays, in order.

    Columns: id (from 1), from, to (positions of the states in the matrix, from 1), trans, Tstart,
    Tstop, time (days), status (1: this transition ended the stay); replication and patient, as in
    the log; patient_id, where a table of patients has an `id`; and as covariates the attributes
    `at_start.NAME` that differ between patients, yes/no as 1 and 0, which R reads as numbers.
    """
    covariates = np.flatnonzero((log.at_start != log.at_start[:1]).any(0))
    position = np.zeros(len(matrix), np.int64)
    position[kept] = np.arange(1, len(kept) + 1)
    targets = [np.flatnonzero(row) for row in matrix]
    n_targets = np.array([len(to) for to in targets], np.int64)
    first_target = np.concatenate([[0], np.cumsum(n_targets)])
    all_targets = np.concatenate([*targets, np.empty(0, np.int64)])
    for first in range(0, max(len(found.patient), 1), stays_in_group):
        repeats = n_targets[found.state[first : first + stays_in_group]]
        stay = np.repeat(np.arange(first, first + len(repeats)), repeats)
        nth_target = np.arange(len(stay)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        state, patient = found.state[stay], found.patient[stay]
        to = all_targets[first_target[state] + nth_target]
        columns = {
            "id": pa.array(patient + 1),
            "from": pa.array(position[state]),
            "to": pa.array(position[to]),
            "trans": pa.array(matrix[state, to]),
            "Tstart": pa.array(found.begin[stay]),
            "Tstop": pa.array(found.end[stay]),
            "time": pa.array(found.end[stay] - found.begin[stay]),
            "status": pa.array((found.following[stay] == to).astype(np.int8)),
            "replication": pa.array(log.replication[patient]),
            "patient": pa.array(log.patient[patient]),
            **{f"patient_{name}": ids for name, ids in patient_ids(log, log.patient[patient]).items()},
        }
        for i in covariates:
            column = valued(log.at_start[patient, i], log.names.categories[i])
            is_yes_no = pa.types.is_boolean(column.type)
            columns[f"at_start.{log.names.attributes[i]}"] = column.cast(pa.int8()) if is_yes_no else column
        yield pa.table(columns)


def _write_matrix(path: Path, matrix: NDArray[np.int64], names: Sequence[str]) -> None:
    """A square with the states as header and first column; NA where there is no transition."""
    quoted = ['"' + without_formula(name).replace('"', '""') + '"' for name in names]
    lines = [",".join(['""', *quoted])]
    for name, numbers in zip(quoted, matrix.tolist(), strict=True):
        lines.append(",".join([name, *(str(n) if n else "NA" for n in numbers)]))
    path.write_text("\n".join(lines) + "\n", "utf-8")
