"""Runs and comparisons for Python: what was simulated, as pandas frames with documented columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.errors import InputError, RunError
from sim.event_log.arrow_tables import event_tables, patient_table, use_table
from sim.event_log.log import Floats
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.divergence import diverge
from sim.outcomes.comparison.paired import classify_changes
from sim.outcomes.estimates import DifferenceRow, EstimateRow, IncrementalRow
from sim.outcomes.results import Results
from sim.outcomes.summary import DEFAULT_TIMES
from sim.report.tables.notebook import html
from sim.runs import comparison, simulation
from sim.runs.request import RunRequest, Time, texts, times
from sim.runs.sequential_stopping import compare_until, run_until
from sim.runs.simulation import BrokenRun
from sim.scenario.language.model import Scenario

QUIET: Mapping[str, Callable[[Any], None]] = {"step": lambda name: None, "share": lambda share: None}
"""Progress that nobody wants to see."""

Given: TypeAlias = str | os.PathLike[str] | Scenario
"""A scenario file, or a scenario that was loaded."""


@dataclass(frozen=True)
class Run:
    """A scenario that was simulated.

    results: its estimates and facts; `results.as_json()` is what `allpath run --json` writes.
    """

    scenario: Scenario
    results: Results
    arm: Arm = field(repr=False)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row for each number of each outcome; the columns of `estimates` in docs/results.md."""
        return pd.DataFrame(self.results.estimates, columns=EstimateRow._fields)

    def _repr_html_(self) -> str:
        return html(self.results)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row for each patient: the columns of `patients.parquet` (see `patient_table`)."""
        return _frame(patient_table(self.arm.log))

    @cached_property
    def events(self) -> pd.DataFrame:
        """A row for each event: the columns of `events.parquet` (see `event_table`)."""
        return _frame(pa.concat_tables(event_tables(self.arm.log)))

    @cached_property
    def resource_use(self) -> pd.DataFrame:
        """A row for each change in the use of a resource (see `use_table`)."""
        return _frame(use_table(self.arm.use, self.arm.log.names.resources))


@dataclass(frozen=True)
class Compared:
    """Scenarios with the same patients, the first of them the reference.

    results: the estimates of all arms and the differences; `results.as_json()` is what
    `allpath compare --json` writes.
    """

    runs: Mapping[str, Run]
    results: Results

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row for each number of each outcome in each arm (docs/results.md)."""
        return pd.DataFrame(self.results.estimates, columns=EstimateRow._fields)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """A row for each paired difference from the reference (docs/results.md)."""
        return pd.DataFrame(self.results.differences, columns=DifferenceRow._fields)

    @cached_property
    def economics(self) -> pd.DataFrame:
        """The incremental analysis, a row for each arm; empty without costs or QALYs (docs/results.md)."""
        return pd.DataFrame(self.results.incremental, columns=IncrementalRow._fields)

    def _repr_html_(self) -> str:
        return html(self.results)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row for each patient, with the arms side by side.

        Columns: replication, patient, at_start.NAME of attributes that every arm has; for each arm
        last_stage.ARM and end_days.ARM; for each but the reference diverges_days.ARM (the day on which
        the paths diverge, nan where they never do) and, where an outcome decides it, change.ARM:
        better, same or worse.
        """
        (_, reference), *others = self.runs.items()
        common = [c for c in reference.patients.columns if c.startswith("at_start.")]
        common = [c for c in common if all(c in run.patients.columns for _, run in others)]
        columns = {c: reference.patients[c] for c in ("replication", "patient", *common)}
        for name, run in self.runs.items():
            columns |= {f"{c}.{name}": run.patients[c] for c in ("last_stage", "end_days")}
        for name, run in others:
            columns[f"diverges_days.{name}"] = pd.Series(_divergence_days(reference.arm, run.arm))
            changes = classify_changes(reference.arm, run.arm)
            if changes is not None:
                columns[f"change.{name}"] = pd.Series(changes)
        return pd.DataFrame(columns)


def run(
    scenario: Given,
    *,
    patients: int | None = None,
    seed: int = 1,
    replications: int = 1,
    engine: str = "auto",
    workers: int | None = None,
    settings: Sequence[str] = (),
    at: Sequence[Time] = DEFAULT_TIMES,
    until_precision: str | None = None,
) -> Run:
    """Simulate a scenario file, or one that was loaded; the options are those of `allpath run`.

    settings: `PATH=VALUE` each. at: times at which curves are read. until_precision: as
    `overall_survival@2 years=0.005`; patients, or replications, are added until it is reached.
    Raises: ScenarioError and InputError where the input is wrong, RunError where the run failed.
    """
    asked = _request(scenario, patients, seed, replications, engine, workers, settings, at)
    reached = run_until(until_precision, asked, **QUIET) if until_precision is not None else None
    done = reached.done if reached is not None else simulation.carry_out(asked, **QUIET)
    if isinstance(done, BrokenRun):
        raise _broken(done)
    arm = Arm(asked.file.stem, done.scenario, done.result.log, done.result.use, seed, done.asked.replications)
    results = replace(done.results, precision=reached.told) if reached is not None else done.results
    return Run(done.scenario, results, arm)


def compare(
    *arms: Given | Run,
    patients: int | None = None,
    seed: int | None = None,
    replications: int | None = None,
    engine: str = "auto",
    workers: int | None = None,
    settings: Sequence[str] = (),
    at: Sequence[Time] = DEFAULT_TIMES,
    until_precision: str | None = None,
) -> Compared:
    """Send the same patients through several scenarios; the first is the reference.

    arms: scenario files, folders of saved runs, scenarios that were loaded, or runs. The options
    are those of `allpath compare`; until_precision is about the difference, and what it took stands in
    `results.precision`.
    Raises: as `run`; InputError where the arms cannot be compared.
    """
    if len(arms) < 2:
        raise InputError("compare: one scenario has nothing to be compared with", "give two or more")
    asked = _request("", patients, 1, 1, engine, workers, settings, at)
    given = [_arm(arm) for arm in arms]
    of = comparison.sources(given, asked, seed=seed, replications=replications)
    if until_precision is not None:
        done = compare_until(until_precision, of, asked, **QUIET).done
    else:
        done = comparison.carry_out(of, at=asked.at, **QUIET)
    if isinstance(done, BrokenRun):
        raise _broken(done)
    runs = {arm.name: Run(arm.scenario, done.results.of_arm(arm.name), arm) for arm in done.arms}
    return Compared(runs, done.results)


def _arm(given: Given | Run) -> Path | Scenario | Arm:
    if isinstance(given, Run):
        return given.arm
    return given if isinstance(given, Scenario) else Path(given)


def _request(
    scenario: Given,
    patients: int | None,
    seed: int,
    replications: int,
    engine: str,
    workers: int | None,
    settings: Sequence[str],
    at: Sequence[Time],
) -> RunRequest:
    """The request. Raises: InputError for a value that a parameter cannot have."""
    loaded = scenario if isinstance(scenario, Scenario) else None
    file = Path(scenario.file if isinstance(scenario, Scenario) else os.fspath(scenario))
    return RunRequest(file, texts(settings), seed, replications, engine, workers, times(at), loaded, patients)


def _broken(done: BrokenRun) -> RunError:
    patient = int(done.result.log.patient[done.forbidden.patient])
    what = f"{done.forbidden.what} is forbidden by `never`, and happened to patient {patient}"
    return RunError(f"{done.scenario.file}: {what}")


# ---------------------------------------------------------------- frames


def _frame(table: pa.Table) -> pd.DataFrame:
    """Names as categories."""
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _divergence_days(reference: Arm, arm: Arm) -> Floats:
    """The day on which each patient's paths diverge, nan where they never do, shape [n_patients].

    It is that of the earlier of the two rows that differ, where one log has ended of the other.
    """
    diverging = diverge(reference.log, arm.log)
    found = np.full(len(diverging.sequence), np.nan)
    index = np.flatnonzero(diverging.diverges)
    for log in (reference.log, arm.log):
        rows = log.row_of[index] + diverging.sequence[index]
        exists = rows < log.row_of[index + 1]
        found[index[exists]] = np.fmin(found[index[exists]], log.time[rows[exists]])
    return found
