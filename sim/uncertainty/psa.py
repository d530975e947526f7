"""Probabilistic sensitivity analysis: all arms simulated for many draws of their parameters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from math import ceil, inf
from pathlib import Path
from typing import Protocol, Unpack

import numpy as np

from sim.engine.processes import in_parts
from sim.engine.run import MOST_IN_ALL, check_size, ensure_compiled, machine_memory
from sim.errors import InputError
from sim.event_log.log import Floats
from sim.outcomes.comparison.comparability import check_comparable
from sim.outcomes.endpoints.time_to_event import TimeToEvent
from sim.pathway.drawn_tables import ParameterPathway
from sim.runs.comparison import distinct, name_of
from sim.runs.run import (
    QUIET,
    Progress,
    RunOptions,
    RunRequest,
    check_outcomes,
    check_whole,
    check_word,
    outcome_called,
)
from sim.scenario import load
from sim.scenario.checks.draws import check_draws, uses
from sim.scenario.language.drawn import Column
from sim.scenario.language.model import Parameter, Scenario
from sim.uncertainty.assumed_spread import gaps, with_assumed_spread
from sim.uncertainty.model import (
    ArmModel,
    Evaluated,
    Measure,
    Model,
    evaluator_of,
    measures_of,
)
from sim.uncertainty.parameter_draws import columns, draw_parameters
from sim.uncertainty.variance import DrawSums

TOGETHER = 40_000
"""Patients of the draws that are evaluated as one log."""
CURVES = ("survival", "cumulative_incidence")
CURVE_POINTS = 20
"""Stretches of a curve over draws."""
BLOCKS = 20
"""Blocks of draws with the same patients, between which their sums are compared."""


class Design(StrEnum):
    """Which patients each draw simulates: fresh ones of its own, or the same in all draws."""

    FRESH = "fresh"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class PsaRequest:
    """What is asked of a probabilistic analysis.

    arms: what each arm is simulated from, all with the same seed, patients and times. assumed_spread: of
    parameters that are assumed and have no uncertainty, as a share of their value; None: these are fixed.
    outcomes: those that are evaluated, () for all. decided: the outcome that is to be maximised, "" for net
    benefit.
    Raises: InputError, naming the parameter, for a value that it cannot have.
    """

    arms: tuple[RunRequest, ...]
    draws: int
    design: Design = Design.FRESH
    assumed_spread: float | None = None
    outcomes: tuple[str, ...] = ()
    decided: str = ""

    def __post_init__(self) -> None:
        check_whole("draws", self.draws, 2, 10_000_000)
        total = self.draws * (self.arms[0].patients or 1)
        if total > MOST_IN_ALL:
            fact = f"the analysis is too large: {total:.3g} patients in all draws; at most {MOST_IN_ALL:,}"
            raise InputError(fact, "lower the number of draws or of patients")

    @property
    def seed(self) -> int:
        """The seed of all random numbers."""
        return self.arms[0].seed


@dataclass(frozen=True, slots=True, eq=False)
class Psa:
    """An analysis that was carried out.

    base: float64 [n_arms, n_measures], every measure at the base values of the parameters. values: float64
    [n_draws, n_columns], the parameters of each draw, `columns` their names. estimates, noise, economic:
    as in `Evaluated`. blocks: of draws. sums: with the same patients in all draws, of each block those of
    each arm, then of each arm less the first, and of each measure; else empty.
    """

    request: PsaRequest
    model: Model
    base: Floats
    columns: tuple[Column, ...]
    values: Floats
    estimates: Floats
    noise: Floats
    economic: Floats
    blocks: tuple[range, ...]
    sums: Sequence[Sequence[Sequence[DrawSums]]] = field(default=(), repr=False)


def psa_request(
    arms: Sequence[str | os.PathLike[str]],
    *,
    draws: int,
    design: str = "fresh",
    assume_spread: float | None = None,
    outcomes: Sequence[str] = (),
    decide: str | None = None,
    **options: Unpack[RunOptions],
) -> PsaRequest:
    """The request for an analysis of scenario files. outcomes: to evaluate, none for all.

    Raises: InputError for an option that it cannot have.
    """
    check_word("design", design, list(Design))
    wanted = tuple(dict.fromkeys([*outcomes, *([decide] if decide else [])])) if outcomes else ()
    return PsaRequest(
        arm_requests(arms, **options), draws, Design(design), assume_spread, wanted, decide or ""
    )


def arm_requests(
    arms: Sequence[str | os.PathLike[str]], **options: Unpack[RunOptions]
) -> tuple[RunRequest, ...]:
    """What the arms of scenario files are simulated from. Raises: InputError for what is no such file."""
    for arm in arms:
        if isinstance(arm, Scenario) or Path(arm).is_dir():
            raise InputError(
                f"{name_of(Path(arm))}: parameters are drawn from files", "give a scenario's file"
            )
    return tuple(RunRequest.of(arm, **options) for arm in arms)


# ---------------------------------------------------------------- the model


class ModelRequest(Protocol):
    """What a model is made from: see `PsaRequest`."""

    @property
    def arms(self) -> tuple[RunRequest, ...]:
        """What each arm is simulated from."""

    @property
    def seed(self) -> int:
        """The seed of all random numbers."""

    @property
    def assumed_spread(self) -> float | None:
        """Of parameters that are assumed and have no uncertainty."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes to evaluate; none for all."""

    @property
    def decided(self) -> str:
        """The outcome that is to be maximised, "" for net benefit."""


def model_of(request: ModelRequest) -> tuple[Model, Floats]:
    """The arms for any values of their parameters, and all measures at the base values [n_arms, n_measures].

    Raises: ScenarioError where a scenario is wrong; InputError where the arms cannot be compared or no
    parameter has an uncertainty.
    """
    bases = [one.load() for one in request.arms]
    for base in bases:
        check_size(base, 1, at_least=inf)
        check_outcomes(request.outcomes, base)
        if request.decided:
            outcome_called(request.decided, base, parameter="decide")
    names = distinct([name_of(one.file) for one in request.arms])
    arms = tuple(
        _arm(name, one, base, request.assumed_spread)
        for name, one, base in zip(names, request.arms, bases, strict=True)
    )
    if len({arm.label for arm in arms}) < len(arms):
        arms = tuple(replace(arm, label=arm.name) for arm in arms)
    if not any(arm.parameters for arm in arms):
        fact = f"{request.arms[0].file}: no parameter has an uncertainty"
        raise InputError(fact, "write `uncertainty: {beta: {n: 50}}` beside its value, or assume a spread")
    units = dict.fromkeys(unit for arm in arms for unit in arm.pathway.pathway.units)
    ensure_compiled(["independent", *units])
    return _with_measures(arms, request)


def curve_times(asked: Sequence[float]) -> list[float]:
    """Times up to the last one asked for, denser near the start, at which a curve over draws is read."""
    times = [max(asked) * (i / CURVE_POINTS) ** 1.5 for i in range(1, CURVE_POINTS)]
    return [time for time in times if min(abs(time - other) for other in asked) > 1e-6]


def _arm(name: str, request: RunRequest, base: Scenario, assumed_spread: float | None) -> ArmModel:
    parameters = base.parameters
    if assumed_spread is not None:
        missing = {one.name for one in gaps(parameters)}
        known = uses(load(request.file, settings=request.all_settings, keep=missing))
        parameters = with_assumed_spread(parameters, assumed_spread, uses=known)
    drawn = tuple(one for one in parameters if one.drawn is not None)
    kept = load(request.file, settings=request.all_settings, keep={one.name for one in drawn})
    label = base.label or base.title
    return ArmModel(name, label, ParameterPathway.of(kept), drawn)


def _with_measures(arms: tuple[ArmModel, ...], request: ModelRequest) -> tuple[Model, Floats]:
    """The base case simulated once: which measures there are, and how long patients are observed."""
    asked = request.arms[0].at
    at = tuple(sorted({*asked, *curve_times(asked)}))
    empty = Model(arms, (), at, request.seed, ({},) * len(arms))
    made = [empty.simulate_base(number) for number in range(len(arms))]
    for other in made[1:]:
        check_comparable(made[0], other)
    measures: dict[Measure, None] = {}
    observations = []
    for arm in made:
        evaluator = evaluator_of(arm, at=at, observations={})
        chosen = [one for one in evaluator.outcomes if not request.outcomes or one.name in request.outcomes]
        measures |= dict.fromkeys(measures_of(evaluator, chosen))
        ends = {one.name: evaluator.evaluate(replace(one, by=None)).endpoint for one in chosen}
        observations.append(
            {name: end.observation for name, end in ends.items() if isinstance(end, TimeToEvent)}
        )
    numbers = [one for one in measures if one.measure not in CURVES or one.time in asked]
    curved = next(
        (m.outcome for m in numbers if m.measure == "survival" and m.outcome == request.decided), ""
    )
    curved = curved or next((m.outcome for m in numbers if m.measure == "survival"), "")
    further = [one for one in measures if one not in numbers and one.outcome == curved]
    model = replace(
        empty,
        measures=(*numbers, *further),
        observations=tuple(observations),
        n_patients=made[0].log.n_patients,
        n_curve=len(further),
    )
    base = [next(model.evaluate_log(number, arm))[0] for number, arm in enumerate(made)]
    return model, np.stack(base)


def parameters_of(model: Model) -> tuple[tuple[Parameter, ...], tuple[Column, ...]]:
    """The parameters of all arms, each as the first arm with it has it, and their columns."""
    found = {one.name: one for arm in reversed(model.arms) for one in reversed(arm.parameters)}
    every = tuple(reversed(list(found.values())))
    return every, columns(every)


def values_by_arm(model: Model, numbers: Sequence[int]) -> list[dict[Column, Floats]]:
    """The parameters of every arm in the draws with these numbers; a rule that a draw breaks is an error.

    Raises: ScenarioError naming parameter and draw.
    """
    found = []
    for arm in model.arms:
        table = draw_parameters(arm.parameters, seed=model.seed, draws=numbers)
        values = dict(zip(columns(arm.parameters), table.T, strict=True))
        check_draws(arm.scenario, values, numbers)
        found.append(values)
    return found


# ---------------------------------------------------------------- simulated


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Consecutive draws. values: of each arm, float64 [n] for each parameter."""

    numbers: range
    values: list[dict[Column, Floats]]

    def part(self, first: int, after: int) -> Block:
        """The draws first to after (not included) of the block."""
        values = [{column: array[first:after] for column, array in one.items()} for one in self.values]
        return Block(self.numbers[first:after], values)


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """A block that was simulated; sums as in `Psa`, empty with fresh patients."""

    numbers: range
    estimates: Floats
    noise: Floats
    economic: Floats
    sums: Sequence[Sequence[DrawSums]]


def simulate_draws(whole: tuple[Model, Design], block: Block) -> Done:
    """Simulate the draws of a block. whole: the model and the design."""
    model, design = whole
    sums: list[list[DrawSums]] = []
    parts: list[Evaluated] = []
    step = max(1, TOGETHER // model.n_patients)
    n = len(block.numbers)
    for first, after in pairwise([*range(0, n, step), n]):
        part = block.part(first, after)
        replications = [0] * (after - first) if design is Design.SAME else list(part.numbers)
        found = model.evaluate(part.values, replications, numbers=part.numbers)
        if design is Design.SAME:
            _add(sums, found)
        parts.append(replace(found, influences=[]))
    estimates, noise, economic = (np.concatenate([getattr(one, name) for one in parts]) for name in NUMBERS)
    return Done(block.numbers, estimates, noise, economic, sums)


NUMBERS = ("estimates", "noise", "economic")


def _add(sums: list[list[DrawSums]], found: Evaluated) -> None:
    """Add draws of the same patients to the sums of each arm, and of each arm less the first."""
    for estimates, influences in zip(found.estimates, found.influences, strict=True):
        both = np.concatenate([estimates, estimates[1:] - estimates[0]])
        each = np.concatenate([influences, influences[1:] - influences[0]])
        if not sums:
            sums += [[DrawSums(each.shape[2]) for _ in row] for row in both]
        for row, values, parts in zip(sums, both, each, strict=True):
            for one, value, part in zip(row, values, parts, strict=True):
                one.add(float(value), part)


class BlockStore(Protocol):
    """Where blocks of draws are kept as they are done."""

    def read(self, numbers: range) -> Done | None:
        """A block that was finished, None where it was not."""

    def write(self, done: Done) -> None:
        """Keep a block."""


def run_psa(
    request: PsaRequest,
    model: Model,
    base: Floats,
    *,
    store: BlockStore | None = None,
    progress: Progress = QUIET,
) -> Psa:
    """Carry out an analysis. model, base: of `model_of`. store: keeps the blocks, none is simulated again.

    Raises: ScenarioError, InputError and RunError as `Model.evaluate`.
    """
    progress.step("engine")
    _check_memory(request, model)
    blocks = _blocks(request, model)
    done: dict[range, Done] = {}
    for numbers in blocks:
        found = store.read(numbers) if store is not None else None
        if found is not None:
            done[numbers] = found
    missing = [numbers for numbers in blocks if numbers not in done]
    checked = values_by_arm(model, range(request.draws))

    def take(one: Done) -> None:
        done[one.numbers] = one
        if store is not None:
            store.write(one)
        progress.share(len(done) / len(blocks))

    whole, everything = (model, request.design), Block(range(request.draws), checked)
    parts = (everything.part(numbers.start, numbers.stop) for numbers in missing)
    is_worth = len(missing) > 1 and is_worth_processes(request.draws, model)
    workers = request.arms[0].workers
    in_parts(simulate_draws, whole, parts, workers=workers, take=take, is_worth_processes=is_worth)
    ordered = [done[numbers] for numbers in blocks]
    estimates, noise, economic = (np.concatenate([getattr(one, name) for one in ordered]) for name in NUMBERS)
    every, names = parameters_of(model)
    values = draw_parameters(every, seed=model.seed, draws=range(request.draws))
    sums = [one.sums for one in ordered if one.sums]
    facts = (request, model, base, names, values)
    return Psa(*facts, estimates, noise, economic, tuple(blocks), sums)


def _check_memory(request: PsaRequest, model: Model) -> None:
    """Raises: InputError where the numbers of all draws, or of all patients, do not fit into memory."""
    n_arms, n_measures = len(model.arms), len(model.measures)
    in_draw = n_arms * n_measures * (1 + n_arms) + 4 * n_arms**2
    numbers = 2 * request.draws * in_draw  # once in blocks, once as a whole
    if request.design is Design.SAME:
        numbers += 3 * BLOCKS * (2 * n_arms - 1) * n_measures * model.n_patients
    needed, memory = 8.0 * numbers, machine_memory()
    if needed > memory:
        fact = f"about {needed / 2**30:,.1f} GiB are needed, and this machine has {memory / 2**30:,.1f} GiB"
        raise InputError(f"the analysis is too large: {fact}", "lower --draws or --patients")


def is_worth_processes(draws: int, model: Model) -> bool:
    """Whether the work is worth the second that other processes take to begin."""
    return draws * model.n_patients * len(model.arms) >= 200_000


def _blocks(request: PsaRequest, model: Model) -> list[range]:
    """Consecutive draws: so many as make one log; with the same patients a fixed number of blocks."""
    step = max(1, TOGETHER // model.n_patients)
    if request.design is Design.SAME:
        step = ceil(request.draws / BLOCKS)
    return [range(first, min(first + step, request.draws)) for first in range(0, request.draws, step)]
