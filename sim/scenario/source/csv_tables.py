"""CSV tables as rows of texts."""

from __future__ import annotations

import csv
import io
import os
import re
from math import inf, isfinite

from sim.errors import InputError
from sim.scenario.source.files import MIB, read_regular
from sim.scenario.source.tree import CONTROL

LARGEST_TABLE = 64 * MIB
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")

Row = dict[str, str]


def read_table(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a CSV file.

    Raises: InputError where there is no such table, no row, or a row too short.
    """
    try:
        text = read_regular(path, most=LARGEST_TABLE).decode("utf-8-sig")
    except InputError as error:
        raise InputError(f"the table {path} {error.fact}", error.fix) from None
    except UnicodeDecodeError:
        raise InputError(f"the table {path} is not UTF-8 text", "save it as plain UTF-8") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        fix = "its path is seen from the scenario's file"
        raise InputError(f"the table {path} cannot be read: {reason}", fix) from None
    if CONTROL.search(text):
        raise InputError(f"{path} has control characters: it is not a table", "save it as CSV, in UTF-8")
    return rows_of(text, str(path))


def rows_of(text: str, name: str) -> list[Row]:
    """The rows of a table that is called `name`, as `read_table`."""
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    except csv.Error as error:
        raise InputError(f"the table {name} cannot be read: {error}") from None
    if len(lines) < 2:
        raise InputError(f"the table {name} has no rows", "it has a line of column names, then the rows")
    header = [cell.strip() for cell in lines[0]]
    if len(set(header)) < len(header):
        raise InputError(f"two columns of {name} have one name", "give each its own")
    for n, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            fact = f"row {n} of {name} has {len(line)} cells, and there are {len(header)} columns"
            raise InputError(fact, "fill it up, or quote what has a comma")
    return [dict(zip(header, (cell.strip() for cell in line), strict=True)) for line in lines[1:]]


def cell_number(text: str) -> float | None:
    """The finite number that a cell spells in ASCII digits, None if it spells none."""
    number = float(text) if NUMBER.match(text) else inf
    return number if isfinite(number) else None
