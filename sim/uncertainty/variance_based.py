"""Sobol indices of arms: the share of the variance of their number that each parameter explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.event_log.log import Floats
from sim.runs.run import QUIET, Progress, check_whole
from sim.scenario.language.drawn import Column
from sim.scenario.language.model import Parameter
from sim.uncertainty.model import ArmModel
from sim.uncertainty.parameter_draws import columns, quantile_columns
from sim.uncertainty.sobol import SobolIndices, sobol_design, sobol_indices
from sim.uncertainty.study import Points, Study, at_points, base_values, evaluated


def simulated_indices(study: Study, *, power: int, progress: Progress = QUIET) -> list[list[SobolIndices]]:
    """First and total order indices of every factor, for each of the study's `pairs`.

    2^power base points, each simulated (factors + 2) times in all arms, with the same patients: see
    `sobol_design`. Parameters that do not vary keep their base values.
    Raises: InputError for a power below 2 or above 20; ScenarioError naming the parameter and the point.
    """
    check_whole("sobol", power, 2, 20)
    factors = factors_of([arm.parameters for arm in study.model.arms], study.columns)
    place = {column: i for i, column in enumerate(column for own in factors.values() for column in own)}
    design = sobol_design(
        {name: [place[column] for column in own] for name, own in factors.items()},
        power=power,
        seed=study.request.seed,
    )
    places = [f"at point {i} of the design" for i in range(len(design.points))]
    values = [_values(arm, place, design.points) for arm in study.model.arms]
    parts = at_points(simulate_results, study, Points(tuple(places), tuple(values)), progress=progress)
    results = np.concatenate(parts)
    return [sobol_indices(design, results[:, pair]) for pair in range(len(study.pairs))]


def factors_of(
    arms: Sequence[Sequence[Parameter]], varied: Sequence[Column]
) -> Mapping[str, tuple[Column, ...]]:
    """The numbers that vary, those that depend on one another together, by the name of the first parameter.

    A vector is one factor, and so are parameters that follow one another or are drawn from one table, in
    any arm. A factor is complete: it has all numbers that one of the varied ones depends on.
    """
    every = list(dict.fromkeys(column for parameters in arms for column in columns(parameters)))
    group = {name: name for name, _ in every}

    def first(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    tables: dict[str, str] = {}
    for one in (one for parameters in arms for one in parameters if one.drawn is not None):
        assert one.drawn is not None
        others = [one.drawn.follows[0]] if one.drawn.follows else []
        if one.drawn.file:
            others.append(tables.setdefault(one.drawn.file, one.name))
        for other in others:
            group[first(one.name)] = first(other)
    wanted = {first(name) for name, _ in varied}
    found: dict[str, tuple[Column, ...]] = {}
    heads: dict[str, str] = {}
    for column in every:
        root = first(column[0])
        if root in wanted:
            head = heads.setdefault(root, column[0])
            found[head] = (*found.get(head, ()), column)
    return found


def _values(arm: ArmModel, place: Mapping[Column, int], points: Floats) -> dict[Column, Floats]:
    """An arm's parameters at points of the unit cube. place: the column of each number that varies."""
    own = columns(arm.parameters)
    u = np.full((len(points), len(own)), 0.5)
    for i, column in enumerate(own):
        if column in place:
            u[:, i] = points[:, place[column]]
    table = quantile_columns(arm.parameters, u)
    found = base_values(arm, len(points))
    return {column: table[:, i] if column in place else found[column] for i, column in enumerate(own)}


def simulate_results(study: Study, part: Points) -> Floats:
    """The number of each of the study's `pairs` at these points: float64 [n_points, n_pairs]."""
    estimates, _ = evaluated(study.model, part)
    return np.stack([study.contrasts(one) for one in estimates])
