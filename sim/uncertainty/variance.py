"""Simulation error and parameter uncertainty apart: variance components of a probabilistic analysis.

Each of D draws of the parameters simulates M patients. With fresh patients in each draw the layout is
nested, with the same patients in all draws it is crossed. Source: O'Hagan, Stevenson and Madan 2007,
doi:10.1002/hec.1199 (nested); Searle, Casella and McCulloch 1992, doi:10.1002/9780470316856 (crossed).
All functions take one number of a result (an arm's, or a paired difference) and are used for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, isnan, nan, sqrt
from typing import NamedTuple, TypeVar

import numpy as np
from scipy.special import chdtri

from sim.event_log.log import Floats
from sim.numerics.normal import normal_quantile
from sim.outcomes.results import NORMAL_975

Number = TypeVar("Number", float, Floats)

FEWEST_FOR_LIMITS = 100
"""The fewest draws from which the error of a 2.5% quantile follows: some are beyond it."""

_MOST_SKEWED = 2.0
"""Skewness of an exponential distribution; noise gives larger estimates."""


@dataclass(frozen=True, slots=True)
class Component:
    """A variance and its 95% interval [low, high], low at least 0.

    variance: unbiased, therefore below 0 in some analyses of a quantity without that variance.
    """

    variance: float
    low: float = nan
    high: float = nan

    @property
    def sd(self) -> float:
        """The standard deviation, 0 where the unbiased variance is below 0."""
        return nan if isnan(self.variance) else sqrt(max(self.variance, 0.0))


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """What the variance of one number of a probabilistic analysis consists of.

    mean: over draws and patients. standard_error: of the mean, for the finite numbers of draws and of
    patients; simulation_error: the patients' part of it. parameter: variance of the result for a given
    parameter set with infinitely many patients. patient: variance between patients, in the nested layout
    together with the interaction. interaction: variance of what is peculiar to a patient under a parameter
    set; None in the nested layout. low, high: the 95% parameter interval, without simulation noise;
    low_error, high_error: its standard errors, nan with fewer than 100 draws.
    """

    n_draws: int
    n_patients: int
    mean: float
    standard_error: float
    simulation_error: float
    parameter: Component
    patient: Component
    interaction: Component | None
    low: float
    high: float
    low_error: float
    high_error: float

    @property
    def is_crossed(self) -> bool:
        """Whether all draws simulate the same patients."""
        return self.interaction is not None

    @property
    def total_sd(self) -> float:
        """Parameter uncertainty and simulation error together: of the true value about `mean`."""
        return sqrt(max(self.parameter.variance, 0.0) + self.standard_error**2)


# ---------------------------------------------------------------- fresh patients in each draw


def nested(estimates: Floats, noise: Floats, *, n_patients: int) -> VarianceComponents:
    """Variance components with fresh patients in each draw.

    The variance between estimates is that of the parameters plus the mean noise, so the parameters'
    is E[between] - E[noise] (O'Hagan, Stevenson and Madan 2007, doi:10.1002/hec.1199). The noise may
    differ between draws. The error of the mean, sqrt(between / D), has both parts.

    estimates: float64 [n_draws]. noise: float64 [n_draws], squared standard error of each estimate over
    its n_patients patients. One draw without a number makes the results nan. Raises ValueError for
    fewer than two draws.
    """
    n_draws = _count_draws(len(estimates))
    mean, between = float(np.mean(estimates)), float(np.var(estimates, ddof=1))
    removed = float(np.mean(noise))
    square = n_draws / (n_draws - 1) * (estimates - mean) ** 2
    parameter = _component(between, removed, _error_of_mean(square - noise))
    patient = _component(n_patients * removed, 0.0, n_patients**2 * _error_of_mean(noise))
    return VarianceComponents(
        n_draws,
        n_patients,
        mean,
        sqrt(between / n_draws),
        sqrt(removed / n_draws),
        parameter,
        patient,
        None,
        *_parameter_interval(estimates, noise, parameter.variance, shared=0.0),
    )


# ---------------------------------------------------------------- the same patients in all draws


@dataclass(slots=True)
class DrawSums:
    """Sums over a block of draws of the same patients, one draw at a time.

    Blocks of consecutive draws, each filled in the order of its draws, give the same bytes whichever
    process fills which block. Memory: 3 float64 for each patient, 2 for each draw.

    n_patients: patients of each draw. deviation, weighted, squared: float64 [n_patients], sums over
    draws of a patient's deviation from the draw's estimate, of deviation x estimate, and of its square.
    """

    n_patients: int
    estimates: list[float] = field(default_factory=list)
    within: list[float] = field(default_factory=list)
    deviation: Floats = field(init=False)
    weighted: Floats = field(init=False)
    squared: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.deviation, self.weighted, self.squared = (np.zeros(self.n_patients) for _ in range(3))

    def add(self, estimate: float, influence: Floats) -> None:
        """Add a draw: its estimate and the influence of each patient on it.

        influence: float64 [n_patients], sums to 0; its squares sum to the squared standard error of the
        estimate. For a mean of x it is (x - mean) / sqrt(M (M - 1)).
        """
        values = influence * sqrt(self.n_patients * (self.n_patients - 1))
        squares = values * values
        self.estimates.append(estimate)
        self.within.append(float(np.sum(squares)))
        self.deviation += values
        self.weighted += estimate * values
        self.squared += squares


class _Squares(NamedTuple):
    """The sums of the crossed layout. Mean squares as variances between means of draws, of patients.

    profile: float64 [n_patients], mean deviation of each patient. interaction: residual mean square.
    """

    estimates: Floats
    between_draws: float
    between_patients: float
    interaction: float
    profile: Floats


def crossed(blocks: Sequence[DrawSums]) -> VarianceComponents:
    """Variance components with the same patients in all draws: draws x patients, both random.

    y = mean + draw + patient + interaction, each with its variance P, Q, I. The mean has variance
    P / D + Q / M + I / (D M). Expected mean squares: between draws P + I / M, between patients
    Q + I / D, residual I (Searle, Casella and McCulloch 1992, section 4.6). Unbiased also where the
    variance of the interaction depends on the draw or the patient, because the effects of a function of
    two independent inputs are uncorrelated (Efron and Stein 1981, doi:10.1214/aos/1176345462).

    blocks: in the order of their draws, at least two blocks (the variation between blocks is used in the
    intervals of the patients' variances; ten or more are recommended). Raises ValueError for fewer.
    """
    if len(blocks) < 2:
        raise ValueError("variance components of the same patients need at least two blocks of draws")
    squares = _mean_squares(blocks)
    n_draws, n_patients = len(squares.estimates), len(squares.profile)
    errors = _crossed_errors(blocks, squares)
    parameter = _component(squares.between_draws, squares.interaction / n_patients, errors[0])
    patient = _component(squares.between_patients, squares.interaction / n_draws, errors[1])
    interaction = _component(squares.interaction, 0.0, errors[2])
    both = squares.interaction / (n_draws * n_patients)
    variance = squares.between_draws / n_draws + squares.between_patients / n_patients - both
    shared = max(patient.variance, 0.0) / n_patients
    return VarianceComponents(
        n_draws,
        n_patients,
        float(np.mean(squares.estimates)),
        sqrt(max(variance, 0.0)),
        sqrt(shared + both),
        parameter,
        patient,
        interaction,
        *_parameter_interval(
            squares.estimates, squares.interaction / n_patients, parameter.variance, shared=shared
        ),
    )


def _mean_squares(blocks: Sequence[DrawSums]) -> _Squares:
    estimates = np.array([estimate for block in blocks for estimate in block.estimates])
    n_draws = _count_draws(len(estimates))
    profile = sum((block.deviation for block in blocks), np.zeros(blocks[0].n_patients)) / n_draws
    n_patients = len(profile)
    of_patients = float(np.sum(profile * profile))
    within = float(np.sum(np.array([square for block in blocks for square in block.within])))
    return _Squares(
        estimates,
        float(np.var(estimates, ddof=1)),
        of_patients / (n_patients - 1),
        (within - n_draws * of_patients) / ((n_draws - 1) * (n_patients - 1)),
        profile,
    )


def _crossed_errors(blocks: Sequence[DrawSums], squares: _Squares) -> tuple[float, float, float]:
    """Variances of the estimated variances between draws, between patients and of the interaction.

    Each sums a part over draws and a part over patients: variance of the mean of the linearised
    contributions of each draw (or block of draws) and of each patient.
    """
    estimates, between_draws, between_patients, interaction, profile = squares
    n_draws, n_patients = len(estimates), len(profile)
    mean, zero = float(np.mean(estimates)), np.zeros(n_patients)
    weighted, squared = (
        sum((getattr(block, name) for block in blocks), zero) for name in ("weighted", "squared")
    )
    # the covariance over draws of a patient's deviation with the estimate; of a patient with the profile
    slope = (weighted - mean * n_draws * profile) / (n_draws - 1)
    likeness = np.array(
        [float(np.sum(b.deviation * profile)) / (len(b.estimates) * (n_patients - 1)) for b in blocks]
    )
    residual = np.array(
        [
            (sum(b.within) - 2.0 * float(np.sum(b.deviation * profile))) / len(b.estimates) / (n_patients - 1)
            for b in blocks
        ]
    )
    own = (squared - n_draws * profile * profile) / (n_draws - 1)
    once = 2.0 * interaction**2 / ((n_draws - 1) * (n_patients - 1))  # found in both terms, as is `common`
    of_interaction = max(_error_of_mean(residual) + _error_of_mean(own) - once, once)
    common = 4.0 * interaction / (n_draws * n_patients)
    of_draws = _error_of_mean((estimates - mean) ** 2)
    of_draws += max(_error_of_mean(2.0 * slope) - common * between_draws, 0.0)
    of_patients = _error_of_mean(profile * profile)
    of_patients += max(_error_of_mean(2.0 * likeness) - common * between_patients, 0.0)
    return (
        of_draws + of_interaction / n_patients**2,
        of_patients + of_interaction / n_draws**2,
        of_interaction,
    )


# ---------------------------------------------------------------- intervals


def _count_draws(n_draws: int) -> int:
    if n_draws < 2:
        raise ValueError(f"variance components need at least two draws; there are {n_draws}")
    return n_draws


def _error_of_mean(values: Floats) -> float:
    """The estimated variance of the mean of independent values."""
    return float(np.var(values, ddof=1)) / len(values)


def _component(mean_square: float, removed: float, error: float) -> Component:
    """`mean_square - removed` with a 95% interval.

    The mean square follows a scaled chi-square distribution with nu = 2 mean_square^2 / error degrees of
    freedom (Satterthwaite 1946, doi:10.2307/3002019), with `error`, the variance of the difference, from
    the draws themselves, so that the parameters need not be normal. What is removed has a small error in
    comparison; it shifts the limits (Burdick and Graybill 1992, ISBN 0-8247-8644-0, for the normal case).
    """
    variance = mean_square - removed
    if not (error > 0.0 and mean_square > 0.0):
        limit = max(variance, 0.0) if error == 0.0 else nan
        return Component(variance, limit, limit)
    freedom = 2.0 * mean_square**2 / error
    quantiles = (float(chdtri(freedom, tail)) for tail in (0.025, 0.975))
    low, high = (mean_square * freedom / one if one > 0.0 else inf for one in quantiles)
    return Component(variance, max(low - removed, 0.0), max(high - removed, 0.0))


def _parameter_interval(
    draws: Floats, noise: Floats | float, parameter: float, *, shared: float
) -> tuple[float, float, float, float]:
    """The 2.5% and 97.5% quantiles without simulation noise, and their standard errors.

    The quantiles of noisy draws lie too far out. The draws are moved towards their mean by the factor
    s = sqrt(parameter / between), which gives them the variance of the parameters alone. Symmetric noise
    leaves their third cumulant, so that the parameters are more skewed than the draws by the factor s^-3,
    at most to a skewness of 2: the limits move by the Cornish-Fisher term (z^2 - 1) / 6 x the difference of
    skewness (Cornish and Fisher 1938, doi:10.2307/1400905).

    noise: squared simulation error of each draw, or of all. shared: variance by patients that all draws
    share, which moves both limits. Error of a quantile of the draws: Woodruff 1952,
    doi:10.1080/01621459.1952.10483443; `noise_added` has the rest.
    """
    low, high = parameter_quantiles(draws, noise, parameter, (0.025, 0.975)).tolist()
    n_draws, between = len(draws), float(np.var(draws, ddof=1))
    kept = _kept(parameter, between)
    if kept == 0.0:
        return low, high, nan, nan
    errors = []
    for share in (0.025, 0.975):
        apart = sqrt(share * (1.0 - share) / n_draws)
        near = np.quantile(draws, (max(share - apart, 0.0), min(share + apart, 1.0)))
        rank_error = float(near[1] - near[0]) / 2.0
        added = noise_added(1.0 - kept) * between / n_draws
        is_known = n_draws >= FEWEST_FOR_LIMITS
        errors.append(sqrt(kept * rank_error**2 + added + shared) if is_known else nan)
    return low, high, errors[0], errors[1]


def parameter_quantiles(
    draws: Floats, noise: Floats | float, parameter: float, shares: Sequence[float]
) -> Floats:
    """Quantiles over draws without simulation noise, float64 [n_shares]; the method is that of the interval.

    draws: float64 [n_draws]. noise: squared simulation error of each draw, or of all. parameter: variance
    by the parameters alone.
    """
    mean, between = float(np.mean(draws)), float(np.var(draws, ddof=1))
    kept = _kept(parameter, between)
    if kept == 0.0:
        return np.full(len(shares), mean)
    z = np.array([normal_quantile(share) for share in shares])
    concealed = _concealed_skewness(draws - mean, noise, between, kept)
    skewed = (z**2 - 1.0) / 6.0 * concealed * sqrt(kept * between)
    found: Floats = mean + sqrt(kept) * (np.quantile(draws, shares) - mean) + skewed
    return found


def _kept(parameter: float, between: float) -> float:
    """The share of the variance between draws that belongs to the parameters."""
    return min(max(parameter / between, 0.0), 1.0) if between > 0.0 else 0.0


def _concealed_skewness(away: Floats, noise: Floats | float, between: float, kept: float) -> float:
    """The skewness of the parameters less that of the draws, in which noise conceals a part."""
    cube = float(np.mean(away**3))
    unequal = 3.0 * float(np.mean(away * noise))  # noise that grows with the result is skewness as well
    of_parameters = (cube - unequal) / (kept * between * sqrt(kept * between))
    bounded = min(max(of_parameters, -_MOST_SKEWED), _MOST_SKEWED)
    return bounded - cube / (between * sqrt(between))


def noise_added(noise_share: Number) -> Number:
    """What the removal of noise adds to n x the variance of a limit, in units of the variance between draws.

    For draws that are about normal, w = noise / between and z the 97.5% point: the limit is
    m + s (q - m + c g) with s^2 = 1 - w, skewness g of the draws and c = (z^2 - 1) / 6 x (s^-3 - 1). The
    variances and covariances of the mean, variance, skewness and quantile of a normal sample give
    s^2 n Var(q) + w + z^2 (w + w^2 / (2 s^2)) + s^2 (6 c^2 + 2 c (z^2 - 1)) (delta method).
    """
    kept, square = 1.0 - noise_share, NORMAL_975**2
    c = (square - 1.0) / 6.0 * (kept**-1.5 - 1.0)
    of_factor = square * (noise_share + noise_share**2 / (2.0 * kept))
    added: Number = noise_share + of_factor + kept * (6.0 * c * c + 2.0 * c * (square - 1.0))
    return added
