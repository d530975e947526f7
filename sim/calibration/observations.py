"""Times to an event as a likelihood reads them: exact, censored within an interval, observed late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.distributions.hazards import Hazards
from sim.event_log.log import Floats

HazardsAt = Callable[[Floats], Hazards]


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Observations of one event, in the unit of the data; arrays of shape [n_rows].

    entry: when the observation begins, 0 where nobody is missed. low, high: the event is in (low, high];
    both are its time where that is known, high is inf where the time is censored at low. weight: how
    many observations the row stands for. covariates: [n_rows, n_covariates].
    """

    entry: Floats
    low: Floats
    high: Floats
    weight: Floats
    covariates: Floats

    @property
    def is_exact(self) -> NDArray[np.bool_]:
        """Whether the time of the event is known."""
        is_exact: NDArray[np.bool_] = self.low == self.high
        return is_exact

    @property
    def is_interval(self) -> NDArray[np.bool_]:
        """Whether the event is known to lie between two times."""
        return np.isfinite(self.high) & (self.low < self.high)

    @property
    def number(self) -> float:
        """Observations."""
        return float(self.weight.sum())

    @property
    def events(self) -> float:
        """Observations with the event, at a known time or within an interval."""
        return float(self.weight[np.isfinite(self.high)].sum())

    @property
    def middle(self) -> Floats:
        """The time of each row: of an interval its middle."""
        return np.where(self.is_interval, 0.5 * (self.low + self.high), self.low)

    @property
    def last(self) -> float:
        """The longest time observed."""
        return float(self.middle.max())

    @property
    def last_event(self) -> float:
        """The time of the last event."""
        return float(self.middle[np.isfinite(self.high)].max())

    @property
    def event_times(self) -> Floats:
        """The time of each event, once for each observation with it, increasing."""
        ended = np.isfinite(self.high)
        return np.sort(np.repeat(self.middle[ended], np.maximum(1, np.round(self.weight[ended])).astype(int)))

    def distinct(self) -> Observations:
        """The same observations with one row for equal ones."""
        rows = np.column_stack([self.entry, self.low, self.high, self.covariates])
        found, index = np.unique(rows, axis=0, return_inverse=True)
        weight = np.bincount(index.ravel(), self.weight, len(found)).astype(np.float64)
        return Observations(found[:, 0], found[:, 1], found[:, 2], weight, found[:, 3:])

    def part(self, mask: NDArray[np.bool_]) -> Observations:
        """The rows of a mask."""
        return Observations(
            self.entry[mask], self.low[mask], self.high[mask], self.weight[mask], self.covariates[mask]
        )


class Likelihood:
    """The log likelihood of observations under a hazard that covariates multiply, or whose time they stretch.

    An event at t adds log h(t) - H(t), a time censored at t -H(t), an event within (l, u]
    log(S(l) - S(u)), and a late entry at e +H(e), the condition that nothing happened before: Klein and
    Moeschberger 2003, sections 3.5 and 3.6, doi:10.1007/b97377. With covariates x and coefficients b,
    h(t | x) = h(t) exp(b x), or the time is T exp(b x).
    """

    def __init__(self, observations: Observations, *, stretches_time: bool) -> None:
        one = observations
        exact, interval, late = one.is_exact, one.is_interval, one.entry > 0.0
        begins = interval & (one.low > 0.0)
        censored = ~exact & ~interval
        rows = [np.flatnonzero(mask) for mask in (exact, censored, interval, begins, late)]
        times = [one.low, one.low, one.high, one.low, one.entry]
        self._time = np.concatenate([time[row] for time, row in zip(times, rows, strict=True)])
        self._row = np.concatenate(rows)
        self._ends = np.cumsum([len(row) for row in rows])[:-1]
        self._weights = [one.weight[row] for row in rows]
        self._begins = np.flatnonzero(begins[rows[2]])
        self._covariates = one.covariates
        self._stretches = stretches_time

    def __call__(self, hazards_at: HazardsAt, coefficients: Floats) -> float:
        """The log likelihood. hazards_at: log hazard and cumulative hazard where all covariates are 0."""
        effect = (self._covariates @ coefficients)[self._row] if len(coefficients) else 0.0
        if self._stretches:
            log_hazard, reached = hazards_at(self._time * np.exp(-effect))
            log_hazard = log_hazard - effect
        else:
            log_hazard, reached = hazards_at(self._time)
            log_hazard, reached = log_hazard + effect, reached * np.exp(effect)
        exact, censored, ended, began, entered = np.split(reached, self._ends)
        of_exact, of_censored, of_interval, _, of_entry = self._weights
        start = np.zeros(len(ended))
        start[self._begins] = began
        total = of_exact @ (log_hazard[: len(exact)] - exact) - of_censored @ censored + of_entry @ entered
        if len(ended):
            total += of_interval @ (np.log(-np.expm1(start - ended)) - start)
        return float(total)
