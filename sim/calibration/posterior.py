"""Draws of the posterior distribution: by ensembles of walkers, or of its normal approximation.

Method: Goodman and Weare 2010, doi:10.2140/camcos.2010.5.65; emcee, Foreman-Mackey and others 2013,
doi:10.1086/670067, with the moves of ter Braak and Vrugt 2008, doi:10.1007/s11222-008-9104-9. Convergence:
the integrated autocorrelation time, and the potential scale reduction over independent ensembles, Gelman
and Rubin 1992, doi:10.1214/ss/1177011136.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from sim.calibration.least_squares import BestFit
from sim.errors import RunError
from sim.event_log.log import Floats
from sim.runs.run import QUIET, Progress

ENSEMBLES = 4
CHECK_EVERY = 250
FEWEST_TIMES, LARGEST_REDUCTION = 50.0, 1.01
"""Steps in units of the autocorrelation time, and the scale reduction, at which a chain is long enough."""
MOST_STEPS = 20_000
BEYOND = 6.0
"""Scores beyond which the posterior density is taken as 0."""


class Likelihood(Protocol):
    """The residuals of the targets as a function of the scores."""

    def residuals(self, scores: Floats) -> Floats:
        """float64 [n_points, n_terms] for [n_points, n_parameters]."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of the scores, float64 [n_draws, n_parameters].

    steps: of each walker, after those that were left out. time: the largest autocorrelation time, in steps.
    reduction: the largest potential scale reduction; 1 is convergence. acceptance: the share of accepted
    moves. Of the normal approximation these are 0.
    """

    scores: Floats
    steps: int = 0
    walkers: int = 0
    time: float = 0.0
    reduction: float = 0.0
    acceptance: float = 0.0

    @property
    def is_converged(self) -> bool:
        """Whether the chain is long enough, or the draws are independent."""
        if not self.steps:
            return True
        return self.steps >= FEWEST_TIMES * self.time and self.reduction <= LARGEST_REDUCTION


def log_density(likelihood: Likelihood, scores: Floats) -> Floats:
    """The logarithm of the posterior density of the scores, up to a constant: float64 [n_points]."""
    residuals = likelihood.residuals(scores)
    found: Floats = -0.5 * (np.sum(residuals**2, axis=1) + np.sum(scores**2, axis=1))
    found[(np.abs(scores) > BEYOND).any(axis=1) | np.isnan(found)] = -np.inf
    return found


def normal_draws(fit: BestFit, *, draws: int, seed: int) -> Posterior:
    """Draws of the normal distribution at the best fit (Laplace's approximation)."""
    z = np.random.default_rng(seed).standard_normal((draws, len(fit.scores)))
    around = fit.scores + z @ np.linalg.cholesky(fit.covariance).T
    return Posterior(np.clip(around, -BEYOND, BEYOND))


def sampler_library() -> Any:
    """Emcee. Raises: RunError where it is not installed."""
    try:
        import emcee
    except ModuleNotFoundError as error:
        fix = "pip install 'allpath[calibrate]', or --method laplace"
        raise RunError(f"the posterior needs emcee\n    {fix}") from error
    return emcee


def sample(
    likelihood: Likelihood, fit: BestFit, *, draws: int, seed: int, progress: Progress = QUIET
) -> Posterior:
    """Draws by independent ensembles of walkers, which begin around the best fit.

    Ends when the chains are long enough, or after `MOST_STEPS`; the first fifth is left out. The same seed
    gives the same draws.
    """
    emcee = sampler_library()
    n = len(fit.scores)
    walkers = max(2 * (n + 1), 16)
    root = np.linalg.cholesky(fit.covariance).T
    ensembles, states = [], []
    for number in range(ENSEMBLES):
        chance = np.random.RandomState([seed % 2**32, number])
        start = np.clip(fit.scores + chance.standard_normal((walkers, n)) @ root, -BEYOND, BEYOND)
        moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]
        one = emcee.EnsembleSampler(
            walkers, n, lambda z: log_density(likelihood, z), moves=moves, vectorize=True
        )
        ensembles.append(one)
        states.append(emcee.State(start, random_state=chance.get_state()))
    steps = 0
    while True:
        for number, one in enumerate(ensembles):
            states[number] = one.run_mcmc(states[number], CHECK_EVERY, skip_initial_state_check=True)
        steps += CHECK_EVERY
        progress.share(min(1.0, steps / MOST_STEPS))
        chains = np.stack([one.get_chain(discard=steps // 5) for one in ensembles])
        acceptance = float(np.mean([one.acceptance_fraction.mean() for one in ensembles]))
        found = _summary(chains, acceptance)
        if found.is_converged or steps >= MOST_STEPS:
            pooled = chains.reshape(-1, n)
            chosen = np.random.default_rng(seed).choice(len(pooled), draws, replace=draws > len(pooled))
            return replace(found, scores=pooled[chosen])


def _summary(chains: Floats, acceptance: float) -> Posterior:
    """How chains [n_ensembles, n_steps, n_walkers, n_parameters] converged, without draws."""
    n_ensembles, steps, walkers, n = chains.shape
    times = [autocorrelation_time(chains[..., k]) for k in range(n)]
    reductions = [scale_reduction(chains[..., k]) for k in range(n)]
    return Posterior(np.empty((0, n)), steps, walkers * n_ensembles, max(times), max(reductions), acceptance)


def autocorrelation_time(chains: Floats) -> float:
    """The integrated autocorrelation time of one parameter, in steps, with Sokal's window of 5 times.

    chains: float64 [n_ensembles, n_steps, n_walkers].
    """
    x = chains - chains.mean()
    n = x.shape[1]
    spectrum = np.fft.rfft(x, 2 * n, axis=1)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :n].mean(axis=(0, 2))
    times = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    inside = np.flatnonzero(np.arange(n) >= 5.0 * times)
    return float(max(times[inside[0] if len(inside) else n - 1], 1.0))


def scale_reduction(chains: Floats) -> float:
    """The potential scale reduction of one parameter over halves of independent ensembles.

    chains: float64 [n_ensembles, n_steps, n_walkers]. The variance of the mean of a half includes that of
    its walkers.
    """
    half = chains.shape[1] // 2
    halves = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    means = halves.mean(axis=(1, 2))
    within = halves.var(axis=(1, 2)).mean()
    return float(np.sqrt(1.0 + means.var(ddof=1) / within))
