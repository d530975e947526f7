"""Arms as a function of their parameters: the outcomes of every arm for given values, with their noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import nan
from typing import NamedTuple

import numpy as np

from sim.economics.endpoints import endpoints
from sim.economics.program import Program, write_program
from sim.engine.variants import simulate_variants
from sim.errors import ScenarioError
from sim.event_log.log import Floats
from sim.outcomes.endpoints.time_to_event import Observation
from sim.outcomes.evaluation import Arm, Evaluation, Evaluator
from sim.outcomes.results import Figures, Key
from sim.outcomes.summary import unit_of
from sim.pathway.drawn_tables import ParameterPathway
from sim.pathway.tables import Pathway
from sim.runs.run import check_rules
from sim.scenario.language.drawn import Column, Values
from sim.scenario.language.model import Outcome, Parameter, Scenario

MEASURES = frozenset({"cumulative_incidence", "discounted", "mean", "restricted_mean", "share", "survival"})
"""Measures that are smooth in the parameters and have a standard error over patients."""
LEFT_OUT = frozenset({"cost_by_stage", "cost_by_year", "capacity_cost", "net_benefit_by_threshold"})
"""Economic outcomes that other outcomes of an analysis imply, or that no decision is about."""


class Measure(NamedTuple):
    """One number of an outcome; time: days, nan where there is none."""

    outcome: str
    part: str
    measure: str
    time: float
    unit: str

    @property
    def key(self) -> Key:
        """The same as the key of an estimate."""
        return Key(self.measure, self.part, None if np.isnan(self.time) else self.time)


@dataclass(frozen=True)
class ArmModel:
    """An arm for any values of its parameters. parameters: those of its scenario that are varied."""

    name: str
    label: str
    pathway: ParameterPathway
    parameters: tuple[Parameter, ...]

    @property
    def scenario(self) -> Scenario:
        """The scenario at its base values."""
        return self.pathway.pathway.scenario

    @cached_property
    def _prices(self) -> Program | None:
        if self.scenario.economics is None:
            return None
        return write_program(self.scenario, self.pathway.pathway.names)

    def prices_at(self, values: Sequence[Values]) -> Program | None:
        """The prices and utilities of each of several draws, None where the arm is not valued."""
        return None if self._prices is None else self._prices.at(values)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """All measures of every arm in some draws.

    estimates: float64 [n_draws, n_arms, n_measures]. noise: float64 [n_draws, n_measures, n_arms, n_arms],
    the covariance of their simulation errors; nan where patients depend on each other. economic: float64
    [n_draws, 2 n_arms, 2 n_arms], of the errors of the costs of all arms, then of the QALYs.
    influences: of each draw float64 [n_arms, n_measures, n_patients], see `Figures`.
    """

    estimates: Floats
    noise: Floats
    economic: Floats
    influences: list[Floats]


@dataclass(frozen=True)
class Model:
    """Arms that are simulated with the same patients. observations: see `Evaluator`, by arm and outcome.

    n_curve: the last of the measures, survival at further times, which only its curve over draws reads.
    """

    arms: tuple[ArmModel, ...]
    measures: tuple[Measure, ...]
    at: tuple[float, ...]
    seed: int
    observations: tuple[Mapping[str, Observation], ...] = ()
    n_patients: int = 1
    n_curve: int = 0

    @property
    def asked(self) -> tuple[Measure, ...]:
        """The measures that are reported as numbers, the first ones."""
        return self.measures[: len(self.measures) - self.n_curve]

    def simulate_base(self, number: int) -> Arm:
        """The log of an arm at the base values of its parameters."""
        arm = self.arms[number]
        pathway = arm.pathway.at_base
        result = simulate_variants([(pathway, 0)], seed=self.seed)
        return Arm(arm.name, pathway.scenario, result.log, result.use, self.seed, 1)

    def evaluate(
        self,
        values: Sequence[Mapping[Column, Floats]],
        replications: Sequence[int],
        *,
        numbers: Sequence[int] = (),
    ) -> Evaluated:
        """All measures for each row of these values.

        values: for each arm, float64 [n_draws] for each of its parameters. replications: the replication
        with the random numbers of each draw. numbers: of the draws, for messages.
        Raises: RunError, RuleViolation, ScenarioError.
        """
        each = [self._arm(number, values[number], replications, numbers) for number in range(len(self.arms))]
        n = len(replications)
        influences = [np.stack([arm[1][draw] for arm in each]) for draw in range(n)]
        return Evaluated(
            np.stack([arm[0] for arm in each], axis=1),
            np.stack([np.einsum("akp,bkp->kab", one, one) for one in influences]),
            np.stack([self._economic(one) for one in influences]),
            influences,
        )

    @property
    def is_valued(self) -> bool:
        """Whether the arms have costs and QALYs."""
        return bool(self.cost_and_qaly)

    def _economic(self, influences: Floats) -> Floats:
        if not self.is_valued:
            return np.empty((0, 0))
        both = np.concatenate([influences[:, k] for k in self.cost_and_qaly])
        found: Floats = np.einsum("ap,bp->ab", both, both)
        return found

    @cached_property
    def cost_and_qaly(self) -> list[int]:
        """The measures of cost and QALYs, none where the arms are not valued."""
        names = [(measure.outcome, measure.part, measure.measure) for measure in self.measures]
        wanted = [(name, "", "discounted") for name in ("cost", "qaly")]
        return [names.index(one) for one in wanted] if set(wanted) <= set(names) else []

    def _arm(
        self,
        number: int,
        values: Mapping[Column, Floats],
        replications: Sequence[int],
        numbers: Sequence[int],
    ) -> tuple[Floats, list[Floats]]:
        arm = self.arms[number]
        pathways = [_pathway(arm, values, i, numbers) for i in range(len(replications))]
        variants = list(zip(pathways, replications, strict=True))
        rows = [{column: float(array[i]) for column, array in values.items()} for i in range(len(variants))]
        together = [slice(None)] if not arm.pathway.is_read else [slice(i, i + 1) for i in range(len(rows))]
        estimates, influences = [], []
        for some in together:
            result = simulate_variants(variants[some], seed=self.seed)
            scenario = variants[some][0][0].scenario
            log = Arm(arm.name, scenario, result.log, result.use, self.seed, len(variants[some]))
            for one, influence in self.evaluate_log(number, log, prices=arm.prices_at(rows[some])):
                estimates.append(one)
                influences.append(influence)
        return np.stack(estimates), influences

    def evaluate_log(
        self, number: int, arm: Arm, *, prices: Program | None = None
    ) -> Iterator[tuple[Floats, Floats]]:
        """Estimates [n_measures] and influences [n_measures, n_patients] of each replication of an arm.

        number: of the arm. prices: of each replication, None for those of the scenario.
        Raises: RuleViolation.
        """
        check_rules(arm)
        evaluator = evaluator_of(arm, at=self.at, observations=self.observations[number], prices=prices)
        evaluations = evaluate_all(evaluator, {measure.outcome for measure in self.measures})
        first = np.searchsorted(arm.log.replication, np.arange(arm.replications + 1))
        for draw in range(arm.replications):
            n_patients = int(first[draw + 1] - first[draw])
            estimates = np.full(len(self.measures), nan)
            influences = np.full((len(self.measures), n_patients), nan)
            for k, measure in enumerate(self.measures):
                evaluation = evaluations.get(measure.outcome)
                if evaluation is not None:
                    group = evaluation.groups[""]
                    figures = group.by_replication[draw]
                    chosen = group.patients[group.edges[draw] : group.edges[draw + 1]] - first[draw]
                    if measure.key in figures.estimates:
                        estimates[k] = figures.estimates[measure.key].value
                    if not arm.scenario.shared:
                        _spread(influences[k], figures, measure.key, chosen)
            yield estimates, influences


def _pathway(arm: ArmModel, values: Mapping[Column, Floats], i: int, numbers: Sequence[int]) -> Pathway:
    """The pathway for row i of these values. Raises: ScenarioError naming parameters and draw."""
    try:
        return arm.pathway.at({column: float(array[i]) for column, array in values.items()})
    except ScenarioError as error:
        if not numbers:
            raise
        raise ScenarioError(
            [replace(one, fact=f"{one.fact} in draw {numbers[i]}") for one in error.problems]
        ) from None


def _spread(row: Floats, figures: Figures, key: Key, chosen: Floats) -> None:
    """Put the influences of the chosen patients into the row of all patients, 0 for the others."""
    influence = figures.influences[key]() if key in figures.influences else None
    if influence is not None:
        row[:] = 0.0
        row[chosen] = influence


def evaluator_of(
    arm: Arm, *, at: Sequence[float], observations: Mapping[str, Observation], prices: Program | None = None
) -> Evaluator:
    """The evaluator of an arm, with costs and health where it values these; prices: as of `evaluate_log`."""
    further = partial(endpoints, program=prices) if arm.scenario.economics is not None else None
    return Evaluator(arm, at=at, observations=observations, further=further)


def evaluate_all(evaluator: Evaluator, names: set[str]) -> dict[str, Evaluation]:
    """The outcomes of these names, not grouped."""
    return {
        outcome.name: evaluator.evaluate(replace(outcome, by=None))
        for outcome in evaluator.outcomes
        if outcome.name in names
    }


def measures_of(evaluator: Evaluator, outcomes: Sequence[Outcome]) -> Iterator[Measure]:
    """The measures of these outcomes that an analysis of parameters can take."""
    for outcome in outcomes:
        if outcome.name in LEFT_OUT:
            continue
        evaluation = evaluator.evaluate(replace(outcome, by=None))
        for key in evaluation.groups[""].by_replication[0].estimates:
            if key.measure in MEASURES:
                time = nan if key.time is None else key.time
                unit = unit_of(key, evaluation.endpoint.description)
                yield Measure(outcome.name, key.part, key.measure, time, unit)
