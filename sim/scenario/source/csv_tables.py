"""CSV tables as rows of texts."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from math import inf, isfinite

from sim.errors import InputError
from sim.scenario.source.files import MIB, read_regular
from sim.scenario.source.tree import CONTROL

LARGEST_TABLE = 64 * MIB
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-16."""


class Row(dict[str, str]):
    """A row of a table: its cells by column, and its line in the file, the header being line 1."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        super().__init__(cells)
        self.line = line


def read_table(path: str | os.PathLike[str]) -> tuple[Row, ...]:
    """The rows of a CSV file.

    Raises: InputError where there is no such table, no row, or a row too short.
    """
    try:
        content = read_regular(path, most=LARGEST_TABLE)
        text = content.decode("utf-8-sig")
    except InputError as error:
        raise InputError(f"the table {path} {error.fact}", error.fix) from None
    except UnicodeDecodeError:
        kind = "is UTF-16" if content.startswith(UTF_16) else "is not UTF-8 text"
        raise InputError(f"the table {path} {kind}", "save it as CSV UTF-8") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        fix = "its path is seen from the scenario's file"
        raise InputError(f"the table {path} cannot be read: {reason}", fix) from None
    return rows_of(text, str(path))


@lru_cache(maxsize=2)  # each column of a table of draws asks for all of it
def rows_of(text: str, name: str) -> tuple[Row, ...]:
    """The rows of a table that messages call `name`, as `read_table`; without empty rows and columns."""
    if CONTROL.search(text):
        raise InputError(f"{name} has control characters: it is not a table", "save it as CSV, in UTF-8")
    lines = [(line, cells) for line, cells in _lines(text, name) if any(cells)]
    if len(lines) < 2:
        raise InputError(f"{name} has no rows", "it has a line of column names, then the rows")
    header = lines[0][1]
    for sign, words in ((";", "`;`"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            fix = "write commas between cells, and points in numbers"
            raise InputError(f"the cells of {name} are divided by {words}", fix)
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            fact = f"line {line} of {name} has {len(cells)} cells, and there are {len(header)} columns"
            raise InputError(fact, "fill it up, or quote what has a comma")
    columns = [i for i, column in enumerate(zip(*(cells for _, cells in lines), strict=True)) if any(column)]
    nameless = [i + 1 for i in columns if not header[i]]
    if nameless:
        raise InputError(f"column {nameless[0]} of {name} has no name", "write one into its first line")
    names = [header[i] for i in columns]
    if twice := [one for one in names if names.count(one) > 1]:
        raise InputError(f"two columns of {name} are called `{twice[0]}`", "give each a name of its own")
    return tuple(Row(line, {header[i]: cells[i] for i in columns}) for line, cells in lines[1:])


def _lines(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each line and its cells, without the space around them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                fact = f"a quotation mark that begins in line {line} of {name} does not end"
                raise InputError(fact, "close it") from None
            raise InputError(f"{name} cannot be read: line {line}: {error}") from None
        yield line, [cell.strip() for cell in cells]


def cell_number(text: str) -> float | None:
    """The finite number that a cell spells in ASCII digits, None if it spells none."""
    number = float(text) if NUMBER.match(text) else inf
    return number if isfinite(number) else None
