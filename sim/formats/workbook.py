"""The results of a run or a comparison as a workbook (xlsx) with live formulas, for reviewers of HTA."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

from sim.errors import RunError
from sim.files import check_parent, whole_file
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import Results
from sim.scenario.language.model import Scenario

Row = Sequence[str | float]

COST, QALY = "cost", "qaly"


def write_workbook(path: Path, results: Results, scenarios: Mapping[str, Scenario]) -> None:
    """Write the inputs with their sources, outcomes, costs by category and the incremental analysis.

    scenarios: of each arm by name. The incremental analysis is made of formulas of the means of each
    arm and of the threshold, so that these can be changed. Text is never a formula.
    Raises: RunError where XlsxWriter is not installed or the file cannot be written.
    """
    xlsxwriter = library()
    check_parent(path)
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False}) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for name, rows in _sheets(results, scenarios):
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    _write(sheet, (i, j), value, bold if i == 0 else None)
        _incremental(book, bold, results)
    with whole_file(path, binary=True) as file:
        file.write(made.getvalue())


def library() -> Any:
    """The library that writes workbooks. Raises: RunError where it is not installed."""
    try:
        import xlsxwriter
    except ImportError as error:
        raise RunError("a workbook needs XlsxWriter\n    pip install 'allpath[xlsx]'") from error
    return xlsxwriter


def _write(sheet: Any, at: tuple[int, int], value: str | float, style: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(*at, value, style)
    elif isfinite(value):
        sheet.write_number(*at, value, style)


def _sheets(results: Results, scenarios: Mapping[str, Scenario]) -> Iterator[tuple[str, Iterable[Row]]]:
    yield "About", _about(results, scenarios)
    yield "Inputs", _inputs(results, scenarios)
    yield "Outcomes", [EstimateRow._fields, *results.estimates]
    if len(results.differences):
        yield "Differences", [DifferenceRow._fields, *results.differences]
    if costs := list(_costs(results)):
        yield "Costs by category", costs


def _about(results: Results, scenarios: Mapping[str, Scenario]) -> Iterator[Row]:
    yield "what", "which"
    yield "seed", float(results.seed)
    yield "replications", float(results.replications)
    for arm in results.arms:
        name, economics = arm.label, scenarios[arm.name].economics
        if arm.name:
            yield f"{name}: called in the column arm", arm.name
        yield f"{name}: title", arm.title
        yield f"{name}: digest", arm.digest
        yield f"{name}: patients", float(arm.patients)
        yield f"{name}: horizon (days)", arm.horizon
        if economics is None:
            continue
        yield f"{name}: currency", economics.currency
        year = economics.price_year
        yield f"{name}: price year", "not stated" if year is None else year
        yield f"{name}: perspective", economics.perspective or "not stated"
        yield f"{name}: discount rate of costs", economics.discount_cost
        yield f"{name}: discount rate of QALYs", economics.discount_qaly
        yield f"{name}: discounting convention", economics.convention
    for note in results.notes:
        yield "note", note


def _inputs(results: Results, scenarios: Mapping[str, Scenario]) -> Iterator[Row]:
    """The parameters of the first arm, and those of the others that differ."""
    yield "arm", "parameter", "value", "uncertainty", "source", "status"
    first = next(iter(scenarios.values())).parameters
    for name, scenario in scenarios.items():
        for one in scenario.parameters:
            if scenario.parameters is first or one not in first:
                yield results.label(name), one.name, one.text, one.uncertainty, one.source, one.status


def _costs(results: Results) -> Iterator[Row]:
    found = {
        (row.part, row.arm, row.measure): row.estimate
        for row in results.estimates.where(outcome=COST, group="")
        if row.measure in ("discounted", "undiscounted")
    }
    if not found:
        return
    arms = list(dict.fromkeys(arm for _, arm, _ in found))
    measures = ("discounted", "undiscounted")
    yield (
        "category",
        *(f"{results.label(arm) if arm else ''} {measure}".strip() for arm in arms for measure in measures),
    )
    for part in dict.fromkeys(part for part, _, _ in found):
        cells = (found.get((part, arm, measure), 0.0) for arm in arms for measure in measures)
        yield part or "all", *cells


def _incremental(book: Any, bold: Any, results: Results) -> None:
    """Means of each arm, and formulas of them: differences from the first, ratio and net benefit."""
    rows = [row for row in results.incremental if row.analysis == "reference"]
    if len(rows) < 2:
        return
    sheet = book.add_worksheet("Incremental analysis")
    currency = rows[0].currency
    sheet.write_string(0, 0, "threshold per QALY", bold)
    if isfinite(rows[0].threshold):
        sheet.write_number(0, 1, rows[0].threshold)
    heads = (
        "arm", f"cost ({currency})", "QALYs", "incremental cost", "incremental QALYs", "cost per QALY",
        "incremental net monetary benefit", "incremental net health benefit (QALYs)", "95% set: low",
        "95% set: high", "form of the set", "result",
    )  # fmt: skip
    for j, head in enumerate(heads):
        sheet.write_string(2, j, head, bold)
    for i, row in enumerate(rows):
        n = i + 4
        _write(sheet, (n - 1, 0), results.label(row.arm), None)
        _write(sheet, (n - 1, 1), row.cost, None)
        _write(sheet, (n - 1, 2), row.qaly, None)
        if i == 0:
            continue
        cost, qaly = row.cost - rows[0].cost, row.qaly - rows[0].qaly
        benefit: str | float = ""
        health: str | float = ""
        if isfinite(row.threshold):
            benefit = row.threshold * qaly - cost
            health = benefit / row.threshold
        formulas = (
            (f"=B{n}-B$4", cost),
            (f"=C{n}-C$4", qaly),
            (f'=IF(E{n}=0,"",D{n}/E{n})', cost / qaly if qaly else ""),
            (f'=IF($B$1="","",$B$1*E{n}-D{n})', benefit),
            (f'=IF($B$1="","",E{n}-D{n}/$B$1)', health),
        )
        for j, (formula, value) in enumerate(formulas, start=3):
            sheet.write_formula(n - 1, j, formula, None, value)
        cells: Row = (row.low, row.high, row.confidence_set, row.status)
        for j, cell in enumerate(cells, start=8):
            _write(sheet, (n - 1, j), cell, None)
