"""One run: a request simulated in batches of replications, its results, and its log where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from time import perf_counter
from typing import Protocol

from sim.engine.run import BATCH, COMPILED, Result, simulate_in_batches
from sim.errors import RunError
from sim.event_log.log import EventLog, ResourceUse
from sim.numerics.cache import is_kept
from sim.outcomes import labels
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.endpoints.time_to_event import Observation
from sim.outcomes.evaluation import Evaluator, FurtherOutcomes
from sim.outcomes.history.event_selection import first_violation
from sim.outcomes.results import Results
from sim.outcomes.summary import (
    Summary,
    combine,
    combined_observations,
    have_same_meaning,
    run_results,
    summarise,
)
from sim.pathway.tables import Pathway, compile_pathway
from sim.runs.request import RunRequest
from sim.scenario.language.model import Scenario


def _ignore(value: object) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Receives the step that begins (load, engine, outcomes, write, report), and the share of it done."""

    step: Callable[[str], None] = _ignore
    share: Callable[[float], None] = _ignore

    def part(self, number: int, n: int) -> Progress:
        """The progress of part `number` (from 0) of n equal parts of this step."""
        return Progress(share=lambda share: self.share((number + share) / n))


QUIET = Progress()


class Timer:
    """The seconds that each part of a run took; `begin` ends the part before."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("load", "engine", "outcomes", "write"), 0.0)
        self._part, self._began = "load", perf_counter()

    def begin(self, part: str) -> None:
        """Begin or continue a part."""
        now = perf_counter()
        self.seconds[self._part] += now - self._began
        self._part, self._began = part, now


class RuleViolation(RunError):
    """An event occurred that the scenario forbids by `never`. patient: the index in the log."""

    def __init__(self, scenario: Scenario, log: EventLog, patient: int, event: str) -> None:
        self.scenario, self.log, self.patient = scenario, log, patient
        who = f"patient {log.patient[patient]} of replication {log.replication[patient]}"
        self.fact = f"{event} is forbidden by `never`, and happened to {who}"
        super().__init__(f"{scenario.file}: {self.fact}")


class LogSink(Protocol):
    """Receives the log batch by batch."""

    def add(self, result: Result) -> None:
        """Receive replications that follow those before."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A scenario that was simulated. patients: in all. arm: with its log, None where it was not kept."""

    request: RunRequest
    scenario: Scenario
    results: Results
    engine: str
    patients: int
    arm: Arm | None = None
    timer: Timer = field(default_factory=Timer)


def run_scenario(
    request: RunRequest,
    scenario: Scenario | None = None,
    *,
    progress: Progress = QUIET,
    sink: LogSink | None = None,
    keep_log: bool = False,
) -> Run:
    """Simulate a scenario and evaluate its outcomes, some replications at a time.

    scenario: that of the request, where it is loaded already. sink: receives the log in order.
    keep_log: simulate all replications as one batch, and keep its log.
    Raises: ScenarioError where the input is wrong, RunError where the run failed, RuleViolation.
    """
    batches = _Batches(request, progress, sink, inf if keep_log else BATCH)
    progress.step("load")
    pathway = compile_pathway(scenario or request.load())
    progress.step("engine")
    summaries = batches.evaluate(pathway, {})
    if not have_same_meaning(summaries):
        # a batch saw patients for a shorter time than all: its curves had another headline
        batches.sink = None
        summaries = batches.evaluate(pathway, combined_observations(summaries))
    summary = combine(summaries)
    results = run_results(summary, seed=request.seed)
    arm, last = None, batches.last
    assert last is not None
    if keep_log:
        arm = Arm(request.file.stem, pathway.scenario, last.log, last.use, request.seed, request.replications)
    return Run(request, pathway.scenario, results, last.engine, summary.patients, arm, batches.timer)


@dataclass(slots=True, eq=False)
class _Batches:
    """Simulates a request batch by batch. size: patients in a batch. last: the batch before."""

    request: RunRequest
    progress: Progress
    sink: LogSink | None
    size: float
    last: Result | None = None
    timer: Timer = field(default_factory=Timer)

    def evaluate(self, pathway: Pathway, observations: Mapping[str, Observation]) -> list[Summary]:
        """The summary of each batch. observations: see Evaluator."""
        summaries: list[Summary] = []

        def take(which: range, result: Result) -> None:
            self.timer.begin("outcomes")
            self.last = result
            check_rules(pathway.scenario, result.log, result.use)
            summaries.append(self._summary(pathway.scenario, which, result, observations))
            if self.sink is not None:
                self.timer.begin("write")
                self.sink.add(result)
            self.timer.begin("engine")

        self.timer.begin("engine")
        simulate_in_batches(
            pathway,
            seed=self.request.seed,
            replications=self.request.replications,
            engine=self.request.engine,
            workers=self.request.workers,
            at_least=self.size,
            take=take,
            progress=self.progress.share,
        )
        self.timer.begin("outcomes")
        return summaries

    def _summary(
        self, scenario: Scenario, which: range, result: Result, observations: Mapping[str, Observation]
    ) -> Summary:
        """The batch as a run of its own, its replications numbered from 0."""
        log, use = result.log, result.use
        if which.start:
            log = replace(log, replication=log.replication - which.start)
            use = replace(use, replication=use.replication - which.start)
        return summarise(
            Evaluator(
                log,
                use,
                scenario,
                at=self.request.at,
                replications=len(which),
                observations=observations,
                further=further_outcomes(scenario),
            )
        )


def is_kernel_compiled() -> bool:
    """Whether the compiled kernel is on disk; if not, the next run compiles it."""
    return is_kept(COMPILED["independent"])


def further_outcomes(scenario: Scenario) -> FurtherOutcomes | None:
    """Costs, QALYs and life-years, where the scenario values anything."""
    if scenario.economics is None:
        return None
    from sim.economics.endpoints import endpoints

    return endpoints


def check_rules(scenario: Scenario, log: EventLog, use: ResourceUse) -> None:
    """Raises: RuleViolation where an event occurred that the scenario forbids."""
    found = first_violation(log, use, scenario)
    if found is not None:
        raise RuleViolation(scenario, log, found[0], labels.event(found[1]))
