"""Time from one happening to another: survival, or cumulative incidences where ends compete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.findings import Observed, observed
from sim.outcomes.history.event_selection import rows
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Path
from sim.outcomes.survival.aalen_johansen import aalen_johansen, incidence_at, time_to_half
from sim.outcomes.survival.influence import CurveInfluence
from sim.outcomes.survival.kaplan_meier import (
    ROUNDING,
    first_time,
    kaplan_meier,
    median,
    restricted_mean,
    risk_table,
    survival_at,
)
from sim.scenario.language.model import Outcome

CENSORED, REACHED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class TimeToEvent:
    """Durations with their ends, shape [n_patients].

    group_rows: the row of `from`, NEVER for who does not reach it. duration: days from it to the
    end. end: CENSORED, REACHED (`until`), or 2 and more for the competing ends in file order.
    observed: how long those who are counted were. made: the ends of sets of patients, each sorted once.
    """

    outcome: Outcome
    facts: Mapping[Path, Any]
    group_rows: Indices
    duration: Floats
    end: NDArray[np.int8]
    at: tuple[float, ...]
    headline: float
    until: float
    observed: Observed
    interval_kind: str | None = "log-log"
    made: dict[tuple[int, ...], tuple[Indices, Ends]] = field(default_factory=dict, repr=False)

    @property
    def competing(self) -> tuple[str, ...]:
        """The names of the other ends."""
        return tuple(name for name, _ in self.outcome.competing)

    def figures(self, chosen: Indices) -> Figures:
        mine = self.ends(chosen)
        counts: dict[Path, int] = {
            ("n",): len(mine.duration),
            ("left_out",): len(chosen) - len(mine.duration),
            ("events",): int(np.count_nonzero(mine.end == REACHED)),
            ("censored",): int(np.count_nonzero(mine.end == CENSORED)),
        }
        for time in self.at:
            counts["at", labels.time(time), "at_risk"] = int(np.count_nonzero(mine.duration >= time))
        estimates: dict[Path, Estimate] = {("restricted_mean_days",): restricted_mean(mine.curve, self.until)}
        influences: dict[Path, Influence] = {
            ("restricted_mean_days",): mine.influence(CurveInfluence.restricted_mean, self.until)
        }
        for cause, name in enumerate(("", *self.competing), start=REACHED):
            place: Path = ("causes", name) if name else ()
            if self.competing:
                counts[(*place, "events")] = int(np.count_nonzero(mine.end == cause))
                self._add_incidence(mine, cause, place, estimates=estimates, influences=influences)
            else:
                self._add_survival(mine, estimates=estimates, influences=influences)
        return Figures(estimates, counts, influences)

    def _add_survival(
        self, mine: Ends, *, estimates: dict[Path, Estimate], influences: dict[Path, Influence]
    ) -> None:
        """Add the survival curve at each time, and its median."""
        for path, time in self._times(()):
            estimates[path] = survival_at(mine.curve, time)
            influences[path] = mine.influence(CurveInfluence.survival_at, time)
        estimates["median_days",] = median(mine.curve)
        influences["median_days",] = mine.influence(CurveInfluence.quantile, 0.5)

    def _add_incidence(
        self,
        mine: Ends,
        cause: int,
        place: Path,
        *,
        estimates: dict[Path, Estimate],
        influences: dict[Path, Influence],
    ) -> None:
        """Add the cumulative incidence of one end at each time, and when it is one half."""
        is_cause = mine.end == cause
        curve = aalen_johansen(mine.curve, mine.duration, is_cause)
        for path, time in self._times(place):
            estimates[path] = incidence_at(curve, time)
            influences[path] = mine.influence(CurveInfluence.incidence_at, curve, is_cause, time)
        estimates[(*place, "median_days")] = time_to_half(curve)
        influences[(*place, "median_days")] = mine.influence(CurveInfluence.time_to, curve, is_cause, 0.5)

    def _times(self, place: Path) -> Iterator[tuple[Path, float]]:
        """Where the curve is read, the headline first, and when."""
        yield (*place, "estimate"), self.headline
        for time in self.at:
            yield (*place, "at", labels.time(time), "estimate"), time

    def ends(self, chosen: Indices) -> Ends:
        """The ends of those of the patients who reach `from`; of the same patients always the same."""
        key = (len(chosen), *chosen[:1].tolist(), *chosen[-1:].tolist())
        if key not in self.made or not np.array_equal(self.made[key][0], chosen):
            reached = np.flatnonzero(self.group_rows[chosen] != NEVER)
            who = chosen[reached]
            self.made[key] = chosen, Ends(len(chosen), reached, self.duration[who], self.end[who])
        return self.made[key][1]


class Ends:
    """The durations and ends of those of n chosen patients who reach `from`, and their curve.

    reached: their positions among the chosen.
    """

    def __init__(self, n: int, reached: Indices, duration: Floats, end: NDArray[np.int8]) -> None:
        self.n, self.reached, self.duration, self.end = n, reached, duration, end
        self.curve = kaplan_meier(risk_table(duration, end != CENSORED))

    def quantile(self, level: float, *, competing: bool) -> tuple[float, Influence]:
        """The time by which the share `level` has come to `until`, nan where it never has; its influence."""
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

    def influence(self, of: Callable[..., Floats | None], *arguments: Any) -> Influence:
        """An influence on what a method of CurveInfluence is about, 0 for who does not reach `from`."""
        return partial(self._among_chosen, of, arguments)

    def _among_chosen(self, of: Callable[..., Floats | None], arguments: tuple[Any, ...]) -> Floats | None:
        found = of(self._influence, *arguments)
        if found is None or len(self.reached) == self.n:
            return found
        whole = np.zeros(self.n)
        whole[self.reached] = found
        return whole


def time_to_event(
    history: History, outcome: Outcome, at: Sequence[float], in_all: Observed | None = None
) -> TimeToEvent:
    """Find each patient's `from`, and the first end after it.

    In one row `until` goes before `competing` (in file order), that before `censor`; who has none
    is censored at the end of follow-up. in_all: how long patients were observed, where these are not
    all of them; the curve is headed by a time to which somebody was.
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
    counted = reached & (log.begins >= history.scenario.patients.arrivals.warm_up)
    here = observed(duration[counted], duration[counted & (end == CENSORED)])
    longest = (in_all or here).until
    headline = max((t for t in at if t <= longest), default=at[0])
    until = min(headline, longest)
    facts = _facts(outcome, at, headline=headline, until=until)
    return TimeToEvent(outcome, facts, begin, duration, end, tuple(at), headline, until, here)


def with_common_times(one: TimeToEvent, other: TimeToEvent) -> tuple[TimeToEvent, TimeToEvent]:
    """Two arms' measures of one outcome, both headed by and restricted to what both can tell."""
    headline, until = min(one.headline, other.headline), min(one.until, other.until)
    first, second = (_headed(measure, headline=headline, until=until) for measure in (one, other))
    return first, second


def _headed(measure: TimeToEvent, *, headline: float, until: float) -> TimeToEvent:
    if (measure.headline, measure.until) == (headline, until):
        return measure
    facts = _facts(measure.outcome, measure.at, headline=headline, until=until)
    return replace(measure, facts=facts, headline=headline, until=until)


def _facts(outcome: Outcome, at: Sequence[float], *, headline: float, until: float) -> dict[Path, Any]:
    assert outcome.begin is not None
    assert outcome.until is not None
    begin, end = labels.happening(outcome.begin), labels.happening(outcome.until)
    names = [name for name, _ in outcome.competing]
    when = f"within {labels.time_in_prose(headline)} of {begin}"
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
        f"mean days from {begin} until {every} or {labels.time_in_prose(until)}, whichever is first"
    )
    facts["restricted_mean_until_days",] = until
    for place in [(), *(("causes", name) for name in names)]:
        for time in at:
            facts[(*place, "at", labels.time(time), "days")] = time
    for name, what in outcome.competing:
        facts["causes", name, "estimate_of"] = (
            f"cumulative incidence of {labels.happening(what)} {when}, Aalen-Johansen"
        )
    return facts
