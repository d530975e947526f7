"""The parts of the page as HTML: headline table, curves and waits, the base case behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from importlib.resources import files
from itertools import zip_longest

from sim.explore.explorer import MOST_OUTCOMES, Changed, Explorer, View
from sim.outcomes.curves import Curve, curves
from sim.outcomes.results import Results
from sim.report.charts.drawing import chart_html
from sim.report.charts.marks import Chart
from sim.report.charts.style import GHOST
from sim.report.charts.survival import survival
from sim.report.page.arms import PageArm
from sim.report.page.document import figure_css
from sim.report.page.page import until
from sim.report.page.pictures import arm_curves, resource_picture
from sim.report.page.sections import resource_table
from sim.report.tables.comparison_table import compared_outcomes
from sim.report.tables.economic_tables import COST, QALY
from sim.report.tables.headline_table import caveats, comparison_table, run_table
from sim.report.tables.model import Cell, Row, Table, Value, lines_of, numbers
from sim.report.tables.notebook import table_html
from sim.scenario.language.model import Outcome


def style() -> str:
    """The style of all parts."""
    return figure_css() + (files("sim.explore") / "explore.css").read_text("utf-8")


def script() -> str:
    """What puts a part into the page."""
    return (files("sim.explore") / "figure.js").read_text("utf-8")


def headline_outcomes(view: View) -> list[str]:
    """The names of the outcomes of the table: the first that are declared, and costs and QALYs."""
    every = view.results.reference.outcomes if len(view.arms) == 1 else compared_outcomes(view.results)
    declared = {one.name for one in view.arms[0].scenario.outcomes}
    names = [one.name for one in every]
    valued = [name for name in (COST, QALY) if name in names and name not in declared]
    return [*[name for name in names if name in declared][:MOST_OUTCOMES], *valued]


def headline(base: View, now: View, *, names: Sequence[str]) -> str:
    """The headline numbers, and below each its value in the base case where something is changed.

    names: of the outcomes.
    """
    table = _table(now.results, names)
    if now is not base:
        before = {_first(row[0]): row for row in _table(base.results, names).rows}
        rows = tuple(_above(row, before.get(_first(row[0]), ())) for row in table.rows)
        table = replace(table, rows=rows)
    scenarios = [arm.scenario for arm in now.arms]
    notes = caveats(now.results, scenarios, set(names), most_notes=len(now.results.notes))
    return table_html(replace(table, notes=(*table.notes, *notes)))


def _table(results: Results, names: Sequence[str]) -> Table:
    """A row for each number; of several arms in a column each, with the difference below."""
    chosen = [one for one in results.reference.outcomes if one.name in names]
    if len(results.arms) == 1:
        return run_table(results, chosen)
    table = comparison_table(results, chosen, chosen=True)
    arms, *numbers_of = ([_in_two_lines(row[i]) for row in table.rows] for i in range(len(table.columns)))
    rows: tuple[Row, ...] = tuple(
        (column.head, *cells) for column, cells in zip(table.columns[1:], numbers_of, strict=True)
    )
    return Table("", numbers("outcome", *map(_first, arms)), rows, notes=table.notes)


def _in_two_lines(cell: Cell) -> Value:
    """A number with the difference and its interval in one line below it."""
    first, *below = lines_of(cell) or [""]
    return Value(first, f"{below[0]} ({below[1]})" if len(below) == 2 else "".join(below))


def _above(row: Row, old: Row) -> Row:
    """Each estimate with that of the base case below it."""
    found: list[Cell] = [row[0]]
    for now, before in zip_longest(row[1:], old[1:], fillvalue=""):
        text, *below = lines_of(now) or [""]
        is_estimate = isinstance(now, Value) or len(found) == 1
        ghost = [f"{GHOST} {_first(before)}"] if is_estimate and _first(before) else []
        found.append(Value(text, "\n".join([*below, *ghost])))
    return tuple(found)


def _first(cell: Cell) -> str:
    return next(iter(lines_of(cell)), "")


def curve(base: View, now: View, outcome: Outcome) -> str:
    """An outcome over time in every arm, the base case in grey; the axis is that of the base case."""
    ghosts = _arms(base)
    before = [every.main for every, _ in arm_curves(ghosts, outcome)]
    last = float(before[0].time[-1])
    found = [curves(arm.evaluator(last), arm.outcome(outcome.name))[0].main for arm in _arms(now)]
    facts = next(one for one in now.results.reference.outcomes if one.name == outcome.name)
    drawn, behind = (
        [_named(arm.label, one) for arm, one in zip(ghosts, of, strict=True)] for of in (found, before)
    )
    chart = survival(drawn, since=facts.description.begin, ghosts=behind if now is not base else ())
    return _chart(chart, facts.description.curve)


def _named(name: str, one: Curve) -> Curve:
    return Curve(name, one.time, one.value, one.low, one.high, one.at_risk)


def waits(base: View, now: View) -> str:
    """Queues over time, and the table of resources; empty without resources to wait for."""
    picture = resource_picture(_arms(now), ghosts=_arms(base) if now is not base else ())
    table = resource_table(now.results)
    if picture is None or not table.rows:
        return ""
    if now is not base:
        before = {_first(row[0]): row for row in resource_table(base.results).rows}
        heads = [head for one in table.columns[1:] for head in (one, one._replace(head=GHOST))]
        rows = tuple(_beside(row, before.get(_first(row[0]), ())) for row in table.rows)
        table = Table(table.title, (table.columns[0], *heads), rows)
    return _chart(picture.figure, picture.caption) + table_html(table)


def _beside(row: Row, old: Row) -> Row:
    """Each cell with that of the base case beside it."""
    cells = zip_longest(row[1:], old[1:], fillvalue="")
    return (row[0], *(cell for now, before in cells for cell in (now, Value("", _first(before)))))


def _arms(view: View) -> list[PageArm]:
    results = view.results
    facts = zip(view.arms, results.arms, strict=True)
    return [PageArm.of(arm, one.label, until(results, arm)) for arm, one in facts]


def _chart(chart: Chart, caption: str) -> str:
    return f'<div class="chart">{chart_html(chart)}</div><p class="note">{escape(caption)}</p>'


def head(explorer: Explorer) -> str:
    """The titles of the arms, and what is simulated."""
    first, *others = (escape(one.title) for one in explorer.scenarios)
    results = explorer.base.results
    facts = [f"{results.reference.patients:,} simulated patients", f"seed {results.seed}"]
    if results.replications > 1:
        facts.insert(0, f"{results.replications:,} replications")
    compared = "".join(f'<p class="reference">compared with: {one}</p>' for one in others)
    about = f"{', '.join(facts)}: the same patients and random numbers after every change."
    return f'<h1>{first}</h1>{compared}<p class="note">{about}</p>'


def changes(explorer: Explorer, changed: Changed) -> str:
    """What is changed, with the value of the base case."""
    rows: list[Row] = [
        (" ".join([one.parameter.name, one.key]), one.text(one.value), one.text(changed.values[one.id]))
        for one in explorer.controls.sliders
        if one.id in changed.values
    ]
    rows += [
        (one.resource, f"{one.capacity}", f"{changed.capacities[one.id]}")
        for one in explorer.controls.steppers
        if one.id in changed.capacities
    ]
    return table_html(Table("Changes", numbers("parameter", GHOST, "now"), tuple(rows)))
