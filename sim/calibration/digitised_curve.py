"""Pseudo patient data from a digitised Kaplan-Meier curve and its numbers at risk.

The method of Guyot, Ades, Ouwens and Welton, BMC Medical Research Methodology 12 (2012) 9,
doi:10.1186/1471-2288-12-9: between two printed numbers at risk the censored patients are spread evenly,
as many as make the next number come out; the events are those that make the estimate follow the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError

Floats = NDArray[np.float64]
MOST_ROUNDS = 200
"""Adjustments of the number censored between two numbers at risk."""


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
    """Patients whose Kaplan-Meier curve is the digitised one.

    curve: (time, survival), times increasing. at_risk: (time, number at risk just before), times
    increasing, the first 0. events: of the whole follow-up, if the paper prints it.
    Raises: InputError where the curve or the numbers are impossible.
    """
    time, survival = _checked_curve(curve)
    risk_time, risk = _checked_risk(at_risk, float(time[-1]))
    if events is not None and not 0 <= events <= risk[0]:
        raise InputError(f"events: {events} is not between 0 and the {risk[0]} patients", "count again")
    first = [int(np.searchsorted(time, at, side="left")) for at in risk_time]
    state = _State(risk[0], 1.0)
    steps: list[_Step] = []
    censored_before = 0
    for i, at in enumerate(first[:-1]):
        places = range(at, first[i + 1])
        done = _between(time, survival, places, state, wanted=risk[i + 1], until=risk_time[i + 1])
        censored_before += sum(step.censored for step in done)
        steps += done
        if done:
            state = done[-1].after
    rest = range(first[-1], len(time))
    share = (time[-1] - risk_time[-1]) / risk_time[-1] if len(risk_time) > 1 else 0.0
    guess = min(round(censored_before * share), state.left)
    so_far = sum(step.events for step in steps)
    wanted = None if events is None else events - so_far
    steps += _last(time, survival, rest, state, censored=guess, events=wanted)
    return _patients(time, steps, n=risk[0])


@dataclass(frozen=True, slots=True)
class _State:
    """Patients left, and the Kaplan-Meier estimate after the last event."""

    left: int
    estimate: float


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens at one point of the curve and before the next."""

    place: int
    events: int
    censored_at: tuple[float, ...]
    after: _State

    @property
    def censored(self) -> int:
        return len(self.censored_at)


def _steps(
    time: Floats, survival: Floats, places: range, state: _State, *, censored: int, until: float
) -> list[_Step]:
    """The points of one interval with so many censored in it, evenly spread."""
    if not places:
        return []
    begin = float(time[places[0]])
    spread = begin + (until - begin) * (np.arange(censored) + 0.5) / max(censored, 1)
    ends = np.append(time[places[0] + 1 : places[-1] + 1], np.inf)
    owner = np.searchsorted(ends, spread, side="right")
    found: list[_Step] = []
    left, estimate = state.left, state.estimate
    for i, place in enumerate(places):
        wanted = left * (1.0 - survival[place] / estimate) if estimate > 0.0 else 0.0
        events = min(max(round(float(wanted)), 0), left)
        if events:
            estimate *= 1.0 - events / left
        gone = spread[owner == i][: left - events]
        left -= events + len(gone)
        found.append(_Step(place, events, tuple(gone.tolist()), _State(left, estimate)))
    return found


def _between(
    time: Floats, survival: Floats, places: range, state: _State, *, wanted: int, until: float
) -> list[_Step]:
    """The points between two numbers at risk, with as many censored as make the second come out."""
    if not places:
        return []
    end = survival[places[-1]]
    censored = max(round(state.left * float(end) / state.estimate - wanted), 0) if state.estimate > 0 else 0
    best: tuple[int, list[_Step]] | None = None
    seen = set()
    for _ in range(MOST_ROUNDS):
        seen.add(censored)
        steps = _steps(time, survival, places, state, censored=censored, until=until)
        off = steps[-1].after.left - wanted
        if best is None or abs(off) < best[0]:
            best = abs(off), steps
        censored = min(max(censored + off, 0), state.left)
        if off == 0 or censored in seen:
            break
    assert best is not None
    return best[1]


def _last(
    time: Floats, survival: Floats, places: range, state: _State, *, censored: int, events: int | None
) -> list[_Step]:
    """The points after the last number at risk; `events`: how many of them are left to happen."""
    until = float(time[-1])
    if events is not None and events <= 0:
        return []
    best: tuple[int, list[_Step]] | None = None
    seen = set()
    while censored not in seen:
        seen.add(censored)
        steps = _steps(time, survival, places, state, censored=censored, until=until)
        off = sum(step.events for step in steps) - (events or 0)
        if events is None:
            return steps
        if best is None or abs(off) < best[0]:
            best = abs(off), steps
        censored = min(max(censored + off, 0), state.left)
    assert best is not None
    return best[1]


def _patients(time: Floats, steps: Sequence[_Step], *, n: int) -> PseudoData:
    """Events at the points of the curve, the censored between them, everybody else at its end."""
    events = [float(time[step.place]) for step in steps for _ in range(step.events)]
    censored = [at for step in steps for at in step.censored_at]
    rest = [float(time[-1])] * (n - len(events) - len(censored))
    ends = np.array([*events, *censored, *rest])
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
    inside = [(time, n) for time, n in at_risk if time < last or time == 0.0]
    return [time for time, _ in inside], [n for _, n in inside]
