"""Time from one event to another: survival, or cumulative incidences where ends compete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.history.history import NEVER, History, rows
from sim.outcomes.results import Description, Estimate, Figures, Influence, Key, event_in_words, time_in_prose
from sim.outcomes.survival.estimators import (
    ROUNDING,
    CurveInfluence,
    aalen_johansen,
    first_time,
    incidence_at,
    kaplan_meier,
    median,
    restricted_mean,
    risk_table,
    survival_at,
    time_to_half,
)
from sim.scenario.language.model import Outcome

CENSORED, REACHED = 0, 1


@dataclass(frozen=True, slots=True)
class Observation:
    """The longest observation of a censored patient and of any patient, days; -inf for nobody."""

    censored: float = -inf
    longest: float = -inf

    @property
    def until(self) -> float:
        """How long a curve is known; infinite where all patients have ended by then."""
        return self.censored if -inf < self.censored >= self.longest else inf

    def combine(self, other: Observation) -> Observation:
        """The longest of both."""
        return Observation(max(self.censored, other.censored), max(self.longest, other.longest))


def observation(durations: Floats, censored: Floats) -> Observation:
    """Of these patients, and of those among them who were censored."""
    return Observation(float(censored.max(initial=-inf)), float(durations.max(initial=-inf)))


@dataclass(frozen=True, slots=True, eq=False)
class TimeToEvent:
    """Durations with their ends, shape [n_patients].

    group_rows: the row of `from`, NEVER for patients who do not reach it. duration: days from it to the
    end. end: CENSORED, REACHED (`until`), or 2 and more for the competing ends in file order.
    observation: how long the counted patients were observed. made: the ends of sets of patients, each
    sorted once.
    """

    outcome: Outcome
    description: Description
    group_rows: Indices
    duration: Floats
    end: NDArray[np.int8]
    at: tuple[float, ...]
    headline: float
    until: float
    observation: Observation
    method: str | None = "log-log"
    made: dict[tuple[int, ...], tuple[Indices, Ends]] = field(default_factory=dict, repr=False)

    @property
    def competing(self) -> tuple[str, ...]:
        """The names of the other ends."""
        return tuple(name for name, _ in self.outcome.competing)

    def figures(self, chosen: Indices) -> Figures:
        """The numbers of the outcome for these patients (indices, increasing)."""
        ends = self.ends(chosen)
        n = len(ends.duration)
        counts = {
            Key("left_out"): len(chosen) - n,
            Key("events"): int(np.count_nonzero(ends.end == REACHED)),
            Key("censored"): int(np.count_nonzero(ends.end == CENSORED)),
        }
        for time in self.at:
            counts[Key("at_risk", "", time)] = int(np.count_nonzero(ends.duration >= time))
        found: dict[Key, tuple[Estimate, Influence]] = {}
        for cause, name in enumerate(self.competing, start=REACHED + 1):
            counts[Key("events", name)] = int(np.count_nonzero(ends.end == cause))
        if self.competing:
            for cause, name in enumerate(("", *self.competing), start=REACHED):
                found |= self._incidence(ends, cause, name)
        else:
            found |= self._survival(ends)
        found[Key("restricted_mean", "", self.until)] = (
            restricted_mean(ends.curve, self.until),
            ends.influence(CurveInfluence.restricted_mean, self.until),
        )
        return Figures(
            n,
            {key: estimate for key, (estimate, _) in found.items()},
            counts,
            {key: influence for key, (_, influence) in found.items()},
        )

    def _survival(self, ends: Ends) -> dict[Key, tuple[Estimate, Influence]]:
        """The survival curve at each time, and its median."""
        found: dict[Key, tuple[Estimate, Influence]] = {
            Key("survival", "", time): (
                survival_at(ends.curve, time),
                ends.influence(CurveInfluence.survival_at, time),
            )
            for time in self.at
        }
        found[Key("median")] = median(ends.curve), ends.influence(CurveInfluence.quantile, 0.5)
        return found

    def _incidence(self, ends: Ends, cause: int, name: str) -> dict[Key, tuple[Estimate, Influence]]:
        """The cumulative incidence of one end at each time, and the time at which it is one half."""
        is_cause = ends.end == cause
        curve = aalen_johansen(ends.curve, ends.duration, is_cause)
        found: dict[Key, tuple[Estimate, Influence]] = {
            Key("cumulative_incidence", name, time): (
                incidence_at(curve, time),
                ends.influence(CurveInfluence.incidence_at, curve, is_cause, time),
            )
            for time in self.at
        }
        influence = ends.influence(CurveInfluence.time_to, curve, is_cause, 0.5)
        found[Key("median", name)] = time_to_half(curve), influence
        return found

    def ends(self, chosen: Indices) -> Ends:
        """The ends of the patients who reach `from`, made once for each set of patients."""
        key = (len(chosen), *chosen[:1].tolist(), *chosen[-1:].tolist())
        if key not in self.made or not np.array_equal(self.made[key][0], chosen):
            reached = np.flatnonzero(self.group_rows[chosen] != NEVER)
            index = chosen[reached]
            self.made[key] = chosen, Ends(len(chosen), reached, self.duration[index], self.end[index])
        return self.made[key][1]


class Ends:
    """The durations and ends of the n chosen patients who reach `from`, and their curve.

    reached: their positions among the chosen.
    """

    def __init__(self, n: int, reached: Indices, duration: Floats, end: NDArray[np.int8]) -> None:
        self.n, self.reached, self.duration, self.end = n, reached, duration, end
        self.curve = kaplan_meier(risk_table(duration, end != CENSORED))

    def quantile(self, level: float, *, competing: bool) -> tuple[float, Influence]:
        """The time by which the share `level` has reached `until`, nan where it never has; its influence."""
        if not competing:
            time = first_time(self.curve.table.time, self.curve.survival <= 1.0 - level + ROUNDING)
            return time, self.influence(CurveInfluence.quantile, level)
        is_cause = self.end == REACHED
        curve = aalen_johansen(self.curve, self.duration, is_cause)
        time = first_time(self.curve.table.time, curve.incidence >= level - ROUNDING)
        return time, self.influence(CurveInfluence.time_to, curve, is_cause, level)

    @cached_property
    def order(self) -> Indices:
        """The indices that sort the durations."""
        return np.argsort(self.duration)

    @cached_property
    def _influence(self) -> CurveInfluence:
        return CurveInfluence(self.curve, self.duration, self.end != CENSORED, self.order)

    def influence(self, method: Callable[..., Floats | None], *arguments: Any) -> Influence:
        """An influence by a method of CurveInfluence, 0 for patients who do not reach `from`."""
        return partial(self._among_chosen, method, arguments)

    def _among_chosen(
        self, method: Callable[..., Floats | None], arguments: tuple[Any, ...]
    ) -> Floats | None:
        found = method(self._influence, *arguments)
        if found is None or len(self.reached) == self.n:
            return found
        every = np.zeros(self.n)
        every[self.reached] = found
        return every


def time_to_event(
    history: History, outcome: Outcome, at: Sequence[float], overall: Observation | None = None
) -> TimeToEvent:
    """Find each patient's `from`, and the first end after it.

    In one row `until` goes before `competing` (in file order), that before `censor`; patients without
    any are censored at the end of follow-up. overall: how long patients were observed, where these are
    not all of them; the headline time is the latest to which somebody was observed.
    """
    assert outcome.begin is not None
    assert outcome.until is not None
    log = history.log
    begin = history.first_of_each(rows(history, outcome.begin))
    last = history.first_after(rows(history, outcome.until), begin)
    end = np.where(last != NEVER, REACHED, CENSORED).astype(np.int8)
    others = [(REACHED + i, selector) for i, (_, selector) in enumerate(outcome.competing, start=1)]
    if outcome.censor is not None:
        others.append((CENSORED, outcome.censor))
    for code, selector in others:
        first = history.first_after(rows(history, selector), begin)
        sooner = first < last
        last[sooner] = first[sooner]
        end[sooner] = code
    reached = begin != NEVER
    duration = np.zeros(log.n_patients)
    stop = log.follow_up.copy()
    ended = last != NEVER
    stop[ended] = log.time[last[ended]]
    duration[reached] = stop[reached] - log.time[begin[reached]]
    counted = reached & (log.begins >= history.scenario.patients.arrivals.warm_up)
    here = observation(duration[counted], duration[counted & (end == CENSORED)])
    longest = (overall or here).until
    headline = max((t for t in at if t <= longest), default=at[0])
    until = min(headline, longest)
    described = _description(outcome, headline=headline, until=until)
    return TimeToEvent(outcome, described, begin, duration, end, tuple(at), headline, until, here)


def with_common_times(first: TimeToEvent, second: TimeToEvent) -> tuple[TimeToEvent, TimeToEvent]:
    """One outcome in two arms, with the headline time and the restriction that both can be read at."""
    headline, until = min(first.headline, second.headline), min(first.until, second.until)
    one, other = (_with_times(endpoint, headline=headline, until=until) for endpoint in (first, second))
    return one, other


def _with_times(endpoint: TimeToEvent, *, headline: float, until: float) -> TimeToEvent:
    if (endpoint.headline, endpoint.until) == (headline, until):
        return endpoint
    described = _description(endpoint.outcome, headline=headline, until=until)
    return replace(endpoint, description=described, headline=headline, until=until)


def _description(outcome: Outcome, *, headline: float, until: float) -> Description:
    assert outcome.begin is not None
    assert outcome.until is not None
    begin, end = event_in_words(outcome.begin), event_in_words(outcome.until)
    names = [name for name, _ in outcome.competing]
    when = f"within {time_in_prose(headline)} of {begin}"
    ends, restricted = " or ".join([end, *names]), time_in_prose(until)
    if names:
        measure, what, method = "cumulative_incidence", f"cumulative incidence of {end}", "Aalen-Johansen"
        half = f"days from {begin} until the cumulative incidence of {end} is one half"
    else:
        measure, what, method = "survival", f"probability of not {end}", "Kaplan-Meier"
        half = f"median days from {begin} to {end}"
    meanings = {
        ("median", ""): half,
        ("restricted_mean", ""): f"mean days from {begin} until {ends} or {restricted}, whichever is first",
    }
    for name, selector in outcome.competing:
        meanings[measure, name] = f"cumulative incidence of {event_in_words(selector)} {when}, {method}"
    is_every = outcome.begin.kind == "start" and outcome.begin.when is None
    return Description(
        Key(measure, "", headline),
        "probability",
        f"{what} {when}, {method}",
        curve=f"{what}, from {begin}, {method}",
        meanings=meanings,
        excluded="" if is_every else f"patients without {begin}",
        restricted_to=until,
        begin=begin,
    )
