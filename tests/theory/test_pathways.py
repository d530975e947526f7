"""Whole pathways against competing risks in closed form, matrix exponentials and renewal equations.

Bounds are five standard errors. With 200,000 patients an error of 0.006 in any probability is found; R8
finds 0.006 in `make test`, and 0.0025 with a million patients in `make test-long`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, inf
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, linalg, stats

from sim.engine.run import simulate
from sim.event_log.log import ENTERS, EventLog
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.cohorts import (
    Floats,
    assert_mean,
    assert_share,
    assert_survival,
    count,
    entered,
    happened,
    simulate_stages,
    sizes,
    stage_at,
    times_of,
)

N = 200_000
YEAR = 365.25


# ---------------------------------------------------------------- competing risks


def test_competing_exponentials() -> None:
    """Relapse by site: rates .30, .06, .04 and death .10 a year; incidence rate / .5 (1 - exp(-.5 t))."""
    stages = """
        a:
          events:
            marrow: {after: {exponential: {rate: 0.30 per year}}, to: dead}
            cns: {after: {exponential: {rate: 0.06 per year}}, to: dead}
            both: {after: {exponential: {rate: 0.04 per year}}, to: dead}
            death: {after: {exponential: {rate: 0.10 per year}}, to: dead}
        dead: {terminal: true}
    """
    log = simulate_stages(stages, number=N)
    printed = {"marrow": 0.37927234, "cns": 0.07585447, "both": 0.05056965, "death": 0.12642411}
    for (event, at_two), rate in zip(printed.items(), (0.30, 0.06, 0.04, 0.10), strict=True):
        times = happened(log, f"a.{event}") / YEAR
        assert_share(times <= 2, at_two)
        for t in (0.5, 1, 5):
            assert_share(times <= t, rate / 0.5 * (1 - exp(-0.5 * t)))
    assert_share(entered(log, "dead") > 2 * YEAR, 0.36787944)


def test_an_exponential_before_a_weibull() -> None:
    """int .2 exp(-.2 t) exp(-(t / 4)^2) dt = .47557616."""
    stages = """
        a: {events: {x: {after: {exponential: {rate: 0.2 per day}}, to: dead}, y: {after: {weibull: {shape: 2, scale: 4 days}}, to: dead}}}
        dead: {terminal: true}
    """
    chance, _ = integrate.quad(lambda t: 0.2 * exp(-0.2 * t - (t / 4) ** 2), 0, inf)
    assert chance == pytest.approx(0.47557616, abs=1e-8)
    assert_share(happened(simulate_stages(stages, number=N), "a.x") < inf, chance)


def test_three_causes_of_different_families() -> None:
    """Weibull(1.3, 4), Gompertz(.08, .02) and exponential(.05): printed cumulative incidences (R)."""
    stages = """
        a:
          events:
            x: {after: {weibull: {shape: 1.3, scale: 4 days}}, to: dead}
            y: {after: {gompertz: {shape: 0.08 per day, rate: 0.02 per day}}, to: dead}
            z: {after: {exponential: {rate: 0.05 per day}}, to: dead}
        dead: {terminal: true}
    """
    printed = {
        1: (0.14627040, 0.01872435, 0.04503521, 0.78997004),
        2: (0.30963044, 0.03405145, 0.07908201, 0.57723610),
        5: (0.62636535, 0.06121644, 0.13146186, 0.18095635),
        10: (0.76069003, 0.07338380, 0.14930936, 0.01661681),
    }
    log = simulate_stages(stages, number=N)
    for t, (x, y, z, alive) in printed.items():
        for event, incidence in (("a.x", x), ("a.y", y), ("a.z", z)):
            assert_share(happened(log, event) <= t, incidence)
        assert_share(entered(log, "dead") > t, alive)


WAITS = {
    "fixed": ("{fixed: 38 days}", 0.63381384),
    "gamma": ("{gamma: {shape: 9, mean: 38 days}}", 0.64093710),
    "lognormal": ("{lognormal: {mean: 37 days, sd: 11.1 days}}", 0.64695745),
    "uniform": ("{uniform: [21 days, 45 days]}", 0.67533502),
}


@pytest.mark.parametrize("distribution", WAITS)
def test_death_from_vein_to_vein(distribution: str) -> None:
    """P(infused) = E exp(-.012 W), W the wait, death or drop-out .012 a day."""
    wait, infused = WAITS[distribution]
    stages = f"""
        wait: {{events: {{ready: {{after: {wait}, to: infusion}}, death: {{after: {{exponential: {{rate: 0.012 per day}}}}, to: dead}}}}}}
        infusion: {{terminal: true}}
        dead: {{terminal: true}}
    """
    assert_share(entered(simulate_stages(stages, number=N), "infusion") < inf, infused)


def test_a_weibull_death_against_a_gamma_wait() -> None:
    """int f(w) exp(-(w / 120)^1.3) dw, f of gamma(shape 9, mean 38): .79911459."""
    stages = """
        wait: {events: {ready: {after: {gamma: {shape: 9, mean: 38 days}}, to: infusion}}}
        infusion: {terminal: true}
        dead: {terminal: true}
    """
    clocks = "{death: {after: {weibull: {shape: 1.3, scale: 120 days}}, to: dead}}"
    log = simulate_stages(stages, number=N, clocks=clocks, on_start="[{start: death}]")
    assert_share(entered(log, "infusion") < inf, 0.79911459)


def test_up_to_four_cycles() -> None:
    """At the end of each of 28 days: remission .35, death .06, refractory .10; else the next, at most four."""
    stages = """
        cycle:
          events:
            end:
              after: {fixed: 28 days}
              to: {remission: 0.35, died: 0.06, refractory: 0.10, more: rest}
        more: {decide: [{when: {visits.cycle: {below: 4}}, to: cycle}, {to: car_t}]}
        remission: {terminal: true}
        died: {terminal: true}
        refractory: {terminal: true}
        car_t: {terminal: true}
    """
    log = simulate_stages(stages, number=N)
    goes_on = 0.49
    ends = (1 - goes_on**4) / (1 - goes_on)
    printed = {"remission": 0.64671215, "died": 0.11086494, "refractory": 0.18477490, "car_t": 0.05764801}
    for (stage, share), p in zip(printed.items(), (0.35, 0.06, 0.10, goes_on**4 / ends), strict=True):
        assert share == pytest.approx(p * ends, abs=5e-9)
        assert_share(entered(log, stage) < inf, share)
    cycles = count(log, "cycle.end")
    assert ends == pytest.approx(1.84774900, abs=5e-9)
    assert_mean(cycles, ends)
    assert_mean(log.ends, 28 * ends)


# ---------------------------------------------------------------- matrix exponentials


def test_an_exponential_pathway_and_the_matrix_exponential() -> None:
    """Occupancy exp(Q t), and how often a stage is entered, which is not how many ever enter it."""
    rates = {
        "chemo": {"remission": 1.2, "relapse": 1.0, "dead": 0.6},
        "remission": {"hsct": 0.9, "relapse": 0.8, "dead": 0.15},
        "hsct": {"relapse": 0.25, "dead": 0.2},
        "relapse": {"chemo": 0.5, "dead": 1.5},
    }
    names = [*rates, "dead"]
    Q = np.zeros((5, 5))
    for i, stage in enumerate(rates):
        for to, rate in rates[stage].items():
            Q[i, names.index(to)] = rate
    Q -= np.diag(Q.sum(axis=1))
    lines = [
        f"{stage}: {{events: {{{', '.join(f'to_{to}: {{after: {{exponential: {{rate: {r} per year}}}}, to: {to}}}' for to, r in ways.items())}}}}}"
        for stage, ways in rates.items()
    ]
    log = simulate_stages("\n".join([*lines, "dead: {terminal: true}"]), number=N, horizon="90 years")
    for t in (0.25, 0.5, 1, 2, 5, 10):
        at = stage_at(log, t * YEAR)
        for stage, share in zip(names, linalg.expm(Q * t)[0], strict=True):
            assert_share(at == stage, float(share))
    entries = count(log, "remission.to_hsct")
    days_in = np.linalg.solve(-Q[:4, :4].T, [1, 0, 0, 0])
    assert_mean(entries, 0.9 * days_in[1])
    assert 0.9 * days_in[1] == pytest.approx(0.24956672, abs=5e-9)
    assert_share(entries > 0, 0.24120603)
    assert_mean(log.ends / YEAR, float(days_in.sum()))


# ---------------------------------------------------------------- renewal equations

Distribution = Callable[[Floats], Floats]
"""The cumulative hazard of a distribution at some times."""


def hazard_of(distribution: stats.rv_continuous) -> Distribution:
    return lambda t: -np.asarray(distribution.logsf(t))


def entries_into(
    ways: Mapping[str, list[tuple[str, Distribution]]], names: list[str], *, step: float, until: float
) -> tuple[Floats, Floats]:
    """A semi-Markov pathway solved: expected entries into each stage at each point of a grid, and occupancy.

    Entries e_j(t) = [t = 0, j first] + sum_i int e_i(t - s) dF_ij(s) (Markov renewal equation, Cinlar
    1969, doi:10.2307/1426216). Within a step the mass that leaves is split in proportion to what the
    causes' hazards gain, and put half on either end.
    """
    n = round(until / step) + 1
    times = np.arange(n) * step
    leaving = np.zeros((len(names), len(names), n))
    staying = np.ones((len(names), n))
    for stage, causes in ways.items():
        i = names.index(stage)
        hazards = np.array([distribution(times) for _, distribution in causes])
        staying[i] = np.exp(-hazards.sum(axis=0))
        gains = np.diff(hazards, axis=1)
        lost = -np.diff(staying[i]) / np.maximum(gains.sum(axis=0), 1e-300)
        for (to, _), gain in zip(causes, gains, strict=True):
            j = names.index(to)
            leaving[i, j, 1:] += gain * lost / 2
            leaving[i, j, :-1] += gain * lost / 2
    entries = np.zeros((len(names), n))
    at_once = np.linalg.inv(np.eye(len(names)) - leaving[:, :, 0].T)
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if leaving[i, j].any()]
    for m in range(n):
        come = np.zeros(len(names))
        if m == 0:
            come[0] = 1.0
        for i, j in pairs:
            come[j] += entries[i, :m] @ leaving[i, j, m:0:-1]
        entries[:, m] = at_once @ come
    occupancy = np.array([np.convolve(e, s)[:n] for e, s in zip(entries, staying, strict=True)])
    return entries, occupancy


def transitions(log: EventLog) -> Floats:
    """For each patient how often a stage was entered after the first."""
    into = log.does == ENTERS
    return np.bincount(log.patient_of_row()[into], minlength=log.n_patients) - 1.0


def test_a_semi_markov_pathway() -> None:
    """Weibull and lognormal sojourns, there and back, with a death from either: occupancy and entries."""
    ways = {
        "ill": [
            ("well", hazard_of(stats.lognorm(0.6, scale=8))),
            ("dead", hazard_of(stats.weibull_min(1.5, scale=40))),
        ],
        "well": [
            ("ill", hazard_of(stats.weibull_min(0.8, scale=20))),
            ("dead", hazard_of(stats.lognorm(1.0, scale=90))),
        ],
    }
    stages = """
        ill:
          events:
            better: {after: {lognormal: {median: 8 days, sigma: 0.6}}, to: well}
            death: {after: {weibull: {shape: 1.5, scale: 40 days}}, to: dead}
        well:
          events:
            relapse: {after: {weibull: {shape: 0.8, scale: 20 days}}, to: ill}
            death: {after: {lognormal: {median: 90 days, sigma: 1}}, to: dead}
        dead: {terminal: true}
    """
    names = ["ill", "well", "dead"]
    entries, occupancy = entries_into(ways, names, step=0.02, until=60.0)
    log = simulate_stages(stages, number=N, horizon="60 days")
    for t in (3, 8, 15, 30, 59):
        at = stage_at(log, t)
        for stage, share in zip(names, occupancy[:, round(t / 0.02)], strict=True):
            assert_share(at == stage, float(share))
    assert_mean(transitions(log), float(entries.sum() - 1))


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
    entries, occupancy = entries_into(R8, names, step=1.0, until=3650.0)
    alive = 1 - occupancy[-1]
    for t, printed in ((365, 0.652), (730, 0.495), (1826, 0.284)):
        assert alive[t] == pytest.approx(printed, abs=0.001)
    assert entries.sum() - 1 == pytest.approx(6.28, abs=0.005)
    file = Path(__file__).parents[2] / "benchmarks" / "r8.yaml"
    log = simulate(compile_pathway(load(file, settings=(f"patients.number={number}",))), seed=5).log
    assert_mean(transitions(log), float(entries.sum() - 1))
    for t in (100, 365, 730, 1826, 3600):
        at = stage_at(log, t)
        for stage, share in zip(names, occupancy[:, t], strict=True):
            assert_share(at == stage, float(share))


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


def test_a_clock_that_waits_for_its_stage() -> None:
    """Due at T ~ exp(.2), possible in b, entered at U ~ exp(.1): at max(T, U), at U itself with .2 / .3."""
    stages = """
        a: {events: {go: {after: {exponential: {rate: 0.1 per day}}, to: b}}}
        b: {events: {end: {after: {fixed: 900 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {in: [b], after: {exponential: {rate: 0.2 per day}}, to: stay}}"
    log = simulate_stages(stages, number=N, clocks=clocks, on_start="[{start: p}]")
    times, go = happened(log, "clock.p"), happened(log, "a.go")
    assert_share(times == go, 2 / 3)
    assert_survival(times, lambda t: 1 - (1 - exp(-0.2 * t)) * (1 - exp(-0.1 * t)), (2, 8, 20))


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
