"""Pseudo patient data from a digitised Kaplan-Meier curve and its numbers at risk.

The method of Guyot, Ades, Ouwens and Welton, BMC Medical Research Methodology 12 (2012) 9,
doi:10.1186/1471-2288-12-9: between two printed numbers at risk the censored patients are spread evenly,
as many as make the next number come out; the events are those that make the estimate follow the curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError
from sim.event_log.log import Floats

MOST_PATIENTS = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PseudoData:
    """Patients as the curve implies them. Shape [n_patients]: time, and whether the event was seen."""

    time: Floats
    is_event: NDArray[np.bool_]


def reconstruct(
    curve: Sequence[tuple[float, float]],
    at_risk: Sequence[tuple[float, int]],
    *,
    events: int | None = None,
) -> PseudoData:
    """Patients with the digitised curve as their Kaplan-Meier curve.

    curve: (time, survival), times increasing. at_risk: (time, number at risk just before), times
    increasing, the first 0. events: of the whole follow-up, if the paper prints it.
    Raises: InputError where the curve or the numbers are impossible.
    """
    time, survival = _checked_curve(curve)
    risk_time, risk = _checked_risk(at_risk, float(time[-1]))
    if events is not None and not 0 <= events <= risk[0]:
        raise InputError(f"events: {events} is not between 0 and the {risk[0]} patients", "count again")
    first = [int(np.searchsorted(time, at, side="left")) for at in risk_time]
    state, steps = _State(risk[0], 1.0), list[_Step]()
    for i, (begin, until) in enumerate(pairwise(risk_time)):
        part = _Part(time[first[i] : first[i + 1]], survival[first[i] : first[i + 1]], begin, until)
        steps += _between(part, state, wanted=risk[i + 1])
        state = steps[-1].after
    censored = sum(len(step.censored) for step in steps)
    part = _Part(time[first[-1] :], survival[first[-1] :], risk_time[-1], float(time[-1]))
    share = (part.until - part.begin) / part.begin if part.begin > 0.0 else 0.0
    left = None if events is None else events - sum(step.events for step in steps)
    steps += _last(part, state, censored=min(round(censored * share), state.left), events=left)
    return _patients(steps, end=part.until, n=risk[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The points of the curve from one number at risk to the next; shape [n_points]."""

    time: Floats
    survival: Floats
    begin: float
    until: float


@dataclass(frozen=True, slots=True)
class _State:
    """Patients left, and the Kaplan-Meier estimate after the last event."""

    left: int
    estimate: float


@dataclass(frozen=True, slots=True)
class _Step:
    """The events at a time, and who is censored between it and the next."""

    time: float
    events: int
    censored: tuple[float, ...]
    after: _State


def _steps(part: _Part, state: _State, *, censored: int) -> list[_Step]:
    """What happens in a part with so many censored, evenly spread; the first step has no events."""
    spread = part.begin + (part.until - part.begin) * (np.arange(censored) + 0.5) / max(censored, 1)
    owner = np.searchsorted(part.time, spread, side="right")
    left, estimate = state.left, state.estimate
    found: list[_Step] = []
    for i, time in enumerate([part.begin, *part.time.tolist()]):
        events = 0
        if i and estimate > 0.0:
            events = min(max(round(left * (1.0 - float(part.survival[i - 1]) / estimate)), 0), left)
        if events:
            estimate *= 1.0 - events / left
        gone = spread[owner == i][: left - events]
        left -= events + len(gone)
        found.append(_Step(time, events, tuple(gone.tolist()), _State(left, estimate)))
    return found


def _between(part: _Part, state: _State, *, wanted: int) -> list[_Step]:
    """A part with as many censored as leave the number that is wanted at its end."""
    end = float(part.survival[-1]) if len(part.survival) else state.estimate
    censored = max(round(state.left * end / state.estimate - wanted), 0) if state.estimate > 0.0 else 0
    return _nearest(part, state, censored, lambda steps: steps[-1].after.left - wanted)


def _last(part: _Part, state: _State, *, censored: int, events: int | None) -> list[_Step]:
    """The part after the last number at risk. events: how many are left to happen, None where unknown."""
    if events is None:
        return _steps(part, state, censored=censored)
    if events <= 0:
        return []
    return _nearest(part, state, censored, lambda steps: sum(step.events for step in steps) - events)


def _nearest(part: _Part, state: _State, censored: int, off: Callable[[list[_Step]], int]) -> list[_Step]:
    """The part with the number of censored at which it is least `off`, which counts those too many."""
    best: tuple[int, list[_Step]] | None = None
    seen: set[int] = set()
    while censored not in seen:
        seen.add(censored)
        steps = _steps(part, state, censored=censored)
        missed = off(steps)
        if best is None or abs(missed) < best[0]:
            best = abs(missed), steps
        censored = min(max(censored + missed, 0), state.left)
    assert best is not None
    return best[1]


def _patients(steps: Sequence[_Step], *, end: float, n: int) -> PseudoData:
    """Events and censored patients of the steps; everybody else is censored at the end of the curve."""
    events = [step.time for step in steps for _ in range(step.events)]
    censored = [at for step in steps for at in step.censored]
    ends = np.array([*events, *censored, *[end] * (n - len(events) - len(censored))])
    happened = np.arange(len(ends)) < len(events)
    order = np.argsort(ends, kind="stable")
    return PseudoData(ends[order], happened[order])


def _checked_curve(curve: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """The times above 0 and the survival there, made to fall: a point may stand a little too high."""
    time, survival = (np.array(column, dtype=np.float64) for column in zip(*curve, strict=True))
    wrong = np.flatnonzero((survival < 0.0) | (survival > 1.0))
    if len(wrong):
        fact = f"survival {survival[wrong[0]]:g} at time {time[wrong[0]]:g} is not between 0 and 1"
        raise InputError(fact, "write a share; divide percentages by 100")
    order = np.argsort(time, kind="stable")
    time, survival = time[order], np.minimum.accumulate(survival[order])
    if time[0] < 0.0:
        raise InputError(f"the curve begins at time {time[0]:g}", "a survival curve begins at time 0")
    kept = time > 0.0
    if kept.sum() < 2 or survival[-1] >= 1.0:
        raise InputError("the curve has no step", "digitise at least two points at which it falls")
    return time[kept], survival[kept]


def _checked_risk(at_risk: Sequence[tuple[float, int]], last: float) -> tuple[list[float], list[int]]:
    """The numbers at risk up to the end of the curve."""
    if not at_risk or at_risk[0][0] != 0.0:
        raise InputError(
            "the numbers at risk do not begin at time 0", "give the number of patients at time 0"
        )
    for (before, more), (after, less) in pairwise(at_risk):
        if not before < after:
            raise InputError(
                f"the number at risk at {after:g} comes after that at {before:g}", "sort by time"
            )
        if less > more:
            raise InputError(
                f"the number at risk rises from {more} at {before:g} to {less} at {after:g}", "read it again"
            )
    if at_risk[0][1] < 1:
        raise InputError("nobody is at risk at time 0", "give the number of patients at time 0")
    if at_risk[0][1] > MOST_PATIENTS:
        raise InputError(
            f"{at_risk[0][1]:,} patients are at risk at time 0", f"a curve has at most {MOST_PATIENTS:,}"
        )
    inside = [(time, n) for time, n in at_risk if time < last or time == 0.0]
    return [time for time, _ in inside], [n for _, n in inside]
