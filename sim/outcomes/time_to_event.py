"""Time from one happening to another: survival, or cumulative incidences where ends compete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.engine.event_log import Floats, Indices
from sim.outcomes import wording
from sim.outcomes.competing import aalen_johansen, incidence_at, time_to_half
from sim.outcomes.estimates import Estimate, Figures, Path
from sim.outcomes.happenings import rows
from sim.outcomes.history import NEVER, History
from sim.outcomes.survival import (
    SurvivalCurve,
    kaplan_meier,
    median,
    restricted_mean,
    risk_table,
    survival_at,
)
from sim.scenario.model import Outcome

CENSORED, REACHED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class TimeToEvent:
    """Durations with their ends, shape [n_patients].

    group_rows: the row of `from`, NEVER for who does not reach it. duration: days from it to the
    end. end: CENSORED, REACHED (`until`), or 2 and more for the competing ends in file order.
    """

    facts: Mapping[Path, Any]
    group_rows: Indices
    duration: Floats
    end: NDArray[np.int8]
    at: tuple[float, ...]
    headline: float
    until: float
    competing: tuple[str, ...]
    interval_kind: str | None = "log-log"

    def figures(self, chosen: Indices) -> Figures:
        reached = chosen[self.group_rows[chosen] != NEVER]
        duration, end = self.duration[reached], self.end[reached]
        curve = kaplan_meier(risk_table(duration, end != CENSORED))
        counts: dict[Path, int] = {
            ("n",): len(reached),
            ("left_out",): len(chosen) - len(reached),
            ("events",): int(np.count_nonzero(end == REACHED)),
            ("censored",): int(np.count_nonzero(end == CENSORED)),
        }
        for time in self.at:
            counts["at", wording.time(time), "at_risk"] = int(np.count_nonzero(duration >= time))
        estimates: dict[Path, Estimate] = {("restricted_mean_days",): restricted_mean(curve, self.until)}
        if self.competing:
            self._incidences(curve, duration, end, estimates=estimates, counts=counts)
        else:
            estimates["estimate",] = survival_at(curve, self.headline)
            estimates["median_days",] = median(curve)
            for time in self.at:
                estimates["at", wording.time(time), "estimate"] = survival_at(curve, time)
        return Figures(estimates, counts)

    def _incidences(
        self,
        curve: SurvivalCurve,
        duration: Floats,
        end: NDArray[np.int8],
        *,
        estimates: dict[Path, Estimate],
        counts: dict[Path, int],
    ) -> None:
        """Add the cumulative incidence of `until`, and of every other end under its name."""
        for cause, name in enumerate(("", *self.competing), start=REACHED):
            incidence = aalen_johansen(curve, duration, end == cause)
            place: Path = ("causes", name) if name else ()
            estimates[(*place, "estimate")] = incidence_at(incidence, self.headline)
            estimates[(*place, "median_days")] = time_to_half(incidence)
            for time in self.at:
                estimates[(*place, "at", wording.time(time), "estimate")] = incidence_at(incidence, time)
            counts[(*place, "events")] = int(np.count_nonzero(end == cause))


def time_to_event(history: History, outcome: Outcome, at: Sequence[float]) -> TimeToEvent:
    """Find each patient's `from`, and the first end after it.

    In one row `until` goes before `competing` (in file order), that before `censor`; who has none
    is censored at the end of follow-up.
    """
    assert outcome.begin is not None
    assert outcome.until is not None
    log = history.log
    begin = history.first_of_each(rows(history, outcome.begin))
    last = history.first_after(rows(history, outcome.until), begin)
    end = np.where(last != NEVER, REACHED, CENSORED).astype(np.int8)
    others = [(REACHED + i, what) for i, (_, what) in enumerate(outcome.competing, start=1)]
    if outcome.censor is not None:
        others.append((CENSORED, outcome.censor))
    for code, what in others:
        earlier = history.first_after(rows(history, what), begin)
        sooner = earlier < last
        last[sooner] = earlier[sooner]
        end[sooner] = code
    reached = begin != NEVER
    duration = np.zeros(log.n_patients)
    stop = log.follow_up.copy()
    ended = last != NEVER
    stop[ended] = log.time[last[ended]]
    duration[reached] = stop[reached] - log.time[begin[reached]]
    longest = _longest(duration[reached], end[reached])
    headline = max((t for t in at if t <= longest), default=at[0])
    until = min(headline, longest)
    names = tuple(name for name, _ in outcome.competing)
    facts = _facts(outcome, at, headline=headline, until=until)
    return TimeToEvent(facts, begin, duration, end, tuple(at), headline, until, names)


def _longest(duration: Floats, end: NDArray[np.int8]) -> float:
    """How long anybody was observed, days; for ever where all have ended by then."""
    censored = duration[end == CENSORED]
    if len(censored) and censored.max() >= duration.max():
        return float(censored.max())
    return inf


def _facts(outcome: Outcome, at: Sequence[float], *, headline: float, until: float) -> dict[Path, Any]:
    assert outcome.begin is not None
    assert outcome.until is not None
    begin, end = wording.happening(outcome.begin), wording.happening(outcome.until)
    names = [name for name, _ in outcome.competing]
    when = f"within {wording.time_in_prose(headline)} of {begin}"
    facts: dict[Path, Any] = {("unit",): "probability", ("estimate_days",): headline}
    if outcome.begin.kind != "start" or outcome.begin.when is not None:
        facts["left_out_are",] = f"patients without {begin}"
    if names:
        facts["estimate_of",] = f"cumulative incidence of {end} {when}, Aalen-Johansen"
        facts["curve_of",] = f"cumulative incidence of {end}, from {begin}, Aalen-Johansen"
        facts["median_of",] = f"days from {begin} until the cumulative incidence of {end} is one half"
    else:
        facts["estimate_of",] = f"probability of not {end} {when}, Kaplan-Meier"
        facts["curve_of",] = f"probability of not {end}, from {begin}, Kaplan-Meier"
        facts["median_of",] = f"median days from {begin} to {end}"
    every = " or ".join([end, *names])
    facts["restricted_mean_of",] = (
        f"mean days from {begin} until {every} or {wording.time_in_prose(until)}, whichever is first"
    )
    facts["restricted_mean_until_days",] = until
    for place in [(), *(("causes", name) for name in names)]:
        for time in at:
            facts[(*place, "at", wording.time(time), "days")] = time
    for name, what in outcome.competing:
        facts["causes", name, "estimate_of"] = (
            f"cumulative incidence of {wording.happening(what)} {when}, Aalen-Johansen"
        )
    return facts
