"""How sure the differences of a comparison are, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sim.outcomes.certainty import Certainty, Limits
from sim.outcomes.results import Results
from sim.report.tables import number_format
from sim.report.tables.model import Row, Table, Value, lines_of, numbers
from sim.report.tables.run_table import headline_label

KINDS = ("simulation", "parameters", "structure")


def certainty_table(results: Results) -> Table:
    """A row for each arm: its difference, and the limits by each kind of uncertainty that was asked for."""
    first = results.certainty[0]
    shown = _shown(first)
    rows = tuple(
        (
            results.label(one.row.arm),
            number_format.change(one.row.difference, one.row.unit),
            *(_limits(one, getattr(one, kind)) for kind in shown),
        )
        for one in results.certainty
    )
    title = f"How sure the differences are: {asked_label(results)}"
    return Table(title, numbers("arm", "difference", *shown), rows, _meaning(first))


def alternatives_table(results: Results) -> Table | None:
    """The difference of each arm under each structural alternative; None where none were asked for."""
    first = results.certainty[0]
    if not first.alternatives:
        return None
    rows: list[Row] = [
        (
            name.name,
            *(
                f"{number_format.change(one.alternatives[k].difference, one.row.unit)} "
                f"({_limits(one, Limits(one.alternatives[k].low, one.alternatives[k].high))})"
                for one in results.certainty
            ),
        )
        for k, name in enumerate(first.alternatives)
    ]
    heads = (results.label(one.row.arm) for one in results.certainty)
    meaning = f"difference from {results.reference.label}, 95% interval of the simulation"
    return Table(
        f"Structural alternatives: {asked_label(results)}",
        numbers("alternative", *heads),
        tuple(rows),
        meaning,
    )


def certainty_sentences(results: Results) -> Iterator[str]:
    """Of each arm whether every kind of uncertainty agrees on the direction of the difference."""
    for one in results.certainty:
        label, by = results.label(one.row.arm), one.undetermined_by
        if not by:
            direction = "higher" if one.row.difference > 0 else "lower"
            yield f"{label}: {direction}; all kinds of uncertainty agree."
            continue
        text = f"{label}: undetermined by {' and '.join(by)}"
        if "structure" in by and one.ends is not None:
            ends = (f"{number_format.change(end.difference, one.row.unit)} ({end.name})" for end in one.ends)
            text += f"; the alternatives range from {' to '.join(ends)}"
        yield f"{text}."


def with_certainty(results: Results, table: Table) -> Table:
    """The table of the arms with the further kinds of uncertainty below the difference they are about."""
    known = {results.label(one.row.arm): one for one in results.certainty}
    heads = [column.head for column in table.columns]
    if not known or asked_label(results) not in heads:
        return table
    column = heads.index(asked_label(results))
    rows = []
    for row in table.rows:
        cells = list(row)
        one = known.get(row[0]) if isinstance(row[0], str) else None
        if one is not None:
            limits = [f"{kind} {_limits(one, getattr(one, kind))}" for kind in _shown(one)[1:]]
            text, *below = lines_of(row[column])
            cells[column] = Value(text, "\n".join((*below, *limits)))
            cells[0] = Value(lines_of(row[0])[0], "undetermined" if one.undetermined_by else "")
        rows.append(tuple(cells))
    return replace(table, rows=tuple(rows))


def _shown(one: Certainty) -> list[str]:
    """The kinds of uncertainty that were asked for."""
    return [kind for kind in KINDS if getattr(one, kind) is not None]


def asked_label(results: Results) -> str:
    """The number that was asked about."""
    row = results.certainty[0].row
    facts = results.reference.outcome(row.outcome)
    return (
        headline_label(facts, results.headline(row.outcome, arm=results.reference.name))
        if facts
        else row.outcome
    )


def _limits(one: Certainty, limits: Limits | None) -> str:
    if limits is None:
        return number_format.NOTHING
    return number_format.interval(limits, one.row.difference, one.row.unit)


def _meaning(first: Certainty) -> str:
    """What the columns are."""
    parts = ["simulation: 95% interval of the random error"]
    if first.parameters is not None:
        parts.append("parameters: 95% interval over draws of the parameters")
    if first.structure is not None:
        n = len(first.alternatives)
        parts.append(f"structure: range over {n} alternative{'s' * (n > 1)} and the base case")
    points = " in percentage points" if first.row.unit in number_format.SHARES else ""
    return f"difference from the reference{points}; {'; '.join(parts)}"
