"""Life tables and survival curves from files; life tables from the rows of a resolved form, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf, log1p
from typing import Any

from sim.errors import did_you_mean
from sim.scenario.language.conditions import read_value, write_value
from sim.scenario.language.elements import number
from sim.scenario.language.model import By, Covariate
from sim.scenario.language.node_reader import SHORTEST, Known, PlacedNode, scalar_text
from sim.scenario.language.patient_tables import read_rows
from sim.scenario.source.csv_tables import Row, cell_number
from sim.scenario.source.tree import key_value
from sim.units import number_text

CLOSED = "closed"
"""In the resolved form the rate of a year of age that nobody survives."""


def read_life_table(node: PlacedNode, known: Known) -> Any:
    """`{file: table.csv}` or `{rows: {AGE: RATE}}`: ages in years and rates per year, by attributes."""
    mapping = node.mapping()
    if "rows" in mapping:
        return read_value(node.child("rows"), known, _rows)
    if "file" not in mapping:
        raise node.fail("`file` is missing", "write {file: table.csv}, its path seen from this file")
    file = node.child("file")
    rows = read_rows(file, known)
    if "age" not in rows[0] or not {"rate", "probability"} & set(rows[0]):
        raise file.fail("a life table has columns `age` and `rate` or `probability`, and at least a row")
    own = ("age", "rate", "probability")
    by = [column for column in rows[0] if column in known.attributes and column not in own]
    unknown = [column for column in rows[0] if column not in (*by, *own)]
    if unknown:
        fact, fix = f"the column `{unknown[0]}` is not an attribute", "declare it, or leave the column out"
        raise file.fail(fact, did_you_mean(unknown[0], known.attributes) or fix)
    return _split(file, known, rows, by)


def _rows(node: PlacedNode) -> dict[str, Any]:
    points = []
    for key, item in node.children():
        rate = inf if item.value == CLOSED else item.number()
        points.append((node.at_key(key).number(), rate))
    return {"ages": tuple(a for a, _ in points), "rates": tuple(r for _, r in points)}


def _split(node: PlacedNode, known: Known, rows: Sequence[Row], by: list[str]) -> Any:
    """A table, or a choice of tables by the values in the first of these columns."""
    if not by:
        return _one_table(node, rows)
    covariate = Covariate("attribute", by[0])
    entries = []
    for value in dict.fromkeys(row[by[0]] for row in rows):
        key = known.scalar(node.with_value(key_value(value)), covariate)
        entries.append((key, _split(node, known, [row for row in rows if row[by[0]] == value], by[1:])))
    return By(covariate, tuple(entries), None, node.where)


def _one_table(node: PlacedNode, rows: Sequence[Row]) -> dict[str, Any]:
    """Ages and rates; a probability is that of the interval to the next age."""
    cells = [_row(node, row) for row in rows]
    ages = [age for age, _, _ in cells]
    for i, (before, age) in enumerate(pairwise(ages)):
        if age <= before:
            fact = f"age {rows[i + 1]['age']} comes after age {number_text(before)}"
            raise node.fail(fact, "ages must increase")
        if _is_open(rows[i]):
            raise node.fail(f"age {rows[i]['age']} is open, and another row follows", "it is the last row")
    widths = [b - a for a, b in pairwise(ages)]
    widths.append(widths[-1] if widths else 1.0)
    rates = [
        value if word == "rate" else _rate_of(node, rows, i, value, widths[i])
        for i, (_, value, word) in enumerate(cells)
    ]
    if rates[-1] is None:  # the probability of an open interval says nothing of when
        rates[-1] = rates[-2]
    return {"ages": tuple(ages), "rates": tuple(rates)}


def _row(node: PlacedNode, row: Row) -> tuple[float, float, str]:
    """Age in years, value, and whether that is a `rate` or a `probability`, of one row."""
    word = "rate" if row.get("rate") else "probability"
    written = row.get(word) or ""
    age, value = cell_number(row["age"].removesuffix("+")), cell_number(written)
    if age is None or age < 0.0:
        fix = "write the years, 0 or more, with a + behind the open last age"
        raise node.fail(f"`{row['age']}` is not an age", fix)
    if value is None:
        raise node.fail(f"the row of age `{row['age']}` has `{written}` as {word}", "it is a number")
    if word == "probability" and not 0.0 <= value <= 1.0:
        raise node.fail(f"{written} is not a probability (age {row['age']})", "it lies between 0 and 1")
    if value < 0.0:
        raise node.fail(f"{written} is not a yearly rate (age {row['age']})", "it is 0 or more")
    return age, value, word


def _is_open(row: Row) -> bool:
    return row["age"].endswith("+")


def _rate_of(node: PlacedNode, rows: Sequence[Row], i: int, probability: float, width: float) -> float | None:
    """The rate per year of row i from the probability of an interval of `width` years; None: that before."""
    if _is_open(rows[i]):
        if probability == 1.0 and i > 0:
            return None
        fact = f"{number_text(probability)} is not the probability of an open interval (age {rows[i]['age']})"
        raise node.fail(fact, "it is 1, after another row; or give its `rate`")
    if probability < 1.0:
        return -log1p(-probability) / width
    if i < len(rows) - 1:
        raise node.fail(
            f"nobody survives age {rows[i]['age']}, and another row follows", "leave out what follows"
        )
    if width != 1.0:
        fact = f"the last row, of age {rows[i]['age']}, is of an interval of unknown width"
        fix = f"write {rows[i]['age']}+ if it is open (the rate before it goes on), or give its `rate`"
        raise node.fail(fact, fix)
    return inf


def read_curve(node: PlacedNode, known: Known, unit: Callable[[], float]) -> tuple[tuple[float, float], ...]:
    """`{file: km.csv, unit: months}`: (days, survival) from the columns `time` and `survival`.

    Two rows of one time are a step of the curve: the fall takes the last step of the grid before it.
    """
    for key in node.value:
        if key not in ("file", "unit"):
            raise node.unknown(
                key, ("file", "unit"), f"unknown key `{key}`", "write {file: km.csv, unit: months}"
            )
    file, days_in_unit = node.child("file"), unit()
    rows = read_rows(file, known)
    if not {"time", "survival"} <= set(rows[0]):
        raise file.fail("a curve has columns `time` and `survival`", f"these are {', '.join(rows[0])}")
    points: list[tuple[float, float]] = []
    for row in rows:
        time, survival = cell_number(row["time"]), cell_number(row["survival"])
        if time is None or survival is None:
            fact = f"line {row.line}: `{row['time']}` and `{row['survival']}` are not two numbers"
            raise file.fail(fact, "write plain digits")
        days = time * days_in_unit
        if points and points[-1] == (days, survival):
            continue
        if points and points[-1][0] == days > 0.0:
            points[-1] = (days - SHORTEST, points[-1][1])
        points.append((days, survival))
    return tuple(points)


def write_life_table(tables: Any) -> dict[str, Any]:
    """A life table: age in years, rate per year."""

    def rows(table: Any) -> dict[str, Any]:
        rates = [CLOSED if rate == inf else number(rate) for rate in table["rates"]]
        return dict(zip(map(scalar_text, table["ages"]), rates, strict=True))

    return {"rows": write_value(tables, rows)}
