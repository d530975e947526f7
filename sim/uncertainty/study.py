"""The one number of the arms that a sensitivity analysis is about, for any values of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from sim.engine.processes import in_parts
from sim.errors import InputError, Problem, ScenarioError, did_you_mean
from sim.event_log.log import Floats
from sim.runs.run import QUIET, Progress, RunRequest
from sim.scenario.checks.draws import check_draws
from sim.scenario.language.drawn import Column
from sim.scenario.language.model import Parameter
from sim.uncertainty.marginals import check_centres
from sim.uncertainty.model import ArmModel, Measure, Model
from sim.uncertainty.parameter_draws import columns
from sim.uncertainty.psa import TOGETHER, is_worth_processes, model_of

HEADLINES = ("survival", "cumulative_incidence", "share", "mean", "discounted", "restricted_mean")
"""Measures that stand for their outcome, the first that it has."""

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class SensitivityRequest:
    """A request for an analysis of the parameters of one or more arms.

    arms: what each arm is simulated from, all with the same seed, patients and times. decided: the outcome
    to analyse, "" for net benefit, else the first survival outcome. parameters: names of those to vary,
    none for all with an uncertainty. assumed_spread: as in `PsaRequest`.
    """

    arms: tuple[RunRequest, ...]
    decided: str = ""
    parameters: tuple[str, ...] = ()
    assumed_spread: float | None = None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes to evaluate, none for all."""
        return (self.decided,) if self.decided else ()

    @property
    def seed(self) -> int:
        """The seed of all random numbers."""
        return self.arms[0].seed


@dataclass(frozen=True)
class Study:
    """Arms and the one number of them that is analysed, with the same patients in every run.

    model: with this one measure. estimates: float64 [n_arms]; influences: float64 [n_arms, n_patients], at
    the base values; see `Evaluated`.
    """

    request: SensitivityRequest
    model: Model
    estimates: Floats
    influences: Floats

    @property
    def measure(self) -> Measure:
        """The number that is analysed."""
        return self.model.measures[0]

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The results: (arm, "") for one arm, else each other arm and the first, from which it differs."""
        first, *others = (arm.name for arm in self.model.arms)
        return tuple((arm, first) for arm in others) or ((first, ""),)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The numbers that vary in any arm, in the order of the files."""
        found = dict.fromkeys(column for arm in self.model.arms for column in columns(arm.parameters))
        wanted = self.request.parameters
        return tuple(column for column in found if not wanted or column[0] in wanted)

    def parameter(self, arm: ArmModel, name: str) -> Parameter | None:
        """An uncertain parameter of an arm, None where it has none of this name."""
        return next((one for one in arm.parameters if one.name == name), None)

    def first_parameter(self, column: Column) -> Parameter:
        """The parameter of a number, as the first arm that has it."""
        every = (one for arm in self.model.arms for one in arm.parameters)
        return next(one for one in every if one.name == column[0] and column[1] in dict(one.values))

    def contrasts(self, numbers: Floats) -> Floats:
        """The numbers of the arms as those of the `pairs`; arms along the first axis."""
        return numbers if len(numbers) == 1 else numbers[1:] - numbers[0]

    @property
    def errors(self) -> Floats:
        """The standard error of the number of each of the `pairs` at base: float64 [n_pairs]."""
        return standard_errors(self.contrasts(self.influences))


def standard_errors(influences: Floats) -> Floats:
    """Standard errors from influences [..., n_patients]."""
    found: Floats = np.sqrt(np.sum(influences * influences, axis=-1))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Values at which the arms are simulated.

    places: of each point in words, for errors. values: of each arm, float64 [n_points] for each parameter.
    """

    places: tuple[str, ...]
    values: tuple[Mapping[Column, Floats], ...]

    def part(self, first: int, after: int) -> Points:
        """The points first to after (not included)."""
        values = [{column: array[first:after] for column, array in one.items()} for one in self.values]
        return Points(self.places[first:after], tuple(values))


def study_of(request: SensitivityRequest) -> Study:
    """Simulate the arms at their base values, and choose the number to analyse.

    Raises: as `model_of`; InputError for an unknown parameter or an outcome without a known number.
    """
    whole, _ = model_of(request)
    asked = whole.measures[: len(whole.measures) - whole.n_curve]
    model = replace(whole, measures=(chosen_measure(asked, request.decided),), n_curve=0)
    _check_parameters(request.parameters, model)
    for arm in model.arms:
        check_centres(arm.parameters)
    base = Points(("at the base values",), tuple(base_values(arm, 1) for arm in model.arms))
    estimates, influences = evaluated(model, base)
    if not np.isfinite(estimates).all():
        fact = f"outcomes: {model.measures[0].outcome} is unknown at the base values"
        raise InputError(fact, "simulate more patients, or name another outcome")
    return Study(request, model, estimates[0], influences[0])


def chosen_measure(measures: Sequence[Measure], outcome: str) -> Measure:
    """The measure of an outcome that stands for it, at its last time.

    outcome: "" for net benefit where there is any, else the first survival outcome, else the first one.
    Raises: InputError where there is none.
    """
    own = [one for one in measures if one.outcome == outcome]
    if not outcome:
        worth = [one for one in measures if one.outcome == "net_benefit"]
        first = (worth or [one for one in measures if one.measure == "survival"] or measures)[:1]
        own = [one for one in measures if one.outcome == first[0].outcome] if first else []
    for name in HEADLINES:
        found = [one for one in own if one.measure == name]
        if found:
            return [one for one in found if one.part == found[0].part][-1]
    fact = f"outcomes: {outcome or 'the scenario'} has no number that parameters are analysed by"
    raise InputError(fact, "name one with a survival, incidence, share or mean")


def _check_parameters(names: Sequence[str], model: Model) -> None:
    known = {one.name for arm in model.arms for one in arm.parameters}
    declared = {one.name for arm in model.arms for one in arm.scenario.parameters}
    for name in names:
        if name not in known:
            fact = f"there is no parameter {name}"
            fix = did_you_mean(name, known) or "`allpath describe` lists the parameters"
            if name in declared:
                fact = f"{name} has no uncertainty"
                fix = "write `uncertainty: {beta: {n: 50}}` beside its value, or assume a spread"
            raise InputError(f"parameters: {fact}", fix)


def base_values(arm: ArmModel, n: int) -> dict[Column, Floats]:
    """The base values of an arm's uncertain parameters at n points."""
    return {(one.name, key): np.full(n, value) for one in arm.parameters for key, value in one.values}


# ---------------------------------------------------------------- simulated


def evaluated(model: Model, points: Points) -> tuple[Floats, Floats]:
    """The measure of the arms at these points: [n_points, n_arms], and influences [..., n_patients].

    Raises: ScenarioError naming the place of a point where a rule is broken, else as `Model.evaluate`.
    """
    try:
        found = model.evaluate(points.values, [0] * len(points.places))
    except ScenarioError as error:
        raise _with_place(error, model, points) from None
    return found.estimates[:, :, 0], np.stack([one[:, 0] for one in found.influences])


def _with_place(error: ScenarioError, model: Model, points: Points) -> ScenarioError:
    """The error of the first point that has one, its place in the message."""
    for i, place in enumerate(points.places):
        for arm, values in zip(model.arms, points.values, strict=True):
            try:
                arm.pathway.at({column: float(array[i]) for column, array in values.items()})
            except ScenarioError as own:
                return ScenarioError(Problem(p.where, f"{p.fact} ({place})", p.fix) for p in own.problems)
    return error


def check_points(study: Study, points: Points) -> None:
    """Raises: ScenarioError naming the parameter, and the place of the point where it breaks a rule."""
    for arm, values in zip(study.model.arms, points.values, strict=True):
        check_draws(
            arm.scenario, values, range(len(points.places)), in_words=lambda number: points.places[number]
        )


def at_points(
    work: Callable[[Study, Points], Done],
    study: Study,
    points: Points,
    *,
    together: int = 1,
    progress: Progress = QUIET,
) -> list[Done]:
    """The results of `work(study, part)` for all points in order, in processes where these save time.

    together: points that stay in one part, such as both ends of a bar.
    """
    check_points(study, points)
    n = len(points.places)
    step = together * max(1, TOGETHER // study.model.n_patients // together)
    parts = [points.part(first, min(first + step, n)) for first in range(0, n, step)]
    found: list[Done] = []

    def take(done: Done) -> None:
        found.append(done)
        progress.share(len(found) / len(parts))

    progress.step("engine")
    is_worth = len(parts) > 1 and is_worth_processes(n, study.model)
    workers = study.request.arms[0].workers
    in_parts(work, study, parts, workers=workers, take=take, is_worth_processes=is_worth)
    return found
