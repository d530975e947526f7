"""A run read some replications at a time: memory holds the log of these, and figures of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from sim.engine.run import BATCH, Result, simulate_in_batches
from sim.outcomes.evaluation import Reader
from sim.outcomes.findings import Observed
from sim.outcomes.summary import Account, account, are_read_alike, joined, observed_in_all, summary
from sim.pathway.tables import Pathway, compile_pathway
from sim.runs.request import RunRequest
from sim.runs.simulation import BrokenRun, Share, Step, broken_run, record
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
    summary: dict[str, Any]
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
    told = summary(whole, {"seed": asked.seed})
    return Streamed(scenario, of.engine, whole.patients, told, of.seconds)


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
                done.summary,
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

    def all_read(self, log: Taker | None) -> Account:
        """What is told of all replications.

        A curve is headed by a time to which somebody was observed, in whatever replication: where
        batches were read before it was known, all are simulated and read again.
        """
        accounts = self._read({}, log)
        if not are_read_alike(accounts):
            accounts = self._read(observed_in_all(accounts), None)
        return joined(accounts)

    def _read(self, observed: Mapping[str, Observed], log: Taker | None) -> list[Account]:
        """An account of each batch. observed: see Reader."""
        accounts: list[Account] = []
        began, spent_before = perf_counter(), sum(self.seconds.values())

        def take(which: range, result: Result) -> None:
            came = perf_counter()
            self.engine = result.engine
            broken = broken_run(self.pathway.scenario, result)
            if broken is not None:
                raise _Broken(broken)
            accounts.append(self._account(which, result, observed))
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
        return accounts

    def _account(self, which: range, result: Result, observed: Mapping[str, Observed]) -> Account:
        """The batch as a run of its own, its replications numbered from 0."""
        log = replace(result.log, replication=result.log.replication - which.start)
        use = replace(result.use, replication=result.use.replication - which.start)
        scenario = self.pathway.scenario
        reader = Reader(log, use, scenario, at=self.asked.at, replications=len(which), observed=observed)
        return account(reader, [reader.read(outcome).findings() for outcome in scenario.outcomes])
