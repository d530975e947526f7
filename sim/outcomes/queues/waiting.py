"""How long patients wait for a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import ASKS, ENTERS, WAITS_FOR, Floats, Indices
from sim.outcomes import labels
from sim.outcomes.history.conditions import holds
from sim.outcomes.history.history import NEVER, Flags, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Path, mean, share
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import Outcome

SERVED, LEFT, CUT_OFF = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """Requests for a resource, in the order of the log: whose, days waited, how it ended.

    above: days; where set the outcome is the share that waited longer.
    """

    facts: Mapping[Path, Any]
    group_rows: Indices
    patient: NDArray[np.integer]
    days: Floats
    end: NDArray[np.int8]
    above: float | None

    @property
    def interval_kind(self) -> str | None:
        return "Student" if self.above is None else "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        mine = self._of(chosen)
        days, end = self.days[mine], self.end[mine]
        over = end != CUT_OFF
        estimates: dict[Path, Estimate] = {}
        counts: dict[Path, int] = {("n",): int(over.sum()), ("left_out",): int((~over).sum())}
        influences: dict[Path, Influence] = {}
        kinds: list[tuple[Path, Flags]] = [((), over), (("served",), end == SERVED), (("left",), end == LEFT)]
        for place, which in kinds:
            waited = days[which]
            if self.above is None:
                found = mean(waited)
            else:
                found = share(int(np.count_nonzero(waited > self.above)), len(waited))
            estimates[(*place, "estimate")] = found
            counts[(*place, "n")] = len(waited)
            if len(np.unique(self.patient[mine[which]])) > 1:
                influences[(*place, "estimate")] = partial(self._influence, mine[which], chosen)
        return Figures(estimates, counts, influences)

    def ended(self, chosen: Indices) -> Floats:
        """Days of the waits of these patients that came to an end."""
        mine = self._of(chosen)
        days: Floats = self.days[mine[self.end[mine] != CUT_OFF]]
        return days

    def _influence(self, requests: Indices, chosen: Indices) -> Floats:
        """A patient may wait several times, so it is on a ratio of sums over patients."""
        days = self.days[requests]
        values = days if self.above is None else (days > self.above).astype(np.float64)
        whose = np.searchsorted(chosen, self.patient[requests])
        n = len(chosen)
        waited: Floats = np.bincount(whose, weights=values, minlength=n).astype(np.float64)
        return of_ratio(waited, np.bincount(whose, minlength=n).astype(np.float64))

    def _of(self, chosen: Indices) -> Indices:
        """The positions of the requests of these patients."""
        if not len(chosen):
            return np.empty(0, np.int64)
        first, last = np.searchsorted(self.patient, [chosen[0], chosen[-1] + 1])
        near = np.arange(first, last)
        return near[np.isin(self.patient[near], chosen)]


def waiting_for(history: History, outcome: Outcome) -> Waiting:
    """Every request for a resource: 0 days for who was served at once."""
    log = history.log
    requests = _requests(history, outcome.resource)
    waits = history.waits
    days, end = np.zeros(len(requests)), np.full(len(requests), SERVED, np.int8)
    position = np.searchsorted(waits.asked, requests)
    queued = log.does[requests] == ASKS
    of = position[queued]
    known = waits.ended[of] != NEVER
    stop = log.follow_up[history.patients(waits.asked[of])].copy()
    stop[known] = log.time[waits.ended[of[known]]]
    days[queued] = stop - log.time[waits.asked[of]]
    end[queued] = np.where(waits.granted[of], SERVED, np.where(known, LEFT, CUT_OFF))
    facts: dict[Path, Any] = {
        ("unit",): "days",
        ("estimate_of",): f"mean days that waits for {outcome.resource} last, of all that ended",
        ("served", "estimate_of"): "mean days of the waits that ended with a grant",
        ("left", "estimate_of"): "mean days of the waits that ended with leaving the queue",
        ("left_out_are",): "waits cut off by the end of observation",
        ("n_are",): "waits",
    }
    if outcome.above is not None:
        longer = f"longer than {labels.time_in_prose(outcome.above)}"
        facts["unit",] = "share"
        facts["estimate_of",] = (
            f"share of the waits for {outcome.resource} that last {longer}, of all that ended"
        )
        facts["served", "estimate_of"] = f"share {longer} of the waits that ended with a grant"
        facts["left", "estimate_of"] = f"share {longer} of the waits that ended with leaving the queue"
    return Waiting(facts, history.starts, history.patients(requests), days, end, outcome.above)


def _requests(history: History, resource: str) -> Indices:
    """The rows at which a patient comes to a stage that needs the resource, without holding it."""
    scenario = history.scenario
    if next(r for r in scenario.resources if r.name == resource).is_free:
        return _unrecorded_requests(history, resource)
    rows, values = history.resource_changes(resource)
    asking: Indices = rows[values == WAITS_FOR]
    return asking


def _unrecorded_requests(history: History, resource: str) -> Indices:
    """As `_requests`, of what is unlimited and always open, so that the log has no trace of it.

    It is held from the coming to a stage that needs it to the coming to one that does not.
    """
    comings = np.flatnonzero(history.log.does == ENTERS)
    comings = comings[~history.is_decision[history.log.stage_to[comings]]]
    needs = _needs(history, resource, comings)
    whose = history.patients(comings)
    held_before = np.zeros(len(comings), bool)
    held_before[1:] = needs[:-1] & (whose[1:] == whose[:-1])
    asking: Indices = comings[needs & ~held_before]
    return asking


def _needs(history: History, resource: str, comings: Indices) -> Flags:
    """Whether the stage each row comes to needs the resource, for this patient."""
    needs = np.zeros(len(comings), bool)
    to = history.log.stage_to[comings]
    for code, name in enumerate(history.log.names.stages):
        stage = next(s for s in history.scenario.stages if s.name == name)
        for need in stage.needs:
            if need.resource == resource:
                here = np.flatnonzero(to == code)
                needs[here] |= holds(history, need.when, comings[here])
    return needs
