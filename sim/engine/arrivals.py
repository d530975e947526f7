"""When patients start: days on the common calendar, on the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats
from sim.numerics.compilation import entry
from sim.numerics.philox import uniform
from sim.numerics.portable import log1p, round_to_grid
from sim.pathway.rows import name_key
from sim.scenario.language.model import Arrivals, Scenario

ARRIVE, ACCEPT = name_key("arrive"), name_key("arrive.accept")
NOBODY = -1
"""The patient of a draw that belongs to none."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who is simulated, shape [n_patients], sorted by replication, then number.

    begins: days on the calendar; follow_up: days that can be observed, until the horizon or the
    end of the patient's own follow-up, whichever is first.
    """

    replication: NDArray[np.int32]
    number: NDArray[np.int32]
    begins: Floats
    follow_up: Floats

    def __len__(self) -> int:
        return len(self.number)

    def part(self, first: int, after: int) -> Cohort:
        """The patients first to after (not included)."""
        here = slice(first, after)
        return Cohort(self.replication[here], self.number[here], self.begins[here], self.follow_up[here])


@entry
def poisson_arrivals(
    seed: int, replication: int, froms: Floats, rates: Floats, period: float, until: float, found: Floats
) -> int:
    """Fill `found` with arrival times before `until`: candidates at the highest rate, thinned.

    froms, rates: float64 [n_steps], the rate per day from each day on; anew after each period (inf: never).
    A candidate is kept with probability rate(t) / highest rate, at its own time t. Returns how many there
    are, at most as many as there is room for. Source: Lewis and Shedler, doi:10.1002/nav.3800260304.
    """
    highest = 0.0
    for rate in rates:
        highest = max(highest, rate)
    n = 0
    time = 0.0
    candidate = 0
    while n < len(found) and highest > 0.0:
        u = uniform(seed, replication, NOBODY, ARRIVE, candidate)
        time += round_to_grid(-log1p(-u) / highest)
        if time >= until:
            break
        phase = time - np.floor(time / period) * period if period < np.inf else time
        step = len(froms) - 1
        while froms[step] > phase and step > 0:
            step -= 1
        kept = rates[step] >= highest
        if not kept:
            kept = uniform(seed, replication, NOBODY, ACCEPT, candidate) * highest < rates[step]
        candidate += 1
        if kept:
            found[n] = time
            n += 1
    return n


def all_poisson_arrivals(
    seed: int, replication: int, arrivals: Arrivals, until: float, number: int | None
) -> Floats:
    """Arrival times before `until`, the first `number` of them where that is given."""
    froms, rates = (np.array(column) for column in zip(*arrivals.rates, strict=True))
    period = inf if arrivals.repeat is None else arrivals.repeat
    most = inf if number is None else number
    expected, _ = expected_poisson(arrivals, until, most)
    room = int(min(most, expected + 10.0 * sqrt(expected) + 1024.0))
    while True:
        found = np.empty(room)
        n = poisson_arrivals(seed, replication, froms, rates, period, until, found)
        if n < room or room == most:
            return found[:n]
        room = int(min(most, 4 * room))


def expected_poisson(arrivals: Arrivals, until: float, most: float) -> tuple[float, float]:
    """Expected number of arrivals before `until`, at most `most`, and of the candidates drawn for them."""
    steps, highest = arrivals.rates, max(rate for _, rate in arrivals.rates)
    if arrivals.repeat is not None:
        ends = [*(begin for begin, _ in steps[1:]), arrivals.repeat]
        mean = (
            sum(rate * (end - begin) for (begin, rate), end in zip(steps, ends, strict=True))
            / arrivals.repeat
        )
        lasts = min(until, most / mean)
        return mean * lasts, highest * lasts
    expected, end = 0.0, 0.0
    for i, (begin, rate) in enumerate(steps):
        if begin >= until or expected >= most:
            break
        end = min(until, steps[i + 1][0]) if i + 1 < len(steps) else until
        if expected + rate * (end - begin) > most:
            end = begin + (most - expected) / rate
            expected = most
        else:
            expected += rate * (end - begin)
    return expected, highest * end


def expected_arrivals(scenario: Scenario) -> tuple[float, float]:
    """Expected number of patients of one replication, and of the arrival times drawn for them."""
    patients = scenario.patients
    arrivals, table = patients.arrivals, patients.table
    n_today = len(table.rows) if table is not None and table.is_today else 0
    until = min(scenario.horizon, arrivals.lasting if arrivals.lasting is not None else inf)
    most = inf if patients.number is None else patients.number
    expected = drawn = 0.0
    if arrivals.kind == "together":
        expected = patients.number or 0
    elif arrivals.kind == "every":
        expected = min(most, until / (arrivals.interval or inf))
    elif arrivals.kind == "days":
        expected = min(most, len(arrivals.days))
    else:
        expected, drawn = expected_poisson(arrivals, until, most)
    return n_today + expected, max(drawn, expected)


def arrival_days(scenario: Scenario, seed: int, replication: int) -> Floats:
    """The day each arriving patient of a replication starts, in the order of their numbers."""
    patients = scenario.patients
    arrivals = patients.arrivals
    until = min(scenario.horizon, arrivals.lasting if arrivals.lasting is not None else inf)
    number = patients.number
    if arrivals.kind == "together":
        return np.zeros(number or 0)
    if arrivals.kind == "every":
        interval = arrivals.interval or 0.0
        within = int(np.ceil(until / interval)) + 1
        most = within if number is None else min(number, within)
        return on_grid(np.arange(most, dtype=np.float64) * interval)
    if arrivals.kind == "days":
        return on_grid(np.array(arrivals.days[:number], dtype=np.float64))
    return all_poisson_arrivals(seed, replication, arrivals, until, number)


def on_grid(days: Floats) -> Floats:
    """The nearest points of the grid."""
    return np.round(days * 2.0**20) / 2.0**20


def started(scenario: Scenario, seed: int, replication: int) -> tuple[NDArray[np.int32], Floats]:
    """Number and starting day of each patient of a replication, those beyond the horizon left out.

    Today's patients, who are there when the calendar begins, come before those who arrive.
    """
    table, lasting = scenario.patients.table, scenario.patients.arrivals.lasting
    n_today = len(table.rows) if table is not None and table.is_today else 0
    days = arrival_days(scenario, seed, replication)
    come = np.flatnonzero(days < min(scenario.horizon, lasting if lasting is not None else inf))
    numbers = np.concatenate([np.arange(n_today), n_today + come]).astype(np.int32)
    return numbers, np.concatenate([np.zeros(n_today), days[come]])


def cohort(scenario: Scenario, seed: int, replications: Sequence[int]) -> Cohort:
    """Everyone who is simulated in these replications (increasing) under a seed."""
    return _cohort(scenario, replications, [started(scenario, seed, r) for r in replications])


def cohorts(
    scenario: Scenario, seed: int, replications: range, *, at_least: float
) -> Iterator[tuple[range, Cohort]]:
    """The same as one cohort after another, each of whole replications and of so many patients or more.

    A cohort without patients is given only where nobody is simulated at all.
    """
    begun: list[tuple[NDArray[np.int32], Floats]] = []
    first, n = replications.start, 0
    for r in replications:
        new = started(scenario, seed, r)
        if n >= at_least and len(new[0]):
            yield range(first, r), _cohort(scenario, range(first, r), begun)
            first, begun, n = r, [], 0
        begun.append(new)
        n += len(new[0])
    rest = range(first, replications.stop)
    yield rest, _cohort(scenario, rest, begun)


def _cohort(
    scenario: Scenario, replications: Sequence[int], each: Sequence[tuple[NDArray[np.int32], Floats]]
) -> Cohort:
    replication = np.repeat(np.array(replications, dtype=np.int32), [len(days) for _, days in each])
    number = np.concatenate([numbers for numbers, _ in each])
    days = np.concatenate([begins for _, begins in each])
    limit = scenario.patients.follow_up
    follow_up = np.minimum(scenario.horizon - days, inf if limit is None else limit)
    return Cohort(replication, number, days, follow_up)
