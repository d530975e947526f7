"""Times to one event: families, ratios and conditions against their survival functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp, log

import numpy as np
from scipy import integrate, optimize, stats
from scipy.special import gammaincc

from sim.verification.theory.case import Case, amount, scenario_text, share

Curve = Callable[[float], float]
"""The probability that the event is later than a time in days."""
FLEXSURV = "survival functions as in flexsurv (doi:10.18637/jss.v070.i08); mean by quadrature, median by root"
SHAPE, SCALE, STEP = 1.2, 6.0, 0.001
WEIBULL = f"weibull: {{shape: {SHAPE}, scale: {SCALE} days}}"
MU, SIGMA, Q = 0.8, 0.9, 0.5
"""Of the generalised gamma."""


def survival(t: float) -> float:
    """Of the Weibull distribution whose modifiers are checked."""
    return exp(-((max(t, 0.0) / SCALE) ** SHAPE))


def with_ratio(ratio: Curve) -> Curve:
    """Survival where the hazard is multiplied by a ratio that changes in time: exp(-int r dH).

    By the midpoint rule; the ratio may jump at multiples of `STEP`.
    """
    times = np.arange(0.0, 30.0 + STEP, STEP)
    ratios = [ratio(t) for t in (times[1:] - STEP / 2).tolist()]
    spent = np.append(0.0, np.cumsum(ratios * np.diff((times / SCALE) ** SHAPE)))
    return lambda t: exp(-float(np.interp(t, times, spent)))


def generalised_gamma(t: float) -> float:
    """Survival for Q > 0 (Prentice 1974, doi:10.1093/biomet/61.3.539)."""
    return float(gammaincc(Q**-2, Q**-2 * exp(Q * (log(t) - MU) / SIGMA))) if t > 0 else 1.0


FAMILIES: dict[str, tuple[str, Curve]] = {
    "exponential": ("{exponential: {rate: 0.3 per day}}", stats.expon(scale=1 / 0.3).sf),
    "Weibull": (f"{{{WEIBULL}}}", survival),
    "gamma": ("{gamma: {shape: 2, rate: 0.5 per day}}", stats.gamma(2, scale=2).sf),
    "lognormal": (
        "{lognormal: {meanlog: 0.8, sdlog: 1.1, unit: days}}",
        stats.lognorm(1.1, scale=exp(0.8)).sf,
    ),
    "loglogistic": ("{loglogistic: {shape: 1.5, scale: 2 days}}", stats.fisk(1.5, scale=2).sf),
    "Gompertz": (
        "{gompertz: {shape: 0.1 per day, rate: 0.02 per day}}",
        lambda t: exp(-0.02 / 0.1 * (exp(0.1 * t) - 1)),
    ),
    "generalised gamma": (
        f"{{generalised_gamma: {{mu: {MU}, sigma: {SIGMA}, Q: {Q}, unit: days}}}}",
        generalised_gamma,
    ),
}  # fmt: skip

MODIFIED: dict[str, tuple[str, Curve]] = {
    "hazard ratio 0.7": (f"{{{WEIBULL}, hazard_ratios: [{{value: 0.7}}]}}", lambda t: survival(t) ** 0.7),
    "time ratio 1.3": (f"{{{WEIBULL}, time_ratios: [{{value: 1.3}}]}}", lambda t: survival(t / 1.3)),
    "hazard ratio 0.5 for two days": (
        f"{{{WEIBULL}, hazard_ratios: [{{value: 0.5, until: 2 days}}]}}",
        with_ratio(lambda t: 0.5 if t < 2 else 1.0),
    ),
    "hazard ratio 0.5, waning from day 2 to 5": (
        f"{{{WEIBULL}, hazard_ratios: [{{value: 0.5, wane: [2 days, 5 days]}}]}}",
        with_ratio(lambda t: 0.5 if t < 2 else min(1.0, 0.5 + (t - 2) / 6)),
    ),
    "two hazard ratios at once": (
        f"{{{WEIBULL}, hazard_ratios: [{{value: 3, until: 4 days}}, {{value: 0.5, wane: [1 days, 6 days]}}"
        "]}",
        with_ratio(lambda t: (3 if t < 4 else 1) * (0.5 if t < 1 else min(1.0, 0.5 + 0.1 * (t - 1)))),
    ),
    "already three days": (f"{{{WEIBULL}, already: 3 days}}", lambda t: survival(3 + t) / survival(3)),
    "between day 2 and 7": (
        f"{{{WEIBULL}, between: [2 days, 7 days]}}",
        lambda t: min(1.0, max(0.0, (survival(t) - survival(7)) / (survival(2) - survival(7)))),
    ),
    "cure 0.4": (f"{{mixture_cure: {{cured: 0.4, of: {{{WEIBULL}}}}}}}", lambda t: 0.4 + 0.6 * survival(t)),
    "cure 0.4, hazard ratio 2.5": (
        f"{{mixture_cure: {{cured: 0.4, of: {{{WEIBULL}}}}}, hazard_ratios: [{{value: 2.5}}]}}",
        lambda t: (0.4 + 0.6 * survival(t)) ** 2.5,
    ),
}  # fmt: skip

FOLLOW_UP = 10.0
"""Days until which restricted means count."""
AT = (2.5, 5.0)


def cases() -> Iterator[Case]:
    """Each family, and each way to change a time."""
    for name, (text, later) in FAMILIES.items():
        yield _case(f"{name} time", text, later)
    for name, (text, later) in MODIFIED.items():
        yield _case(f"Weibull time, {name}", text, later)


def _case(name: str, time: str, later: Curve) -> Case:
    """Survival at two times, the restricted mean, and the median where it is reached."""
    area = integrate.quad(later, 0.0, FOLLOW_UP, points=(1, 2, 3, 4, 5, 6, 7), limit=200)[0]
    known = [share(f"survival at day {t:g}", float(later(t)), "survival", time=t) for t in AT]
    known.append(amount("mean until day 10", float(area), "survival", "restricted_mean", time=FOLLOW_UP))
    if later(FOLLOW_UP) < 0.49:
        median = optimize.brentq(lambda t: later(t) - 0.5, 1e-6, FOLLOW_UP)
        known.append(amount("median", float(median), "survival", "median"))
    stages = f"""
        a: {{events: {{x: {{after: {time}, to: gone}}}}}}
        gone: {{terminal: true}}
    """
    text = scenario_text(
        "A time to an event",
        stages,
        outcomes={"survival": "{from: start, until: {event: a.x}}"},
        horizon=f"{FOLLOW_UP + 10:g} days",
    )
    return Case(name, text, tuple(known), FLEXSURV)
