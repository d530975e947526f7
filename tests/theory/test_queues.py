"""Queues against their closed forms: the short form of `tests.theory.queues`, which defines them."""

from __future__ import annotations

import pytest

from sim.verification.suite import measured
from sim.verification.theory.queues import (
    NOT_PUBLISHED,
    PATIENTS,
    SYSTEMS,
    erlang_b,
    erlang_c,
    queue,
    stationary,
)
from tests.theory.queues import DAYS, daily_waves, lag

N = 8
"""Replications."""
LARGEST_ERROR = 0.25
"""No figure may be off by more than this, and of the shares and utilisations by far less; `make
theory-long` holds each to 1%."""


def test_the_closed_forms_are_those_of_the_books() -> None:
    """Values of tables that were computed elsewhere, to the digits there."""
    assert erlang_b(3, 3.0) == pytest.approx(0.346154, abs=5e-7)
    assert erlang_c(3, 2.4) == pytest.approx(0.647191, abs=5e-7)
    assert erlang_c(10, 9.0) == pytest.approx(0.668732, abs=5e-7)
    abandoned = stationary(10, 10.0, 1.0, leaving=0.5)
    assert 0.5 * abandoned.queue / 10 == pytest.approx(0.103913, abs=5e-7)
    assert abandoned.in_use / 10 == pytest.approx(0.896087, abs=5e-7)
    slots = stationary(7, 0.17, 1 / 38, leaving=0.012)
    assert slots.queue / 0.17 == pytest.approx(7.658871, abs=5e-7)
    assert stationary(2, 1.8, 1.0, room=6).chances[-1] == pytest.approx(0.112664, abs=5e-7)


@pytest.mark.parametrize("name", NOT_PUBLISHED)
def test_a_queue(name: str) -> None:
    """Means over replications, within five standard errors of the exact value."""
    system = SYSTEMS[name]
    case = queue(name, system, patients=PATIENTS * N, replications=N)
    assert len(case.known) == len(system.known)
    for known, estimate, error in measured(case, seed=3, workers=1):
        exact = known.value
        assert abs(estimate - exact) <= 5 * error, f"{known.what}: {estimate}, not {exact}"
        assert 5 * error <= LARGEST_ERROR * exact, f"{known.what}: {5 * error / exact:.0%} off would pass"


@pytest.mark.parametrize("name", DAYS)
def test_the_peak_in_use_lags_behind_the_peak_of_arrivals(name: str) -> None:
    """Over 300 days, within five standard errors: of the lag 0.1 hours, of the height 2.5%."""
    (found,) = daily_waves(name, days=300, replications=1, seed=11)
    exact = DAYS[name].wave
    assert lag(found) == pytest.approx(lag(exact), abs=0.1)
    assert abs(found) == pytest.approx(abs(exact), rel=0.025)
