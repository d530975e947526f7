"""Waits for a resource: how long they were and how they ended; grants, and how long units were held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import NamedTuple

import numpy as np

from sim.event_log.log import Floats, Indices, is_waiting, units_held
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.results import Estimate, mean, percentile
from sim.units import DAYS_IN

GRANTED = "granted"


class Lengths(NamedTuple):
    """The mean, the median and the 90th percentile of some times, days; nan where there are none.

    A percentile is the first time that so many of the times do not exceed, as the median of a curve is.
    """

    mean: float
    median: float
    percentile_90: float


def lengths(days: Floats) -> Lengths:
    """The lengths of these times."""
    if not len(days):
        return Lengths(np.nan, np.nan, np.nan)
    return Lengths(float(days.mean()), *(percentile(days, level).value for level in (0.5, 0.9)))


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits of one replication that began between the warm-up and the horizon.

    n: those that ended; cut_off: by the end of observation. ended: how many ended in each way
    (GRANTED, or the event or clock by which the patient left), by its code in the log (GRANTED: -1)
    and its name. days: their lengths. grants_per_year: from the warm-up to the last arrival, nan where
    none arrives after the warm-up. held: how long patients had units, from the first grant to having
    none, where both lie between the warm-up and the horizon.
    """

    n: int
    cut_off: int
    ended: Mapping[tuple[int, str], int]
    days: Lengths
    grants_per_year: float
    held: Lengths


@dataclass(frozen=True, slots=True)
class Ends:
    """The same over replications.

    ended: for each way to end the share of the waits that ended. wait: days of these. stay: days of holding.
    """

    n: int
    cut_off: int
    ended: dict[str, Estimate]
    grants_per_year: Estimate
    wait: Mapping[str, Estimate]
    stay: Mapping[str, Estimate]


def waits_of(history: History, resource: str, arrivals_end: Floats) -> list[Waits]:
    """How the waits for a resource that can be waited for ended, in each replication.

    arrivals_end [n_replications]: the day until which patients arrive, excluded.
    """
    log, replications = history.log, len(arrivals_end)
    rows, values = history.resource_changes(resource)
    begin, calendar = history.scenario.patients.arrivals.warm_up, _calendar(history, rows)
    is_counted = calendar >= begin
    patient, held = history.patients(rows), units_held(values)
    before = np.append(0.0, np.where(patient[1:] == patient[:-1], held[:-1], 0.0))[: len(rows)]
    asked = rows[is_waiting(values) & is_counted]
    granted = rows[(held > before) & is_counted & (calendar < arrivals_end[log.replication[patient]])]
    waits = history.waits
    of = np.searchsorted(waits.asked, asked)
    ended = waits.ended[of]
    over = ended != NEVER
    cut_off = np.diff(_edges(history, asked[~over], replications))
    asked, ended, is_granted = asked[over], ended[over], waits.granted[of[over]]
    # the row after the one that leaves the queue is the event by which the patient left
    cause = np.where(is_granted, -1, log.event[np.minimum(ended + 1, log.n_rows - 1)])
    days = log.time[ended] - log.time[asked] + waits.before[of[over]]
    years = np.where(arrivals_end > begin, arrivals_end - begin, np.nan) / DAYS_IN["year"]
    grants = np.diff(_edges(history, granted, replications)) / years
    begins, stays = _stays(history, rows, held)
    is_stay = _calendar(history, begins) >= begin
    begins, stays = begins[is_stay], stays[is_stay]
    stay_edges = _edges(history, begins, replications)
    found = []
    for r, (a, b) in enumerate(pairwise(_edges(history, asked, replications).tolist())):
        ways = zip(*np.unique(cause[a:b], return_counts=True), strict=True)
        counts = {(int(way), log.names.events[way] if way >= 0 else GRANTED): int(n) for way, n in ways}
        own_stays = lengths(stays[stay_edges[r] : stay_edges[r + 1]])
        found.append(Waits(b - a, int(cut_off[r]), counts, lengths(days[a:b]), float(grants[r]), own_stays))
    return found


def _stays(history: History, rows: Indices, held: Floats) -> tuple[Indices, Floats]:
    """The rows by which patients come to hold units of a resource, and days until they hold none.

    rows: those that change what patients hold, held [n_rows]: units just after each. Who is still there
    at the end of observation is left out.
    """
    has = held > 0
    patient = history.patients(rows)
    is_same = np.append(False, patient[1:] == patient[:-1])[: len(rows)]
    had = np.append(False, has[:-1])[: len(rows)] & is_same
    begins, ends = np.flatnonzero(has & ~had), np.flatnonzero(~has & had)
    last = np.append(ends, len(rows))[np.searchsorted(ends, begins)]
    is_over = last < len(rows)
    is_over[is_over] = patient[last[is_over]] == patient[begins[is_over]]
    begins, last = rows[begins[is_over]], rows[last[is_over]]
    return begins, history.log.time[last] - history.log.time[begins]


def ends_of_waits(waits: Sequence[Waits]) -> Ends:
    """The means over replications; one without waits is left out of how waits end."""
    some = [one for one in waits if one.n]
    ways = sorted({way for one in some for way in one.ended} | {(-1, GRANTED)})
    return Ends(
        sum(one.n for one in waits),
        sum(one.cut_off for one in waits),
        {way[1]: _mean([one.ended.get(way, 0) / one.n for one in some]) for way in ways},
        _mean([one.grants_per_year for one in waits if not isnan(one.grants_per_year)]),
        _over_replications([one.days for one in waits]),
        _over_replications([one.held for one in waits]),
    )


def _over_replications(found: Sequence[Lengths]) -> dict[str, Estimate]:
    """The mean over the replications that have any, of each number."""
    some = [one for one in found if not np.isnan(one.mean)]
    return {name: _mean([getattr(one, name) for one in some]) for name in Lengths._fields}


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
