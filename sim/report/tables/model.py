"""A table as text, and how a terminal prints it; `notebook.table_html` writes the same table as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

FAINT = "dim"
GAP = 3
"""Blanks between two columns of a terminal."""
NARROWEST = 16
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
    widths = [
        max(len(line) for cell in (column.head, *cells) for line in ("", *lines_of(cell)))
        for column, cells in zip(table.columns, _by_column(table), strict=True)
    ]
    for chosen in _batches(table.columns, widths, console.width):
        console.print(_rich(table, chosen, widths, console.width))
    for note in table.notes:
        console.print(Text(note, style=FAINT))


def _by_column(table: Table) -> list[list[Cell]]:
    return [[row[i] for row in table.rows] for i in range(len(table.columns))]


def _batches(columns: Sequence[Column], widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Positions of columns that fit beside each other, each time after the first column."""

    def needed(i: int) -> int:
        return (min(widths[i], NARROWEST) if columns[i].is_text else widths[i]) + GAP

    batch: list[int] = [0]
    for i in range(1, len(columns)):
        if len(batch) > 1 and sum(map(needed, [*batch, i])) - GAP > width:
            yield batch
            batch = [0]
        batch.append(i)
    yield batch


def _rich(table: Table, chosen: Sequence[int], widths: Sequence[int], width: int) -> RichTable:
    rich = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i in chosen:
        column = table.columns[i]
        rich.add_column(
            Text(column.head),
            justify="left" if column.is_text else "right",
            no_wrap=not column.is_text and widths[i] + NARROWEST + GAP <= width,
            overflow="fold",
        )
    for row in table.rows:
        rich.add_row(*(_text(row[i], is_first=i == 0) for i in chosen))
    return rich


def _text(cell: Cell, *, is_first: bool) -> Text:
    if isinstance(cell, str):
        return Text(cell)
    text = (cell.text, "bold" if is_first else "")
    return Text.assemble(text, ("\n" + cell.below, FAINT)) if cell.below else Text.assemble(text)
