"""One resource, first come first served, against the formulas of queueing theory.

Each figure is a mean over independent replications, its bound five standard errors, which is at
most the share of the expected value that the case names: a larger error is caught.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, factorial

import numpy as np
import pytest

from sim.engine.event_log import ASKS, EventLog
from sim.engine.run import Result
from tests.cohorts import Floats, first_of, happened, rows_of, run, written

REPLICATIONS = 24


def queue(
    *, servers: int, arrivals: float, service: str, lost: str = "", for_days: float, warm_up: float = 0.0
) -> Result:
    """Patients who come at random to one resource; until it is free, some may be lost."""
    waiting = f"while_waiting: {{lost: {{after: {lost}, to: dead}}}}" if lost else ""
    stages = f"""
        treatment:
          needs: slot
          events: {{ready: {{after: {service}, to: dead}}}}
          {waiting}
        dead: {{terminal: true}}
    """
    text = written(
        stages,
        resources=f"{{slot: {{capacity: {servers}}}}}",
        patients=f"{{arrive: {{poisson: {arrivals} per day, for: {for_days} days}}}}",
        horizon=f"{for_days} days",
    )
    return run(text, replications=REPLICATIONS, seed=11)


@dataclass(frozen=True)
class Waits:
    """Each patient's wait in days, whether it ended in a loss, whether it was served at once."""

    days: Floats
    is_lost: np.ndarray
    is_at_once: np.ndarray
    replication: np.ndarray

    def per_replication(self, what: Floats) -> Floats:
        return np.array([what[self.replication == r].mean() for r in range(REPLICATIONS)])


def waits(log: EventLog, *, first: float, last: float) -> Waits:
    """Of those who came between two days of the calendar; by `last` all have been served or lost."""
    asked = first_of(log, log.does == ASKS)
    granted = happened(log, "granted")
    left = (
        happened(log, "left_queue")
        if "treatment.lost" in log.names.events
        else np.full(log.n_patients, np.inf)
    )
    days = np.minimum(granted, left) - asked
    who = (log.begins >= first) & (log.begins < last)
    assert np.isfinite(days[who]).all()
    return Waits(days[who], (left < granted)[who], (days == 0)[who], log.replication[who])


def assert_near(each: Floats, expected: float, *, within: float) -> None:
    """The mean over replications within five standard errors, which are at most the share `within`."""
    error = 5 * each.std(ddof=1) / np.sqrt(len(each))
    assert error <= within * expected, f"too few patients: {error / expected:.1%} could pass"
    assert abs(each.mean() - expected) <= error, (
        f"{each.mean():.5f}, expected {expected:.5f} within {error:.5f}"
    )


def erlang_c(servers: int, load: float) -> float:
    """P(wait) of M/M/c. Erlang 1917."""
    terms = [load**k / factorial(k) for k in range(servers)]
    last = load**servers / factorial(servers) / (1 - load / servers)
    return last / (sum(terms) + last)


@pytest.mark.parametrize(("servers", "rate", "wait"), [(1, 0.5, 1.0), (3, 2.4, 1.078652)])
def test_mmc(servers: int, rate: float, wait: float) -> None:
    """Mean wait C / (c mu - lambda); those who wait do so for an exponential time."""
    delayed = erlang_c(servers, rate)
    assert delayed / (servers - rate) == pytest.approx(wait, abs=1e-6)
    days = 6000 / rate
    log = queue(servers=servers, arrivals=rate, service="{exponential: {rate: 1 per day}}", for_days=days).log
    seen = waits(log, first=100, last=days - 100)
    assert_near(seen.per_replication(seen.days), wait, within=0.14)
    assert_near(seen.per_replication(~seen.is_at_once), delayed, within=0.05)
    beyond = delayed * exp(-(servers - rate) * 2)
    assert_near(seen.per_replication(seen.days > 2), beyond, within=0.2)


def test_m_g_1() -> None:
    """Pollaczek-Khinchine: lambda E[S^2] / (2 (1 - rho)); uniform on (0, 2), rate .8: 2.666667."""
    wait = 0.8 * (4 / 3) / (2 * (1 - 0.8))
    assert wait == pytest.approx(2.666667, abs=1e-6)
    log = queue(servers=1, arrivals=0.8, service="{uniform: [0 days, 2 days]}", for_days=6000).log
    seen = waits(log, first=200, last=5800)
    assert_near(seen.per_replication(seen.days), wait, within=0.14)


def erlang_a(servers: int, rate: float, service: float, patience: float) -> tuple[float, float, float]:
    """P(delay), P(lost) and mean number waiting of M/M/c+M, from its birth and death process. Palm 1957."""
    weights = [1.0]
    for n in range(1, 400):
        weights.append(weights[-1] * rate / (min(n, servers) * service + max(0, n - servers) * patience))
    p = np.array(weights) / sum(weights)
    waiting = float(sum(q * max(0, n - servers) for n, q in enumerate(p)))
    return float(p[servers:].sum()), patience * waiting / rate, waiting


ABANDON = {
    "ten servers": (10, 10.0, 1.0, 0.5, (0.619655, 0.103913, 0.207826)),
    "seven manufacturing slots": (7, 0.17, 1 / 38, 0.012, (0.538196, 0.0919065, 7.658871)),
}


@pytest.mark.parametrize("name", ABANDON)
def test_who_waits_may_be_lost(name: str) -> None:
    servers, rate, service, patience, printed = ABANDON[name]
    delayed, lost, waiting = erlang_a(servers, rate, service, patience)
    assert (delayed, lost, waiting / rate) == pytest.approx(printed, abs=1e-5)
    days = 6000 / rate
    result = queue(
        servers=servers,
        arrivals=rate,
        service=f"{{exponential: {{rate: {service} per day}}}}",
        lost=f"{{exponential: {{rate: {patience} per day}}}}",
        for_days=days,
    )
    seen = waits(result.log, first=days / 20, last=days * 0.95)
    assert_near(seen.per_replication(~seen.is_at_once), delayed, within=0.04)
    assert_near(seen.per_replication(seen.is_lost), lost, within=0.12)
    assert_near(seen.per_replication(seen.days), waiting / rate, within=0.12)


def test_littles_law_holds_to_the_bit_of_a_day() -> None:
    """int queue dt = sum of waits, and int in use dt = sum of days held, in every replication."""
    result = queue(
        servers=3,
        arrivals=2.4,
        service="{lognormal: {median: 1 days, sigma: 0.5}}",
        lost="{exponential: {mean: 5 days}}",
        for_days=300,
    )
    log, use, horizon = result.log, result.use, 300.0
    end = log.follow_up
    asked = np.minimum(first_of(log, log.does == ASKS), end)
    granted, left = (np.minimum(happened(log, event), end) for event in ("granted", "left_queue"))
    ready = np.minimum(first_of(log, rows_of(log, "treatment.ready")), end)
    for r in range(REPLICATIONS):
        here, changes = log.replication == r, use.replication == r
        spans = np.diff(use.time[changes], append=horizon)
        waited = (np.minimum(granted, left) - asked)[here].sum()
        held = (ready - granted)[here].sum()
        assert (use.queue[changes] * spans).sum() == pytest.approx(waited, abs=1e-6)
        assert (use.in_use[changes] * spans).sum() == pytest.approx(held, abs=1e-6)
        assert use.in_use[changes].max() == 3
