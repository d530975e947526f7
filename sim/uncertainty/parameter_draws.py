"""Draws of parameters: each a function of the seed, its number and the parameter's name, and of nothing else.

So a draw is the same in every arm, and the same whatever other parameters a scenario has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from sim.errors import Problem, ScenarioError
from sim.event_log.log import Floats
from sim.numerics.compilation import entry
from sim.numerics.normal import normal_cdf
from sim.numerics.philox import uniform
from sim.pathway.rows import name_key, reject_equal_keys
from sim.scenario.language.model import Parameter
from sim.scenario.source.joint_uncertainty import cholesky
from sim.scenario.source.record import Uncertainty
from sim.uncertainty.marginals import (
    check_centres,
    dirichlet_counts,
    exponentials,
    log_gammas,
    marginals,
    rows,
    scores,
)

NO_PATIENT = -1
"""What stands for the patient in the counter of a parameter's draw: the word of patients is 0."""

Column = tuple[str, str]


def columns(parameters: Sequence[Parameter]) -> tuple[Column, ...]:
    """(name, key) of each number that is drawn, in the order of the parameters; key "" for one number."""
    return tuple((one.name, key) for one in parameters if one.drawn is not None for key, _ in one.values)


def draw_parameters(parameters: Sequence[Parameter], *, seed: int, draws: Sequence[int]) -> Floats:
    """The values of all `columns` in the draws with these numbers, in days and per day.

    float64 [n_draws, n_columns]. A row depends on the seed and the number of the draw alone, a column on
    its own name (and what it follows) alone. Philox4x64-10 with key (seed, 0) and counter (0, draw, hash
    of the name, 0); the name is `NAME.KEY` for an entry of a vector, and the file as written for a column
    of a table.
    Raises: ScenarioError where an uncertainty is not centred on its value, or a draw is not a finite number.
    """
    streams = _streams(parameters)
    names = list(dict.fromkeys(streams))
    keys = [name_key(name) for name in names]
    reject_equal_keys(names, keys)
    uniform = _compiled_uniform()
    u = {
        name: [uniform(seed, 0, NO_PATIENT, key, int(draw)) for draw in draws]
        for name, key in zip(names, keys, strict=True)
    }
    design = np.array([u[name] for name in streams], dtype=np.float64).T.reshape(len(draws), len(streams))
    return quantile_columns(parameters, design, draws=draws)


def quantile_columns(
    parameters: Sequence[Parameter], u: Floats, *, draws: Sequence[int] | None = None
) -> Floats:
    """The values of all `columns` for points of the unit cube, such as a Sobol design.

    u: float64 [n, n_columns] in (0, 1); float64 [n, n_columns], in days and per day. `follows`, Dirichlet and
    joint normal distributions couple columns as in a draw; columns of one table take the row that the
    first of them gives. draws: the numbers of the rows in messages, else 0, 1, ...
    Raises: ScenarioError as `draw_parameters`.
    """
    check_centres(tuple(parameters))
    drawn = {one.name: one for one in parameters if one.drawn is not None}
    place = {column: i for i, column in enumerate(columns(parameters))}
    own = {column: u[:, i] for column, i in place.items()}
    found = np.empty((len(u), len(place)))
    tables: dict[str, Floats] = {}
    coupled: dict[str, Floats] = {}
    for name, one in drawn.items():
        assert one.drawn is not None
        at = [place[name, key] for key, _ in one.values]
        if one.drawn.family == "dirichlet":
            found[:, at] = _dirichlet(one, one.drawn, u[:, at])
        elif one.drawn.family == "joint_normal":
            found[:, at] = _joint_normal(one, one.drawn, u[:, at])
        elif one.drawn.file:
            row = rows(tables.setdefault(one.drawn.file, own[name, ""]), len(one.drawn.sample))
            found[:, at[0]] = np.array(one.drawn.sample)[row]
        else:
            p = own[name, ""]
            if one.drawn.follows:
                z = _coupled(name, drawn, own, coupled)
                p = np.array([normal_cdf(float(x)) for x in z], dtype=np.float64)
            found[:, at[0]] = marginals(one)[""].quantiles(p)
    _check_finite(found, drawn, place, draws)
    return found


def at_quantile(parameter: Parameter, p: float, key: str = "") -> dict[str, float]:
    """The values of a parameter, by key, with one of its numbers at the quantile p: see `with_number`."""
    return with_number(parameter, marginals(parameter)[key].quantile(p), key)


def with_number(parameter: Parameter, value: float, key: str = "") -> dict[str, float]:
    """The values of a parameter, by key, with one of its numbers changed to `value`.

    The other shares of a Dirichlet distribution keep their proportions, the other entries of a joint normal
    their values. key: of the number, "" where there is one.
    """
    values = dict(parameter.values)
    if parameter.drawn is not None and parameter.drawn.family == "dirichlet":
        others = math.fsum(values.values()) - values[key]
        scale = (1.0 - value) / others if others > 0.0 else 0.0
        values = {other: share * scale for other, share in values.items()}
    return {**values, key: value}


@cache
def _compiled_uniform() -> Callable[..., float]:
    """`uniform` as machine code: a hundred parameters and a thousand draws call it often."""
    return entry(uniform)


def _streams(parameters: Sequence[Parameter]) -> list[str]:
    """The name under which each column draws its uniforms."""
    return [
        one.drawn.file or (f"{one.name}.{key}" if key else one.name)
        for one in parameters
        if one.drawn is not None
        for key, _ in one.values
    ]


def _coupled(
    name: str, drawn: Mapping[str, Parameter], own: Mapping[Column, Floats], known: dict[str, Floats]
) -> Floats:
    """The normal scores of a parameter and, through `follows`, of all it follows: a Gaussian copula."""
    if name not in known:
        z = scores(own[name, ""])
        uncertainty = drawn[name].drawn
        if uncertainty is not None and uncertainty.follows:
            other, rho = uncertainty.follows
            z = rho * _coupled(other, drawn, own, known) + math.sqrt(1.0 - rho * rho) * z
        known[name] = z
    return known[name]


def _dirichlet(parameter: Parameter, drawn: Uncertainty, u: Floats) -> Floats:
    """Gamma variables over their sum; a count of 0 gives 0. u, result: float64 [n, n_keys]."""
    counts = list(dirichlet_counts(parameter, drawn).values())
    logs = np.full(u.shape, -math.inf)
    for i, count in enumerate(counts):
        if count > 0.0:
            logs[:, i] = log_gammas(u[:, i], count)
    parts = exponentials(logs - logs.max(axis=1, keepdims=True))
    total = parts[:, 0].copy()
    for i in range(1, len(counts)):  # one by one: the order of numpy's own sum depends on the shape
        total += parts[:, i]
    return parts / total[:, None]


def _joint_normal(parameter: Parameter, drawn: Uncertainty, u: Floats) -> Floats:
    """Mean + L z with L L' the covariance, the exponential of it for logarithms. u, result: [n, n_keys]."""
    lower = cholesky(drawn.covariance)
    assert lower is not None, "checked where it was read"
    z = scores(u)
    found = np.empty(u.shape)
    for i, (key, value) in enumerate(parameter.values):
        moved = np.zeros(len(u))
        for j in range(i + 1):
            moved += lower[i][j] * z[:, j]
        found[:, i] = value * exponentials(moved) if key in drawn.log else value + moved
    return found


def _check_finite(
    found: Floats, drawn: Mapping[str, Parameter], place: Mapping[Column, int], draws: Sequence[int] | None
) -> None:
    if np.isfinite(found).all():
        return
    problems = []
    for (name, key), i in place.items():
        for row in np.flatnonzero(~np.isfinite(found[:, i]))[:1]:
            draw = int(row) if draws is None else int(draws[row])
            part = f" of `{key}`" if key else ""
            fact = f"draw {draw}{part} is beyond what numbers can hold"
            problems.append(Problem(drawn[name].where, fact, "give the uncertainty a smaller spread"))
    raise ScenarioError(problems)
