"""Runs and comparisons for Python: what was simulated, as pandas frames with documented columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from sim.outcomes.comparison.divergence import part
from sim.outcomes.comparison.paired import fates
from sim.outcomes.summary import DEFAULT_TIMES
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

    summary: what `allpath run --json` writes. precision: what it took to be as precise as asked for
    (asked, half_width, patients or replications, rounds), None where nothing was asked.
    """

    scenario: Scenario
    summary: Mapping[str, Any]
    arm: Arm = field(repr=False)
    precision: Mapping[str, Any] | None = None

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """A row for each number of each outcome.

        Columns: outcome, group (value of `by`, "" for all), part (cause, category, step, served or
        left; else ""), measure (estimate, median, restricted_mean, of_first), time_days (nan where
        there is none), unit, estimate, low, high (95%), n (patients, or waits, it stands on).
        """
        return _numbered(_outcome_rows(self.summary["outcomes"]), OUTCOME_COLUMNS)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row for each patient: the columns of `patients.parquet` (see `patient_table`)."""
        return _frame(patient_table(self.arm.log))

    @cached_property
    def events(self) -> pd.DataFrame:
        """A row for each happening: the columns of `events.parquet` (see `event_table`)."""
        return _frame(pa.concat_tables(event_tables(self.arm.log)))

    @cached_property
    def resource_use(self) -> pd.DataFrame:
        """A row for each change in the use of a resource (see `use_table`)."""
        return _frame(use_table(self.arm.use, self.arm.log.names.resources))


@dataclass(frozen=True)
class Compared:
    """Scenarios with the same patients, the first of them the reference.

    summary: what `allpath compare --json` writes.
    """

    runs: Mapping[str, Run]
    summary: Mapping[str, Any]

    @cached_property
    def differences(self) -> pd.DataFrame:
        """A row for each number of each outcome in each arm but the reference.

        Columns: outcome, arm, group, part, measure, time_days, unit as in Run.outcomes; reference
        and value (the two estimates), difference (value less reference), standard_error, low, high
        (95%, patients paired), independent_low, independent_high (of runs without common
        patients), variance_ratio (independent over paired).
        """
        return _numbered(_difference_rows(self.summary), DIFFERENCE_COLUMNS)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row for each patient, with the two lives beside each other.

        Columns: replication, patient, at_start.NAME of attributes that every arm has; for each arm
        last_stage.ARM and end_days.ARM; for each but the reference parts_days.ARM (the day on which
        the paths part, nan where they never do) and, where an outcome tells, life.ARM: better, same
        or worse.
        """
        (_, reference), *others = self.runs.items()
        common = [c for c in reference.patients.columns if c.startswith("at_start.")]
        common = [c for c in common if all(c in run.patients.columns for _, run in others)]
        columns = {c: reference.patients[c] for c in ("replication", "patient", *common)}
        for name, run in self.runs.items():
            columns |= {f"{c}.{name}": run.patients[c] for c in ("last_stage", "end_days")}
        for name, run in others:
            columns[f"parts_days.{name}"] = pd.Series(_parts_days(reference.arm, run.arm))
            told = fates(reference.arm, run.arm)
            if told is not None:
                columns[f"life.{name}"] = pd.Series(told)
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
    return Run(done.scenario, done.summary, arm, reached.told if reached is not None else None)


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
    `summary["precision"]`.
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
    return Compared(
        {arm.name: Run(arm.scenario, done.table["arms"][arm.name], arm) for arm in done.arms}, done.table
    )


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


def _numbered(rows: Iterator[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame: texts, and numbers as float64 with nan for what is not there."""
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype({name: np.float64 for name in columns if name not in TEXTS})


def _parts_days(reference: Arm, arm: Arm) -> Floats:
    """The day on which each patient's paths part, nan where they never do, shape [n_patients].

    It is that of the earlier of the two rows that differ, where one has ended of the other.
    """
    parting = part(reference.log, arm.log)
    found = np.full(len(parting.sequence), np.nan)
    at = np.flatnonzero(parting.parts)
    for log in (reference.log, arm.log):
        rows = log.row_of[at] + parting.sequence[at]
        there = rows < log.row_of[at + 1]
        found[at[there]] = np.fmin(found[at[there]], log.time[rows[there]])
    return found


OUTCOME_COLUMNS = (
    "outcome", "group", "part", "measure", "time_days", "unit", "estimate", "low", "high", "n",
)  # fmt: skip
DIFFERENCE_COLUMNS = (
    "outcome", "arm", "group", "part", "measure", "time_days", "unit", "reference", "value", "difference",
    "standard_error", "low", "high", "independent_low", "independent_high", "variance_ratio",
)  # fmt: skip

TEXTS = ("outcome", "arm", "group", "part", "measure", "unit")

Reading: TypeAlias = Callable[[Mapping[str, Any], str], dict[str, Any] | None]
"""Reads the number of a name from where it stands; None where there is none."""

Key: TypeAlias = tuple[str, str, str, float | None]
"""Group, part, measure, time: which number of an outcome."""


def _outcome_rows(outcomes: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, entry in outcomes.items():
        for (group, part_of, measure, time), unit, told in _numbers(entry, _of_run):
            yield {
                "outcome": name,
                "group": group,
                "part": part_of,
                "measure": measure,
                "time_days": time,
                "unit": unit,
                **told,
            }


def _difference_rows(summary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, entry in summary["outcomes"].items():
        for arm, of in entry["differences"].items():
            sides = [
                {
                    key: told["estimate"]
                    for key, _, told in _numbers(summary["arms"][who]["outcomes"][name], _of_run)
                }
                for who in (summary["reference"], arm)
            ]
            for key, unit, told in _numbers(of, _of_difference):
                group, part_of, measure, time = key
                yield {
                    "outcome": name,
                    "arm": arm,
                    "group": group,
                    "part": part_of,
                    "measure": measure,
                    "time_days": time,
                    "unit": unit,
                    "reference": sides[0].get(key),
                    "value": sides[1].get(key),
                    **told,
                }


def _numbers(entry: Mapping[str, Any], read: Reading) -> Iterator[tuple[Key, str, dict[str, Any]]]:
    """Every number of an entry of a run, or of a comparison."""
    for group, of in [("", entry), *entry.get("groups", {}).items()]:
        for part_of, measure, time, unit, place, name in _places(of):
            told = read(place, name)
            if told is not None:
                yield (group, part_of, measure, time), unit, told


Place: TypeAlias = tuple[str, str, float | None, str, Mapping[str, Any], str]
"""Part, measure, time, unit; and where the number stands, under which name."""


def _places(entry: Mapping[str, Any]) -> Iterator[Place]:
    unit = entry["unit"]
    if "at" not in entry and "steps" not in entry and "shares" not in entry:
        yield "", "estimate", None, unit, entry, "estimate"
    for cause, of in [("", entry), *entry.get("causes", {}).items()]:
        for at in of.get("at", {}).values():
            yield cause, "estimate", at["days"], unit, at, "estimate"
        for name in ("median", "restricted_mean"):
            yield cause, name, None, "days", of, name
    for level in entry.get("quantiles", {}):
        number = "days" if unit == "probability" else unit
        yield "", f"quantile {level}", None, number, entry["quantiles"], level
    for category, of in entry.get("shares", {}).items():
        yield category, "estimate", None, unit, of, "estimate"
    for step in entry.get("steps", ()):
        for name in ("estimate", "of_first"):
            yield step["of"], name, None, unit, step, name
    for name in ("served", "left"):
        if name in entry:
            yield name, "estimate", None, unit, entry[name], "estimate"


def _of_run(place: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """A number of a run, None where there is none of this name."""
    value = name if name in place else f"{name}_days"
    if value not in place:
        return None
    low, high = place["interval" if name == "estimate" else f"{name}_interval"] or (None, None)
    n = place.get("n", place.get("at_risk", place.get("count")))
    return {"estimate": place[value], "low": low, "high": high, "n": n}


def _of_difference(place: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """A difference of a comparison."""
    leaf = place if name == "estimate" else place.get(name, {})
    if "difference" not in leaf:
        return None
    low, high = leaf["interval"] or (None, None)
    independent_low, independent_high = leaf["independent_interval"] or (None, None)
    return {
        **{side: leaf[side] for side in ("reference", "value") if side in leaf},
        "difference": leaf["difference"],
        "standard_error": leaf["standard_error"],
        "low": low,
        "high": high,
        "independent_low": independent_low,
        "independent_high": independent_high,
        "variance_ratio": leaf["variance_ratio"],
    }
