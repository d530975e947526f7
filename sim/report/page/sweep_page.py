"""The page of a sweep: each outcome over the cells, or what one more unit of each resource does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan, nan

from sim.outcomes.results import ArmFacts, OutcomeFacts, Results
from sim.report.charts.forest import Difference, forest
from sim.report.charts.marks import Chart
from sim.report.charts.sweep import Line, Point, sweep
from sim.report.page.document import Picture, Section, document
from sim.report.page.sections import PAIRED, provenance
from sim.report.tables import number_format, sweep_table
from sim.report.tables.model import Row, Table, Value, numbers
from sim.report.tables.sweep_table import EFFECTS, LEGEND, PER


def sweep_page(results: Results, facts: Mapping[str, object], *, one_more: bool) -> str:
    """The page of a sweep. facts: how it was made. one_more: whether each cell has one more unit."""
    reference = results.reference
    found = [one_more_section(results)] if one_more else list(outcome_sections(results))
    cells = sweep_table.cells(results)
    made: list[Row] = [(key, str(value)) for key, value in facts.items()]
    made += [(f"digest, {arm.name}", arm.digest) for arm in cells]
    return document(
        title=reference.title,
        subtitle=f"{reference.patients:,} patients, horizon {number_format.time(reference.horizon)}",
        answer=" ".join(sweep_table.answers(results)) if one_more else _answer(results),
        notes=results.notes,
        sections=(*found, provenance(made, tuple(sweep_table.failures(results)))),
    )


# ---------------------------------------------------------------- outcomes over the cells


def _answer(results: Results) -> str:
    """The first outcome in the first and the last cell, unless it waits in a queue that does not settle."""
    cells = sweep_table.cells(results)
    ends = sorted((cells[0], cells[-1]), key=results.arms.index)
    outcomes = sweep_table.swept_outcomes(results)
    for outcome in outcomes:
        own = [arm.outcome(outcome.name) for arm in ends]
        if any(one is not None and one.steady_state_note for one in own):
            continue
        values = []
        for arm in ends:
            row, _ = sweep_table.number_of(results, outcome, arm)
            value = number_format.amount(row.estimate if row else nan, outcome.description.unit)
            values.append(f"{value} with {_setting(results, arm)}")
        return f"{outcome.label}: {', '.join(values)}."
    return f"No outcome is one number{' of a steady state' if outcomes else ''}."


def _setting(results: Results, arm: ArmFacts) -> str:
    names = sweep_table.short_names(sweep_table.varied(results))
    values = sweep_table.values_of(results, arm)
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def outcome_sections(results: Results) -> Iterator[Section]:
    """A section for each outcome: a picture with its numbers."""
    for outcome in sweep_table.swept_outcomes(results):
        caption = f"{outcome.label}: {outcome.description.text}. The whiskers are 95% intervals."
        table = sweep_table.cell_table(results, outcome)
        tables = (Table(table.title, table.columns, table.rows, table.meaning, (*table.notes, LEGEND)),)
        picture = Picture(outcome.name, outcome.label, caption, _figure(results, outcome), tables)
        yield Section(outcome.name, outcome.label, (picture,))


def _figure(results: Results, outcome: OutcomeFacts) -> Chart:
    """Lines over the first path, one for each choice of values at the others."""
    over, *others = sweep_table.short_names(sweep_table.varied(results))
    lines: dict[str, list[Point]] = {}
    base_case = nan
    for arm in sweep_table.cells(results):
        row, _ = sweep_table.number_of(results, outcome, arm)
        value, low, high = (row.estimate, row.low, row.high) if row is not None else (nan, nan, nan)
        if arm is results.reference:
            base_case = value
            if arm.name.partition("=")[0] not in sweep_table.varied(results):
                continue
        at, *rest = sweep_table.values_of(results, arm)
        pairs = (f"{other} {setting}" for other, setting in zip(others, rest, strict=True))
        lines.setdefault(", ".join(pairs) or outcome.name, []).append(Point(at, value, low, high))
    return sweep(
        [Line(name, tuple(points)) for name, points in lines.items()],
        over=over,
        unit=outcome.description.unit,
        is_share=outcome.description.unit in number_format.SHARES,
        base_case=base_case,
    )


# ---------------------------------------------------------------- one more unit


def one_more_section(results: Results) -> Section:
    """What one more unit does: a forest for each effect."""
    pictures = []
    for name, effect in EFFECTS.items():
        ranked = sweep_table.by_effect(results, name)
        if not ranked:
            continue
        bars, rows = [], []
        for arm in ranked:
            path, units = sweep_table.raised(arm)
            resource = sweep_table.resource_of(path)
            value, limits, unpaired = sweep_table.effect_of(results, name, arm)
            cell = Value(number_format.plain(value, limits), number_format.interval(limits, value, ""))
            printed = f"{cell.text} ({cell.below})" if cell.below else cell.text
            size = 0.0 if isnan(value) else value
            bars.append(Difference(resource, "one more", size, limits, unpaired, printed))
            rows.append((resource, units, cell))
        title = effect.head[:1].upper() + effect.head[1:]
        caption = f"{title} per {PER} patients by one more unit of each resource, with 95% intervals."
        tables = (Table(caption, numbers("one more", "units then", effect.head), tuple(rows)),)
        figure = forest(bars, unit=f"{effect.head} per {PER} patients")
        pictures.append(Picture(name, title, caption, figure, tables))
    return Section("one-more", "One more unit", tuple(pictures), PAIRED)
