"""Patients whose outcome changes between two arms, and where their paths diverge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import EventLog, Floats, Indices
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.divergence import CHANGES, HAPPENS, WHEN, Divergences, diverge
from sim.outcomes.endpoints.time_to_event import CENSORED, TimeToEvent
from sim.outcomes.estimates import EstimateRow
from sim.outcomes.history.history import NEVER, Flags
from sim.outcomes.results import Divergence, Estimate, event_in_words, mean, share
from sim.scenario.language.model import Outcome

Endpoints: TypeAlias = tuple[TimeToEvent, TimeToEvent]
"""Of one outcome, in the reference and in the arm."""

NAME = "patient_changes"
"""The outcome under which the rows stand."""

MOST_DIVERGENCES = 20
"""The number of places of divergence that are listed, the most frequent first."""

IN_WORDS = {HAPPENS: "what happens", WHEN: "when it happens", CHANGES: "an attribute"}


@dataclass(frozen=True, slots=True)
class PatientChanges:
    """rows: shares of patients; divergences: the most frequent first.

    better_is: for `better`, `same` and `worse` what each means; empty where no outcome decides it.
    """

    rows: tuple[EstimateRow, ...]
    divergences: tuple[Divergence, ...]
    better_is: tuple[tuple[str, str], ...]


def patient_changes(
    reference: Arm, arm: Arm, endpoints: Endpoints | None, *, patients: Indices, has_error: bool
) -> PatientChanges:
    """The changes of these patients (indices).

    endpoints: of the outcome that decides better or worse, None where there is none.
    """
    diverging = diverge(reference.log, arm.log)
    replication = reference.log.replication[patients]
    rows: list[EstimateRow] = []
    meanings: tuple[tuple[str, str], ...] = ()
    if endpoints is not None:
        outcome = endpoints[0].outcome
        assert outcome.until is not None
        later, earlier, days = compared_times(endpoints, patients)
        end = event_in_words(outcome.until)
        meanings = (
            ("outcome", outcome.name),
            ("better", f"{end} later than in the reference, or not while observed"),
            ("same", f"{end} at the same time, or in neither while observed"),
            ("worse", f"{end} earlier than in the reference"),
        )
        for part, flags in (("better", later), ("same", ~later & ~earlier), ("worse", earlier)):
            rows += _share_rows(arm.name, part, flags, replication, has_error=has_error)
            if part != "same":
                found = mean(days[flags])
                rows.append(EstimateRow(NAME, arm.name, "", part, "mean_days", nan, "days", found.value))
    unchanged = ~diverging.diverges[patients]
    rows += _share_rows(arm.name, "unchanged", unchanged, replication, has_error=has_error)
    return PatientChanges(
        tuple(rows), tuple(_divergences(reference.log, arm.log, diverging, patients)), meanings
    )


def decides_better_or_worse(outcome: Outcome) -> bool:
    """Whether an outcome decides which patients do better: one time from the start to one kind of end."""
    return (
        outcome.kind == "time_to_event"
        and outcome.begin is not None
        and outcome.begin.kind == "start"
        and outcome.begin.when is None
        and not outcome.competing
        and outcome.among is None
    )


# ---------------------------------------------------------------- better and worse


def compared_times(endpoints: Endpoints, patients: Indices) -> tuple[Flags, Flags, Floats]:
    """Patients whose end comes later in the arm, earlier, and the days between; shape [n_patients]."""
    first, second = endpoints
    days: Floats = second.duration[patients] - first.duration[patients]
    return _later(first, second, patients), _later(second, first, patients), days


def _later(one: TimeToEvent, other: TimeToEvent, patients: Indices) -> Flags:
    """Patients whose end is known to come later in the other arm, or beyond its observation.

    Of two censored times neither is known to be later.
    """
    first, second = one.duration[patients], other.duration[patients]
    is_censored = other.end[patients] == CENSORED
    flags: Flags = (one.end[patients] != CENSORED) & np.where(is_censored, second >= first, second > first)
    return flags


def _share_rows(
    arm: str, part: str, flags: Flags, replication: NDArray[np.int32], *, has_error: bool
) -> Iterator[EstimateRow]:
    """A share of patients, with Wilson's interval, or Student's over replications; and their count."""
    count, n = int(np.count_nonzero(flags)), len(flags)
    found, method = share(count, n), "Wilson"
    if int(replication.max(initial=0)) > 0:
        sizes = np.bincount(replication)
        shares = np.bincount(replication, weights=flags) / np.maximum(sizes, 1)
        found, method = mean(shares[sizes > 0]), "Student, over replications"
    elif not has_error:
        found = Estimate(found.value)
    if not found.has_interval:
        method = ""
    numbers = found.value, found.error, found.low, found.high, n, method
    yield EstimateRow(NAME, arm, "", part, "share", nan, "share", *numbers)
    yield EstimateRow(NAME, arm, "", part, "count", nan, "patients", count, n=n)


# ---------------------------------------------------------------- where paths diverge


def _divergences(
    one: EventLog, other: EventLog, diverging: Divergences, patients: Indices
) -> Iterator[Divergence]:
    """Where paths diverge, by the stage of the patient and the event in each arm."""
    index = patients[diverging.diverges[patients]]
    rows = [_rows(log, diverging, index) for log in (one, other)]
    columns = [diverging.differs[index].astype(np.int64)]
    for log, own in zip((one, other), rows, strict=True):
        exists = own != NEVER
        safe = np.where(exists, own, 0)
        columns += [
            np.where(exists, column[safe].astype(np.int64), -2)
            for column in (log.stage_from, log.event, log.stage_to)
        ]
    key = np.zeros(len(index), np.int64)
    for column in columns:
        key = key * (int(column.max(initial=0)) + 3) + column + 2
    _, example, counts = np.unique(key, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_DIVERGENCES]
    for i, count in zip(example[order].tolist(), counts[order].tolist(), strict=True):
        yield Divergence(
            _stage(one, other, rows, i),
            row_text(one, int(rows[0][i])),
            row_text(other, int(rows[1][i])),
            IN_WORDS[int(diverging.differs[index[i]])],
            int(count),
            int(count) / len(patients),
            int(one.patient[index[i]]),
        )


def _rows(log: EventLog, diverging: Divergences, patients: Indices) -> Indices:
    """The row of each of these patients in which the paths diverge; NEVER where the log has ended."""
    rows = log.row_of[patients] + diverging.sequence[patients]
    return np.where(rows < log.row_of[patients + 1], rows, NEVER)


def _stage(one: EventLog, other: EventLog, rows: list[Indices], i: int) -> str | None:
    """The stage in which the paths diverge; None before the first."""
    for log, own in zip((one, other), rows, strict=True):
        if own[i] != NEVER:
            code = int(log.stage_from[own[i]])
            return log.names.stages[code] if code >= 0 else None
    raise ValueError("paths diverge in a row of one of the logs")


def row_text(log: EventLog, row: int) -> str:
    """A row as `product_ready to car_t`; `nothing more` where there is none."""
    if row == NEVER:
        return "nothing more"
    event = log.names.events[log.event[row]]
    stage_from = log.names.stages[log.stage_from[row]] if log.stage_from[row] >= 0 else ""
    text = event.removeprefix(f"{stage_from}.") if stage_from else event
    return f"{text} to {log.names.stages[log.stage_to[row]]}" if log.stage_to[row] >= 0 else text
