"""Each number of each uncertain parameter at both ends of its distribution, all others at their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from sim.errors import RunError, ScenarioError
from sim.event_log.log import Floats
from sim.scenario.checks.draws import check_draws
from sim.scenario.language.drawn import Column
from sim.uncertainty.model import Model
from sim.uncertainty.parameter_draws import at_quantile
from sim.uncertainty.sensitivity import name_of
from sim.uncertainty.study import base_values

QUANTILES = (0.001, 0.999)
TOGETHER = 40
"""Runs of a cohort that are evaluated as one log."""


def broken(model: Model) -> tuple[int, list[str]]:
    """The number of runs of a model of one arm, and the runs that go wrong: which, and why."""
    (arm,) = model.arms
    places = [
        (parameter, key, p) for parameter in arm.parameters for key, _ in parameter.values for p in QUANTILES
    ]
    values = base_values(arm, len(places))
    for i, (parameter, key, p) in enumerate(places):
        for other, value in at_quantile(parameter, p, key).items():
            values[parameter.name, other][i] = value
    found = [
        f"{name_of((places[i][0].name, places[i][1]))} at {100 * places[i][2]:g}%: {problem}"
        for first in range(0, len(places), TOGETHER)
        for i, problem in _problems(model, values, range(first, min(first + TOGETHER, len(places))))
    ]
    return len(places), found


def _problems(
    model: Model, values: Mapping[Column, Floats], points: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """The points at which a value is not allowed, the scenario fails or a share is no share, and why."""
    chosen = {column: array[list(points)] for column, array in values.items()}
    try:
        check_draws(model.arms[0].scenario, chosen, points, in_words=lambda _: "at this end")
        estimates = model.evaluate([chosen], [0] * len(points)).estimates[:, 0]
    except (ScenarioError, RunError) as error:
        if len(points) == 1:
            yield points[0], str(error)
            return
        for point in points:
            yield from _problems(model, values, [point])
        return
    for point, numbers in zip(points, estimates.tolist(), strict=True):
        for measure, number in zip(model.measures, numbers, strict=True):
            if measure.unit in ("share", "probability") and not (isnan(number) or 0.0 <= number <= 1.0):
                yield point, f"{measure.outcome} is {number:g}"
                break
