"""Waits for a resource: how they ended, and how many units were granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.event_log.log import Floats, Indices, is_waiting, units_held
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.results import Estimate, mean
from sim.units import DAYS_IN

GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits of one replication that began between the warm-up and the horizon.

    n: those that ended; cut_off: by the end of observation. ended: how many ended in each way
    (GRANTED, or the event or clock by which the patient left), by its code in the log (GRANTED: -1)
    and its name. days: their mean length, nan for none. grants_per_year: from the warm-up to the horizon.
    """

    n: int
    cut_off: int
    ended: Mapping[tuple[int, str], int]
    days: float
    grants_per_year: float


@dataclass(frozen=True, slots=True)
class Ends:
    """The same over replications.

    ended: for each way to end the share of the waits that ended. wait: mean days of these.
    """

    n: int
    cut_off: int
    ended: dict[str, Estimate]
    grants_per_year: Estimate
    wait: Estimate


def waits_of(history: History, resource: str, replications: int) -> list[Waits]:
    """How the waits for a resource that can be waited for ended, in each replication."""
    log = history.log
    rows, values = history.resource_changes(resource)
    begin, end = history.scenario.patients.arrivals.warm_up, history.scenario.horizon
    is_counted = _calendar(history, rows) >= begin
    patient, held = history.patients(rows), units_held(values)
    before = np.append(0.0, np.where(patient[1:] == patient[:-1], held[:-1], 0.0))[: len(rows)]
    asked = rows[is_waiting(values) & is_counted]
    granted = rows[(held > before) & is_counted]
    waits = history.waits
    of = np.searchsorted(waits.asked, asked)
    ended = waits.ended[of]
    over = ended != NEVER
    cut_off = np.diff(_edges(history, asked[~over], replications))
    asked, ended, is_granted = asked[over], ended[over], waits.granted[of[over]]
    # the row after the one that leaves the queue is the event by which the patient left
    cause = np.where(is_granted, -1, log.event[np.minimum(ended + 1, log.n_rows - 1)])
    days = log.time[ended] - log.time[asked] + waits.before[of[over]]
    grants = np.diff(_edges(history, granted, replications)) / (end - begin) * DAYS_IN["year"]
    found = []
    for r, (a, b) in enumerate(pairwise(_edges(history, asked, replications).tolist())):
        ways = zip(*np.unique(cause[a:b], return_counts=True), strict=True)
        counts = {(int(way), log.names.events[way] if way >= 0 else GRANTED): int(n) for way, n in ways}
        mean_days = float(days[a:b].mean()) if b > a else np.nan
        found.append(Waits(b - a, int(cut_off[r]), counts, mean_days, float(grants[r])))
    return found


def ends_of_waits(waits: Sequence[Waits]) -> Ends:
    """The means over replications; one without waits is left out of how waits end."""
    some = [one for one in waits if one.n]
    ways = sorted({way for one in some for way in one.ended} | {(-1, GRANTED)})
    return Ends(
        sum(one.n for one in waits),
        sum(one.cut_off for one in waits),
        {way[1]: _mean([one.ended.get(way, 0) / one.n for one in some]) for way in ways},
        _mean([one.grants_per_year for one in waits]),
        _mean([one.days for one in some]),
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


def _mean(values: Sequence[float]) -> Estimate:
    return mean(np.array(values, np.float64))
