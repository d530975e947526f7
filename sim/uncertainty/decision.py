"""Which arm to choose under uncertain parameters: acceptability, its frontier, expected loss.

The probability that an arm is best (doi:10.1002/hec.903) and the expected loss of an arm, the mean over the
draws of the largest benefit minus that of the arm (doi:10.1016/j.jval.2019.02.008). The frontier is the arm
of the largest mean benefit; its expected loss is the expected value of perfect information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, nan

import numpy as np

from sim.event_log.log import Floats
from sim.uncertainty.benefit import Benefit, Estimate
from sim.uncertainty.regression import DrawRegression
from sim.uncertainty.simulation_noise import NoisyBenefit

RESAMPLES = 200
TWO = 1.96
SMALL = 0.2
"""A correction below this part of the result hardly depends on the shape of the distribution."""
QUARTER = 0.25
"""Part of the variance between the draws to which the asked number of patients reduces the error's."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One arm at one threshold. frontier: the arm has the largest mean benefit; equal arms all have."""

    threshold: float
    arm: str
    probability_best: float
    probability_standard_error: float
    expected_loss: float
    loss_standard_error: float
    frontier: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The choice between the arms at one threshold, and the expected value of perfect information."""

    rows: tuple[DecisionRow, ...]
    evpi: Estimate


def decide(benefit: Benefit, regression: DrawRegression) -> Decision:
    """The decision under the uncertainty of the draws, corrected for the error of their simulation.

    regression: on all parameters; not used where there is no noise. Standard errors are those of 200
    bootstrap samples of the draws, with a fixed seed, and of their bias, which is subtracted where there
    is noise. Values are nan, with a note, where the noise hides them: the correction is more than a fifth
    of the result, and the regression explains less than half of the result, or less variance than two
    standard errors of the variance between the draws.
    """
    n_draws, n_arms = benefit.values.shape
    equal = np.full(n_draws, 1.0 / n_draws)
    is_noisy = bool(np.any(benefit.noise))
    noisy = NoisyBenefit.of(benefit, regression) if is_noisy else None

    def measured(weights: Floats) -> Floats:
        values = noisy.corrected(weights)[0] if noisy else benefit.values
        return _measures(values, weights, benefit.tie)

    found = measured(equal)
    samples = _bootstrap(measured, n_draws)
    errors: Floats = np.std(samples, axis=0, ddof=1)
    if noisy:
        # the positive part in the correction is too large on average; the bootstrap shows by how much
        bias = np.mean(samples, axis=0) - found
        found, errors = np.maximum(found - bias, 0.0), np.hypot(errors, bias)
        found[:n_arms] /= np.sum(found[:n_arms])
    evpi = Estimate(float(found[-1]), float(errors[-1]))
    note = "" if noisy is None else _why_not_known(benefit, noisy, evpi)
    if note:
        evpi = Estimate(nan, nan, note)
        found, errors = np.full_like(found, nan), np.full_like(errors, nan)
    elif evpi.value == evpi.standard_error == 0.0:
        evpi = Estimate(0.0, 0.0, "the same arm is best in every draw")
    means = np.mean(benefit.values, axis=0)
    rows = tuple(
        DecisionRow(
            benefit.threshold,
            arm,
            float(found[i]),
            float(errors[i]),
            float(found[n_arms + i]),
            float(errors[n_arms + i]),
            bool(means[i] >= np.max(means) - benefit.tie),
            note,
        )
        for i, arm in enumerate(benefit.arms)
    )
    return Decision(rows, evpi)


def _measures(values: Floats, weights: Floats, tie: float) -> Floats:
    """[2 n_arms + 1]: the probability that each arm is best, its expected loss, the smallest loss."""
    largest = np.max(values, axis=1)
    best = values >= largest[:, None] - tie
    probabilities = weights @ (best / np.sum(best, axis=1)[:, None])
    losses = weights @ (largest[:, None] - values)
    return np.concatenate([probabilities, losses, [np.min(losses)]])


def _bootstrap(measured: Callable[[Floats], Floats], n_draws: int) -> Floats:
    """`measured` of bootstrap samples of the draws, [n_samples, n_measures]; the same ones each time."""
    generator = np.random.Generator(np.random.Philox(n_draws))
    equal = np.full(n_draws, 1.0 / n_draws)
    return np.array([measured(generator.multinomial(n_draws, equal) / n_draws) for _ in range(RESAMPLES)])


def _why_not_known(benefit: Benefit, noisy: NoisyBenefit, evpi: Estimate) -> str:
    """Why the error of the simulation cannot be removed and how many patients it takes, "" if it can."""
    weights = np.full(len(benefit.values), 1.0 / len(benefit.values))
    naive = float(_measures(benefit.values, weights, benefit.tie)[-1])
    if naive - evpi.value <= SMALL * evpi.value:
        return ""
    explained = noisy.corrected(weights)[1]
    signal, error, noise = noisy.signal_and_noise()
    variance = float(np.sum(np.var(explained, axis=0)))
    if variance >= 2.0 * error and float(_measures(explained, weights, benefit.tie)[-1]) >= 0.5 * evpi.value:
        return ""
    least = "at least" if signal < TWO * error else "about"
    patients = ceil(max(noise / (QUARTER * max(signal, error)), 2.0) * benefit.patients)
    return (
        f"cannot be known: the error of the simulation hides it (at most {naive:,.6g} with the error in it); "
        f"it takes {least} {patients:,} patients in each draw"
    )
