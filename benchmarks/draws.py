"""How long a draw takes, in nanoseconds: `python benchmarks/draws.py`.

Each line is a compiled loop over arguments that differ, so that what is measured is the work of
one draw among others, as in a simulation.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from sim.distributions import Leaf, leaf, leaf_hazard, leaf_quantile, leaf_time
from sim.numerics.normal import normal_cdf, normal_quantile
from sim.numerics.philox import uniform
from sim.numerics.portable import exp, expm1, log, log1p
from sim.pathway.rows import name_key

N = 2_000_000
LEAVES = {
    "fixed": leaf("fixed", {"value": 28.0}),
    "uniform": leaf("uniform", {"low": 2.0, "high": 28.0}),
    "triangular": leaf("triangular", {"low": 18.0, "mode": 35.0, "high": 65.0}),
    "pert": leaf("pert", {"low": 18.0, "mode": 35.0, "high": 65.0}),
    "exponential": leaf("exponential", {"rate": 0.0025}),
    "weibull": leaf("weibull", {"shape": 0.9, "scale": 500.0}),
    "gompertz": leaf("gompertz", {"shape": 2.56e-4, "rate": 9.25e-8}),
    "lognormal": leaf("lognormal", {"meanlog": 3.5, "sdlog": 0.4}),
    "loglogistic": leaf("loglogistic", {"shape": 1.5, "scale": 200.0}),
    "gamma": leaf("gamma", {"shape": 4.0, "rate": 0.1}),
    "generalised_gamma": leaf("generalised_gamma", {"mu": 5.0, "sigma": 0.9, "Q": 0.5}),
    "generalised_f": leaf("generalised_f", {"mu": 5.0, "sigma": 0.9, "Q": 0.5, "P": 0.6}),
    "royston_parmar": leaf(
        "royston_parmar", {"scale": "hazard", "gamma": (-8.0, 1.2, 0.03), "knots": (2.0, 4.0, 7.0)}
    ),
    "normal": leaf("normal", {"mean": 30.0, "sd": 10.0}),
    "survival_table": leaf("survival_table", {"points": ((0.0, 1.0), (180.0, 0.73), (365.0, 0.5))}),
    "life_table": leaf(
        "life_table",
        {
            "ages": tuple(float(age) for age in range(101)),
            "rates": tuple(1e-4 * 1.08**age for age in range(101)),
        },
    ),
    "beta": leaf("beta", {"a": 2.0, "b": 5.0}),
    "poisson": leaf("poisson", {"mean": 3.0}),
}


def timed(loop: Callable[[], float]) -> float:
    """Nanoseconds a turn: the best of three after one to compile."""
    loop()
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        loop()
        seconds.append(time.perf_counter() - begin)
    return min(seconds) / N * 1e9


@njit
def add_up_uniforms(key: int, n: int) -> float:
    total = 0.0
    for patient in range(n):
        total += uniform(1, 0, patient, key, 0)
    return total


def adder(function: Callable[[float], float]) -> Callable[[np.ndarray], float]:
    """A compiled loop that adds up a function of one argument."""

    @njit
    def add_up(arguments: np.ndarray) -> float:
        total = 0.0
        for argument in arguments:
            total += function(argument)
        return total

    return add_up


@njit
def add_up_quantiles(kind: int, numbers: np.ndarray, uniforms: np.ndarray) -> float:
    total = 0.0
    for u in uniforms:
        total += leaf_quantile(kind, numbers, 0, u)
    return total


@njit
def add_up_times(kind: int, numbers: np.ndarray, hazards: np.ndarray) -> float:
    total = 0.0
    for hazard in hazards:
        total += leaf_time(kind, numbers, 0, hazard)
    return total


@njit
def add_up_hazards(kind: int, numbers: np.ndarray, times: np.ndarray) -> float:
    total = 0.0
    for t in times:
        total += leaf_hazard(kind, numbers, 0, t)
    return total


def line(name: str, *nanoseconds: float) -> None:
    print(f"{name:20}" + "".join(f"{one:12.1f}" for one in nanoseconds))


def leaf_line(name: str, one: Leaf, uniforms: np.ndarray) -> None:
    """Quantile, time and hazard of one leaf."""
    numbers, hazards = np.array(one.numbers), -np.log1p(-uniforms)
    times = np.array([leaf_quantile(one.kind, numbers, 0, u) for u in uniforms])
    line(
        name,
        timed(lambda: add_up_quantiles(one.kind, numbers, uniforms)),
        timed(lambda: add_up_times(one.kind, numbers, hazards)),
        timed(lambda: add_up_hazards(one.kind, numbers, times)),
    )


def main() -> None:
    uniforms = np.random.default_rng(1).uniform(size=N)
    line("uniform()", timed(lambda: add_up_uniforms(name_key("ward.death"), N)))
    for function in (log, log1p, exp, expm1, normal_quantile, normal_cdf):
        add_up = adder(function)
        line(f"{function.__name__}()", timed(lambda add_up=add_up: add_up(uniforms)))
    print(f"\n{'family':20}{'quantile':>12}{'time':>12}{'hazard':>12}")
    for name, one in LEAVES.items():
        leaf_line(name, one, uniforms)


if __name__ == "__main__":
    main()
