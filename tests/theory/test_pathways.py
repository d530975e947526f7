"""Pathways against closed forms and renewal equations; those of `allpath verify` are in test_verified_cases.

Bounds are five standard errors. With 200,000 patients an error of 0.006 in any probability is found; R8
finds 0.006 in `make test`, and 0.0025 with a million patients in `make test-long`.
"""

from __future__ import annotations

from math import exp, inf
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from sim.engine.run import simulate
from sim.event_log.log import ENTERS, EventLog
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.verification.theory.renewal import Distribution, hazard_of, occupancy
from tests.cohorts import (
    Floats,
    assert_mean,
    assert_share,
    assert_survival,
    count,
    happened,
    simulate_stages,
    sizes,
    stage_at,
    times_of,
)

N = 200_000


# ---------------------------------------------------------------- competing risks


def test_an_exponential_before_a_weibull() -> None:
    """int .2 exp(-.2 t) exp(-(t / 4)^2) dt = .47557616."""
    stages = """
        a: {events: {x: {after: {exponential: {rate: 0.2 per day}}, to: dead}, y: {after: {weibull: {shape: 2, scale: 4 days}}, to: dead}}}
        dead: {terminal: true}
    """
    chance, _ = integrate.quad(lambda t: 0.2 * exp(-0.2 * t - (t / 4) ** 2), 0, inf)
    assert chance == pytest.approx(0.47557616, abs=1e-8)
    assert_share(happened(simulate_stages(stages, number=N), "a.x") < inf, chance)


# ---------------------------------------------------------------- renewal equations


def transitions(log: EventLog) -> Floats:
    """For each patient how often a stage was entered after the first."""
    into = log.does == ENTERS
    return np.bincount(log.patient_of_row()[into], minlength=log.n_patients) - 1.0


def weibull(shape: float, scale: float) -> Distribution:
    return hazard_of(stats.weibull_min(shape, scale=scale))


def exponential(mean: float) -> Distribution:
    return hazard_of(stats.expon(scale=mean))


def gamma(shape: float, mean: float) -> Distribution:
    return hazard_of(stats.gamma(shape, scale=mean / shape))


def lognormal(median: float, sigma: float) -> Distribution:
    return hazard_of(stats.lognorm(sigma, scale=median))


R8: dict[str, list[tuple[str, Distribution]]] = {
    "chemo": [("remission", lognormal(35, 0.4)), ("bm_relapse", exponential(90)), ("dead", exponential(900))],
    "remission": [
        ("bm_relapse", weibull(0.9, 500)),
        ("cns_relapse", weibull(0.9, 1500)),
        ("hsct", exponential(400)),
        ("dead", exponential(5000)),
    ],
    "bm_relapse": [("cart_auto", gamma(4, 45)), ("dead", exponential(200))],
    "cns_relapse": [("cart_auto", gamma(4, 50)), ("dead", exponential(150))],
    "cart_auto": [("remission", lognormal(28, 0.2)), ("cart_allo", exponential(120)), ("dead", exponential(300))],
    "cart_allo": [("remission", lognormal(28, 0.2)), ("dead", exponential(150))],
    "hsct": [("bm_relapse", weibull(0.8, 3000)), ("dead", weibull(0.6, 4000))],
}  # fmt: skip


@pytest.mark.parametrize("number", sizes(200_000, long=1_000_000))
def test_r8(number: int) -> None:
    """Alive at 1, 2 and 5 years, every stage's occupancy, and transitions a patient in ten years."""
    names = [*R8, "dead"]
    entries, at = occupancy(R8, names, step=1.0, until=3650.0)
    alive = 1 - at[-1]
    for t, printed in ((365, 0.652), (730, 0.495), (1826, 0.284)):
        assert alive[t] == pytest.approx(printed, abs=0.001)
    assert entries.sum() - 1 == pytest.approx(6.28, abs=0.005)
    file = Path(__file__).parents[2] / "benchmarks" / "r8.yaml"
    log = simulate(compile_pathway(load(file, settings=(f"patients.number={number}",))), seed=5).log
    assert_mean(transitions(log), float(entries.sum() - 1))
    for t in (100, 365, 730, 1826, 3600):
        stages = stage_at(log, t)
        for stage, share in zip(names, at[:, t], strict=True):
            assert_share(stages == stage, float(share))


# ---------------------------------------------------------------- events that stay


def test_every_exponential_time_is_a_poisson_process() -> None:
    """Counts by day t are Poisson(rate t), and those of two spans independent."""
    stages = """
        a: {events: {dose: {every: {exponential: {rate: 0.3 per day}}, to: stay}, end: {after: {fixed: 30 days}, to: dead}}}
        dead: {terminal: true}
    """
    log = simulate_stages(stages, number=N)
    early = count(log, "a.dose", until=10)
    late = count(log, "a.dose") - early
    for n in range(8):
        assert_share(early == n, float(stats.poisson(3).pmf(n)))
    for n in (3, 6, 9):
        assert_share(late <= n, float(stats.poisson(6).cdf(n)))
        assert_share((late <= n) & (early <= 2), float(stats.poisson(6).cdf(n) * stats.poisson(3).cdf(2)))


def test_every_gamma_time_is_a_renewal_process() -> None:
    """P(at least n by t) = P(gamma(n k) <= t)."""
    stages = """
        a: {events: {dose: {every: {gamma: {shape: 3, mean: 4 days}}, to: stay}, end: {after: {fixed: 20 days}, to: dead}}}
        dead: {terminal: true}
    """
    doses = count(simulate_stages(stages, number=N), "a.dose")
    for n in range(1, 10):
        assert_share(doses >= n, float(stats.gamma(3 * n, scale=4 / 3).cdf(20)))


def test_a_clock_is_independent_of_the_stages() -> None:
    """Its time is Weibull from its start, whatever the stages of the patient."""
    stages = """
        a: {events: {go: {after: {exponential: {mean: 2 days}}, to: b}}}
        b: {events: {go: {after: {uniform: [0 days, 5 days]}, to: a}, dose: {every: {fixed: 1 days}, to: stay}}}
        dead: {terminal: true}
    """
    clocks = "{death: {after: {weibull: {shape: 1.4, scale: 9 days}}, to: dead}}"
    log = simulate_stages(stages, number=N, clocks=clocks, on_start="[{start: death}]")
    assert_survival(happened(log, "clock.death"), lambda t: exp(-((t / 9) ** 1.4)), (1, 4, 8, 15))


def test_a_clock_started_anew_renews() -> None:
    """Started again at each dose, every 2 days: it happens in the first gap that its time fits, S(2) each."""
    stages = """
        a: {events: {dose: {every: {fixed: 2 days}, do: [{start: p}], to: stay}}}
        dead: {terminal: true}
    """
    clocks = "{p: {after: {weibull: {shape: 2, scale: 5 days}}, to: dead}}"
    times = happened(simulate_stages(stages, number=N, clocks=clocks, on_start="[{start: p}]"), "clock.p")

    def survival(t: float) -> float:
        whole, part = divmod(t, 2)
        return exp(-whole * 0.4**2 - (part / 5) ** 2)

    assert_survival(times, survival, (1, 2.5, 5, 11, 30))


def test_a_condition_that_comes_and_goes_thins() -> None:
    """Asked for from each turn on anew: an exponential time under a hazard that is there every other day."""
    stages = """
        a:
          events:
            turn: {every: {fixed: 1 days}, do: [{set: {on: {by: on, true: false, false: true}}}], to: stay}
            x: {when: {on: true}, after: {exponential: {rate: 0.3 per day}}, to: dead}
        dead: {terminal: true}
    """
    times = happened(simulate_stages(stages, number=N, attributes="{on: true}"), "a.x")

    def survival(t: float) -> float:
        days, part = divmod(t, 2)
        return exp(-0.3 * (days + min(part, 1)))

    assert_survival(times, survival, (0.5, 1.5, 2.5, 6, 9.7))


def test_chance_leaves_a_share_without_the_event() -> None:
    """S = 1 - p + p S_x: with chance p the event is drawn at all."""
    stages = """
        a: {events: {x: {chance: 0.3, after: {exponential: {rate: 0.2 per day}}, to: dead}}}
        dead: {terminal: true}
    """
    times = happened(simulate_stages(stages, number=N), "a.x")
    assert_survival(times, lambda t: 0.7 + 0.3 * exp(-0.2 * t), (1, 5, 20))
    assert_share(times == inf, 0.7)


def test_times_in_a_list() -> None:
    times = times_of("{categorical: {1 days: 0.8, 2 days: 0.15, 9 days: rest}}", number=N)
    for day, share in ((1, 0.8), (2, 0.15), (9, 0.05)):
        assert_share(times == day, share)
