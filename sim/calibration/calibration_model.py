"""Published figures as a function of the parameters: scenarios simulated with the same random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isnan, nan

import numpy as np

from sim.calibration.target_values import evaluate_figures, evaluations_of, key_of, times_of
from sim.calibration.targets import Figure, Use
from sim.engine.processes import Workers, in_parts
from sim.engine.variants import simulate_variants
from sim.errors import RunError
from sim.event_log.log import Floats
from sim.numerics.normal import normal_cdf
from sim.outcomes.evaluation import Arm, Evaluator
from sim.outcomes.results import NORMAL_975, Key
from sim.pathway.drawn_tables import ParameterPathway
from sim.runs.run import QUIET, Progress, check_rules
from sim.scenario.checks.draws import check_draws
from sim.scenario.language.model import Parameter, Scenario
from sim.uncertainty.parameter_draws import quantile_columns
from sim.units import days

TOGETHER = 40_000
"""Patients simulated together, with all events in memory."""
WORTH_PROCESSES = 100_000
"""Patients from which on other processes save more than the second that they take to begin."""


@dataclass(frozen=True)
class TargetScenario:
    """A scenario of the targets.

    shared: of each calibrated parameter that it has, its index. acting: those of them that its used figures
    react to. figures: indices of those of the model that it gives. kept: the calibrated parameters that have
    another value in it, and keep that. fixed: parameters that are not calibrated after all, and their values.
    """

    file: str
    pathway: ParameterPathway
    shared: tuple[int, ...]
    acting: tuple[int, ...]
    figures: tuple[int, ...]
    kept: tuple[str, ...] = ()
    fixed: tuple[tuple[str, float], ...] = ()

    @property
    def scenario(self) -> Scenario:
        """The scenario at its base values."""
        return self.pathway.pathway.scenario


@dataclass(frozen=True, slots=True, eq=False)
class FigureValues:
    """Simulated figures at some points, in the unit of each: float64 [n_points, n_figures].

    estimates: a median that is not reached is the horizon. errors: standard errors of the simulation.
    patients: behind each figure. All nan for figures that were not asked for.
    """

    estimates: Floats
    errors: Floats
    patients: Floats

    def rows(self, chosen: slice | Sequence[int]) -> FigureValues:
        """The values at some of the points."""
        return FigureValues(self.estimates[chosen], self.errors[chosen], self.patients[chosen])


@dataclass(frozen=True, slots=True)
class _Part:
    """Points of one scenario that one process simulates. values: [n, n_shared], in days and per day."""

    scenario: int
    rows: tuple[int, ...]
    values: Floats


@dataclass(frozen=True)
class CalibrationModel:
    """All figures for any values of the calibrated parameters.

    parameters: with their priors as `drawn`. base: their values in the scenario, in days and per day.
    figures: those of a scenario each, held back ones too. keys: which number of the outcome each is. Every
    point has the same patients with the same random numbers (replication 0 of the seed), so that figures
    are as smooth in the parameters as the number of patients allows.
    """

    parameters: tuple[Parameter, ...]
    base: tuple[float, ...]
    figures: tuple[Figure, ...]
    keys: tuple[Key, ...]
    scenarios: tuple[TargetScenario, ...]
    seed: int
    patients: int
    workers: Workers = None

    @cached_property
    def is_used(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether the parameters are calibrated to each figure, or it is held back."""
        return np.array([figure.use is Use.CALIBRATION for figure in self.figures])

    def values(self, z: Floats) -> Floats:
        """The parameters at normal scores of their priors: float64 [n, n_parameters] for the same shape."""
        u = np.array([normal_cdf(float(x)) for x in z.ravel()]).reshape(z.shape)
        return quantile_columns(self.parameters, u)

    def simulate(
        self,
        values: Floats,
        *,
        held_back: bool = False,
        most: Sequence[int] = (),
        progress: Progress = QUIET,
    ) -> FigureValues:
        """All figures at some points. values: float64 [n_points, n_parameters], in days and per day.

        held_back: whether those that are held back are needed as well. most: of each scenario, how many of
        the points are needed; none for all.
        Raises: ScenarioError where a value breaks a rule of a scenario; RunError.
        """
        shape = len(values), len(self.figures)
        found = FigureValues(*(np.full(shape, nan) for _ in range(3)))
        copies = self._copies(values, held_back=held_back, most=most)
        parts = list(self._parts(values, copies))
        total, done = sum(len(part.values) for part in parts), 0

        def take(result: tuple[_Part, FigureValues]) -> None:
            nonlocal done
            part, own = result
            columns = list(self.scenarios[part.scenario].figures)
            for i, row in enumerate(part.rows):
                for copy in copies[part.scenario][row]:
                    for into, out in zip(_arrays(found), _arrays(own), strict=True):
                        into[copy, columns] = out[i]
            done += len(part.values)
            progress.share(done / total)

        is_worth = len(parts) > 1 and total * self.patients >= WORTH_PROCESSES
        in_parts(simulate_part, self, parts, workers=self.workers, take=take, is_worth_processes=is_worth)
        return found

    def check(self, values: Floats) -> None:
        """Raises: ScenarioError where one of these values breaks a rule of a scenario."""
        for one in self.scenarios:
            self._check(one, values)

    def _copies(self, values: Floats, *, held_back: bool, most: Sequence[int]) -> list[dict[int, list[int]]]:
        """For each scenario: the first point with the same values that act in it, and all such points."""
        found = []
        for number, one in enumerate(self.scenarios):
            first: dict[bytes, int] = {}
            rows: dict[int, list[int]] = {}
            if held_back or self.is_used[list(one.figures)].any():
                chosen = values[: most[number]] if most else values
                for i, row in enumerate(chosen[:, one.shared if held_back else one.acting]):
                    rows.setdefault(first.setdefault(row.tobytes(), i), []).append(i)
            found.append(rows)
        return found

    def _parts(self, values: Floats, copies: Sequence[dict[int, list[int]]]) -> Iterator[_Part]:
        for number, one in enumerate(self.scenarios):
            rows = list(copies[number])
            if rows:
                self._check(one, values[rows])
            step = max(1, TOGETHER // self.patients)
            for first in range(0, len(rows), step):
                chosen = tuple(rows[first : first + step])
                yield _Part(number, chosen, values[np.ix_(chosen, one.shared)])

    def _check(self, one: TargetScenario, values: Floats) -> None:
        """Raises: ScenarioError naming a parameter that has no such value."""
        columns = {(self.parameters[i].name, ""): values[:, i] for i in one.shared}
        columns |= {(name, ""): np.full(len(values), value) for name, value in one.fixed}
        check_draws(one.scenario, columns, range(len(values)), in_words=lambda _: "in the calibration")


def _arrays(values: FigureValues) -> tuple[Floats, Floats, Floats]:
    return values.estimates, values.errors, values.patients


def simulate_part(model: CalibrationModel, part: _Part) -> tuple[_Part, FigureValues]:
    """The figures of one scenario at some points, in the order of its figures."""
    one = model.scenarios[part.scenario]
    columns = [(model.parameters[i].name, "") for i in one.shared]
    fixed = {(name, ""): value for name, value in one.fixed}
    pathways = [
        one.pathway.at({**dict(zip(columns, row.tolist(), strict=True)), **fixed}) for row in part.values
    ]
    groups = [pathways] if not one.pathway.is_read else [[pathway] for pathway in pathways]
    found: list[Floats] = []
    for group in groups:
        result = simulate_variants([(pathway, 0) for pathway in group], seed=model.seed)
        arm = Arm("", group[0].scenario, result.log, result.use, model.seed, len(group))
        check_rules(arm)
        found.append(_figures(model, one, arm))
    estimates, errors, patients = np.concatenate(found, axis=1)
    return part, FigureValues(estimates, errors, patients)


def _figures(model: CalibrationModel, one: TargetScenario, arm: Arm) -> Floats:
    """Estimate, standard error and patients of each figure: float64 [3, n_replications, n_figures]."""
    figures = [model.figures[i] for i in one.figures]
    found = np.empty((3, arm.replications, len(figures)))
    for column, (figure, values) in enumerate(evaluate_figures(arm, figures)):
        longest = arm.scenario.horizon / days(f"1 {figure.unit}") if figure.unit else nan
        for row, value in enumerate(values):
            if not value.n:
                fact = f"{figure.label}: nobody reaches the outcome {figure.outcome} of {figure.scenario}"
                raise RunError(f"{fact}\n    simulate more patients")
            estimate = longest if figure.unit and isnan(value.value) else value.value
            error = (estimate - value.low) / NORMAL_975 if value.high == inf else value.error
            found[:, row, column] = estimate, error, value.n
    return found


def figure_keys(scenario: Scenario, arm: Arm, figures: Sequence[Figure]) -> list[Key]:
    """Which number of its outcome each figure is, from a log of the scenario.

    Raises: ScenarioError for a figure that the scenario has no number for.
    """
    evaluator = Evaluator(arm, at=times_of(figures))
    return [key_of(figure, evaluation) for figure, evaluation in evaluations_of(evaluator, figures)]
