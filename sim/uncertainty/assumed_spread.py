"""A stated spread for assumed parameters without uncertainty."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sim.errors import Problem, ScenarioError
from sim.scenario.checks.draws import RULES, SHARE
from sim.scenario.language.model import Parameter
from sim.scenario.source.record import Uncertainty
from sim.units import number_text

CONVENTIONS = frozenset(
    {
        *("Test.value", "Ratio.centre", "EventSelector.within", "Outcome.above"),
        *("Economics.discount_cost", "Economics.discount_qaly", "Economics.threshold"),
    }
)
"""Places of numbers that define or convene something, and estimate nothing."""
ESTIMATES = frozenset(RULES) - CONVENTIONS
AT_MOST_1 = frozenset(
    {*(place for place, rule in RULES.items() if rule is SHARE), "Stage.utility", "State.utility"}
)
RATIOS_AND_COSTS = frozenset(
    {
        *("Ratio.value", "Event.cost", "StageCost.on_entry", "StageCost.per_day"),
        *("Resource.cost_per_day", "Resource.cost_per_day_of_capacity", "Resource.cost_per_use"),
    }
)


def gaps(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The parameters that are assumed numbers and have no uncertainty, so that no draw varies them.

    One that refers to another varies with that one.
    """
    return tuple(
        one
        for one in parameters
        if one.status == "assumed" and one.drawn is None and one.values and not one.refers_to
    )


def with_assumed_spread(
    parameters: Sequence[Parameter], spread: float, *, uses: Mapping[str, Collection[str]] | None = None
) -> tuple[Parameter, ...]:
    """The parameters, those of `gaps` with a distribution of standard deviation `spread` times the value.

    A plain number in (0, 1) gets a beta with this mean and sd, unless it is known to be a ratio or a cost.
    Any other time, rate or number gets a lognormal with the value as its median; a negative number a
    normal. Shares that sum to 1 get a Dirichlet with n = (k - 1) / spread^2 - 1 for k shares: the mean over
    the shares, weighted by them, of (sd / mean)^2 is spread^2. The entries of another vector are
    independent. Unchanged are a value of 0, a list, a probability or utility of 1, and what is not an
    estimate: the numbers of conditions and outcomes, discount rates, the threshold, and places where no
    number can be drawn.

    spread: above 0, 0.2 for 20%. uses: where each parameter stands, see `checks.draws.uses`; without it
    only the values decide.
    Raises: ScenarioError naming each probability that no beta of this spread has.
    """
    problems: list[Problem] = []
    found = list(parameters)
    missing = {id(one) for one in gaps(parameters)}
    for i, one in enumerate(parameters):
        places = frozenset(uses.get(one.name, ())) if uses is not None else frozenset()
        is_estimate = uses is None or (bool(places) and places <= ESTIMATES)
        if id(one) not in missing or not is_estimate:
            continue
        if one.values[0][0] == "":
            drawn = _one_number(one, spread, places, problems)
        else:
            drawn = _vector(one, spread, problems)
        if drawn is not None:
            found[i] = replace(one, drawn=drawn, uncertainty=f"assumed spread {number_text(spread)}")
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def _one_number(
    one: Parameter, spread: float, places: frozenset[str], problems: list[Problem]
) -> Uncertainty | None:
    ((_, value),) = one.values
    if value == 0.0 or (value == 1.0 and places & AT_MOST_1):
        return None
    is_ratio_or_cost = bool(places) and places <= RATIOS_AND_COSTS
    if one.kind == "number" and 0.0 < value < 1.0 and not is_ratio_or_cost:
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
