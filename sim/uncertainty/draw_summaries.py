"""The draws of an analysis as charts show them: curves, the cost-effectiveness plane, running means."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from typing import NamedTuple

import numpy as np

from sim.event_log.log import Floats
from sim.uncertainty.psa import Design
from sim.uncertainty.results import PsaResults
from sim.uncertainty.simulation_noise import change_of_covariance
from sim.uncertainty.variance import parameter_quantiles

SHARES = (0.025, 0.25, 0.5, 0.75, 0.975)
FIRST, POINTS = 10, 120
"""Draws from which a running mean is reported, and the most numbers of draws at which it is."""


class CurveRow(NamedTuple):
    """Survival of an arm at a time over the draws, without simulation noise: median, central 50% and 95%."""

    outcome: str
    arm: str
    time_days: float
    median: float
    low_50: float
    high_50: float
    low_95: float
    high_95: float


class PlaneRow(NamedTuple):
    """A draw of an arm less the first arm, discounted; without simulation noise where that is known."""

    draw: int
    arm: str
    incremental_cost: float
    incremental_qaly: float


class ConvergenceRow(NamedTuple):
    """The mean over the first `draws` of an arm less the first arm (of a single arm itself), and its error.

    what: "net benefit", or the outcome. standard_error: from the variation between draws alone.
    """

    what: str
    arm: str
    time_days: float
    unit: str
    draws: int
    mean: float
    standard_error: float


def survival_curves(results: PsaResults) -> Iterator[CurveRow]:
    """The survival of every arm at increasing times; none where no outcome has a survival."""
    psa = results.psa
    measures = psa.model.measures
    survivals = [(m.time, k) for k, m in enumerate(measures) if m.measure == "survival"]
    outcome = measures[survivals[-1 if psa.model.n_curve else 0][1]].outcome if survivals else ""
    for number, arm in enumerate(psa.model.arms):
        for time, k in sorted(survivals):
            if measures[k].outcome == outcome:
                yield CurveRow(outcome, arm.name, time, *_quantiles(results, number, k))


def _quantiles(results: PsaResults, arm: int, k: int) -> list[float]:
    psa = results.psa
    estimates, noise = psa.estimates[:, arm, k], np.nan_to_num(psa.noise[:, k, arm, arm])
    known = np.isfinite(estimates)
    if known.sum() < 2:
        return [nan] * len(SHARES)
    components, _ = results.components(arm, k, difference=False)
    if components.interaction is not None:
        noise = np.full(len(estimates), components.interaction.variance / components.n_patients)
    variance = components.parameter.variance
    found = parameter_quantiles(estimates[known], noise[known], variance, SHARES)
    # estimated quantiles may cross where noise dominates; put in order (doi:10.3982/ECTA7880)
    low_95, low_50, median, high_50, high_95 = np.clip(np.sort(found), 0.0, 1.0).tolist()
    return [median, low_50, high_50, low_95, high_95]


def has_noise(results: PsaResults) -> bool:
    """Whether the points of the plane hold simulation noise, which is not known there."""
    psa = results.psa
    return psa.request.design is Design.SAME or not bool(np.isfinite(psa.economic).all())


def cost_effectiveness_draws(results: PsaResults) -> Iterator[PlaneRow]:
    """Incremental cost and QALYs of every draw and arm; none where the arms are not valued.

    The points of an arm are moved towards their mean so that their covariance is that between draws less
    the mean covariance of the simulation error, its positive part (see `simulation_noise`).
    """
    psa = results.psa
    if not psa.model.is_valued:
        return
    n_arms = len(psa.model.arms)
    both = psa.estimates[:, :, psa.model.cost_and_qaly]
    for number in range(1, n_arms):
        points = both[:, number] - both[:, 0]
        if not has_noise(results):
            weights = np.zeros((2, 2 * n_arms))
            weights[[0, 1], [number, n_arms + number]] = 1.0
            weights[[0, 1], [0, n_arms]] = -1.0
            points = _without_noise(points, weights @ np.mean(psa.economic, axis=0) @ weights.T)
        name = psa.model.arms[number].name
        yield from (PlaneRow(i, name, cost, qaly) for i, (cost, qaly) in enumerate(points.tolist()))


def _without_noise(points: Floats, noise: Floats) -> Floats:
    """Points [n, 2] with the covariance between them less that of the noise [2, 2]."""
    mean = np.mean(points, axis=0)
    covariance = np.cov(points.T)
    scale = np.sqrt(np.diag(covariance))
    scale[scale == 0.0] = 1.0
    squares = np.outer(scale, scale)
    change = change_of_covariance(covariance / squares, (covariance - noise) / squares)
    found: Floats = mean + ((points - mean) / scale) @ change * scale
    return found


def convergence(results: PsaResults) -> Iterator[ConvergenceRow]:
    """Running means of what the decision is about: net benefit at the threshold, else the last time.

    Without a decision they are those of the first measure. At most 120 numbers of draws, from 10.
    """
    psa = results.psa
    first = len(psa.model.arms) > 1
    if results.benefits and results.by_money:
        what, time = "net benefit", nan
        economics = psa.model.arms[0].scenario.economics
        unit = economics.currency if economics is not None else ""
        values = results.benefits[results.main_benefit].values
    else:
        k, measure = results.decided_measures[-1] if results.decided_measures else (0, psa.model.asked[0])
        what, time, unit = measure.outcome, measure.time, measure.unit
        values = psa.estimates[:, :, k]
    for number, arm in list(enumerate(psa.model.arms))[first:]:
        own = values[:, number] - values[:, 0] if first else values[:, number]
        own = own[np.isfinite(own)]
        if len(own) < FIRST:
            continue
        counts = np.arange(1, len(own) + 1)
        means = np.cumsum(own) / counts
        squares = np.cumsum((own - own.mean()) ** 2) - counts * (means - own.mean()) ** 2
        for n in np.unique(np.linspace(FIRST, len(own), POINTS).astype(int)).tolist():
            error = float(np.sqrt(max(squares[n - 1], 0.0) / (n - 1) / n))
            yield ConvergenceRow(what, arm.name, time, unit, n, float(means[n - 1]), error)
