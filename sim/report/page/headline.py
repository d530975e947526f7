"""The first screen of a page: a table of the arms with the headline, and its curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.outcomes.results import OutcomeFacts, Results, time_in_prose
from sim.report.page.arms import PageArm, shared_outcomes
from sim.report.page.document import Item
from sim.report.page.pictures import curve_picture
from sim.report.tables.comparison_table import change_cell, compared_outcomes, headline_difference
from sim.report.tables.economic_tables import COST, QALY
from sim.report.tables.model import Row, Table, Value, numbers
from sim.report.tables.run_table import headline, rows_of, total, value_cell

MOST = 3
"""Outcomes in the table of several arms; of a single run one more."""


def headline_items(results: Results, arms: Sequence[PageArm]) -> tuple[Item, ...]:
    """The table, and the first outcome over time where there is one."""
    table = _of_run(results) if len(arms) == 1 else _of_arms(results)
    curves = (outcome for outcome in shared_outcomes(arms) if outcome.kind == "time_to_event")
    first = next(curves, None)
    picture = () if first is None else (curve_picture(results, arms, first),)
    return (*table, *picture)


def _of_arms(results: Results) -> Iterator[Table]:
    """A row for each arm: the first outcome with its difference from the reference, and a few more."""
    known = [one for one in compared_outcomes(results) if headline_difference(results, one, results.arms[1])]
    if not known:
        return
    first, *others = known
    chosen = [
        first,
        *sorted(others, key=lambda one: (QALY, COST).index(one.name) if one.name in (QALY, COST) else MOST)[
            : MOST - 1
        ],
    ]
    rows: list[Row] = []
    for arm in results.arms:
        is_reference = arm is results.reference
        cells: list[Value] = []
        for outcome in chosen:
            pair = headline_difference(results, outcome, results.arms[1] if is_reference else arm)
            if pair is None:
                cells += [Value(""), Value("")]
                continue
            own = pair[0] if is_reference else pair[1]
            cells += [value_cell(own), Value("reference") if is_reference else change_cell(pair[2])]
        rows.append((arm.label, *cells))
    heads = [head for outcome in chosen for head in (_head(outcome), "difference")]
    yield Table("", numbers("arm", *heads), tuple(rows))


def _head(outcome: OutcomeFacts) -> str:
    """The label of an outcome with its time; of an economic one its words with the unit."""
    time, label = outcome.description.headline.time, outcome.label
    if outcome.name in (QALY, COST):
        label = "QALYs" if outcome.name == QALY else f"Cost, {outcome.description.unit}"
    return label if time is None else f"{label}, {time_in_prose(time)}"


def _by_group(results: Results, outcome: OutcomeFacts) -> Table:
    """The headline of an outcome in each group, with the median of a curve."""
    has_median = bool(outcome.description.curve)
    rows: list[Row] = []
    for group in outcome.groups:
        own = rows_of(results.estimates, outcome.name, group=group)
        cells = [value_cell(headline(outcome, own))]
        cells += [value_cell(own["median", ""][0])] if has_median else []
        rows.append((f"{outcome.by}: {group}", *cells, total(outcome, own)))
    heads = (_head(outcome), *(["median"] if has_median else []), outcome.description.counted)
    return Table("", numbers(outcome.by or "", *heads), tuple(rows))


def _of_run(results: Results) -> Iterator[Table]:
    """The first outcome at each time in each of its groups, else the headline of a few outcomes."""
    outcomes = results.reference.outcomes
    if not outcomes:
        return
    first = outcomes[0]
    if first.groups:
        yield _by_group(results, first)
        return
    rows: list[Row] = []
    for outcome in outcomes[: MOST + 1]:
        row = headline(outcome, rows_of(results.estimates, outcome.name))
        if row is not None:
            cell = value_cell(row)
            rows.append((_head(outcome), cell.text, cell.below))
    has_intervals = any(row[2] for row in rows)
    heads = ("estimate", "95% interval")[: 1 + has_intervals]
    yield Table("", numbers("outcome", *heads), tuple(row[: len(heads) + 1] for row in rows))
