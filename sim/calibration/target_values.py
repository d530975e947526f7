"""The simulated value that corresponds to a published figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan

from sim import units
from sim.calibration.targets import Figure
from sim.engine.run import simulate
from sim.errors import Problem, ScenarioError, did_you_mean
from sim.outcomes.evaluation import Arm, Evaluation, Evaluator
from sim.outcomes.results import MEDIAN, NORMAL_975, Estimate, Key
from sim.pathway.tables import compile_pathway
from sim.runs.run import check_rules
from sim.scenario import load


@dataclass(frozen=True, slots=True)
class Simulated:
    """A value with its 95% Monte Carlo interval, in the unit of its figure; n: patients behind it."""

    value: float
    low: float
    high: float
    n: int

    @property
    def error(self) -> float:
        """Standard error, from the wider half of the interval."""
        return max(self.value - self.low, self.high - self.value) / NORMAL_975


def times_of(figures: Iterable[Figure]) -> tuple[float, ...]:
    """Every time at which these figures read a curve, days, increasing."""
    return tuple(sorted({figure.at for figure in figures if figure.at is not None}))


def simulate_figures(figures: Sequence[Figure], *, patients: int, seed: int) -> dict[Figure, Simulated]:
    """The simulated value of each figure that applies; each scenario is simulated once.

    Raises: ScenarioError where a scenario is wrong or has no number for a figure; RunError.
    """
    found = {}
    for file in dict.fromkeys(figure.scenario for figure in figures if figure.applies):
        own = [figure for figure in figures if figure.scenario == file]
        scenario = load(file, settings=(f"patients.number={patients}",))
        result = simulate(compile_pathway(scenario), seed=seed)
        arm = Arm("", scenario, result.log, result.use, seed, 1)
        check_rules(arm)
        for figure, (simulated,) in evaluate_figures(arm, own):
            found[figure] = simulated
    return found


def evaluate_figures(arm: Arm, figures: Sequence[Figure]) -> Iterator[tuple[Figure, list[Simulated]]]:
    """Each figure with its simulated value in each replication of an arm.

    Raises: ScenarioError where the scenario has no number for a figure.
    """
    evaluator = Evaluator(arm, at=times_of(figures))
    for figure, evaluation in evaluations_of(evaluator, figures):
        key = key_of(figure, evaluation)
        replications = evaluation.groups[""].by_replication
        yield figure, [simulated_value(figure, one.estimates[key]) for one in replications]


def evaluations_of(evaluator: Evaluator, figures: Sequence[Figure]) -> Iterator[tuple[Figure, Evaluation]]:
    """Each figure with its outcome evaluated, each outcome once.

    Raises: ScenarioError for a figure of an outcome that the scenario does not have.
    """
    outcomes = {outcome.name: outcome for outcome in evaluator.outcomes}
    made: dict[str, Evaluation] = {}
    for figure in figures:
        if figure.outcome not in outcomes:
            fact = f"there is no outcome {figure.outcome} in {figure.scenario}"
            fix = did_you_mean(figure.outcome, outcomes) or "declare it under `outcomes` of that scenario"
            raise ScenarioError([Problem(figure.where, fact, fix)])
        if figure.outcome not in made:
            made[figure.outcome] = evaluator.evaluate(replace(outcomes[figure.outcome], by=None))
        yield figure, made[figure.outcome]


def key_of(figure: Figure, evaluation: Evaluation) -> Key:
    """Which number of an outcome corresponds to a figure.

    Of a curve that at the figure's time; a step of a funnel, counted from 1, among the patients of the step
    before; a category; else of a time the median, and of a share the headline.
    Raises: ScenarioError where the outcome has no such number.
    """
    estimates: Mapping[Key, Estimate] = evaluation.groups[""].by_replication[0].estimates
    headline = evaluation.endpoint.description.headline
    shares = [key for key in estimates if key.measure == "share"]
    if figure.step is not None:
        key = shares[figure.step - 1] if figure.step <= len(shares) else Key("share", f"step {figure.step}")
    elif figure.category:
        key = Key("share", figure.category)
    elif figure.at is not None:
        key = Key(headline.measure, "", figure.at)
    else:
        key = MEDIAN_KEY if figure.unit else headline
    if figure.at is None and key.time is not None:
        fact = f"the outcome {figure.outcome} of {figure.scenario} is a curve"
        raise ScenarioError([Problem(figure.where, fact, "say `at` which time it was published")])
    if key not in estimates:
        fact = f"the outcome {figure.outcome} of {figure.scenario} has no {_in_words(key)}"
        fix = f"it has {', '.join(dict.fromkeys(map(_in_words, estimates)))}"
        raise ScenarioError([Problem(figure.where, fact, fix)])
    return key


MEDIAN_KEY = Key(MEDIAN)


def simulated_value(figure: Figure, estimate: Estimate) -> Simulated:
    """An estimate in the unit of its figure; an upper limit that is not reached is infinity."""
    scale = units.days(f"1 {figure.unit}") if figure.unit else 1.0
    high = inf if figure.unit and isnan(estimate.high) else estimate.high
    return Simulated(estimate.value / scale, estimate.low / scale, high / scale, estimate.n)


def _in_words(key: Key) -> str:
    time = "" if key.time is None else f" at {units.time_text(key.time)}"
    return f"{key.measure}{f' of {key.part}' if key.part else ''}{time}"
