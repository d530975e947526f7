"""Queues against their closed forms: the short form of `tests.theory.queues`, which says what they are."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from tests.cohorts import read
from tests.theory.queues import SYSTEMS, erlang_b, erlang_c, measured, stationary

PATIENTS, REPLICATIONS = 60_000, 20
BITES = 0.25
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


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_queue(name: str) -> None:
    """Means over replications, within five standard errors, which are small enough to bite."""
    system = SYSTEMS[name]
    for path, (estimate, error) in measured(
        system, patients=PATIENTS, replications=REPLICATIONS, seed=3
    ).items():
        exact = system.known[path]
        assert abs(estimate - exact) <= 5 * error, f"{path}: {estimate}, not {exact}"
        assert 5 * error <= BITES * exact, f"{path}: an error of {5 * error / exact:.0%} would pass"


# ---------------------------------------------------------------- a rate that changes


HOURLY = [
    1.0,
    0.6,
    0.3,
    0.2,
    0.2,
    0.4,
    0.9,
    1.8,
    3.0,
    3.6,
    3.9,
    3.8,
    3.4,
    3.2,
    3.0,
    2.8,
    2.7,
    2.6,
    2.5,
    2.3,
    2.1,
    1.8,
    1.5,
    1.2,
]
"""Arrivals an hour over a day."""


@pytest.mark.parametrize(
    ("law", "transform"),
    [
        ("{gamma: {shape: 2, mean: 4 hours}}", lambda g: (1 + 1j * g * 2 / 24) ** -2),
        ("{fixed: 6 hours}", lambda g: np.exp(-1j * g * 6 / 24)),
        ("{exponential: {mean: 5 hours}}", lambda g: 1 / (1 + 1j * g * 5 / 24)),
    ],
    ids=["gamma", "fixed", "exponential"],
)
def test_the_peak_in_use_lags_behind_the_peak_of_arrivals(law: str, transform: object) -> None:
    """M(t)/G/infinity: each harmonic of the mean in use is that of the rate times int e^-igu P(S > u) du.

    Source: Eick, Massey and Whitt, doi:10.1287/opre.41.4.731: m(t) = E[rate(t - S_e)] E[S]. The lag
    of the daily harmonic is known to within 0.1 hours, five standard errors.
    """
    days = 300
    steps = ", ".join(f"{24 * d + h} hours: {r} per hour" for d in range(days) for h, r in enumerate(HOURLY))
    text = (
        f"format: 1\ntitle: A day\nhorizon: {days} days\nstates: {{ill: {{}}}}\n"
        f"patients: {{arrive: {{poisson: {{{steps}}}, for: {days} days}}}}\nresources: {{bed: {{capacity: 10000}}}}\n"
        f"pathway:\n  start: in\n  stages:\n    in: {{state: ill, needs: bed, events: {{done: {{after: {law}, to: out}}}}}}\n    out: {{state: ill, terminal: true}}\n"
    )
    result = simulate(compile_pathway(read(text)), seed=11, workers=1)
    gamma = 2 * np.pi
    edges = np.append(result.use.time, days)
    # the integral of in_use e^-igt, day by day from the second on, exactly: it is constant between changes
    waves = (np.exp(-1j * gamma * edges[1:]) - np.exp(-1j * gamma * edges[:-1])) / (-1j * gamma)
    kept = edges[:-1] >= 1
    found = np.sum((waves * result.use.in_use)[kept]) / (days - 1)
    hours = np.arange(25) / 24
    each = (np.exp(-1j * gamma * hours[1:]) - np.exp(-1j * gamma * hours[:-1])) / (-1j * gamma)
    rate = np.sum(each * 24 * np.array(HOURLY))
    exact = (1 - transform(gamma)) / (1j * gamma)  # type: ignore[operator]
    lag = -np.angle(found / rate) / gamma * 24
    assert lag == pytest.approx(-np.angle(exact) / gamma * 24, abs=0.1)
    assert abs(found / rate) == pytest.approx(abs(exact), rel=0.025)
