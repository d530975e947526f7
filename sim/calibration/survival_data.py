"""Times to an event from a CSV: a row for each patient, transition at risk (mstate) or point of a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.calibration.csv_columns import CsvTable
from sim.calibration.digitised_curve import reconstruct
from sim.calibration.observations import Observations
from sim.errors import InputError
from sim.event_log.log import Floats
from sim.scenario.source.csv_tables import cell_number, read_table

Mask = NDArray[np.bool_]
MULTI_STATE = ("from", "to", "Tstart", "Tstop", "status")
MATRIX = "tmat.csv"
"""The file of R's mstate, as `allpath export --to mstate` writes it, that names the states."""
MOST_LEVELS = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns. An empty name: as by default, where there is such a column.

    by: a fit for each of its values. covariates: what multiplies the hazard, or stretches the time.
    """

    time: str = ""
    status: str = ""
    entry: str = ""
    cause: str = ""
    time_low: str = ""
    time_high: str = ""
    by: str = ""
    covariates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Covariate:
    """A column of numbers, or one value of a column of texts against the first.

    level: that value, "" for numbers. first: the value that it is compared with. centre: what numbers
    are counted from. is_yes_no: its numbers are 0 and 1 alone.
    """

    column: str
    level: str = ""
    first: str = ""
    centre: float = 0.0
    is_yes_no: bool = False

    @property
    def name(self) -> str:
        """Its name among the parameters."""
        return f"{self.column}={self.level}" if self.level else self.column


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """What one fit is of: the times to one event in one group. Names are "" where there is but one."""

    group: str
    event: str
    data: Observations

    @property
    def label(self) -> str:
        """Its name on tables and pictures."""
        return ", ".join(part for part in (self.group, self.event) if part)


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalData:
    """The observations of a file. source: the file. made: how they were read, in words."""

    source: str
    strata: tuple[Stratum, ...]
    covariates: tuple[Covariate, ...] = ()
    made: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """What is printed beside a curve.

    at_risk: a CSV with columns time and at_risk. patients, events: their numbers in all.
    """

    at_risk: Path | None = None
    patients: int | None = None
    events: int | None = None


def read_survival_data(path: Path, columns: Columns, printed: Printed) -> SurvivalData:
    """The observations of a CSV. Raises: InputError, with line and column."""
    table = CsvTable(path, read_table(path))
    if "survival" in table.names and not columns.status and "status" not in table.names:
        return _digitised(table, columns, printed)
    if printed != Printed():
        fact = f"{path.name} has no column `survival`, so it is no digitised curve"
        raise InputError(fact, "leave out what is printed beside a curve: at_risk, patients, events")
    if not table.names.isdisjoint({"from", "to"}) and set(MULTI_STATE) <= table.names:
        return _multi_state(table, columns)
    low = table.column(columns.time_low, "time_low", "time_low")
    high = table.column(columns.time_high, "time_high", "time_high")
    if low or high:
        return _intervals(table, columns, low, high)
    time = table.needed(columns.time, "time", "time")
    status = table.needed(columns.status, "status", "status")
    end = table.numbers(time, above=0.0)
    happened = table.statuses(status)
    entry = _entries(table, columns, end)
    covariates, matrix = _covariates(table, columns.covariates)
    cause = table.column(columns.cause, "cause", "cause")
    events = table.causes(cause, happened) if cause else np.where(happened, "event", "")
    found = []
    for event in sorted(set(events[happened].tolist())) or ["event"]:
        mine = events == event
        data = Observations(entry, end, np.where(mine, end, inf), np.ones(len(end)), matrix)
        found += _by_group(table, columns.by, event if cause else "", data)
    return SurvivalData(path.name, tuple(found), covariates, "times to an event, censored on the right")


def _intervals(table: CsvTable, columns: Columns, low: str, high: str) -> SurvivalData:
    """Events known to lie between two times; no high end is a time censored on the right."""
    low, high = table.needed(low, "time_low", "time_low"), table.needed(high, "time_high", "time_high")
    begin = table.numbers(low, above=0.0, is_zero_allowed=True, empty=0.0)
    end = table.numbers(high, above=0.0, empty=inf)
    for row, a, b in zip(table.rows, begin.tolist(), end.tolist(), strict=True):
        if a > b:
            raise table.fault(row, low, f"{a:g} is after {high} {b:g}", "write the earlier time first")
        if a == 0.0 and b == inf:
            raise table.fault(row, low, "neither end is known", "leave the row out: it has no information")
    entry = _entries(table, columns, end)
    late = np.flatnonzero(entry > begin)
    if len(late):
        row = table.rows[int(late[0])]
        raise table.fault(row, low, "is before the entry", "begin the interval at the entry or later")
    covariates, matrix = _covariates(table, columns.covariates)
    data = Observations(entry, begin, end, np.ones(len(end)), matrix)
    strata = _by_group(table, columns.by, "", data)
    return SurvivalData(str(table.path.name), tuple(strata), covariates, "events within intervals of time")


def _digitised(table: CsvTable, columns: Columns, printed: Printed) -> SurvivalData:
    """Pseudo patient data of a curve, for each value of `by` apart."""
    time = table.needed(columns.time, "time", "time")
    if columns.covariates:
        raise InputError("covariates: a digitised curve has none", "write by= for a curve of each group")
    by = table.needed(columns.by, columns.by, "by") if columns.by else ""
    beside = table
    if printed.at_risk is not None:
        if not printed.at_risk.is_file():
            raise InputError(
                f"at_risk: {printed.at_risk} is no file", "its path is seen from the current folder"
            )
        beside = CsvTable(printed.at_risk, read_table(printed.at_risk))
        beside.needed("at_risk", "at_risk", "at_risk")
    found = []
    for level in sorted({row[by] for row in table.rows} if by else {""}, key=_in_order):
        of_level = table.of(np.array([not by or row[by] == level for row in table.rows]))
        numbers = [
            row for row in beside.rows if row.get("at_risk") and (not by or row.get(by, level) == level)
        ]
        at_risk = _at_risk(CsvTable(beside.path, numbers), time, printed.patients)
        points = zip(
            of_level.numbers(time, above=0.0, is_zero_allowed=True).tolist(),
            of_level.numbers("survival", above=0.0, is_zero_allowed=True).tolist(),
            strict=True,
        )
        try:
            pseudo = reconstruct(list(points), at_risk, events=printed.events)
        except InputError as error:
            where = f"{table.path.name}, {by} {level}" if by else table.path.name
            raise InputError(f"{where}: {error.fact}", error.fix) from None
        zeros = np.zeros(len(pseudo.time))
        high = np.where(pseudo.is_event, pseudo.time, inf)
        data = Observations(zeros, pseudo.time, high, zeros + 1.0, np.zeros((len(zeros), 0)))
        found.append(Stratum(f"{by} {level}" if by else "", "", data))
    made = "patients reconstructed from a digitised curve (doi:10.1186/1471-2288-12-9)"
    return SurvivalData(table.path.name, tuple(found), made=made)


def _at_risk(table: CsvTable, time: str, patients: int | None) -> list[tuple[float, int]]:
    if not table.rows:
        if patients is None:
            fix = "give them in a file (at_risk=FILE: time,at_risk), in a column at_risk, or patients=N"
            raise InputError("the numbers at risk are missing", fix)
        return [(0.0, patients)]
    times = table.numbers(time if time in table.names else "time", above=0.0, is_zero_allowed=True)
    numbers = table.numbers("at_risk", above=0.0, is_zero_allowed=True)
    wrong = np.flatnonzero(numbers != np.round(numbers))
    if len(wrong):
        row = table.rows[int(wrong[0])]
        raise table.fault(row, "at_risk", f"{numbers[wrong[0]]:g} is not a whole number", "count patients")
    found = sorted(zip(times.tolist(), numbers.astype(int).tolist(), strict=True))
    if patients is not None and found[0][0] > 0.0:
        found.insert(0, (0.0, patients))
    return found


def _multi_state(table: CsvTable, columns: Columns) -> SurvivalData:
    """The time in a state until each transition out of it: clock-reset, as the times of a scenario count.

    Putter, Fiocco and Geskus 2007, doi:10.1002/sim.2712.
    """
    begin = table.numbers("Tstart", above=0.0, is_zero_allowed=True)
    end = table.numbers("Tstop", above=0.0)
    happened = table.statuses("status")
    for row, a, b in zip(table.rows, begin.tolist(), end.tolist(), strict=True):
        if not a < b:
            raise table.fault(row, "Tstop", f"{b:g} is not after Tstart {a:g}", "a stay takes time")
    covariates, matrix = _covariates(table, columns.covariates)
    names = _state_names(table.path.with_name(MATRIX))
    moves = [(row["from"], row["to"]) for row in table.rows]
    found = []
    for move in sorted(set(moves), key=lambda pair: tuple(map(_in_order, pair))):
        mine = np.array([one == move for one in moves])
        stay = (end - begin)[mine]
        zeros = np.zeros(len(stay))
        data = Observations(zeros, stay, np.where(happened[mine], stay, inf), zeros + 1.0, matrix[mine])
        event = " to ".join(names.get(state, state) for state in move)
        found += _by_group(table.of(mine), columns.by, event, data)
    made = "the long format of a multi-state model; times count from the entry into each state"
    return SurvivalData(table.path.name, tuple(found), covariates, made)


def _in_order(text: str) -> tuple[float, str]:
    number = cell_number(text)
    return (inf if number is None else number), text


def _state_names(path: Path) -> dict[str, str]:
    """The names of the states by their positions, from a matrix of transitions beside the data."""
    if not path.exists():
        return {}
    lines = path.read_text("utf-8").splitlines()[1:]
    return {str(i): line.split('"')[1] for i, line in enumerate(lines, start=1) if line.count('"') >= 2}


def _entries(table: CsvTable, columns: Columns, end: Floats) -> Floats:
    entry = table.column(columns.entry, "entry", "entry")
    if not entry:
        return np.zeros(len(end))
    found = table.numbers(entry, above=0.0, is_zero_allowed=True, empty=0.0)
    wrong = np.flatnonzero(found >= end)
    if len(wrong):
        row = table.rows[int(wrong[0])]
        fix = "who leaves before the observation begins is not in the data: leave the row out"
        raise table.fault(row, entry, f"{found[wrong[0]]:g} is not before the end {end[wrong[0]]:g}", fix)
    return found


def _by_group(table: CsvTable, by: str, event: str, data: Observations) -> list[Stratum]:
    if not by:
        return [Stratum("", event, data)]
    by = table.needed(by, by, "by")
    groups = np.array([row[by] for row in table.rows])
    if "" in groups:
        row = table.rows[int(np.flatnonzero(groups == "")[0])]
        raise table.fault(row, by, "is empty", "write a group, or leave the row out")
    levels = sorted(set(groups.tolist()), key=_in_order)
    if len(levels) > MOST_LEVELS:
        fix = "group by a column with few values; a number is a covariate"
        raise InputError(f"by: {by} has {len(levels)} values", fix)
    return [Stratum(f"{by} {level}", event, data.part(groups == level)) for level in levels]


def _covariates(table: CsvTable, names: Sequence[str]) -> tuple[tuple[Covariate, ...], Floats]:
    """The covariates and their values, [n_rows, n_covariates]; numbers are centred near their mean."""
    found: list[Covariate] = []
    columns: list[Floats] = []
    for i, name in enumerate(names):
        column = table.needed(name, name, "covariates")
        if name in names[:i]:
            raise InputError(f"covariates: {name} is named twice", "name it once")
        texts = [row[column] for row in table.rows]
        empty = next((row for row, text in zip(table.rows, texts, strict=True) if not text), None)
        if empty is not None:
            raise table.fault(empty, column, "is empty", "fill it in, or leave the row out")
        if {text.lower() for text in texts} == {"yes", "no"}:
            texts = ["1" if text.lower() == "yes" else "0" for text in texts]
        numbers = [cell_number(text) for text in texts]
        if len(set(texts)) < 2:
            raise InputError(f"covariates: {column} has one value in all rows", "leave it out")
        if None not in numbers:
            values = np.array(numbers, dtype=np.float64)
            is_yes_no = set(values.tolist()) == {0.0, 1.0}
            centre = 0.0 if is_yes_no else float(f"{values.mean():.2g}")
            found.append(Covariate(column, centre=centre, is_yes_no=is_yes_no))
            columns.append(values - centre)
            continue
        levels = sorted(set(texts), key=_in_order)
        if len(levels) > MOST_LEVELS:
            raise InputError(f"covariates: {column} has {len(levels)} different texts", "group them first")
        for level in levels[1:]:
            found.append(Covariate(column, level=level, first=levels[0]))
            columns.append(np.array([float(text == level) for text in texts]))
    return tuple(found), np.column_stack(columns) if columns else np.zeros((len(table.rows), 0))
