"""An empirical uncertainty: values that are equally probable, as a list or as a column of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import sim.units as units
from sim.errors import InputError, did_you_mean
from sim.scenario.source.csv_tables import cell_number, read_table
from sim.scenario.source.record import Uncertainty
from sim.scenario.source.tree import Node, flow, plain

_FORM = "write [0.7, 0.8, 0.85] or {file: draws.csv, column: NAME}"


def read(node: Node, quantity: Callable[[object], float], *, kind: str, folder: str) -> Uncertainty:
    """An empirical distribution for a value of this kind (number, time, rate).

    quantity: reads an item of a list, in days or per day. folder: of the table, if it is written in no file.
    Raises: InputError.
    """
    if isinstance(node.value, list):
        sample = tuple(_item(n, item, quantity) for n, item in enumerate(node.value, 1))
        file = ""
    elif isinstance(node.value, dict):
        file, sample = _column(node, node.value, kind, folder)
    else:
        raise InputError(f"{flow(plain(node))} is not an empirical distribution", _FORM)
    if len(sample) < 2:
        raise InputError("an empirical distribution has at least 2 values", "write all of them")
    mean = math.fsum(sample) / len(sample)
    sd = math.sqrt(math.fsum((x - mean) ** 2 for x in sample) / len(sample))
    return Uncertainty("empirical", {}, {"": (mean, sd)}, sample=sample, file=file)


def _item(n: int, item: Node, quantity: Callable[[object], float]) -> float:
    try:
        return quantity(item.value)
    except InputError as error:
        raise InputError(f"value {n}: {error.fact}", error.fix) from None


def _column(node: Node, given: Mapping[str, Node], kind: str, folder: str) -> tuple[str, tuple[float, ...]]:
    """The file as written, and the numbers of the column, row by row."""
    keys = ("file", "column") if kind == "number" else ("file", "column", "unit")
    unit = {"time": ", unit: days", "rate": ", unit: days"}.get(kind, "")
    form = f"write {{file: draws.csv, column: NAME{unit}}}"
    unknown = next((key for key in given if key not in keys), None)
    if unknown is not None:
        fact = f"empirical has no argument `{unknown}`"
        if unknown == "unit":
            fact = "a plain number has no unit"
        raise InputError(fact, did_you_mean(unknown, keys) or form)
    missing = next((key for key in keys if key not in given), None)
    if missing is not None:
        raise InputError(f"`{missing}` is missing", form)
    file, column = (str(given[key].value) for key in ("file", "column"))
    scale = 1.0
    if kind != "number":
        days = units.unit_of_time(given["unit"].value)
        scale = days if kind == "time" else 1 / days
    place = given["file"].place
    rows = read_table((Path(place.file).parent if place.line else Path(folder)) / file)
    if column not in rows[0]:
        raise InputError(
            f"{file} has no column `{column}`",
            did_you_mean(column, rows[0]) or f"these are {', '.join(rows[0])}",
        )
    numbers = []
    for row in rows:
        number = cell_number(row[column])
        if number is None:
            raise InputError(
                f"line {row.line} of {file}: `{row[column]}` is not a number", "write plain digits"
            )
        numbers.append(scale * number)
    return file, tuple(numbers)
