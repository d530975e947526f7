"""Whose lives change: who does better in one arm than in another, and where their paths part."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import EventLog, Floats, Indices
from sim.outcomes import labels
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.divergence import CHANGES, HAPPENS, WHEN, Parting, part
from sim.outcomes.endpoints.time_to_event import CENSORED, TimeToEvent
from sim.outcomes.entries import interval, number
from sim.outcomes.history.history import NEVER, Flags
from sim.outcomes.intervals import UNKNOWN, Estimate, mean, share
from sim.scenario.language.model import Outcome

Measures: TypeAlias = tuple[TimeToEvent, TimeToEvent]
"""Of one outcome, in the reference and in the arm."""

MOST_PARTINGS = 20
"""So many places where paths part are told, the most frequent first."""

IN_WORDS = {HAPPENS: "what happens", WHEN: "when it happens", CHANGES: "an attribute"}


def lives(
    reference: Arm, arm: Arm, measures: Measures | None, *, who: Indices, has_error: bool
) -> dict[str, Any]:
    """What changes in the lives of the patients `who` (indices), ready for JSON.

    measures: in either arm of the outcome by which better and worse are told, None where there is none.
    """
    parting = part(reference.log, arm.log)
    replication = reference.log.replication[who]
    told: dict[str, Any] = {"patients": len(who)}
    if measures is not None:
        told |= _better_and_worse(measures, who, replication, has_error=has_error)
    told["unchanged"] = _shared(~parting.parts[who], replication, has_error)
    told["partings"] = _partings(reference.log, arm.log, parting, who)
    return told


def tells(outcome: Outcome) -> bool:
    """Whether better and worse can be told by an outcome: one time from the start to one kind of end."""
    return (
        outcome.kind == "time_to_event"
        and outcome.begin is not None
        and outcome.begin.kind == "start"
        and outcome.begin.when is None
        and not outcome.competing
        and outcome.among is None
    )


# ---------------------------------------------------------------- better and worse


def _better_and_worse(
    measures: Measures, who: Indices, replication: NDArray[np.int32], *, has_error: bool
) -> dict[str, Any]:
    """Shares of patients whose end comes later, at the same time, earlier."""
    outcome = measures[0].outcome
    assert outcome.until is not None
    later, earlier, days = compared_times(measures, who)
    end = labels.happening(outcome.until)
    told: dict[str, Any] = {
        "outcome": outcome.name,
        "better_is": f"{end} later than in the reference, or not while observed",
        "same_is": f"{end} at the same time, or in neither while observed",
        "worse_is": f"{end} earlier than in the reference",
    }
    for name, which in (("better", later), ("same", ~later & ~earlier), ("worse", earlier)):
        told[name] = _shared(which, replication, has_error)
        if name != "same":
            told[name]["mean_days"] = number(mean(days[which]).value)
    return told


def compared_times(measures: Measures, who: Indices) -> tuple[Flags, Flags, Floats]:
    """Whose end comes later in the second, whose earlier, and by how many days; shape [len(who)]."""
    first, second = measures
    days: Floats = second.duration[who] - first.duration[who]
    return _later(first, second, who), _later(second, first, who), days


def _later(one: TimeToEvent, other: TimeToEvent, who: Indices) -> Flags:
    """Whose end is known to come later in the other: after the one's, or beyond what was observed of it.

    Of two that are censored neither is known to be later.
    """
    flags: Flags = (one.end[who] != CENSORED) & (
        np.where(other.end[who] == CENSORED, other.duration[who] >= one.duration[who], False)
        | ((other.end[who] != CENSORED) & (other.duration[who] > one.duration[who]))
    )
    return flags


def _shared(flags: Flags, replication: NDArray[np.int32], has_error: bool) -> dict[str, Any]:
    """A share of patients, with Wilson's interval, or Student's over replications."""
    count, n = int(np.count_nonzero(flags)), len(flags)
    found = share(count, n)
    last = int(replication.max(initial=0))
    if last > 0:
        each = np.bincount(replication, weights=flags) / np.maximum(np.bincount(replication), 1)
        found = mean(each[np.bincount(replication) > 0])
    elif not has_error:
        found = Estimate(found.value) if found.is_known else UNKNOWN
    return {"estimate": number(found.value), "interval": interval(found), "count": count}


# ---------------------------------------------------------------- where paths part


def _partings(one: EventLog, other: EventLog, parting: Parting, who: Indices) -> list[dict[str, Any]]:
    """Where paths part, by the stage the patient was in and what happens in either arm."""
    at = who[parting.parts[who]]
    rows = [_rows(log, parting, at) for log in (one, other)]
    columns = [parting.differs[at].astype(np.int64)]
    for log, mine in zip((one, other), rows, strict=True):
        there = mine != NEVER
        safe = np.where(there, mine, 0)
        columns += [
            np.where(there, column[safe].astype(np.int64), -2)
            for column in (log.stage_from, log.event, log.stage_to)
        ]
    key = np.zeros(len(at), np.int64)
    for column in columns:
        key = key * (int(column.max(initial=0)) + 3) + column + 2
    _, example, counts = np.unique(key, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_PARTINGS]
    return [
        {
            "stage": _stage(one, other, rows, i),
            "reference": told_row(one, int(rows[0][i])),
            "arm": told_row(other, int(rows[1][i])),
            "differs_in": IN_WORDS[int(parting.differs[at[i]])],
            "count": int(count),
            "share": int(count) / len(who),
            "patient": int(one.patient[at[i]]),
        }
        for i, count in zip(example[order].tolist(), counts[order].tolist(), strict=True)
    ]


def _rows(log: EventLog, parting: Parting, at: Indices) -> Indices:
    """The row of each of these patients in which the paths part; NEVER where the log has ended."""
    rows = log.row_of[at] + parting.sequence[at]
    return np.where(rows < log.row_of[at + 1], rows, NEVER)


def _stage(one: EventLog, other: EventLog, rows: list[Indices], i: int) -> str | None:
    """The stage in which the paths part; None before the first."""
    for log, mine in zip((one, other), rows, strict=True):
        if mine[i] != NEVER:
            code = int(log.stage_from[mine[i]])
            return log.names.stages[code] if code >= 0 else None
    raise ValueError("paths part in a row of one of the logs")


def told_row(log: EventLog, row: int) -> str:
    """What happens in a row, as `product_ready to car_t`; `nothing more` where there is none."""
    if row == NEVER:
        return "nothing more"
    event = log.names.events[log.event[row]]
    stage_from = log.names.stages[log.stage_from[row]] if log.stage_from[row] >= 0 else ""
    told = event.removeprefix(f"{stage_from}.") if stage_from else event
    return f"{told} to {log.names.stages[log.stage_to[row]]}" if log.stage_to[row] >= 0 else told
