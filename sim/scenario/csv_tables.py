"""Tables that a scenario names (CSV): read row by row; those of patients and arrivals are checked."""

from __future__ import annotations

import csv
from math import isfinite

from sim.errors import Problems, did_you_mean
from sim.scenario.model import Covariate
from sim.scenario.spots import Known, Spot, Unread
from sim.scenario.tree import Node, key_value

Row = dict[str, str]


def read_rows(spot: Spot, known: Known) -> list[Row]:
    """The rows of the table whose path stands here, cells as texts.

    Raises: Unread, its problems noted, where there is no such table, no row, or a row too short.
    """
    path = spot.folder(known.folder) / spot.text()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [line for line in csv.reader(stream) if line]
    except (OSError, ValueError, csv.Error) as error:
        said = (getattr(error, "strerror", None) or str(error)).lower()
        fix = "its path is seen from the scenario's file"
        raise spot.fail(f"the table {path} cannot be read: {said}", fix) from None
    if len(lines) < 2:
        raise spot.fail(f"the table {path} has no rows", "it has a line of column names, then the rows")
    header = [name.strip() for name in lines[0]]
    if len(set(header)) < len(header):
        raise spot.fail(f"two columns of {path} have one name", "give each its own")
    for n, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            fact = f"row {n} of {path} has {len(line)} cells, and there are {len(header)} columns"
            raise spot.fail(fact, "fill it up, or quote what has a comma")
    return [dict(zip(header, (cell.strip() for cell in line), strict=True)) for line in lines[1:]]


def check_cohort(spot: Spot, known: Known) -> None:
    """Notes what a table of patients has that no patient can have."""
    rows = read_rows(spot, known)
    for column in rows[0]:
        read = cell_of(column, known)
        if read is None:
            words = ["stage", "days_in_stage", *known.attributes]
            words += [f"since.{stamp}" for stamp in known.stamps] + [
                f"days.{clock}" for clock in known.clocks
            ]
            fix = did_you_mean(column, words) or f"columns are {', '.join(words)}"
            spot.fail(f"the column `{column}` says nothing about a patient", fix)
            continue
        for n, row in enumerate(rows, 1):
            told = Problems()
            cell = Spot(Node(spot.node.place, key_value(row[column])), spot.path, told)
            try:
                known.scalar(cell, read)
            except Unread:
                fact, fix = (told.found[0].fact, told.found[0].fix) if told.found else ("is no value", "")
                spot.fail(f"row {n}, column `{column}`: {fact}", fix)
                break


def cell_of(column: str, known: Known) -> Covariate | None:
    """What the cells of a column are values of, None for no column of a patient."""
    if column in known.attributes:
        return Covariate("attribute", column)
    if column in ("stage", "days_in_stage"):
        return Covariate(column)
    word, _, name = column.partition(".")
    if word == "since" and name in known.stamps:
        return Covariate("since", name)
    if word == "days" and name in known.clocks:
        return Covariate("since", "start")
    return None


def check_arrival_days(spot: Spot, known: Known) -> None:
    """Notes what a table of arrivals lacks: a column `day` of numbers, 0 or more."""
    rows = read_rows(spot, known)
    if "day" not in rows[0]:
        raise spot.fail("the table has no column `day`", "a row for each patient: the day of the start")
    for n, row in enumerate(rows, 1):
        try:
            day = float(row["day"])
        except ValueError:
            day = -1.0
        if not isfinite(day) or day < 0.0:
            raise spot.fail(f"row {n}: `{row['day']}` is no day", "days are numbers, 0 or more")
