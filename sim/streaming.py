"""A run read and written some replications at a time: memory holds these, and figures of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.engine.run import BATCH, Result, simulate_in_batches
from sim.outcomes.findings import Observed
from sim.outcomes.reading import Reader
from sim.outcomes.summary import Account, account, are_read_alike, joined, observed_in_all, summary
from sim.pathway.tables import Pathway, compile_pathway
from sim.run_folder import RunFiles, opened_run
from sim.scenario import load
from sim.simulation import Asked, BrokenRun, Share, Step, broken_run


@dataclass(frozen=True, slots=True)
class Streamed:
    """What is told of a run whose log was not kept."""

    summary: dict[str, Any]


def stream(
    asked: Asked, *, out: Path | None, command: Sequence[str], force: bool, step: Step, share: Share
) -> Streamed | BrokenRun:
    """Simulate, write the folder of the run where `out` is one, and tell what came of it.

    It is what `simulation.carry_out` tells and `simulation.keep` writes.
    Raises: ScenarioError where the input is wrong, RunError where the run failed or cannot be written.
    """
    began = perf_counter()
    step("load")
    scenario = asked.scenario or load(asked.file, settings=asked.settings)
    of = _Stream(asked, compile_pathway(scenario), share)
    of.seconds["load"] = perf_counter() - began
    step("engine")
    try:
        with opened_run(out, force=force) if out is not None else nullcontext() as files:
            whole = of.all_read(files)
            told = summary(whole, {"seed": asked.seed})
            if files is not None:

                def record() -> dict[str, Any]:
                    seconds = of.seconds | {"total": perf_counter() - began}
                    return asked.record(
                        scenario, engine=of.engine, patients=whole.patients, command=command, seconds=seconds
                    )

                files.finish(scenario, told, record)
    except _Broken as broken:
        return broken.run
    return Streamed(told)


class _Broken(Exception):
    """Something happened that the scenario forbids."""

    def __init__(self, run: BrokenRun) -> None:
        super().__init__(run.forbidden.what)
        self.run = run


@dataclass(slots=True)
class _Stream:
    """The replications of a run, one batch after another. seconds: how long each part took so far."""

    asked: Asked
    pathway: Pathway
    share: Share
    engine: str = ""
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("load", "engine", "outcomes", "write"), 0.0)
    )

    def all_read(self, files: RunFiles | None) -> Account:
        """What is told of all replications; their log is written to the files.

        A curve is headed by a time to which somebody was observed, in whatever replication: where
        batches were read before it was known, all are simulated and read again.
        """
        accounts = self._read({}, files)
        if not are_read_alike(accounts):
            accounts = self._read(observed_in_all(accounts), None)
        return joined(accounts)

    def _read(self, observed: Mapping[str, Observed], files: RunFiles | None) -> list[Account]:
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
            if files is not None:
                files.add(result)
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
