"""One run: a request simulated in batches of replications, its results, and its log where it is kept."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeAlias, TypedDict, Unpack

from sim.engine.arrivals import cohorts
from sim.engine.processes import Cluster, Workers, in_parts
from sim.engine.run import BATCH, ENGINES, Result, check_size, simulate, simulate_in_batches
from sim.errors import InputError, RunError, did_you_mean
from sim.event_log.log import EventLog
from sim.outcomes.endpoints.time_to_event import Observation
from sim.outcomes.evaluation import Arm, Evaluator, FurtherOutcomes, first_violation
from sim.outcomes.results import Results, event_in_words
from sim.outcomes.summary import (
    DEFAULT_TIMES,
    Summary,
    combine,
    combined_observations,
    have_same_meaning,
    run_results,
    summarise,
)
from sim.pathway.tables import Pathway, compile_pathway
from sim.scenario import load
from sim.scenario.language.model import Outcome, Scenario
from sim.units import days

Time: TypeAlias = str | float
"""A time as `2 years`, or a number of days."""

LARGEST = 2**31 - 1
"""Replications, patients and their numbers are 32-bit integers in the event log."""
NUMBER = "patients.number"


class SharedOptions(TypedDict, total=False):
    """Options of everything that simulates; None, or none given, for the default.

    seed: 1 by default. workers: threads or processes, all cores by default, or a `Cluster`. settings:
    `PATH=VALUE` each. at: times at which curves are read, as `1 year` or in days.
    """

    seed: int | None
    workers: Workers
    settings: Sequence[str] | str | None
    at: Sequence[Time] | Time | None


class RunOptions(SharedOptions, total=False):
    """The options of a run, a comparison and a sweep.

    patients: their number, by default that of the scenario. replications: 1 by default. engine: auto,
    independent or shared.
    """

    patients: int | None
    replications: int | None
    engine: str | None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request for a run: RunOptions with their defaults, times in days.

    file: of the scenario. scenario: the scenario, where it is loaded already.
    Raises: InputError, naming the parameter, for a value that it cannot have.
    """

    file: Path
    settings: tuple[str, ...] = ()
    seed: int = 1
    replications: int = 1
    engine: str = "auto"
    workers: Workers = None
    at: tuple[float, ...] = DEFAULT_TIMES
    scenario: Scenario | None = None
    patients: int | None = None

    def __post_init__(self) -> None:
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_whole("replications", self.replications, 1, LARGEST)
        check_workers(self.workers)
        if self.patients is not None:
            check_whole("patients", self.patients, 1, LARGEST)
        check_word("engine", self.engine, ENGINES)
        for time in self.at:
            if not 0.0 < time < inf:
                raise InputError(
                    f"at: curves are read after the start, not at {time:g} days", "give a time > 0"
                )
        if self.scenario is not None and (self.settings or self.patients is not None):
            fact = f"{self.scenario.file}: the scenario is loaded, its settings and patients are fixed"
            raise InputError(fact, "use load(file, settings=[...]), or give the file")

    @classmethod
    def of(cls, scenario: str | os.PathLike[str] | Scenario, **options: Unpack[RunOptions]) -> RunRequest:
        """The request for a scenario file, or for a loaded scenario.

        Raises: InputError as the class; for what is neither a path nor a loaded scenario.
        """
        loaded = scenario if isinstance(scenario, Scenario) else None
        try:
            file = Path(scenario.file if isinstance(scenario, Scenario) else scenario)
        except TypeError as error:
            fact = f"scenario: a {type(scenario).__name__} is no scenario"
            raise InputError(fact, "give a file's path, or what `load` returns") from error
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        given["settings"] = texts(given.get("settings", ()))
        given["at"] = times(given.get("at", ()))
        return cls(file, scenario=loaded, **given)

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The settings, the number of patients as the last of them."""
        if self.patients is None:
            return self.settings
        others = [setting for setting in self.settings if setting.partition("=")[0].strip() != NUMBER]
        return (*others, f"{NUMBER}={self.patients}")

    def load(self) -> Scenario:
        """The scenario. Raises: ScenarioError where it is wrong."""
        return self.scenario or load(self.file, settings=self.all_settings)


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Raises: InputError for a parameter that is no whole number from low to high."""
    try:
        if low <= operator.index(value) <= high:
            return
    except TypeError:
        pass
    raise InputError(f"{name}: must be a whole number from {low} to {high:,}, not {value}")


def check_workers(workers: Workers) -> None:
    """Raises: InputError for a number of threads or processes below 1; a cluster checks itself."""
    if workers is not None and not isinstance(workers, Cluster):
        check_whole("workers", workers, 1, LARGEST)


def check_word(name: str, word: str | None, known: Iterable[str]) -> None:
    """Raises: InputError for a parameter that is none of these words, with the nearest of them."""
    known = list(known)
    if word is not None and word not in known:
        raise InputError(f"{name}: {word} is none of {', '.join(known)}", did_you_mean(str(word), known))


def times(at: Sequence[Time] | Time) -> tuple[float, ...]:
    """Times in days, none for the usual ones. Raises: InputError for a text that is no time."""
    listed = [at] if isinstance(at, str | float | int) else list(at)
    return tuple(time_in_days("at", time) for time in listed) or DEFAULT_TIMES


def time_in_days(name: str, time: Time) -> float:
    """The time of a parameter in days. Raises: InputError for a text that is no time."""
    try:
        return days(time) if isinstance(time, str) else float(time)
    except InputError as error:
        raise InputError(f"{name}: {error.fact}", error.fix) from error
    except (TypeError, ValueError):
        raise InputError(f"{name}: {time!r} is no time", "give days, or a text as `2 years`") from None


def texts(values: Iterable[str] | str) -> tuple[str, ...]:
    """Texts of a parameter; one text is taken as a list of one."""
    return (values,) if isinstance(values, str) else tuple(values)


def outcome_called(name: str, scenario: Scenario, *, parameter: str) -> Outcome:
    """The outcome of this name. Raises: InputError where there is none, naming the nearest, or all."""
    found = {outcome.name: outcome for outcome in scenario.outcomes}
    if name not in found and scenario.economics is not None:
        from sim.economics import endpoints

        found |= {one: endpoints.outcome_called(one) for one in endpoints.economic_outcomes(scenario)}
    if name not in found:
        fix = did_you_mean(name, found) or f"the outcomes are {', '.join(found)}"
        raise InputError(f"{parameter}: there is no outcome {name}", fix)
    return found[name]


def check_outcomes(names: Sequence[str], scenario: Scenario) -> None:
    """Raises: InputError for the name of an outcome that the scenario does not have."""
    for name in names:
        outcome_called(name, scenario, parameter="outcomes")


def _ignore(value: object) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Receives the step that begins (load, engine, fit, outcomes, write, report), and its share done."""

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
        self.scenario, self.log, self.patient, self.event = scenario, log, patient, event
        who = f"patient {log.patient[patient]} of replication {log.replication[patient]}"
        self.fact = f"{event} is forbidden by `never`, and happened to {who}"
        super().__init__(f"{scenario.file}: {self.fact}")

    def __reduce__(self) -> tuple[type[RuleViolation], tuple[Scenario, EventLog, int, str]]:
        return type(self), (self.scenario, self.log, self.patient, self.event)


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
    arm = batches.last if keep_log else None
    return Run(request, pathway.scenario, results, batches.engine, summary.patients, arm, batches.timer)


@dataclass(slots=True, eq=False)
class _Batches:
    """Simulates a request batch by batch. size: patients in a batch. last: the batch before, as an arm."""

    request: RunRequest
    progress: Progress
    sink: LogSink | None
    size: float
    last: Arm | None = None
    engine: str = ""
    timer: Timer = field(default_factory=Timer)

    def evaluate(self, pathway: Pathway, observations: Mapping[str, Observation]) -> list[Summary]:
        """The summary of each batch. observations: see Evaluator."""
        work = BatchWork(replace(self.request, scenario=None), pathway, observations, self.sink is not None)
        summaries: list[Summary] = []

        def add(summary: Summary, result: Result | None) -> None:
            summaries.append(summary)
            if self.sink is not None and result is not None:
                self.timer.begin("write")
                self.sink.add(result)
            self.timer.begin("engine")

        def take(which: range, result: Result) -> None:
            self.timer.begin("outcomes")
            self.engine = result.engine
            self.last, summary = evaluate_batch(work, which, result)
            add(summary, result)

        def take_done(done: SimulatedBatch) -> None:
            self.engine = done.engine
            add(done.summary, done.result)
            self.progress.share(done.which.stop / self.request.replications)

        self.timer.begin("engine")
        which = self._blocks(pathway.scenario)
        if which is not None:
            in_parts(simulate_batch, work, which, workers=self.request.workers, take=take_done)
        else:
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

    def _blocks(self, scenario: Scenario) -> Iterator[range] | None:
        """The batches, each a block for a worker of a cluster; None where there is one, or no cluster."""
        if not isinstance(self.request.workers, Cluster) or self.size == inf:
            return None
        check_size(scenario, self.request.replications, at_least=self.size)
        every = cohorts(scenario, self.request.seed, range(self.request.replications), at_least=self.size)
        first = [which for which, _ in islice(every, 2)]
        return chain(first, (which for which, _ in every)) if len(first) == 2 else None


@dataclass(frozen=True, slots=True, eq=False)
class BatchWork:
    """What batches are simulated and evaluated for. keep_log: the log of each is given with its summary."""

    request: RunRequest
    pathway: Pathway
    observations: Mapping[str, Observation]
    keep_log: bool


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedBatch:
    """A batch of replications: its engine, summary, and log where it is kept."""

    which: range
    engine: str
    summary: Summary
    result: Result | None


def simulate_batch(work: BatchWork, which: range) -> SimulatedBatch:
    """Simulate and evaluate these replications. Raises: as `run_scenario`."""
    request = work.request
    result = simulate(
        work.pathway, seed=request.seed, replications=which, engine=request.engine, workers=request.workers
    )
    _, summary = evaluate_batch(work, which, result)
    return SimulatedBatch(which, result.engine, summary, result if work.keep_log else None)


def evaluate_batch(work: BatchWork, which: range, result: Result) -> tuple[Arm, Summary]:
    """A batch as a run of its own, its replications numbered from 0, and its summary.

    Raises: RuleViolation where an event occurred that the scenario forbids.
    """
    log, use, scenario = result.log, result.use, work.pathway.scenario
    if which.start:
        log = replace(log, replication=log.replication - which.start)
        use = replace(use, replication=use.replication - which.start)
    arm = Arm(work.request.file.stem, scenario, log, use, work.request.seed, len(which))
    check_rules(arm, result.log)
    further = further_outcomes(scenario)
    evaluator = Evaluator(arm, at=work.request.at, observations=work.observations, further=further)
    return arm, summarise(evaluator)


def further_outcomes(scenario: Scenario) -> FurtherOutcomes | None:
    """Costs, QALYs and life-years, where the scenario values anything."""
    if scenario.economics is None:
        return None
    from sim.economics.endpoints import endpoints

    return endpoints


def check_rules(arm: Arm, log: EventLog | None = None) -> None:
    """Raises: RuleViolation where an event occurred that the scenario forbids.

    log: that of the arm with the numbers of the replications in the run, where they are others.
    """
    found = first_violation(arm.history)
    if found is not None:
        raise RuleViolation(arm.scenario, arm.log if log is None else log, found[0], event_in_words(found[1]))
