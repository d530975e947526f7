"""A stated spread for assumed parameters without uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from sim.errors import Problem, ScenarioError
from sim.scenario.language.model import Parameter
from sim.scenario.source.record import Uncertainty
from sim.units import number_text


def gaps(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The parameters that are assumed numbers and have no uncertainty, so that no draw varies them."""
    return tuple(one for one in parameters if one.status == "assumed" and one.drawn is None and one.values)


def with_assumed_spread(parameters: Sequence[Parameter], spread: float) -> tuple[Parameter, ...]:
    """The parameters, those of `gaps` with a distribution of standard deviation `spread` times the value.

    A plain number in (0, 1) counts as a probability and gets a beta with this mean and sd. Any other
    time, rate or number gets a lognormal with the value as its median; a negative number a normal. Shares
    that sum to 1 get a Dirichlet with n = (k - 1) / spread^2 - 1 for k shares: the mean over the shares,
    weighted by them, of (sd / mean)^2 is spread^2. The entries of another vector are independent. A value
    of 0 and a list keep their values. spread: above 0, 0.2 for 20%.
    Raises: ScenarioError naming each probability that no beta of this spread has.
    """
    problems: list[Problem] = []
    found = list(parameters)
    missing = {id(one) for one in gaps(parameters)}
    for i, one in enumerate(parameters):
        if id(one) not in missing:
            continue
        drawn = (
            _one_number(one, spread, problems) if one.values[0][0] == "" else _vector(one, spread, problems)
        )
        if drawn is not None:
            found[i] = replace(one, drawn=drawn, uncertainty=f"assumed spread {number_text(spread)}")
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def _one_number(one: Parameter, spread: float, problems: list[Problem]) -> Uncertainty | None:
    ((_, value),) = one.values
    if value == 0.0:
        return None
    if one.kind == "number" and 0.0 < value < 1.0:
        if (spread * value) ** 2 >= value * (1.0 - value):
            problems.append(_too_wide(one, spread, math.sqrt((1.0 - value) / value)))
            return None
        return Uncertainty("beta", {"mean": value, "sd": spread * value})
    if value < 0.0:
        return Uncertainty("normal", {"sd": -spread * value})
    return Uncertainty("lognormal", {"sigma": math.sqrt(_log_variance(spread))})


def _vector(one: Parameter, spread: float, problems: list[Problem]) -> Uncertainty | None:
    values = dict(one.values)
    if one.text.startswith("["):
        return None
    shares = [value for value in values.values() if value > 0.0]
    if one.kind == "number" and len(shares) > 1 and abs(math.fsum(values.values()) - 1.0) <= 1e-9:
        n = (len(shares) - 1) / spread**2 - 1.0
        if n <= 0.0:
            problems.append(_too_wide(one, spread, math.sqrt(len(shares) - 1)))
            return None
        return Uncertainty("dirichlet", {key: share * n for key, share in values.items()})
    variances = [_log_variance(spread) if value > 0.0 else (spread * value) ** 2 for value in values.values()]
    covariance = tuple(
        tuple(variance if i == j else 0.0 for j in range(len(values))) for i, variance in enumerate(variances)
    )
    log = tuple(key for key, value in values.items() if value > 0.0)
    return Uncertainty("joint_normal", {}, covariance=covariance, log=log)


def _log_variance(spread: float) -> float:
    """Of a lognormal with sd = spread x median: exp(v) (exp(v) - 1) = spread^2."""
    return math.log((1.0 + math.sqrt(1.0 + 4.0 * spread * spread)) / 2.0)


def _too_wide(one: Parameter, spread: float, widest: float) -> Problem:
    largest = math.floor(1000.0 * widest) / 10.0
    fact = f"`{one.name}` = {one.text} cannot have a spread of {100.0 * spread:g}%"
    return Problem(
        one.where, fact, f"give it an uncertainty of its own, or assume a spread below {largest:g}%"
    )
