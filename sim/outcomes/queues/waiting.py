"""How long patients wait for a resource."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import ASKS, ENTERS, Floats, Indices, is_waiting
from sim.outcomes.history.choices import units_needed
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.results import (
    Description,
    Estimate,
    Figures,
    Influence,
    Key,
    mean,
    percentiles,
    share,
    time_in_prose,
)
from sim.outcomes.survival.estimators import of_ratio
from sim.scenario.language.model import Outcome

SERVED, LEFT, CUT_OFF = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """Requests for a resource, in log order: patient, days waited, how the wait ended.

    above: days; where set, the outcome is the share of longer waits.
    """

    description: Description
    group_rows: Indices
    patient: NDArray[np.integer]
    days: Floats
    end: NDArray[np.int8]
    above: float | None

    @property
    def method(self) -> str | None:
        """How intervals are made: for a mean or for a share."""
        return "Student" if self.above is None else "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        """The numbers of the outcome for these patients (indices, increasing)."""
        requests = self._requests(chosen)
        days, end = self.days[requests], self.end[requests]
        ended = end != CUT_OFF
        estimates: dict[Key, Estimate] = {}
        influences: dict[Key, Influence] = {}
        for part, mask in (("", ended), ("served", end == SERVED), ("left", end == LEFT)):
            waited, key = days[mask], Key("mean" if self.above is None else "share", part)
            if self.above is None:
                estimates[key] = mean(waited)
            else:
                estimates[key] = share(int(np.count_nonzero(waited > self.above)), len(waited))
            if len(np.unique(self.patient[requests[mask]])) > 1:
                influences[key] = partial(self._influence, requests[mask], chosen)
        if self.above is None:
            estimates |= percentiles(days[ended])
        n = int(ended.sum())
        return Figures(n, estimates, {Key("left_out"): len(end) - n}, influences)

    def ended(self, chosen: Indices) -> Floats:
        """Days of the waits of these patients that ended."""
        requests = self._requests(chosen)
        days: Floats = self.days[requests[self.end[requests] != CUT_OFF]]
        return days

    def _influence(self, requests: Indices, chosen: Indices) -> Floats:
        """A patient may wait several times, so it is on a ratio of sums over patients."""
        days = self.days[requests]
        values = days if self.above is None else (days > self.above).astype(np.float64)
        patient = np.searchsorted(chosen, self.patient[requests])
        n = len(chosen)
        waited: Floats = np.bincount(patient, weights=values, minlength=n).astype(np.float64)
        return of_ratio(waited, np.bincount(patient, minlength=n).astype(np.float64))

    def _requests(self, chosen: Indices) -> Indices:
        """The positions of the requests of these patients."""
        if not len(chosen):
            return np.empty(0, np.int64)
        first, last = np.searchsorted(self.patient, [chosen[0], chosen[-1] + 1])
        near = np.arange(first, last)
        return near[np.isin(self.patient[near], chosen)]


def waiting_for(history: History, outcome: Outcome) -> Waiting:
    """Every request for a resource: 0 days for patients served at once."""
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
    days[queued] = stop - log.time[waits.asked[of]] + waits.before[of]
    end[queued] = np.where(waits.granted[of], SERVED, np.where(known, LEFT, CUT_OFF))
    measure, unit = ("mean", "days") if outcome.above is None else ("share", "share")
    longer = "" if outcome.above is None else f"longer than {time_in_prose(outcome.above)}"
    text = (
        f"mean days that waits for {outcome.resource} last, of all that ended"
        if outcome.above is None
        else f"share of the waits for {outcome.resource} that last {longer}, of all that ended"
    )
    kind = "mean days" if outcome.above is None else f"share {longer}"
    described = Description(
        Key(measure),
        unit,
        text,
        meanings={
            (measure, "served"): f"{kind} of the waits that ended with a grant",
            (measure, "left"): f"{kind} of the waits that ended with leaving the queue",
        },
        excluded="waits cut off by the end of observation",
        counted="waits",
    )
    return Waiting(described, history.starts, history.patients(requests), days, end, outcome.above)


def _requests(history: History, resource: str) -> Indices:
    """The rows at which a patient reaches a stage that needs the resource, without holding it."""
    scenario = history.scenario
    if next(r for r in scenario.resources if r.name == resource).is_free:
        return _unrecorded_requests(history, resource)
    rows, values = history.resource_changes(resource)
    asking: Indices = rows[is_waiting(values)]
    return asking


def _unrecorded_requests(history: History, resource: str) -> Indices:
    """As `_requests`, of what is unlimited and always open, so that the log has no trace of it.

    It is held from the coming to a stage that needs it to the coming to one that does not.
    """
    comings = np.flatnonzero(history.log.does == ENTERS)
    comings = comings[~history.is_decision[history.log.stage_to[comings]]]
    needs = units_needed(history, resource, comings) > 0
    patient = history.patients(comings)
    held_before = np.zeros(len(comings), bool)
    held_before[1:] = needs[:-1] & (patient[1:] == patient[:-1])
    asking: Indices = comings[needs & ~held_before]
    return asking
