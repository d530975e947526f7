"""Tables that a scenario names (CSV), or that stand in it as text: read row by row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from math import inf, isfinite

from sim.errors import InputError, Problems, did_you_mean
from sim.scenario.language.model import Covariate, PatientTable, Scalar, Scenario
from sim.scenario.language.node_reader import Known, Spot, Unread, listing
from sim.scenario.source.files import MIB, read_regular
from sim.scenario.source.tree import CONTROL, Node, key_value
from sim.units import number_text

LARGEST_TABLE = 64 * MIB
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")

Row = dict[str, str]


def read_rows(spot: Spot, known: Known) -> list[Row]:
    """The rows of the table whose path stands here, cells as texts.

    Raises: Unread, its problems noted, where there is no such table, no row, or a row too short.
    """
    path = spot.folder(known.folder) / spot.text()
    try:
        text = read_regular(path, most=LARGEST_TABLE).decode("utf-8-sig")
    except InputError as error:
        raise spot.fail(f"the table {path} {error.fact}", error.fix) from None
    except UnicodeDecodeError:
        raise spot.fail(f"the table {path} is not UTF-8 text", "save it as plain UTF-8") from None
    except (OSError, ValueError) as error:
        said = (getattr(error, "strerror", None) or str(error)).lower()
        fix = "its path is seen from the scenario's file"
        raise spot.fail(f"the table {path} cannot be read: {said}", fix) from None
    if CONTROL.search(text):
        raise spot.fail(f"{path} has control characters: it is not a table", "save it as CSV, in UTF-8")
    return rows_of(spot, text, str(path))


def rows_of(spot: Spot, text: str, name: str) -> list[Row]:
    """The rows of a table that is called `name`, as `read_rows`."""
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    except csv.Error as error:
        raise spot.fail(f"the table {name} cannot be read: {error}") from None
    if len(lines) < 2:
        raise spot.fail(f"the table {name} has no rows", "it has a line of column names, then the rows")
    header = [cell.strip() for cell in lines[0]]
    if len(set(header)) < len(header):
        raise spot.fail(f"two columns of {name} have one name", "give each its own")
    for n, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            fact = f"row {n} of {name} has {len(line)} cells, and there are {len(header)} columns"
            raise spot.fail(fact, "fill it up, or quote what has a comma")
    return [dict(zip(header, (cell.strip() for cell in line), strict=True)) for line in lines[1:]]


def cell_number(text: str) -> float | None:
    """The finite number that a cell spells in ASCII digits, None if it spells none."""
    number = float(text) if NUMBER.match(text) else inf
    return number if isfinite(number) else None


# ---------------------------------------------------------------- patients


def read_patient_table(spot: Spot, known: Known, *, is_text: bool) -> PatientTable:
    """A table of patients: its path stands here, or (is_text) the table itself.

    Raises: Unread, with every column noted that says nothing, or what no patient can have.
    """
    rows = rows_of(spot, spot.text(), "of patients") if is_text else read_rows(spot, known)
    if all(column_of(name, known) is None for name in rows[0]):
        fix = f"columns are {listing(column_words(known))}"
        raise spot.fail("no column of the table says anything about a patient", fix)
    before = len(spot.problems.found)
    columns: dict[Covariate, list[Scalar | None]] = {}
    for name in rows[0]:
        covariate = column_of(name, known)
        if covariate is None:
            words = column_words(known)
            fix = did_you_mean(name, words) or f"columns are {', '.join(words)}"
            spot.fail(f"the column `{name}` says nothing about a patient", fix)
        else:
            columns[covariate] = read_cells(spot, known, covariate, name, [row[name] for row in rows])
    if Covariate("days_in_stage") in columns and Covariate("stage") not in columns:
        spot.fail(
            "there are `days_in_stage` without a `stage`", "add the column `stage`, or leave out the days"
        )
    if len(spot.problems.found) > before:
        raise Unread
    return PatientTable(tuple(columns), tuple(zip(*columns.values(), strict=True)), spot.where)


def clocks_not_told(scenario: Scenario) -> tuple[str, ...]:
    """A note where a table of today's patients does not say of every clock how long it has been running."""
    table = scenario.patients.table
    if table is None or not table.is_today:
        return ()
    missing = [clock.name for clock in scenario.clocks if Covariate("days", clock.name) not in table.columns]
    if not missing:
        return ()
    columns = ", ".join(f"`days.{name}`" for name in missing)
    return (
        f"the table of today's patients has no column {columns}: such a clock runs from day 0 where "
        "`on_start` starts it, and else not at all, whatever earlier stages did; an empty cell says that it "
        "does not run",
    )


def column_of(name: str, known: Known) -> Covariate | None:
    """What a column says of a patient, None for no column of a patient."""
    if name in known.attributes:
        return Covariate("attribute", name)
    if name in ("stage", "days_in_stage"):
        return Covariate(name)
    word, _, rest = name.partition(".")
    if (word == "since" and rest in known.stamps) or (word == "days" and rest in known.clocks):
        return Covariate(word, rest)
    return None


def column_words(known: Known) -> list[str]:
    """The columns that a table of patients can have."""
    stamps, clocks = (f"since.{stamp}" for stamp in known.stamps), (f"days.{clock}" for clock in known.clocks)
    return ["stage", "days_in_stage", *known.attributes, *stamps, *clocks]


def read_cells(
    spot: Spot, known: Known, covariate: Covariate, name: str, cells: Iterable[str]
) -> list[Scalar | None]:
    """The values of a column; the first that no patient can have is noted."""
    found: list[Scalar | None] = []
    may_be_empty = covariate.kind in ("since", "days")
    for n, text in enumerate(cells, 1):
        if not text and may_be_empty:
            found.append(None)
            continue
        told = Problems()
        value = key_value(text)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not NUMBER.match(text):
            value = text  # `1_0` and `0x10` are numbers in YAML alone
            if covariate.kind != "attribute" or known.attributes[covariate.name].kind != "category":
                spot.fail(
                    f"row {n}, column `{name}`: `{text}` is not a number of a table", "write plain digits"
                )
                break
        cell = Spot(Node(spot.node.place, value), spot.path, told)
        try:
            found.append(read_cell(cell, known, covariate))
        except Unread:
            fact, fix = (told.found[0].fact, told.found[0].fix) if told.found else ("is no value", "")
            spot.fail(f"row {n}, column `{name}`: {fact}", fix)
            break
    return found


def read_cell(cell: Spot, known: Known, covariate: Covariate) -> Scalar:
    """One value: of an attribute, a stage that takes time, or days, which are 0 or more."""
    as_read = Covariate("since", "start") if covariate.kind == "days" else covariate
    value = known.scalar(cell, as_read)
    if covariate.kind == "stage":
        stage = known.stages[str(value)]
        if stage.get("decide") is not None or stage.get("terminal") is not None:
            raise cell.fail(f"nobody is in `{value}` for a time", "give a stage that has events")
    elif covariate.kind != "attribute" and float(value) < 0.0:
        raise cell.fail(f"`{cell.value}` lies in the future", "days are numbers, 0 or more")
    return value


def table_text(table: PatientTable) -> str:
    """A table of patients as text that `read_patient_table` reads."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(str(covariate) for covariate in table.columns)
    writer.writerows([cell_text(value) for value in row] for row in table.rows)
    return lines.getvalue()


def cell_text(value: Scalar | None) -> str:
    """A value as it stands in a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)


# ---------------------------------------------------------------- arrivals


def read_arrival_days(spot: Spot, known: Known) -> tuple[float, ...]:
    """The starting days in the table whose path stands here: its column `day`, in the order of the rows."""
    rows = read_rows(spot, known)
    if "day" not in rows[0]:
        raise spot.fail("the table has no column `day`", "a row for each patient: the day of the start")
    days = []
    for n, row in enumerate(rows, 1):
        day = cell_number(row["day"])
        if day is None or day < 0.0:
            raise spot.fail(f"row {n}: `{row['day']}` is no day", "days are numbers, 0 or more")
        days.append(day)
    return tuple(days)
