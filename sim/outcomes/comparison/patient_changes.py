"""Patients whose outcome changes between two arms, and where their paths diverge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Codes, EventLog, Floats, Indices
from sim.numerics.compilation import entry
from sim.outcomes.endpoints.time_to_event import CENSORED, TimeToEvent
from sim.outcomes.estimates import EstimateRow
from sim.outcomes.evaluation import Arm
from sim.outcomes.history.history import NEVER, Flags
from sim.outcomes.results import OVER_REPLICATIONS, Divergence, Estimate, event_in_words, mean, share
from sim.pathway.names import GRANTED, LEFT_QUEUE
from sim.scenario.language.model import Outcome

HAPPENS, WHEN, CHANGES = 0, 1, 2
"""What differs in the row: the event, only its time, or only an attribute."""


@dataclass(frozen=True, slots=True, eq=False)
class Divergences:
    """Where each patient's paths diverge, shape [n_patients].

    sequence: the first row (from 0 for each patient) in which the two logs differ, NEVER where
    none does; one of the logs may have ended before it. differs: HAPPENS, WHEN or CHANGES.
    """

    sequence: Indices
    differs: NDArray[np.int8]

    @property
    def diverges(self) -> Flags:
        """Whether the paths of each patient diverge, shape [n_patients]."""
        diverges: Flags = self.sequence != NEVER
        return diverges


def diverge(one: EventLog, other: EventLog) -> Divergences:
    """Compare two logs of the same patients, by names, not codes.

    A row differs in its time, event, rule, stages or action, or where an attribute that both
    logs have is changed in one, or to another value.
    """
    found = np.full(one.n_patients, NEVER)
    differs = np.zeros(one.n_patients, np.int8)
    events = common_codes(one.names.events, other.names.events)
    rules = common_codes(one.names.rules, other.names.rules)
    stages = common_codes(one.names.stages, other.names.stages)
    _diverge(_rows(one), _rows(other), events, rules, stages, found, differs)
    common_attributes = [name for name in one.names.attributes if name in other.names.attributes]
    if common_attributes and len(one.change_what) + len(other.change_what) > 0:
        changes = _Changes(one), _Changes(other)
        for name in common_attributes:
            patients, steps = _other_changes(*changes, name)
            earlier = np.full(one.n_patients, NEVER)
            np.minimum.at(earlier, patients, steps)
            sooner = earlier < found
            found[sooner], differs[sooner] = earlier[sooner], CHANGES
    return Divergences(found, differs)


class _Rows(NamedTuple):
    """The columns of a log that show where paths diverge."""

    row_of: Indices
    time: Floats
    does: NDArray[np.int8]
    event: Codes
    rule: Codes
    stage_from: Codes
    stage_to: Codes


def _rows(log: EventLog) -> _Rows:
    return _Rows(*(getattr(log, name) for name in _Rows._fields))


@entry
def _diverge(
    one: _Rows,
    other: _Rows,
    events: Codes,
    rules: Codes,
    stages: Codes,
    found: Indices,
    differs: NDArray[np.int8],
) -> None:
    """Walk through both logs of each patient, and record the first row that differs and how.

    events, rules, stages: the codes of the one for those of the other, the last for none (-1).
    """
    for i in range(len(found)):
        a, b = one.row_of[i], other.row_of[i]
        n, m = one.row_of[i + 1] - a, other.row_of[i + 1] - b
        for k in range(min(n, m)):
            row, twin = a + k, b + k
            if (
                one.does[row] != other.does[twin]
                or one.event[row] != events[other.event[twin]]
                or one.rule[row] != rules[other.rule[twin]]
                or one.stage_from[row] != stages[other.stage_from[twin]]
                or one.stage_to[row] != stages[other.stage_to[twin]]
            ):
                found[i], differs[i] = k, HAPPENS
                break
            if one.time[row] != other.time[twin]:
                found[i], differs[i] = k, WHEN
                break
        else:
            if n != m:
                found[i], differs[i] = min(n, m), HAPPENS


def common_codes(one: Sequence[str], other: Sequence[str]) -> NDArray[np.int16]:
    """The codes of the first for the codes of the second; names only in the second come after.

    A name that stands twice (a clock's, and that of an event of a stage called `clock`) is matched
    in order. The last code is -1 for none.
    """
    left = list(one)
    codes = []
    for name in other:
        if name in left:
            codes.append(left.index(name))
            left[codes[-1]] = ""
        else:
            codes.append(len(left))
            left.append("")
    return np.array([*codes, -1], np.int16)


class _Changes:
    """The changes of a log, each with its patient and the number of its row for that patient."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        patient = np.repeat(np.arange(log.n_patients), np.diff(log.row_of))
        keys = (patient << 32) | (np.arange(log.n_rows) - log.row_of[patient])
        self._keys = np.repeat(keys, np.diff(log.change_of))
        self._order = np.argsort(log.change_what, kind="stable")
        kinds = np.arange(len(log.names.attributes) + 1)
        self._bounds = np.searchsorted(log.change_what[self._order], kinds)

    def of(self, attribute: str) -> tuple[Indices, Floats]:
        """Where an attribute gets a new value, as patient << 32 | sequence (increasing), and the value.

        A change to the value that it had is none; of several in one row the last counts.
        """
        log = self.log
        what = log.names.attributes.index(attribute)
        at = self._order[self._bounds[what] : self._bounds[what + 1]]
        keys = self._keys[at]
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
        keys, at = keys[last], at[last]
        patient, values = keys >> 32, log.change_value[at]
        before = np.append(0.0, values[:-1])[: len(values)]
        is_first = np.append(True, patient[1:] != patient[:-1])[: len(patient)]
        before = np.where(is_first, log.at_start[patient, what], before)
        new = values != before
        return keys[new], values[new]


def _other_changes(one: _Changes, other: _Changes, attribute: str) -> tuple[Indices, Indices]:
    """The rows (patient, sequence) that change an attribute in one log only, or to another value."""
    (keys, values), (other_keys, other_values) = one.of(attribute), other.of(attribute)
    kinds = [of.log.names.categories[of.log.names.attributes.index(attribute)] for of in (one, other)]
    if kinds[0] != kinds[1] and all(kinds) and len(other_values):
        other_values = common_codes(*kinds)[other_values.astype(np.int64)].astype(np.float64)
    if np.array_equal(keys, other_keys):
        found = keys[values != other_values]
    else:
        alone = np.setxor1d(keys, other_keys, assume_unique=True)
        both, i, j = np.intersect1d(keys, other_keys, assume_unique=True, return_indices=True)
        found = np.concatenate([alone, both[values[i] != other_values[j]]])
    return found >> 32, found & 0xFFFFFFFF


Endpoints: TypeAlias = tuple[TimeToEvent, TimeToEvent]
"""Of one outcome, in the reference and in the arm."""

NAME = "patient_changes"
"""The outcome under which the rows stand."""

MATTERS = 90.0
"""Days by which an end is later or earlier before a patient counts as better or worse."""

NET = "better_less_worse"
"""The part with the share of patients who do better less that of those who do worse."""

MOST_DIVERGENCES = 20
"""The number of places of divergence that are listed, the most frequent first."""

IN_WORDS = {HAPPENS: "what happens", WHEN: "when it happens", CHANGES: "an attribute"}
QUEUE_IN_WORDS = {GRANTED: "granted", LEFT_QUEUE: "leaves the queue for"}


@dataclass(frozen=True, slots=True)
class PatientChanges:
    """rows: shares of patients; divergences: the most frequent first.

    The rows have the parts `better`, `same`, `worse`, NET and `unchanged`. After the paths of a patient
    have diverged, chance makes some better and others worse; it does not change the expectation of NET.
    better_is: for each part but `unchanged` what it means; empty where no outcome decides it.
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
            ("better", f"{end} more than {MATTERS:g} days later than in the reference, or only there"),
            ("same", f"{end} at most {MATTERS:g} days apart, or in neither while observed"),
            ("worse", f"{end} more than {MATTERS:g} days earlier than in the reference, or only here"),
            (NET, "the effect of the change; better and worse alone also count chance"),
        )
        for part, flags in (("better", later), ("same", ~later & ~earlier), ("worse", earlier)):
            rows += _share_rows(arm.name, part, flags, replication, has_error=has_error)
            if part != "same":
                found = mean(days[flags])
                rows.append(EstimateRow(NAME, arm.name, "", part, "mean_days", nan, "days", found.value))
        net = later.astype(np.float64) - earlier
        rows += _share_rows(arm.name, NET, net, replication, has_error=has_error)
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
    """Patients who do better in the arm, worse, and the days between their ends; shape [n_patients].

    Better is an end that comes more than MATTERS days later, or that only the reference has.
    """
    first, second = endpoints
    days: Floats = second.duration[patients] - first.duration[patients]
    matters = (first.end[patients] != second.end[patients]) | (np.abs(days) > MATTERS)
    return matters & _later(first, second, patients), matters & _later(second, first, patients), days


def _later(one: TimeToEvent, other: TimeToEvent, patients: Indices) -> Flags:
    """Patients whose end is known to come later in the other arm, or beyond its observation.

    Of two censored times neither is known to be later.
    """
    first, second = one.duration[patients], other.duration[patients]
    is_censored = other.end[patients] == CENSORED
    flags: Flags = (one.end[patients] != CENSORED) & np.where(is_censored, second >= first, second > first)
    return flags


def _share_rows(
    arm: str, part: str, flags: Flags | Floats, replication: NDArray[np.int32], *, has_error: bool
) -> Iterator[EstimateRow]:
    """A share of patients, with Wilson's interval, or Student's over replications; and their count.

    A difference of shares (flags of 1, 0 and -1) has Student's.
    """
    count, n = int(flags.sum()), len(flags)
    found, method = (
        (share(count, n), "Wilson") if flags.dtype == bool else (mean(flags.astype(np.float64)), "Student")
    )
    if int(replication.max(initial=0)) > 0:
        sizes = np.bincount(replication)
        shares = np.bincount(replication, weights=flags) / np.maximum(sizes, 1)
        found, method = mean(shares[sizes > 0]), OVER_REPLICATIONS
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
    rows = [diverging_rows(log, diverging, index) for log in (one, other)]
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


def diverging_rows(log: EventLog, diverging: Divergences, patients: Indices) -> Indices:
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
    """A row as `product_ready to car_t` or `granted car_t`; `nothing more` where there is none."""
    if row == NEVER:
        return "nothing more"
    code = int(log.event[row])
    event = log.names.events[code]
    stage_from = log.names.stages[log.stage_from[row]] if log.stage_from[row] >= 0 else ""
    text = event.removeprefix(f"{stage_from}.") if stage_from else event
    if code in QUEUE_IN_WORDS:
        return f"{QUEUE_IN_WORDS[code]} {log.names.stages[log.stage_to[row]]}"
    return f"{text} to {log.names.stages[log.stage_to[row]]}" if log.stage_to[row] >= 0 else text
