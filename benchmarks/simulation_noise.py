"""`python -m benchmarks.simulation_noise`: how well the error of the inner simulation is removed.

EVPI of models with a known truth, from 1,000 draws of five parameters whose benefit has a simulation error
with a variance of 0.01 to 10 times the variance between the draws: mean over 200 seeds (standard deviation).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import nan, sqrt

import numpy as np
from scipy.stats import norm

from sim.event_log.log import Floats
from sim.uncertainty.benefit import Benefit
from sim.uncertainty.decision import decide
from sim.uncertainty.regression import DrawRegression
from sim.uncertainty.simulation_noise import NoisyBenefit
from sim.uncertainty.value_of_information import evppi

SEEDS, DRAWS, PARAMETERS = 200, 1_000, 5
RATIOS = (0.01, 0.1, 1.0, 10.0)
MEAN, SD = 300.0, 1000.0
SLOPES = np.sqrt([0.4, 0.3, 0.2, 0.1, 0.0])
STRETCH = 0.8
LEVELS = np.array([0.0, 0.5, 1.0, 1.5, 2.0])


def linear(z: Floats) -> Floats:
    """A sum of normal parameters."""
    return MEAN + SD * z @ SLOPES


def skewed(z: Floats) -> Floats:
    """A log-normal parameter."""
    centre, spread = np.exp(STRETCH**2 / 2), sqrt(np.exp(2 * STRETCH**2) - np.exp(STRETCH**2))
    return MEAN + SD * (np.exp(STRETCH * z[:, 0]) - centre) / spread


def product(z: Floats) -> Floats:
    """A product of three normal parameters, which the regression cannot find."""
    return MEAN + SD * z[:, 0] * z[:, 1] * z[:, 2]


def gain(mean: float, sd: Floats) -> Floats:
    d = abs(mean) / sd
    return sd * (norm.pdf(d) - d * norm.cdf(-d))


def truth(model: Callable[[Floats], Floats]) -> float:
    """By the normal integral, or by the midpoint rule over the quantiles of one or two parameters."""
    middle = (np.arange(4_000) + 0.5) / 4_000
    if model is linear:
        return float(gain(MEAN, np.array(SD)))
    if model is skewed:
        return (
            float(np.mean(np.maximum(skewed(norm.ppf((np.arange(10**6) + 0.5) / 10**6)[:, None]), 0.0)))
            - MEAN
        )
    z = norm.ppf(middle)
    return float(np.mean(gain(MEAN, SD * np.abs(np.outer(z, z)))))


def perfect(difference: Floats) -> float:
    return float(np.mean(np.maximum(difference, 0.0)) - max(float(np.mean(difference)), 0.0))


def extrapolated(difference: Floats, variance: float, generator: np.random.Generator) -> float:
    """SIMEX: add noise at several levels, extrapolate a parabola to level -1."""
    values = [
        np.mean(
            [
                perfect(difference + sqrt(level * variance) * generator.standard_normal(len(difference)))
                for _ in range(20)
            ]
        )
        for level in LEVELS
    ]
    return float(np.polyval(np.polyfit(LEVELS, values, 2), -1.0))


def of_seed(seed: int, model: Callable[[Floats], Floats], ratio: float) -> list[float]:
    """EVPI: naive, SIMEX, moments without a regression, choices of the regression, ours and its error."""
    generator = np.random.default_rng([seed, 17])
    z = generator.standard_normal((DRAWS, PARAMETERS))
    variance = ratio * SD * SD
    noisy = model(z) + sqrt(variance) * generator.standard_normal(DRAWS)
    noise = np.zeros((DRAWS, 2, 2))
    noise[:, 1, 1] = variance
    benefit = Benefit(("old", "new"), np.column_stack([np.zeros(DRAWS), noisy]), noise, 100)
    regression = DrawRegression.on(z)
    prepared = NoisyBenefit.of(benefit, regression)
    without = NoisyBenefit(prepared.values, np.zeros_like(prepared.predicted), prepared.noise)
    moments = without.corrected(np.full(DRAWS, 1.0 / DRAWS))[0]
    found = decide(benefit, regression).evpi
    return [
        perfect(noisy),
        extrapolated(noisy, variance, generator),
        perfect(moments[:, 1] - moments[:, 0]),
        evppi(benefit, regression).value,
        found.value,
        found.standard_error,
    ]


def main() -> None:
    """Print the rows of the models that are named, of all without names."""
    columns = (
        "model | truth | noise | naive | SIMEX | moments | choices | corrected | error | known | covered"
    )
    print(f"| {columns} |\n{'|---' * 11}|")
    for model in (linear, skewed, product):
        if len(sys.argv) > 1 and model.__name__ not in sys.argv[1:]:
            continue
        true = truth(model)
        for ratio in RATIOS:
            rows = np.array([of_seed(seed, model, ratio) for seed in range(SEEDS)])
            known = rows[~np.isnan(rows[:, 4])]
            covered = np.mean(np.abs(known[:, 4] - true) < 1.96 * known[:, 5]) if len(known) else nan
            cells = [f"{np.mean(column):.0f} ({np.std(column):.0f})" for column in rows[:, :4].T]
            cells += (
                [f"{np.mean(known[:, 4]):.0f} ({np.std(known[:, 4]):.0f})", f"{np.mean(known[:, 5]):.0f}"]
                if len(known)
                else ["-"] * 2
            )
            shares = f"{len(known) / SEEDS:.0%} | {f'{covered:.1%}' if len(known) else '-'}"
            print(
                f"| {model.__name__} | {true:.0f} | {ratio:g} | {' | '.join(cells)} | {shares} |", flush=True
            )


if __name__ == "__main__":
    main()
