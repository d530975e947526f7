"""The columns of a CSV of observations, read with the line and column of what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError, did_you_mean
from sim.event_log.log import Floats
from sim.scenario.source.csv_tables import Row, cell_number

Mask = NDArray[np.bool_]


class CsvTable:
    """The rows of a CSV, read column by column."""

    def __init__(self, path: Path, rows: Sequence[Row]) -> None:
        self.path, self.rows = path, rows
        self.names = set(rows[0]) if rows else set()

    def of(self, mask: Mask) -> CsvTable:
        """The rows of a mask."""
        return CsvTable(
            self.path, [row for row, is_kept in zip(self.rows, mask.tolist(), strict=True) if is_kept]
        )

    def column(self, given: str, default: str, option: str) -> str:
        """The name given, which must be there, or the default where it is there, else ""."""
        if given and given not in self.names:
            raise self._missing(given, option)
        return given or (default if default in self.names else "")

    def needed(self, given: str, default: str, option: str) -> str:
        """As `column`. Raises: InputError where there is none."""
        found = self.column(given, default, option)
        if not found:
            raise self._missing(default, option)
        return found

    def _missing(self, name: str, option: str) -> InputError:
        near = did_you_mean(name, self.names)
        have = ", ".join(self.rows[0])
        return InputError(
            f"{self.path.name} has no column `{name}`",
            near or f"its columns are {have}: rename one, or name it with {option}=",
        )

    def fault(self, row: Row, column: str, fact: str, fix: str) -> InputError:
        """An error at one cell."""
        return InputError(f"line {row.line} of {self.path.name}, column {column}: {fact}", fix)

    def numbers(
        self, column: str, *, above: float, is_zero_allowed: bool = False, empty: float | None = None
    ) -> Floats:
        """The numbers of a column. empty: what an empty cell (or NA) means, an error where None."""
        found = []
        for row in self.rows:
            text = row[column]
            number = cell_number(text)
            if number is None and empty is not None and text in ("", "NA", "inf", "Inf"):
                number = empty
            elif number is None:
                fix = "write plain digits, with a point" if text else "fill it in, or leave the row out"
                raise self.fault(row, column, f"`{text}` is not a number" if text else "is empty", fix)
            elif number < above or (number == above and not is_zero_allowed):
                fix = (
                    "write 0 or more"
                    if is_zero_allowed
                    else ("a time to an event is above 0: for day 0 write half a day, or leave the row out")
                )
                raise self.fault(row, column, f"{text} is not a time that can be fitted", fix)
            found.append(number)
        return np.array(found, dtype=np.float64)

    def statuses(self, column: str) -> Mask:
        """Whether the event was seen, of 0 and 1."""
        found = []
        for row in self.rows:
            number = cell_number(row[column])
            if number not in (0.0, 1.0):
                text = row[column]
                fix = "write 1 for the event, 0 for a censored time; the kind of event in a column `cause`"
                raise self.fault(row, column, f"`{text}` is neither 0 nor 1" if text else "is empty", fix)
            found.append(number == 1.0)
        return np.array(found, dtype=bool)

    def causes(self, column: str, happened: Mask) -> NDArray[np.str_]:
        """The cause of each event, "" of a censored time."""
        for row, is_event in zip(self.rows, happened.tolist(), strict=True):
            if is_event and not row[column]:
                raise self.fault(row, column, "is empty, and the event was seen", "write its cause")
        return np.where(happened, np.array([row[column] for row in self.rows]), "")
