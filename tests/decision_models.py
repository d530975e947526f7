"""Draws of small decision models with a known value of information."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from sim.event_log.log import Floats
from sim.uncertainty.benefit import Benefit


def gain(mean: float, sd: float) -> float:
    """E max(0, Y) - max(0, E Y) for Y ~ N(mean, sd^2): sd (phi(d) - d Phi(-d)), d = |mean| / sd."""
    d = abs(mean) / sd
    return float(sd * (norm.pdf(d) - d * norm.cdf(-d)))


def two_arms(difference: Floats, *, variance: float = 0.0, patients: int = 100) -> Benefit:
    """An arm without benefit, and one with `difference` [n_draws] whose simulation error has a variance."""
    noise = np.zeros((len(difference), 2, 2))
    noise[:, 1, 1] = variance
    return Benefit(("old", "new"), np.column_stack([np.zeros_like(difference), difference]), noise, patients)


MEAN = 1000.0
TRUTH, NAIVE = 198.0, 1013.0
SIGNAL = float(brentq(lambda sd: gain(MEAN, sd) - TRUTH, 10.0, 1e5))
"""Standard deviation of the benefit for which perfect information is worth 198."""
ERROR = sqrt(float(brentq(lambda sd: gain(MEAN, sd) - NAIVE, 10.0, 1e5)) ** 2 - SIGNAL**2)
"""Standard deviation of the error of 100 patients with which it seems to be worth 1,013."""
SLOPES = SIGNAL * np.sqrt([0.4, 0.3, 0.2, 0.1, 0.0])


def hidden_by_noise(seed: int, n_draws: int, *, patients: int = 100) -> tuple[Benefit, Floats]:
    """The benefit, linear in four of five parameters, of so many patients in each draw; the parameters."""
    generator = np.random.default_rng([seed, n_draws, patients])
    parameters = generator.standard_normal((n_draws, len(SLOPES)))
    error = ERROR * sqrt(100 / patients)
    noisy = MEAN + parameters @ SLOPES + error * generator.standard_normal(n_draws)
    return two_arms(noisy, variance=error * error, patients=patients), parameters
