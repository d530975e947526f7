"""A table as text, and how a terminal prints it; `notebook.table_html` writes the same table as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal, NamedTuple, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

FAINT = "dim"
GAP = 3
"""Blanks between two columns of a terminal."""
NARROWEST = 10
"""Characters that a column of text can be wrapped to."""


class Value(NamedTuple):
    """A text with a fainter one below it: an estimate and its interval, a name and its meaning."""

    text: str
    below: str = ""


Cell: TypeAlias = "str | Value"
Row: TypeAlias = "tuple[Cell, ...]"


class Column(NamedTuple):
    """A column with its head; text is aligned left and wraps, numbers are aligned right."""

    head: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table: one cell a column in each row.

    meaning: what the numbers are, below the title. notes: what to know of them, below the table.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    meaning: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_prose(self) -> bool:
        """Whether all columns are text."""
        return all(column.is_text for column in self.columns)


def numbers(first: str, *others: str) -> tuple[Column, ...]:
    """A column of text and columns of numbers."""
    return (Column(first, is_text=True), *map(Column, others))


def texts(*heads: str) -> tuple[Column, ...]:
    """Columns of text."""
    return tuple(Column(head, is_text=True) for head in heads)


def lines_of(cell: Cell) -> list[str]:
    """The lines of a cell."""
    return cell.splitlines() if isinstance(cell, str) else [cell.text, *cell.below.splitlines()]


# ---------------------------------------------------------------- on a terminal


def printed(console: Console, write: Callable[[Console], None]) -> None:
    """Print what `write` prints; without colour and trailing blanks where the console is no terminal."""
    if console.is_terminal:
        write(console)
        return
    with console.capture() as captured:
        write(console)
    for line in captured.get().splitlines():
        console.out(line.rstrip(), highlight=False)


def print_table(table: Table, console: Console) -> None:
    """Print a table; columns of numbers that do not fit beside each other stand below each other."""
    if table.title:
        console.print(Text(table.title, style="bold"))
    if table.meaning:
        console.print(Text(table.meaning, style=FAINT))
    heads = [column.head for column in table.columns]
    bodies = [max((_width(row[i]) for row in table.rows), default=0) for i in range(len(heads))]
    widths = [max(len(head), body) for head, body in zip(heads, bodies, strict=True)]
    if is_compact := sum(map(_least, table.columns, widths)) + GAP * (len(heads) - 1) > console.width:
        heads = [_wrapped(head, max(body, NARROWEST)) for head, body in zip(heads, bodies, strict=True)]
        widths = [max(_width(head), body) for head, body in zip(heads, bodies, strict=True)]
    least, gap = list(map(_least, table.columns, widths)), GAP - is_compact
    for chosen in _batches([needed + gap for needed in least], console.width + gap):
        rich = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=is_compact)
        for i in chosen:
            is_text = table.columns[i].is_text
            fits = not is_text and widths[i] + NARROWEST + GAP <= console.width
            justify: Literal["left", "right"] = "left" if is_text else "right"
            rich.add_column(Text(heads[i]), justify=justify, no_wrap=fits, overflow="fold")
        _add_rows(rich, table.rows, chosen)
        console.print(rich)
    for note in table.notes:
        console.print(Text(note, style=FAINT))


def _width(cell: Cell) -> int:
    return max(map(len, lines_of(cell)), default=0)


def _wrapped(head: str, width: int) -> str:
    return "\n".join(wrap(head, width, break_long_words=False, break_on_hyphens=False))


def _least(column: Column, width: int) -> int:
    """The characters that a column needs: text wraps, numbers do not."""
    return min(width, NARROWEST) if column.is_text else width


def _batches(needed: Sequence[int], width: int) -> Iterator[list[int]]:
    """Positions of columns that fit beside each other, each time after the first column."""
    batch: list[int] = [0]
    for i in range(1, len(needed)):
        if len(batch) > 1 and sum(needed[j] for j in (*batch, i)) > width:
            yield batch
            batch = [0]
        batch.append(i)
    yield batch


def _add_rows(rich: RichTable, rows: Sequence[Row], chosen: Sequence[int]) -> None:
    """Add the cells of these columns, without rows that are empty in them; space around named rows."""
    for row in rows:
        first, *others = (row[i] for i in chosen)
        if any(others) or len(chosen) == len(row):
            if isinstance(first, Value) and rich.row_count:
                rich.add_section()
            rich.add_row(_text(first, is_first=True), *map(_text, others))


def _text(cell: Cell, *, is_first: bool = False) -> Text:
    if isinstance(cell, str):
        return Text(cell)
    text = (cell.text, "bold" if is_first else "")
    return Text.assemble(text, ("\n" + cell.below, FAINT)) if cell.below else Text.assemble(text)
