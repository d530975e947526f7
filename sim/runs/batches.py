"""A run read some replications at a time: memory holds the log of these, and figures of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Protocol

from sim.engine.run import BATCH, Result, simulate_in_batches
from sim.outcomes.endpoints.time_to_event import Observation
from sim.outcomes.evaluation import Evaluator
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
from sim.runs.simulation import BrokenRun, Share, Step, broken_run, further_outcomes, record
from sim.runs.store import opened_run
from sim.scenario.language.model import Scenario


class Taker(Protocol):
    """Takes the log as it comes."""

    def add(self, result: Result) -> None:
        """Replications that come after those before."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What is told of a run whose log was not kept: as of `simulation.Simulation`."""

    scenario: Scenario
    engine: str
    patients: int
    results: Results
    seconds: dict[str, float]


def stream(asked: RunRequest, *, step: Step, share: Share, log: Taker | None = None) -> Streamed | BrokenRun:
    """Simulate and read all outcomes, unless something happened that the scenario forbids.

    It tells what `simulation.carry_out` tells. log: is given the log, in order.
    Raises: ScenarioError where the input is wrong, RunError where the run failed.
    """
    began = perf_counter()
    step("load")
    scenario = asked.load()
    of = _Stream(asked, compile_pathway(scenario), share)
    of.seconds["load"] = perf_counter() - began
    step("engine")
    try:
        whole = of.all_read(log)
    except _Broken as broken:
        return broken.run
    results = run_results(whole, seed=asked.seed)
    return Streamed(scenario, of.engine, whole.patients, results, of.seconds)


def stream_into(
    folder: Path, asked: RunRequest, *, command: Sequence[str], force: bool, step: Step, share: Share
) -> Streamed | BrokenRun:
    """The same, and write the folder of the run, as `simulation.keep` does.

    Raises: RunError where it cannot be written, too.
    """
    began = perf_counter()
    try:
        with opened_run(folder, force=force) as files:
            done = stream(asked, step=step, share=share, log=files)
            if isinstance(done, BrokenRun):
                raise _Broken(done)
            files.finish(
                done.scenario,
                done.results.as_json(),
                lambda: record(
                    asked,
                    done.scenario,
                    engine=done.engine,
                    patients=done.patients,
                    command=command,
                    seconds=done.seconds | {"total": perf_counter() - began},
                ),
            )
    except _Broken as broken:
        return broken.run
    return done


class _Broken(Exception):
    """Something happened that the scenario forbids."""

    def __init__(self, run: BrokenRun) -> None:
        super().__init__(run.forbidden.what)
        self.run = run


@dataclass(slots=True)
class _Stream:
    """The replications of a run, one batch after another. seconds: how long each part took so far."""

    asked: RunRequest
    pathway: Pathway
    share: Share
    engine: str = ""
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("load", "engine", "outcomes", "write"), 0.0)
    )

    def all_read(self, log: Taker | None) -> Summary:
        """What is told of all replications.

        A curve is headed by a time to which somebody was observed, in whatever replication: where
        batches were read before it was known, all are simulated and read again.
        """
        summaries = self._read({}, log)
        if not have_same_meaning(summaries):
            summaries = self._read(combined_observations(summaries), None)
        return combine(summaries)

    def _read(self, observed: Mapping[str, Observation], log: Taker | None) -> list[Summary]:
        """The summary of each batch. observed: see Reader."""
        summaries: list[Summary] = []
        began, spent_before = perf_counter(), sum(self.seconds.values())

        def take(which: range, result: Result) -> None:
            came = perf_counter()
            self.engine = result.engine
            broken = broken_run(self.pathway.scenario, result)
            if broken is not None:
                raise _Broken(broken)
            summaries.append(self._summary(which, result, observed))
            read = perf_counter()
            if log is not None:
                log.add(result)
            self.seconds["outcomes"] += read - came
            self.seconds["write"] += perf_counter() - read

        simulate_in_batches(
            self.pathway,
            seed=self.asked.seed,
            replications=self.asked.replications,
            engine=self.asked.engine,
            workers=self.asked.workers,
            at_least=BATCH,
            take=take,
            progress=self.share,
        )
        self.seconds["engine"] += perf_counter() - began - (sum(self.seconds.values()) - spent_before)
        return summaries

    def _summary(self, which: range, result: Result, observed: Mapping[str, Observation]) -> Summary:
        """The batch as a run of its own, its replications numbered from 0."""
        log = replace(result.log, replication=result.log.replication - which.start)
        use = replace(result.use, replication=result.use.replication - which.start)
        scenario = self.pathway.scenario
        return summarise(
            Evaluator(
                log,
                use,
                scenario,
                at=self.asked.at,
                replications=len(which),
                observations=observed,
                further=further_outcomes(scenario),
            )
        )
