"""A sweep: the same patients through every cell of a grid of changes, each compared with the base case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from sim.engine.arrivals import expected_arrivals
from sim.engine.processes import Cluster, Workers, in_parts, on_this_machine
from sim.engine.run import check_size, choose_engine
from sim.engine.simpy_replications import WORTH_A_PROCESS
from sim.errors import Place, Problem, RunError, ScenarioError
from sim.outcomes.comparison.sweep_results import (
    Cell,
    evaluate_cell,
    headline_difference,
    headline_differences,
    without_log,
)
from sim.outcomes.estimates import DifferenceRow, Differences, Estimates
from sim.outcomes.evaluation import Arm
from sim.outcomes.queues.waiting_burden import BETTER
from sim.outcomes.results import ArmFacts, Results
from sim.outcomes.summary import arm_results
from sim.pathway.tables import compile_pathway
from sim.runs.comparison import ArmSource, simulate_arm
from sim.runs.grid import Variation
from sim.runs.run import (
    QUIET,
    Progress,
    RuleViolation,
    RunRequest,
    check_outcomes,
    check_rules,
    further_outcomes,
)
from sim.scenario.language.model import Scenario
from sim.scenario.source.inheritance import SET


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep: its results."""

    results: Results

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the cells that failed."""
        return tuple(arm.name for arm in self.results.arms if arm.failed)


@dataclass(frozen=True, slots=True)
class FailedCell:
    """Why a cell has no results."""

    why: str


def run_sweep(
    request: RunRequest,
    scenario: Scenario,
    variations: Sequence[Variation],
    *,
    outcomes: Sequence[str] = (),
    find_best: bool = False,
    progress: Progress = QUIET,
) -> Sweep:
    """Simulate the base case and every variation, and compare each with the base case.

    scenario: that of the request. outcomes: names of those to compare, none for all. A variation that
    changes nothing is the reference itself. A cell that fails has its reason. find_best: also compare,
    over replications, each cell with the one that reduces the burden of waiting most.
    Raises: ScenarioError with every cell that is no valid scenario, before any is simulated;
    InputError for an outcome that does not exist; RunError where the reference fails.
    """
    progress.step("load")
    check_outcomes(outcomes, scenario)
    every = [Variation(()), *variations]
    sources = _sources(request, scenario, every)
    base = sources[0]
    reference = next((one for one in sources[1:] if _digest(one) == _digest(base)), base)
    cells = [reference, *(one for one in sources[1:] if one is not reference)]
    progress.step("engine")
    found = _SweepResults({one.name: one for one in every}, cells, request, outcomes)
    _simulate(cells, request, found.add, progress)
    order = [one.name for one in sources if one in cells]
    values = _base_values(request, sources, found.varied)
    return Sweep(found.results(order, values, find_best=find_best))


def _sources(request: RunRequest, scenario: Scenario, variations: Sequence[Variation]) -> list[ArmSource]:
    """Every cell loaded, checked and compiled. Raises: ScenarioError with the faults of all."""
    found: list[ArmSource] = []
    faults: list[Problem] = []
    for variation in variations:
        own = request
        try:
            if variation.changes:
                settings = variation.settings(request.all_settings)
                own = replace(request, settings=settings, patients=None)
                pathway = compile_pathway(own.load())
            else:
                pathway = compile_pathway(scenario)
            choose_engine(pathway, request.engine)
            check_size(pathway.scenario, request.replications, at_least=inf)
            found.append(ArmSource(variation.name, pathway, own))
        except ScenarioError as error:
            if not variation.changes:
                raise
            faults += [_in_cell(problem, variation) for problem in error.problems]
    if faults:
        raise ScenarioError(faults)
    return found


def _in_cell(problem: Problem, variation: Variation) -> Problem:
    """A fault with its cell; a fault in a new value has the value as its place."""
    where = problem.where
    for path, value in variation.changes:
        if where.place.file == f"{SET} {path}":
            return replace(problem, where=replace(where, place=Place(f"{path}={value}")))
    return replace(problem, fact=f"{problem.fact} (in the cell {variation.name})")


def _digest(source: ArmSource) -> str:
    return source.scenario.digest


# ---------------------------------------------------------------- simulated


def _simulate(
    cells: Sequence[ArmSource],
    request: RunRequest,
    take: Callable[[Cell | FailedCell], None],
    progress: Progress,
) -> None:
    """Simulate every cell; `take` receives each in order.

    Where patients share resources a process simulates a cell, and so does a worker of a cluster; else all
    cores simulate one cell after another.
    """
    n, done, workers = len(cells), 0, request.workers
    is_worth = on_this_machine(workers) > 1 and _is_worth_processes(cells, request)

    def receive(cell: Cell | FailedCell) -> None:
        nonlocal done
        take(cell)
        done += 1
        progress.share(done / n)

    if n > 1 and (isinstance(workers, Cluster) or is_worth) and not _all_have_one_log(cells):
        in_parts(simulate_alone, request.at, cells, workers=workers, take=receive)
        return
    last: list[Arm] = []
    for number, cell in enumerate(cells):
        receive(simulate_cell(cell, request.at, progress=progress.part(number, n), last=last))


def _all_have_one_log(cells: Sequence[ArmSource]) -> bool:
    first = cells[0].scenario
    return all(_has_log_of(cell.scenario, first) for cell in cells[1:])


def _has_log_of(scenario: Scenario, other: Scenario) -> bool:
    """Whether two scenarios with prices differ in these only."""
    if scenario.economics is None or other.economics is None:
        return False
    from sim.economics.prices import differ_in_prices_only

    return differ_in_prices_only(scenario, other)


def _is_worth_processes(cells: Sequence[ArmSource], request: RunRequest) -> bool:
    if all(choose_engine(cell.pathway, request.engine) == "independent" for cell in cells):
        return False
    patients, _ = expected_arrivals(cells[0].scenario)
    return patients * request.replications * len(cells) >= WORTH_A_PROCESS


def simulate_alone(at: tuple[float, ...], source: ArmSource) -> Cell | FailedCell:
    """Simulate a cell in a process of its own."""
    cell = simulate_cell(source, at, workers=1)
    return cell if isinstance(cell, FailedCell) else without_log(cell)


def simulate_cell(
    source: ArmSource,
    at: Sequence[float],
    *,
    workers: Workers = None,
    progress: Progress = QUIET,
    last: list[Arm] | None = None,
) -> Cell | FailedCell:
    """Simulate a cell and evaluate its outcomes.

    last: the cell simulated last, replaced by this one; its log is taken where only prices differ.
    """
    try:
        if last and _has_log_of(source.scenario, last[0].scenario):
            arm = replace(last[0], name=source.name, scenario=source.scenario)
        else:
            arm = simulate_arm(source, workers=workers, progress=progress)
        if last is not None:
            last[:] = [arm]
        check_rules(arm)
    except RuleViolation as error:
        return FailedCell(error.fact)
    except (RunError, ScenarioError) as error:
        return FailedCell(str(error))
    return evaluate_cell(arm, at=at, further=further_outcomes(arm.scenario))


# ---------------------------------------------------------------- results


class _SweepResults:
    """Collects the results of one cell after another, the reference first."""

    def __init__(
        self,
        variations: Mapping[str, Variation],
        cells: Sequence[ArmSource],
        request: RunRequest,
        outcomes: Sequence[str],
    ) -> None:
        self.varied = list(dict.fromkeys(path for one in variations.values() for path, _ in one.changes))
        self._variations, self._sources = variations, cells
        self._request, self._outcomes = request, outcomes
        self._cells: dict[str, Cell] = {}
        self._facts: dict[str, ArmFacts] = {}
        self._estimates: dict[str, Estimates] = {}
        self._differences: dict[str, list[DifferenceRow]] = {}

    def add(self, cell: Cell | FailedCell) -> None:
        """Add the next cell. Raises: RunError where the reference failed."""
        source, reference = self._sources[len(self._facts)], self._sources[0]
        name, scenario = source.name, source.scenario
        if isinstance(cell, FailedCell):
            if source is reference:
                raise RunError(cell.why)
            facts = ArmFacts(name, scenario.title, scenario.digest, 0, scenario.horizon, failed=cell.why)
            self._facts[name] = facts
            return
        self._estimates[name], self._facts[name] = arm_results(cell.summary, name=name)
        self._cells[name] = replace(cell, summary=replace(cell.summary, outcomes=()))
        if source is not reference:
            first, names = self._cells[reference.name], (name, reference.name)
            self._differences[name] = list(
                headline_differences(first, cell, names=names, outcomes=self._outcomes)
            )
            self._cells[name] = without_log(self._cells[name])

    def results(self, order: Sequence[str], base: Mapping[str, str], *, find_best: bool) -> Results:
        """The results, cells in this order. base: the values before the changes, by path."""
        facts = []
        for name in (one.name for one in self._sources):
            own = dict(self._variations[name].changes)
            changes = tuple((path, base[path], own.get(path, base[path])) for path in self.varied)
            facts.append(replace(self._facts[name], changes=changes, label=name))
        rows = [row for name in order for row in self._differences.get(name, ())]
        if find_best and self._request.replications > 1:
            rows += self._differences_from_best()
        return Results(
            tuple(facts),
            self._request.seed,
            self._request.replications,
            Estimates.concatenate(self._estimates[name] for name in order if name in self._estimates),
            Differences.of(rows),
            tuple(self._notes(order)),
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
                    cells = self._cells[best], self._cells[row.arm]
                    yield from headline_difference(*cells, outcome, names=(row.arm, best))

    def _notes(self, order: Sequence[str]) -> Iterator[str]:
        """For each resource the cells in which its queue does not settle."""
        facts = [self._facts[name] for name in order if name in self._estimates]
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


def _base_values(request: RunRequest, sources: Sequence[ArmSource], varied: Sequence[str]) -> dict[str, str]:
    """The value at each varied path before it is varied, as it is written; "" for a default."""
    old = {
        change.path: change.old
        for source in sources
        for change in source.scenario.changes
        if change.layer == SET
    }
    for setting in request.all_settings:
        path, _, value = setting.partition("=")
        old[path.strip()] = value.strip()
    return {path: old.get(path, "") for path in varied}
