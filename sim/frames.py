"""The results of the functions of `sim.api`: data frames, files, and tables in a notebook."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.estimates import Table
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.runs.comparison import Comparison
from sim.runs.run import Run, RunRequest
from sim.runs.sweep import Sweep
from sim.scenario.language.model import Scenario

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from rich.console import Console

PathLike: TypeAlias = str | os.PathLike[str]
Done = TypeVar("Done", Run, Comparison, Sweep)


@dataclass(frozen=True, eq=False)
class _Shown(Generic[Done]):
    """Results that show themselves in a notebook."""

    _done: Done = field(repr=False)

    @property
    def results(self) -> Results:
        """The typed results: estimates, differences, facts."""
        return self._done.results

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row for each estimate; the columns are those of `docs/results.md`, and `arm`."""
        return _frame_of(self.results.estimates)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """A row for each outcome and arm: its headline estimate. Columns as `estimates`, and `label`."""
        rows = []
        several = len(self.results.arms) > 1
        for arm in self.results.arms:
            for outcome in arm.outcomes:
                row = self.results.headline(outcome.name, arm=arm.name if several else "")
                if row is not None:
                    rows.append({"label": outcome.label, **row._asdict()})
        import pandas as pd

        columns = ["label", *self.results.estimates.row_type._fields]
        return pd.DataFrame(rows, columns=columns)

    @property
    def precision(self) -> Mapping[str, Any] | None:
        """What `until_precision` took: asked, half_width, patients or replications, rounds."""
        return self.results.precision

    def as_json(self) -> dict[str, Any]:
        """The results as `--json` writes them."""
        return self.results.as_json()

    def write_json(self, file: PathLike) -> None:
        """Write the results as `--json` does. Raises: RunError where the file cannot be written."""
        from sim.files import json_text

        _write(file, json_text(self.as_json()))

    def _repr_html_(self) -> str:
        from sim.report.tables.notebook import html

        return html(self.results)


@dataclass(frozen=True, eq=False)
class RunResults(_Shown[Run]):
    """A scenario that was simulated, with its log."""

    @property
    def scenario(self) -> Scenario:
        """The scenario."""
        return self._done.scenario

    @property
    def arm(self) -> Arm:
        """The log of the run and its use of resources."""
        assert self._done.arm is not None
        return self._done.arm

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row for each patient: the columns of `patients.parquet` (see `patient_table`)."""
        from sim.event_log.arrow_tables import patient_table

        return _frame(patient_table(self.arm.log))

    @cached_property
    def events(self) -> pd.DataFrame:
        """A row for each event: the columns of `events.parquet` (see `event_table`)."""
        import pyarrow as pa

        from sim.event_log.arrow_tables import event_tables

        return _frame(pa.concat_tables(event_tables(self.arm.log)))

    @cached_property
    def resource_use(self) -> pd.DataFrame:
        """A row for each change in the use of a resource (see `use_table`)."""
        from sim.event_log.arrow_tables import use_table

        return _frame(use_table(self.arm.use, self.arm.log.names.resources))

    def save(self, folder: PathLike, *, force: bool = False) -> None:
        """Write the folder of the run, as `allpath run --out` does.

        Raises: InputError where it exists (unless force), RunError where it cannot be written.
        """
        from sim.runs.store import write_run

        write_run(Path(folder), self._done, force=force)

    def report(self, file: PathLike) -> None:
        """Write the page of the run. Raises: RunError where the file cannot be written."""
        from sim.report.page.page import run_page

        _write(file, run_page([self.arm], self.results, _facts(self.results)))

    def to_xlsx(self, file: PathLike) -> None:
        """Write inputs, outcomes and costs as a workbook; needs the extra `xlsx`.

        Raises: RunError where XlsxWriter is not installed or the file cannot be written.
        """
        from sim.formats.workbook import write_workbook

        write_workbook(Path(file), self.results, {self.results.reference.name: self.scenario})

    def export(self, path: PathLike, *, to: str, by: str | None = None, force: bool = False) -> None:
        """Write the run in a format that other tools read, as `allpath export` does: see `export`."""
        from sim.formats import export as write
        from sim.runs.store import record

        provenance = record(self._done, ())
        write([self.arm.history], Path(path), to=to, by=by, force=force, provenance=provenance)


@dataclass(frozen=True, eq=False)
class ComparisonResults(_Shown[Comparison]):
    """Scenarios with the same patients, the first of them the reference."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms with their logs."""
        return self._done.arms

    @cached_property
    def differences(self) -> pd.DataFrame:
        """A row for each paired difference; the columns are those of `docs/results.md`."""
        return _frame_of(self.results.differences)

    @cached_property
    def certainty(self) -> pd.DataFrame:
        """How sure the difference of each arm is; the columns are those of `docs/results.md`."""
        import pandas as pd

        return pd.DataFrame([one.record for one in self.results.certainty])

    @cached_property
    def alternatives(self) -> pd.DataFrame:
        """A row for each arm and structural alternative: arm, name, difference, low, high."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"arm": one.row.arm, **alternative._asdict()}
                for one in self.results.certainty
                for alternative in one.alternatives
            ]
        )

    def to_xlsx(self, file: PathLike) -> None:
        """Write inputs, outcomes, costs and the incremental analysis with live formulas as a workbook.

        It needs the extra `xlsx`. Raises: RunError where XlsxWriter is not installed or the file cannot
        be written.
        """
        from sim.formats.workbook import write_workbook

        write_workbook(Path(file), self.results, {arm.name: arm.scenario for arm in self.arms})

    @cached_property
    def economics(self) -> pd.DataFrame:
        """The incremental analysis, a row for each arm; empty without costs or QALYs."""
        return _frame_of(self.results.incremental)

    @cached_property
    def runs(self) -> Mapping[str, RunResults]:
        """Each arm as a run, by name."""
        return {arm.name: RunResults(_run_of(arm, self.results)) for arm in self.arms}

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row for each patient, with its pathways in all arms beside each other.

        Columns: replication, patient, at_start.NAME of attributes that every arm has; for each arm
        last_stage.ARM and end_days.ARM; for each but the reference diverges_days.ARM (the day on which
        the pathways diverge, nan where they never do) and, where an outcome decides it, change.ARM:
        better, same or worse.
        """
        import pandas as pd

        from sim.outcomes.comparison.paired import classify_changes

        (_, reference), *others = self.runs.items()
        common = [c for c in reference.patients.columns if c.startswith("at_start.")]
        common = [c for c in common if all(c in run.patients.columns for _, run in others)]
        who = [c for c in ("replication", "patient", "id") if c in reference.patients.columns]
        columns = {c: reference.patients[c] for c in (*who, *common)}
        for name, run in self.runs.items():
            columns |= {f"{c}.{name}": run.patients[c] for c in ("last_stage", "end_days")}
        for name, run in others:
            columns[f"diverges_days.{name}"] = pd.Series(_diverges_days(reference.arm, run.arm))
            changes = classify_changes(reference.arm, run.arm)
            if changes is not None:
                columns[f"change.{name}"] = pd.Series(changes)
        return pd.DataFrame(columns)

    def report(self, file: PathLike) -> None:
        """Write the page of the comparison. Raises: RunError where the file cannot be written."""
        from sim.report.page.page import comparison_page

        _write(file, comparison_page(self.arms, self.results, _facts(self.results)))


@dataclass(frozen=True, eq=False)
class SweepResults(_Shown[Sweep]):
    """The same patients in every cell of a sweep; the base case is the reference. failed: cells' names."""

    one_more: bool = False

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the cells that failed; their facts say why."""
        return self._done.failed

    @cached_property
    def differences(self) -> pd.DataFrame:
        """A row for each paired difference; the columns are those of `docs/results.md`."""
        return _frame_of(self.results.differences)

    def report(self, file: PathLike) -> None:
        """Write the page of the sweep. Raises: RunError where the file cannot be written."""
        from sim.report.page.page import sweep_page

        _write(file, sweep_page(self.results, _facts(self.results), one_more=self.one_more))

    def write_csv(self, file: PathLike) -> None:
        """Write a row for each cell and outcome. Raises: RunError where the file cannot be written."""
        from sim.report.tables.sweep_table import csv_text

        _write(file, csv_text(self.results))


def as_text(write: Callable[[Console], None]) -> str:
    """What `write` prints on a console of 100 columns."""
    from rich.console import Console

    console = Console(file=StringIO(), width=100)
    write(console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().rstrip("\n")


@dataclass(frozen=True, eq=False)
class PatientTrace:
    """One patient in one scenario, or in two beside each other. str() is the story in words."""

    arms: Sequence[Arm]
    _index: int

    def __str__(self) -> str:
        from sim.report.text.story import print_story
        from sim.report.text.twin_story import print_twin_story

        arms, index = self.arms, self._index
        if len(arms) == 1:
            return as_text(lambda to: print_story(arms[0].log, arms[0].scenario, index, to))
        return as_text(lambda to: print_twin_story(arms[0], arms[1], index, to))

    __repr__ = __str__

    def report(self, file: PathLike) -> None:
        """Write the page of the patient. Raises: RunError where the file cannot be written."""
        from sim.report.page.page import trace_page

        _write(file, trace_page(self.arms, self._index, _facts(self.arms[0])))


# ---------------------------------------------------------------- parts


def _run_of(arm: Arm, results: Results) -> Run:
    """An arm of a comparison as a run of its own."""
    request = RunRequest(Path(arm.scenario.file), seed=arm.seed, replications=arm.replications)
    return Run(request, arm.scenario, results.of_arm(arm.name), "auto", arm.log.n_patients, arm)


def _write(file: PathLike, text: str) -> None:
    from sim.files import write_whole

    write_whole(Path(file), text)


def _facts(made: Results | Arm) -> dict[str, object]:
    from sim.runs.provenance import page_facts

    return page_facts(("sim", "(Python)"), seed=made.seed, replications=made.replications)


def _frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame, names as categories."""
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _frame_of(table: Table[Any]) -> pd.DataFrame:
    """A table of estimates or differences as a frame: texts, and numbers with nan for what is not there."""
    import pandas as pd

    return pd.DataFrame(
        {
            name: table.numbers[name]
            if name in table.numbers
            else np.array(table.names[name] or ("",), dtype=object)[table.codes[name]]
            for name in table.row_type._fields
        }
    )


def _diverges_days(reference: Arm, arm: Arm) -> Floats:
    """The day on which each patient's pathways diverge, nan where they never do, shape [n_patients].

    It is that of the earlier of the two rows that differ, where only one log has the row that of this.
    """
    from sim.outcomes.comparison.patient_changes import diverge, diverging_rows
    from sim.outcomes.history.history import NEVER

    divergences = diverge(reference.log, arm.log)
    found = np.full(len(divergences.sequence), np.nan)
    patients = np.flatnonzero(divergences.diverges)
    for log in (reference.log, arm.log):
        rows = diverging_rows(log, divergences, patients)
        exists = rows != NEVER
        found[patients[exists]] = np.fmin(found[patients[exists]], log.time[rows[exists]])
    return found
