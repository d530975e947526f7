"""What came of those who waited for a resource, and how many got it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.engine.event_log import HOLDS, WAITS_FOR, Floats, Indices
from sim.outcomes.estimates import Estimate, mean
from sim.outcomes.history import NEVER, Flags, History
from sim.units import DAYS_IN

GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Ends:
    """Waits that began between the warm-up and the horizon.

    n: those that ended; cut_off: by the end of observation. ended: for each way to end (GRANTED, or
    the event or clock that took the patient away) the share of those that ended.
    grants_per_year: from the warm-up to the horizon. wait: mean days of the waits that ended.
    """

    n: int
    cut_off: int
    ended: dict[str, Estimate]
    grants_per_year: Estimate
    wait: Estimate


def ends_of_waits(history: History, resource: str, replications: int) -> Ends:
    """How the waits for a resource that can be waited for ended; over replications their mean."""
    log = history.log
    rows, values = history.resource_changes(resource)
    begin, end = history.scenario.patients.arrivals.warm_up, history.scenario.horizon
    is_counted = _calendar(history, rows) >= begin
    asked = rows[(values == WAITS_FOR) & is_counted]
    granted = rows[(values == HOLDS) & is_counted]
    waits = history.waits
    of = np.searchsorted(waits.asked, asked)
    ended = waits.ended[of]
    over = ended != NEVER
    asked, ended, is_granted = asked[over], ended[over], waits.granted[of[over]]
    # the row after the one that leaves the queue is what took the patient away
    cause = np.where(is_granted, -1, log.event[np.minimum(ended + 1, log.n_rows - 1)])
    days = log.time[ended] - log.time[asked]
    edges = _edges(history, asked, replications)
    names = {-1: GRANTED, **{int(code): log.names.events[code] for code in np.unique(cause[cause >= 0])}}
    grants = np.diff(_edges(history, granted, replications)) / (end - begin) * DAYS_IN["year"]
    return Ends(
        len(asked),
        int(np.count_nonzero(~over)),
        {name: _mean_over(cause == code, edges) for code, name in names.items()},
        mean(grants),
        _mean_over(days, edges),
    )


def _calendar(history: History, rows: Indices) -> Floats:
    """The day on the common calendar of each row."""
    days: Floats = history.log.begins[history.patients(rows)] + history.log.time[rows]
    return days


def _edges(history: History, rows: Indices, replications: int) -> Indices:
    """Where the rows of each replication begin, and the last end."""
    of = history.log.replication[history.patients(rows)]
    edges: Indices = np.searchsorted(of, np.arange(replications + 1))
    return edges


def _mean_over(values: Floats | Flags, edges: Indices) -> Estimate:
    """The mean over replications of the means within, those without a value left out."""
    return mean(np.array([values[a:b].mean() for a, b in pairwise(edges) if b > a], dtype=np.float64))
