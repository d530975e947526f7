"""Tables as HTML: those of a page, and of results in a notebook."""

from __future__ import annotations

from html import escape

from sim.outcomes.results import Results
from sim.report.tables.comparison_table import answer as comparison_answer
from sim.report.tables.comparison_table import overview as comparison_overview
from sim.report.tables.model import Cell, Row, Table, lines_of
from sim.report.tables.run_table import answer, overview


def html(results: Results) -> str:
    """All outcomes of a run, a comparison or a sweep, as a fragment of HTML."""
    reference = results.reference
    tables: tuple[Table, ...]
    if len(results.arms) > 1:
        sentence, tables = comparison_answer(results), comparison_overview(results)
    else:
        sentence, tables = answer(results), (overview(results, reference.outcomes, reference.title),)
    notes = (f"<p>Note: {escape(note)}.</p>" for note in results.notes)
    return "\n".join([f"<p><b>{escape(sentence)}</b></p>", *notes, *map(table_html, tables)])


def table_html(table: Table) -> str:
    """A table with its notes; every text escaped."""
    heads = "".join(f'<th scope="col">{_breakable(column.head)}</th>' for column in table.columns)
    rows = "\n".join(map(_row, table.rows))
    title = escape(table.title or table.meaning)
    meaning = f'<span class="beneath">{escape(table.meaning)}</span>' if table.title and table.meaning else ""
    notes = "".join(f'\n<p class="note">{escape(note)}</p>' for note in table.notes)
    prose = ' class="prose"' if table.is_prose else ""
    return (
        f'<div class="scrolls" role="region" aria-label="{title}">\n'
        f"<table{prose}>\n<caption>{title}{meaning}</caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>{notes}"
    )


def _row(row: Row) -> str:
    first, *others = map(_cell, row)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def _cell(cell: Cell) -> str:
    text, *below = lines_of(cell) or [""]
    indent = "&emsp;" * ((len(text) - len(text.lstrip())) // 2)
    return (
        indent
        + escape(text.lstrip())
        + (f'<span class="beneath">{escape(chr(10).join(below))}</span>' if below else "")
    )


def _breakable(head: str) -> str:
    return escape(head).replace("_", "_<wbr>")
