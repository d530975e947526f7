"""A sweep from its scenario file to its table: the same patients through every cell of a grid of changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from time import perf_counter

from sim.engine.arrivals import cohort
from sim.engine.processes import in_processes
from sim.engine.run import choose_engine, simulate
from sim.engine.simpy_replications import WORTH_A_PROCESS
from sim.errors import InputError, Place, Problem, RunError, ScenarioError
from sim.outcomes import labels
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.sweep_results import (
    Cell,
    cell_differences,
    evaluate_cell,
    headline_differences,
    without_log,
)
from sim.outcomes.estimates import DifferenceRow, Differences, Estimates
from sim.outcomes.history.event_selection import first_violation
from sim.outcomes.queues.waiting_burden import BETTER
from sim.outcomes.results import ArmFacts, Results
from sim.outcomes.summary import arm_results
from sim.pathway.tables import Pathway, compile_pathway
from sim.runs.request import RunRequest, check_outcomes
from sim.runs.simulation import Share, Step, further_outcomes
from sim.scenario import load
from sim.scenario.language.model import Resource, Scenario
from sim.scenario.source.inheritance import SET
from sim.scenario.source.tree import flow, plain, read_text

BASE_CASE = "base case"
"""The name of the cell without changes."""


@dataclass(frozen=True, slots=True)
class Variation:
    """The changes that make a cell: path and value in the words of a scenario."""

    changes: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return ", ".join(f"{path}={value}" for path, value in self.changes) or BASE_CASE

    def settings(self, before: Iterable[str]) -> tuple[str, ...]:
        """Its changes after the settings before, without those it replaces."""
        own = {path for path, _ in self.changes}
        kept = [setting for setting in before if setting.partition("=")[0].strip() not in own]
        return (*kept, *(f"{path}={value}" for path, value in self.changes))


# ---------------------------------------------------------------- what is varied


def variations(
    asked: RunRequest, over: Sequence[str], cells: Sequence[str], *, one_more: bool
) -> list[Variation]:
    """What the options ask for: a grid and cells, or one unit more of each resource.

    Raises: InputError where they ask for nothing, for both, or for what is not of their form;
    ScenarioError where the scenario is wrong.
    """
    if one_more and (over or cells):
        raise InputError("one_more: excludes over and cells", "run one after the other")
    if one_more:
        return one_unit_more(load(asked.file, settings=asked.all_settings))
    if not over and not cells:
        raise InputError("sweep: nothing is varied", "give values, over=PATH=VALUE,VALUE, or one_more=True")
    return grid(over, cells)


def grid(over: Sequence[str], cells: Sequence[str]) -> list[Variation]:
    """The product of all `PATH=VALUE,VALUE`, then each `PATH=VALUE; PATH=VALUE`.

    Raises: InputError for what is not of this form, or where a path is varied twice.
    """
    axes = [_changes("over", text) for text in over]
    paths = [axis[0][0] for axis in axes]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"over: {path} is given twice", "put its values together: PATH=VALUE,VALUE")
    found = [Variation(chosen) for chosen in product(*axes)] if axes else []
    for text in cells:
        parts = [_changes("cells", part) for part in text.split(";") if part.strip()]
        several = next((part[0][0] for part in parts if len(part) > 1), None)
        if several is not None:
            raise InputError(
                f"cells: {several} has several values", "a cell has one of each; over= has several"
            )
        found.append(Variation(tuple(part[0] for part in parts)))
    return list(dict.fromkeys(found))


def _changes(parameter: str, text: str) -> tuple[tuple[str, str], ...]:
    """`PATH=VALUE,VALUE` as a pair for each different value."""
    path, sign, values = (part.strip() for part in text.partition("="))
    if not path or not sign or not values:
        raise InputError(f"{parameter}: {text.strip()} has no value", "write PATH=VALUE")
    try:
        items = read_text(f"[{values}]", f"{parameter} {path}").value
    except ScenarioError as error:
        raise InputError(f"{parameter}: {path}: {error.problems[0].fact}", error.problems[0].fix) from error
    assert isinstance(items, list)
    return tuple((path, value) for value in dict.fromkeys(flow(plain(item)) for item in items))


def one_unit_more(scenario: Scenario) -> list[Variation]:
    """For each finite resource the cell in which it has one unit more, in every step.

    Raises: InputError where there is none.
    """
    found = [
        Variation(((f"resources.{resource.name}.capacity", _raised(resource)),))
        for resource in scenario.resources
        if resource.capacity is not None
    ]
    if not found:
        raise InputError("one_more: no resource is finite", "give one a number as its `capacity`")
    return found


def _raised(resource: Resource) -> str:
    steps = resource.capacity
    assert steps is not None
    if len(steps) == 1:
        return str(steps[0][1] + 1)
    return "{" + ", ".join(f"{time!r} days: {units + 1}" for time, units in steps) + "}"


# ---------------------------------------------------------------- carried out


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep: its results, and the names of the cells that failed."""

    results: Results
    failed: tuple[str, ...]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Work:
    """All cells of a sweep, ready to be simulated; the first is the reference."""

    asked: RunRequest
    pathways: tuple[Pathway, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a cell came to nothing."""

    why: str


def carry_out(
    asked: RunRequest,
    variations: Sequence[Variation],
    *,
    outcomes: Sequence[str],
    step: Step,
    share: Share,
    find_best: bool = False,
) -> Sweep:
    """Simulate the base case and every variation, and compare each with the base case.

    outcomes: names of those to compare, none for all. A variation that changes nothing is the
    reference itself. A cell that fails has its reason. find_best: also compare, over replications,
    each cell with the one that reduces the burden of waiting most.
    Raises: ScenarioError with every cell that is no valid scenario, before any is simulated;
    InputError for an outcome that there is not; RunError where the reference fails.
    """
    began = perf_counter()
    step("load")
    cells = _compiled(asked, [Variation(()), *variations])
    (stands, reference), *others = cells
    same = next((one for one, pathway in others if _digest(pathway) == _digest(reference)), stands)
    check_outcomes(outcomes, reference.scenario)
    others = [(one, pathway) for one, pathway in others if one != same]
    loaded = perf_counter()
    step("engine")
    pathways = (reference, *(pathway for _, pathway in others))
    collected = _SweepResults(same, [one for one, _ in cells], outcomes)
    work = [(same, reference), *others]

    def add(i: int, cell: Cell | Failed) -> None:
        collected.add(work[i][0], cell, work[i][1].scenario)

    _simulate(Work(asked, pathways), add, share)
    order = [one for one, _ in cells if one in [variation for variation, _ in work]]
    varied = list(dict.fromkeys(path for variation in order for path, _ in variation.changes))
    base = _base_values(asked, [pathway for _, pathway in cells], varied)
    results = collected.results(asked, order, base, find_best=find_best)
    seconds = {"load": loaded - began, "cells": perf_counter() - loaded}
    return Sweep(results, tuple(collected.failed), seconds)


def _compiled(asked: RunRequest, variations: Sequence[Variation]) -> list[tuple[Variation, Pathway]]:
    """Every cell read, checked and compiled. Raises: ScenarioError with the faults of all."""
    found: list[tuple[Variation, Pathway]] = []
    faults: list[Problem] = []
    for variation in variations:
        try:
            scenario = load(asked.file, settings=variation.settings(asked.all_settings))
            pathway = compile_pathway(scenario)
            choose_engine(pathway, asked.engine)
            found.append((variation, pathway))
        except ScenarioError as error:
            if not variation.changes:
                raise
            faults += [_in_cell(problem, variation) for problem in error.problems]
    if faults:
        raise ScenarioError(faults)
    return found


def _in_cell(problem: Problem, variation: Variation) -> Problem:
    """A fault with the cell it belongs to; one in the new value itself at that, whatever else is varied."""
    where = problem.where
    for path, value in variation.changes:
        if where.place.file == f"{SET} {path}":
            return replace(problem, where=replace(where, place=Place(f"{path}={value}")))
    return replace(problem, fact=f"{problem.fact} (in the cell {variation.name})")


def _digest(pathway: Pathway) -> str:
    return pathway.scenario.digest


# ---------------------------------------------------------------- simulated


def _simulate(work: Work, take: Callable[[int, Cell | Failed], None], share: Share) -> None:
    """Every cell, each taken when it is done, in order.

    Where patients share resources a cell is one process's work; else all cores take cell by cell.
    """
    asked, n = work.asked, len(work.pathways)
    workers = asked.workers or os.cpu_count() or 1
    done = 0

    def took(cell: Cell | Failed) -> None:
        nonlocal done
        take(done, cell)
        done += 1
        share(done / n)

    if min(workers, n) > 1 and _is_worth_processes(work):
        in_processes(simulate_alone, work, range(n), workers=workers, take=took)
        return
    for i in range(n):
        took(simulate_cell(work, i, workers=workers, share=lambda part: share((done + part) / n)))


def _is_worth_processes(work: Work) -> bool:
    asked = work.asked
    if all(choose_engine(pathway, asked.engine) == "independent" for pathway in work.pathways):
        return False
    patients = len(cohort(work.pathways[0].scenario, asked.seed, range(asked.replications)))
    return patients * len(work.pathways) >= WORTH_A_PROCESS


def simulate_alone(work: Work, i: int) -> Cell | Failed:
    """A cell in a process of its own."""
    cell = simulate_cell(work, i, workers=1, share=lambda part: None)
    return cell if isinstance(cell, Failed) else without_log(cell)


def simulate_cell(work: Work, i: int, *, workers: int, share: Share) -> Cell | Failed:
    """A cell simulated and read."""
    asked, pathway = work.asked, work.pathways[i]
    scenario = pathway.scenario
    try:
        result = simulate(
            pathway,
            seed=asked.seed,
            replications=asked.replications,
            engine=asked.engine,
            workers=workers,
            progress=share,
        )
    except (RunError, ScenarioError) as error:
        return Failed(str(error))
    log = result.log
    broken = first_violation(log, result.use, scenario)
    if broken is not None:
        who = f"patient {log.patient[broken[0]]} of replication {log.replication[broken[0]]}"
        return Failed(f"{labels.event(broken[1])} is forbidden by `never`, and happened to {who}")
    arm = Arm("", scenario, log, result.use, asked.seed, asked.replications)
    return evaluate_cell(arm, at=asked.at, further=further_outcomes(scenario))


# ---------------------------------------------------------------- told


class _SweepResults:
    """Collects the results of cell after cell; the reference comes first."""

    def __init__(self, reference: Variation, cells: Sequence[Variation], outcomes: Sequence[str]) -> None:
        self.failed: list[str] = []
        self._reference, self._outcomes = reference, outcomes
        self._varied = list(dict.fromkeys(path for variation in cells for path, _ in variation.changes))
        self._first: Cell | None = None
        self._cells: dict[str, Cell] = {}
        self._facts: dict[str, ArmFacts] = {}
        self._estimates: dict[str, Estimates] = {}
        self._differences: dict[str, list[DifferenceRow]] = {}

    def add(self, variation: Variation, cell: Cell | Failed, scenario: Scenario) -> None:
        """Raises: RunError where the reference failed."""
        name = variation.name
        if isinstance(cell, Failed):
            if self._first is None:
                raise RunError(cell.why)
            self.failed.append(name)
            facts = ArmFacts(name, scenario.title, scenario.digest, 0, scenario.horizon, failed=cell.why)
            self._facts[name] = facts
            return
        self._first = self._first or cell
        self._estimates[name], self._facts[name] = arm_results(cell.summary, name=name, label=name)
        self._cells[name] = replace(cell, summary=replace(cell.summary, outcomes=()))
        names = name, self._reference.name
        if cell is not self._first:
            self._differences[name] = list(
                headline_differences(self._first, cell, names=names, outcomes=self._outcomes)
            )
            self._cells[name] = without_log(self._cells[name])

    def results(
        self, asked: RunRequest, order: Sequence[Variation], base: Mapping[str, str], *, find_best: bool
    ) -> Results:
        """The whole, cells in the order in which they were asked for. base: values before the changes."""
        names = [variation.name for variation in order]
        facts = []
        for variation in (self._reference, *(one for one in order if one != self._reference)):
            own = dict(variation.changes)
            changes = tuple((path, base[path], own.get(path, base[path])) for path in self._varied)
            facts.append(replace(self._facts[variation.name], changes=changes))
        return Results(
            tuple(facts),
            asked.seed,
            asked.replications,
            Estimates.concatenate(self._estimates[name] for name in names if name in self._estimates),
            Differences.of(
                [
                    *(row for name in names for row in self._differences.get(name, ())),
                    *(self._differences_from_best() if find_best else ()),
                ]
            ),
            tuple(self._notes(names)),
        )

    def _differences_from_best(self) -> Iterator[DifferenceRow]:
        """The difference of each measure of the burden of waiting between each cell and the best one."""
        for outcome, sign in BETTER.items():
            rows = [row for rows in self._differences.values() for row in rows if row.outcome == outcome]
            known = [row for row in rows if row.is_known]
            if not known:
                continue
            best = max(known, key=lambda row: sign * row.difference).arm
            for row in rows:
                if row.arm != best:
                    names = row.arm, best
                    yield from cell_differences(self._cells[best], self._cells[row.arm], outcome, names=names)

    def _notes(self, names: Sequence[str]) -> Iterator[str]:
        """For each resource the cells in which its queue does not settle."""
        facts = [self._facts[name] for name in names if name in self._estimates]
        for resource in dict.fromkeys(one.name for arm in facts for one in arm.resources):
            cells = [
                arm.name
                for arm in facts
                if any(one.name == resource and not one.settles for one in arm.resources)
            ]
            if cells:
                where = f"{len(cells)} of {len(facts)} cells ({'; '.join(cells)})"
                yield (
                    f"the queue for {resource} does not settle in "
                    f"{'any cell' if len(cells) == len(facts) else where}: waits for it there depend on "
                    "the horizon, and are of no steady state"
                )


def _base_values(asked: RunRequest, pathways: Sequence[Pathway], varied: Sequence[str]) -> dict[str, str]:
    """The value at each varied path before it is varied, as it is written; "" for a default."""
    old = {
        change.path: change.old
        for pathway in pathways
        for change in pathway.scenario.changes
        if change.layer == SET
    }
    old |= {path.strip(): value.strip() for path, _, value in (s.partition("=") for s in asked.all_settings)}
    return {path: old.get(path, "") for path in varied}
