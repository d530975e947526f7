"""Tables of patients and of starting days: from CSV files, or as text in a resolved form."""

from __future__ import annotations

import csv
import io

from sim.errors import InputError, Problems, did_you_mean
from sim.scenario.language.model import Covariate, PatientTable, Scalar
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, listing, scalar_text
from sim.scenario.source.csv_tables import NUMBER, Row, cell_number, read_table, rows_of
from sim.scenario.source.tree import Node, key_value


def read_rows(node: PlacedNode, known: Known) -> tuple[Row, ...]:
    """The rows of the table at the path given here.

    Raises: Unread, its problem noted.
    """
    path = node.folder(known.folder) / node.text()
    try:
        return read_table(path)
    except InputError as error:
        raise node.fail(error.fact, error.fix) from None


def read_arrival_days(node: PlacedNode, known: Known) -> tuple[float, ...]:
    """The starting days in the table at the path given here: its column `day`, in the order of the rows."""
    rows = read_rows(node, known)
    if "day" not in rows[0]:
        raise node.fail("the table has no column `day`", "a row for each patient: the day of the start")
    return _days(node, rows)


def _days(node: PlacedNode, rows: tuple[Row, ...]) -> tuple[float, ...]:
    """The column `day`."""
    days = []
    for row in rows:
        day = cell_number(row["day"])
        if day is None or day < 0.0:
            raise node.fail(f"line {row.line}: `{row['day']}` is not a day", "days are numbers, 0 or more")
        days.append(day)
    return tuple(days)


# ---------------------------------------------------------------- patients


def read_patient_file(node: PlacedNode, known: Known) -> PatientTable:
    """The table of patients at the path given here."""
    return _patient_table(node, known, read_rows(node, known))


def read_patient_text(node: PlacedNode, known: Known) -> PatientTable:
    """The table of patients given here as text."""
    try:
        return _patient_table(node, known, rows_of(node.text(), "the table of patients"))
    except InputError as error:
        raise node.fail(error.fact, error.fix) from None


def _patient_table(node: PlacedNode, known: Known, rows: tuple[Row, ...]) -> PatientTable:
    """The rows as values; adds a problem for each column that says nothing, or what no patient can have."""
    words = ["stage", "days_in_stage", "waiting_for", "days_waiting", *known.attributes]
    words += [f"since.{stamp}" for stamp in known.stamps] + [f"days.{clock}" for clock in known.clocks]
    words += [word for word in ("id", "day") if word not in words]
    if not set(words) & set(rows[0]):
        fact = "no column of the table is a property of a patient"
        raise node.fail(fact, f"columns are {listing(words)}")
    before = len(node.problems.found)
    columns: dict[Covariate, list[Scalar | None]] = {}
    for name in rows[0]:
        if name not in words:
            fix = did_you_mean(name, words) or f"columns are {', '.join(words)}"
            node.fail(f"the column `{name}` is not a property of a patient", fix)
            continue
        if name in ("id", "day") and name not in known.attributes:
            continue
        kind, _, rest = name.partition(".")
        covariate = Covariate("attribute", name) if name in known.attributes else Covariate(kind, rest)
        columns[covariate] = _read_cells(node, known, covariate, name, rows)
    for days, stage in (("days_in_stage", "stage"), ("days_waiting", "waiting_for")):
        if Covariate(days) in columns and Covariate(stage) not in columns:
            node.fail(
                f"there are `{days}` without a `{stage}`", f"add the column `{stage}`, or leave out the days"
            )
    if len(node.problems.found) > before:
        raise Unread
    table = PatientTable(
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)) if columns else ((),) * len(rows),
        node.where,
        ids=tuple(row["id"] for row in rows) if "id" in rows[0] and "id" not in known.attributes else (),
        begins=_days(node, rows) if "day" in rows[0] and "day" not in known.attributes else (),
    )
    if table.is_today:
        _check_today(node, table, rows)
    return table


def _check_today(node: PlacedNode, table: PatientTable, rows: tuple[Row, ...]) -> None:
    """Raises: Unread where a row gives neither a stage nor a wait, or days without what they are days of."""
    if table.begins:
        raise node.fail(
            "today's patients are there on day 0, and the table has a column `day`", "leave it out"
        )
    columns = (table.column(kind) for kind in ("stage", "days_in_stage", "waiting_for", "days_waiting"))
    for row, stage, in_stage, waits, waited in zip(rows, *columns, strict=True):
        if stage is None and waits is None:
            raise node.fail(f"line {row.line} gives neither `stage` nor `waiting_for`", "give one, or both")
        for word, what, days in (("stage", stage, in_stage), ("waiting_for", waits, waited)):
            if what is None and days is not None:
                raise node.fail(f"line {row.line} gives days without a `{word}`", "leave the days empty")


def _read_cells(
    node: PlacedNode, known: Known, covariate: Covariate, name: str, rows: tuple[Row, ...]
) -> list[Scalar | None]:
    """The values of a column; the first that no patient can have is noted."""
    found: list[Scalar | None] = []
    is_number = covariate.kind != "attribute" or known.attributes[covariate.name].kind == "number"
    for row in rows:
        text = row[name]
        may_be_empty = covariate.kind in ("since", "days", "waiting_for", "days_waiting")
        may_be_empty |= covariate.kind in ("stage", "days_in_stage") and "waiting_for" in row
        if not text and may_be_empty:
            found.append(None)
            continue
        problems = Problems()
        value = key_value(text)
        if isinstance(value, int | float) and not isinstance(value, bool) and not NUMBER.match(text):
            value = text  # `1_0` and `0x10` are numbers in YAML alone
            if is_number and covariate.kind not in ("stage", "waiting_for"):
                problems.add(node.where, f"`{text}` is not a number of a table", "write plain digits")
        cell = PlacedNode(Node(node.content.place, value), node.path, problems)
        try:
            if problems.found:
                raise Unread
            found.append(_read_cell(cell, known, covariate))
        except Unread:
            fact, fix = (
                (problems.found[0].fact, problems.found[0].fix) if problems.found else ("is not a value", "")
            )
            node.fail(f"line {row.line}, column `{name}`: {fact}", fix)
            break
    return found


def _read_cell(cell: PlacedNode, known: Known, covariate: Covariate) -> Scalar:
    """One value: of an attribute, a stage that takes time, or days, which are 0 or more."""
    is_days = covariate.kind in ("days", "days_waiting")
    is_stage = covariate.kind in ("stage", "waiting_for")
    read_as = Covariate("since", "start") if is_days else Covariate("stage") if is_stage else covariate
    value = known.scalar(cell, read_as)
    if is_stage:
        stage = known.stages[str(value)]
        if stage.get("decide") is not None or stage.get("terminal") is not None:
            raise cell.fail(f"no patient spends time in `{value}`", "give a stage that has events")
        if covariate.kind == "waiting_for" and stage.get("needs") is None:
            raise cell.fail(
                f"nobody waits for `{value}`: it needs nothing", "give the patient's `stage` instead"
            )
    elif covariate.kind != "attribute" and float(value) < 0.0:
        raise cell.fail(f"`{cell.value}` lies in the future", "days are numbers, 0 or more")
    return value


def write_patient_table(table: PatientTable) -> str:
    """A table of patients as text that `read_patient_text` reads."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    ids = [[one] for one in table.ids] if table.ids else [[]] * len(table.rows)
    writer.writerow([*(["id"] if table.ids else []), *map(str, table.columns)])
    for one, row in zip(ids, table.rows, strict=True):
        writer.writerow([*one, *("" if cell is None else scalar_text(cell) for cell in row)])
    return lines.getvalue()
