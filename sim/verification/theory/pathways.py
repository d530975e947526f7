"""Competing events, cycles, Markov chains and renewal: pathways against their closed forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import exp, log1p

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, linalg, stats

from sim.units import DAYS_IN
from sim.verification.theory.case import Case, amount, scenario_text, share
from sim.verification.theory.renewal import Distribution, hazard_of, occupancy

Floats = NDArray[np.float64]
YEAR = DAYS_IN["year"]
DISCOUNT = 0.035
ECONOMICS = f"{{currency: GBP, discount: {{cost: {DISCOUNT}, qaly: {DISCOUNT}}}, convention: annual}}"


def cases() -> Iterator[Case]:
    """Every pathway."""
    yield _constant_rates()
    yield _three_families()
    yield from _waits()
    yield _clock_against_wait()
    yield _cycles()
    yield _markov_chain()
    yield _semi_markov()
    yield _counts()
    yield _waiting_clock()


# ---------------------------------------------------------------- competing events


def _incidences(stage: str, events: Mapping[str, str]) -> dict[str, str]:
    """An outcome for each event, the others as competing ends."""
    return {
        f"of_{name}": (
            f"{{from: start, until: {{event: {stage}.{name}}}, competing: {{"
            + ", ".join(f"{other}: {{event: {stage}.{other}}}" for other in events if other != name)
            + "}}"
        )
        for name in events
    }


def _competing(
    name: str, events: Mapping[str, str], exact: Mapping[str, Mapping[float, float]], formula: str
) -> Case:
    """Cumulative incidences of events of one stage. exact: of each at some times in days."""
    lines = ", ".join(f"{event}: {{after: {time}, to: gone}}" for event, time in events.items())
    stages = f"a: {{events: {{{lines}}}}}\ngone: {{terminal: true}}"
    text = scenario_text("Competing events", stages, outcomes=_incidences("a", events), horizon="4000 days")
    known = (
        share(f"incidence of {event} at day {t:g}", value, f"of_{event}", time=t)
        for event, values in exact.items()
        for t, value in values.items()
    )
    return Case(name, text, tuple(known), formula)


def _constant_rates() -> Case:
    rates = {"x": 0.30, "y": 0.06, "z": 0.04, "death": 0.10}
    total = sum(rates.values())
    exact = {
        event: {t * YEAR: rate / total * (1 - exp(-total * t)) for t in (1, 5)}
        for event, rate in rates.items()
    }
    times = {event: f"{{exponential: {{rate: {rate} per year}}}}" for event, rate in rates.items()}
    return _competing("four competing events, constant rates", times, exact, "rate / sum (1 - exp(-sum t))")


def _three_families() -> Case:
    times = {
        "x": "{weibull: {shape: 1.3, scale: 4 days}}",
        "y": "{gompertz: {shape: 0.08 per day, rate: 0.02 per day}}",
        "z": "{exponential: {rate: 0.05 per day}}",
    }
    hazards: dict[str, Callable[[float], float]] = {
        "x": lambda t: 1.3 / 4 * (t / 4) ** 0.3,
        "y": lambda t: 0.02 * exp(0.08 * t),
        "z": lambda t: 0.05,
    }

    def free(t: float) -> float:
        return exp(-((t / 4) ** 1.3) - 0.02 / 0.08 * (exp(0.08 * t) - 1) - 0.05 * t)

    exact = {
        event: {t: float(integrate.quad(lambda s: own(s) * free(s), 0, t)[0]) for t in (1.0, 5.0)}  # noqa: B023
        for event, own in hazards.items()
    }
    return _competing(
        "three competing events of different families", times, exact, "int h_k S dt, by quadrature"
    )


# ---------------------------------------------------------------- a wait with a hazard


def _waits() -> Iterator[Case]:
    """Whoever waits has a constant hazard h of leaving: P(served) = E exp(-h W)."""
    h, sigma = 0.012, float(np.sqrt(log1p(0.3**2)))
    mu = float(np.log(37) - sigma**2 / 2)
    lognormal = integrate.quad(lambda z: stats.norm.pdf(z) * exp(-h * exp(mu + sigma * z)), -9, 9)[0]
    for name, time, served in (
        ("fixed", "{fixed: 38 days}", exp(-h * 38)),
        ("gamma", "{gamma: {shape: 9, mean: 38 days}}", (1 + h * 38 / 9) ** -9),
        ("lognormal", "{lognormal: {mean: 37 days, sd: 11.1 days}}", float(lognormal)),
        ("uniform", "{uniform: [21 days, 45 days]}", (exp(-h * 21) - exp(-h * 45)) / (h * 24)),
    ):
        stages = f"""
            a:
              events:
                ready: {{after: {time}, to: b}}
                left: {{after: {{exponential: {{rate: {h} per day}}}}, to: gone}}
            b: {{terminal: true}}
            gone: {{terminal: true}}
        """
        text = scenario_text("A wait", stages, outcomes={"served": "{ever: {stage: b}}"})
        known = (share("ever served", served, "served"),)
        yield Case(
            f"{name} wait, constant hazard of leaving", text, known, "E exp(-h W), the Laplace transform"
        )


def _clock_against_wait() -> Case:
    stages = """
        a: {events: {ready: {after: {gamma: {shape: 9, mean: 38 days}}, to: b}}}
        b: {terminal: true}
        gone: {terminal: true}
    """
    wait = stats.gamma(9, scale=38 / 9)
    served = integrate.quad(lambda w: wait.pdf(w) * exp(-((w / 120) ** 1.3)), 0, 400)[0]
    text = scenario_text(
        "A clock and a wait",
        stages,
        clocks="{death: {after: {weibull: {shape: 1.3, scale: 120 days}}, to: gone}}",
        on_start="[{start: death}]",
        outcomes={"served": "{ever: {stage: b}}"},
    )
    known = (share("ever served", float(served), "served"),)
    return Case("gamma wait against a Weibull clock", text, known, "int f(w) S(w) dw, by quadrature")


# ---------------------------------------------------------------- cycles and Markov chains


def _cycles() -> Case:
    """At most four cycles; after each of them three ways out, else the next."""
    ways = {"one": 0.35, "two": 0.10, "gone": 0.06}
    on = 1 - sum(ways.values())
    stages = """
        cycle:
          state: alive
          cost: {on_entry: 1000}
          events: {end: {after: {fixed: 28 days}, to: {one: 0.35, two: 0.10, gone: 0.06, more: rest}}}
        more: {decide: [{when: {visits.cycle: {below: 4}}, to: cycle}, {to: last}]}
        one: {state: alive, terminal: true}
        two: {state: alive, terminal: true}
        last: {state: alive, terminal: true}
        gone: {state: dead, terminal: true}
    """
    begun = (1 - on**4) / (1 - on)
    known = [share(f"ends in {name}", p * begun, name) for name, p in ways.items()]
    known += [
        share("still undecided", on**4, "last"),
        amount("cycles begun", begun, "cycles"),
        amount("days", 28 * begun, "days"),
        amount(
            "cost, discounted",
            sum(1000 * on**k * (1 + DISCOUNT) ** (-28 * k / YEAR) for k in range(4)),
            "cost",
            "discounted",
        ),
    ]
    outcomes = {name: f"{{ever: {{stage: {name}}}}}" for name in (*ways, "last")}
    outcomes |= {"cycles": "{count: {stage: cycle}}", "days": "{time_in: {stage: cycle}}"}
    text = scenario_text("Cycles", stages, outcomes=outcomes, economics=ECONOMICS, horizon="1000 days")
    return Case("up to four cycles", text, tuple(known), "geometric series, cut off")


RATES: dict[str, dict[str, float]] = {
    "a": {"b": 1.2, "d": 1.0, "gone": 0.6},
    "b": {"c": 0.9, "d": 0.8, "gone": 0.15},
    "c": {"d": 0.25, "gone": 0.2},
    "d": {"a": 0.5, "gone": 1.5},
}
"""A Markov chain with constant rates per year."""
UTILITY = {"a": 0.55, "b": 0.8, "c": 0.75, "d": 0.4}


def generator(rates: Mapping[str, Mapping[str, float]]) -> Floats:
    """The generator of a Markov chain, its absorbing state `gone` last."""
    names = [*rates, "gone"]
    Q = np.zeros((len(names), len(names)))
    for i, stage in enumerate(rates):
        for to, rate in rates[stage].items():
            Q[i, names.index(to)] = rate
    return Q - np.diag(Q.sum(axis=1))


def markov_stages(rates: Mapping[str, Mapping[str, float]], values: Mapping[str, str]) -> str:
    """Stages that patients leave at constant rates per year; values: utility and cost of each."""
    lines = []
    for name, to in rates.items():
        events = ", ".join(
            f"to_{other}: {{after: {{exponential: {{rate: {rate!r} per year}}}}, to: {other}}}"
            for other, rate in to.items()
        )
        lines.append(f"{name}: {{state: alive, {values[name]}, events: {{{events}}}}}")
    return "\n".join([*lines, "gone: {state: dead, terminal: true}"])


def _markov_chain() -> Case:
    Q = generator(RATES)
    living = Q[:-1, :-1]
    days_in = np.linalg.solve(-living.T, [1.0, 0, 0, 0])
    discounted = np.linalg.solve((log1p(DISCOUNT) * np.eye(4) - living).T, [1.0, 0, 0, 0])
    ever = -Q[2, 2] * days_in[2]  # entries into c are geometric in number
    returns = _return_probability(Q, 2)
    values = {name: f"utility: {u}, cost: {{per_year: {1000 * u:g}}}" for name, u in UTILITY.items()}
    names = [*RATES, "gone"]
    outcomes = {f"in_{name}": f"{{occupancy: {{stage: {name}}}}}" for name in names}
    outcomes |= {f"years_{name}": f"{{time_in: {{stage: {name}}}}}" for name in RATES}
    outcomes |= {"entries": "{count: {stage: c}}", "ever": "{ever: {stage: c}}"}
    text = scenario_text(
        "A Markov chain",
        markov_stages(RATES, values),
        outcomes=outcomes,
        economics=ECONOMICS,
        number=250_000,
        horizon="90 years",
    )
    known = [
        share(f"in {name} at year {t:g}", float(p), f"in_{name}", time=t * YEAR)
        for t in (0.5, 2.0)
        for name, p in zip(names, linalg.expm(Q * t)[0], strict=True)
    ]
    known += [
        amount(f"days in {name}", YEAR * d, f"years_{name}") for name, d in zip(RATES, days_in, strict=True)
    ]
    known += [
        amount("entries into c", float(ever), "entries"),
        share("ever in c", float(ever * (1 - returns)), "ever"),
        amount("life-years", float(days_in.sum()), "life_years", "undiscounted"),
        amount("life-years, discounted", float(discounted.sum()), "life_years", "discounted"),
        amount("QALYs, discounted", float(discounted @ list(UTILITY.values())), "qaly", "discounted"),
        amount("cost, discounted", 1000 * float(discounted @ list(UTILITY.values())), "cost", "discounted"),
    ]
    return Case(
        "Markov chain of five states", text, tuple(known), "matrix exponential and inverse of the generator"
    )


def _return_probability(Q: Floats, state: int) -> float:
    """The probability to be in a state once more after leaving it."""
    others = [i for i in range(len(Q) - 1) if i != state]
    reach = np.linalg.solve(-Q[np.ix_(others, others)], Q[others, state])
    return float(Q[state, others] @ reach / -Q[state, state])


# ---------------------------------------------------------------- renewal


def _semi_markov() -> Case:
    """There and back with times that are not exponential, and a death from either stage."""
    ways: dict[str, list[tuple[str, str, Distribution]]] = {
        "a": [
            ("b", "{lognormal: {median: 8 days, sigma: 0.6}}", hazard_of(stats.lognorm(0.6, scale=8))),
            ("gone", "{weibull: {shape: 1.5, scale: 40 days}}", hazard_of(stats.weibull_min(1.5, scale=40))),
        ],
        "b": [
            ("a", "{weibull: {shape: 0.8, scale: 20 days}}", hazard_of(stats.weibull_min(0.8, scale=20))),
            ("gone", "{lognormal: {median: 90 days, sigma: 1}}", hazard_of(stats.lognorm(1.0, scale=90))),
        ],
    }
    names, step = ["a", "b", "gone"], 0.02
    entries, at = occupancy(
        {stage: [(to, hazard) for to, _, hazard in causes] for stage, causes in ways.items()},
        names,
        step=step,
        until=60.0,
    )
    lines = []
    for stage, causes in ways.items():
        events = ", ".join(f"to_{to}: {{after: {time}, to: {to}}}" for to, time, _ in causes)
        lines.append(f"{stage}: {{events: {{{events}}}}}")
    text = scenario_text(
        "A semi-Markov pathway",
        "\n".join([*lines, "gone: {terminal: true}"]),
        outcomes={name: f"{{occupancy: {{stage: {name}}}}}" for name in names}
        | {"entries": "{count: {stage: b}}"},
        horizon="60 days",
    )
    known = [
        share(f"in {name} at day {t:g}", float(at[i, round(t / step)]), name, time=t)
        for t in (8.0, 30.0)
        for i, name in enumerate(names)
    ]
    known.append(amount("entries into b", float(entries[1].sum()), "entries"))
    formula = "Markov renewal equation on a grid (Cinlar 1969, doi:10.2307/1426216)"
    return Case("semi-Markov pathway", text, tuple(known), formula)


def _counts() -> Case:
    """Events that patients stay at: Poisson and renewal counts in 30 days."""
    stages = """
        a:
          events:
            x: {every: {exponential: {rate: 0.3 per day}}, to: stay}
            y: {every: {gamma: {shape: 3, mean: 4 days}}, to: stay}
            end: {after: {fixed: 30 days}, to: gone}
        gone: {terminal: true}
    """
    text = scenario_text(
        "Repeated events", stages, outcomes={"x": "{count: {event: a.x}}", "y": "{count: {event: a.y}}"}
    )
    renewals = sum(float(stats.gamma(3 * n, scale=4 / 3).cdf(30)) for n in range(1, 60))
    known = (amount("events, Poisson", 9.0, "x"), amount("events, gamma times", renewals, "y"))
    return Case("repeated events", text, known, "rate x time; sum over n of P(n-th event by then)")


def _waiting_clock() -> Case:
    """A clock due at T ~ exp(0.2) that only occurs in b, entered at U ~ exp(0.1): at the later of both."""
    stages = """
        a: {events: {go: {after: {exponential: {rate: 0.1 per day}}, to: b}}}
        b: {events: {end: {after: {fixed: 900 days}, to: gone}}}
        gone: {terminal: true}
    """
    text = scenario_text(
        "A clock that waits for its stage",
        stages,
        clocks="{p: {in: [b], after: {exponential: {rate: 0.2 per day}}, to: stay}}",
        on_start="[{start: p}]",
        outcomes={"p": "{from: start, until: {clock: p}}"},
    )
    known = [
        share(f"later than day {t:g}", 1 - (1 - exp(-0.2 * t)) * (1 - exp(-0.1 * t)), "p", time=t)
        for t in (2.0, 8.0, 20.0)
    ]
    return Case("clock that waits for its stage", text, tuple(known), "P(max(T, U) > t)")
