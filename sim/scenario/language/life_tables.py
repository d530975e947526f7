"""Life tables: from a file, or from the rows of a resolved form."""

from __future__ import annotations

from math import log1p
from typing import Any

from sim.errors import did_you_mean
from sim.scenario.language.conditions import read_value, write_value
from sim.scenario.language.elements import number
from sim.scenario.language.model import By, Covariate
from sim.scenario.language.node_reader import Known, PlacedNode, scalar_text
from sim.scenario.language.patient_tables import read_rows
from sim.scenario.source.csv_tables import Row, cell_number
from sim.scenario.source.tree import key_value
from sim.units import number_text


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
        points.append((node.at_key(key).number(), item.number()))
    return {"ages": tuple(a for a, _ in points), "rates": tuple(r for _, r in points)}


def _split(node: PlacedNode, known: Known, rows: list[Row], by: list[str]) -> Any:
    """A table, or a choice of tables by the values in the first of these columns."""
    if not by:
        return _one_table(node, rows)
    covariate = Covariate("attribute", by[0])
    entries = []
    for value in dict.fromkeys(row[by[0]] for row in rows):
        key = known.scalar(node.with_value(key_value(value)), covariate)
        entries.append((key, _split(node, known, [row for row in rows if row[by[0]] == value], by[1:])))
    return By(covariate, tuple(entries), None, node.where)


def _one_table(node: PlacedNode, rows: list[Row]) -> dict[str, Any]:
    ages: list[float] = []
    rates: list[float] = []
    for row in rows:
        age, rate = _row(node, row)
        if ages and age <= ages[-1]:
            raise node.fail(f"age {row['age']} comes after age {number_text(ages[-1])}", "ages must increase")
        ages.append(age)
        rates.append(rate)
    return {"ages": tuple(ages), "rates": tuple(rates)}


def _row(node: PlacedNode, row: Row) -> tuple[float, float]:
    """Age in years and rate per year of one row."""
    word = "rate" if row.get("rate") else "probability"
    written = row.get(word) or ""
    age, value = cell_number(row["age"]), cell_number(written)
    if age is None or value is None:
        raise node.fail(f"the row of age `{row['age']}` has `{written}` as {word}", "both are numbers")
    if word == "probability" and not 0.0 <= value < 1.0:
        fact = f"{written} is not a yearly probability (age {row['age']})"
        raise node.fail(fact, "it is at least 0 and below 1")
    if value < 0.0 or age < 0.0:
        raise node.fail(f"{written} is not a yearly rate (age {row['age']})", "it is 0 or more")
    return age, value if word == "rate" else -log1p(-value)


def write_life_table(tables: Any) -> dict[str, Any]:
    """A life table: age in years, rate per year."""

    def rows(table: Any) -> dict[str, Any]:
        return {scalar_text(a): number(r) for a, r in zip(table["ages"], table["rates"], strict=True)}

    return {"rows": write_value(tables, rows)}
