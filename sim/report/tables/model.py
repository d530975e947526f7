"""A table as text, and how a terminal prints it; `notebook.table_html` writes the same table as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import NamedTuple, TypeAlias

from rich.console import Console
from rich.text import Text

FAINT, BOLD = "dim", "bold"
GAPS = (3, 2)
"""Blanks between two columns of a terminal, and where they do not fit so."""


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
    """Print what `write` prints; without colour where the console is no terminal."""
    if console.is_terminal:
        write(console)
        return
    with console.capture() as captured:
        write(console)
    for line in captured.get().splitlines():
        console.out(line.rstrip(), highlight=False)


def print_results(
    console: Console,
    title: str,
    *,
    about: Iterable[str],
    answers: Iterable[str] = (),
    tables: Iterable[Table],
    notes: Iterable[str],
    more: str = "",
) -> None:
    """Print an analysis: its title, facts about it, answers, tables, notes, and how to see more."""

    def write(to: Console) -> None:
        prose(to, title, BOLD)
        for line in about:
            prose(to, line, FAINT)
        for line in answers:
            prose(to, line, BOLD)
        for table in tables:
            to.print()
            print_table(table, to)
        to.print()
        for line in notes:
            prose(to, line)
        if more:
            prose(to, more, FAINT)

    printed(console, write)


def prose(console: Console, text: str = "", style: str = "") -> None:
    """Print a text; a line ends between two words, and a longer word stays whole."""
    for line in text.splitlines() or [""]:
        for part in _wrapped(line, console.width):
            console.print(Text(part, style), soft_wrap=True)


def print_table(table: Table, console: Console) -> None:
    """Print a table; columns that do not fit beside each other stand below each other.

    Texts wrap between words. No number is cropped or wrapped, however narrow the console.
    """
    if table.title:
        prose(console, table.title, BOLD)
    if table.meaning:
        prose(console, table.meaning, FAINT)
    for chosen, widths, gap in _blocks(table, console.width):
        columns = [table.columns[i] for i in chosen]
        heads = [_wrapped(column.head, width) for column, width in zip(columns, widths, strict=True)]
        blank = [""] * (max(map(len, heads)) if heads else 0)
        below = [[*blank[len(head) :], *head] for head in heads]
        _print_row([[(line, "") for line in head] for head in below], columns, widths, gap, console)
        console.print(Text("─" * (sum(widths) + gap * (len(widths) - 1))), soft_wrap=True)
        for number, row in enumerate(table.rows):
            cells = [row[i] for i in chosen]
            if not any(cells[1:]) and len(chosen) < len(row):
                continue
            if number and isinstance(cells[0], Value):
                console.print()
            lines = [
                _cell_lines(*one, is_first=not i)
                for i, one in enumerate(zip(cells, columns, widths, strict=True))
            ]
            _print_row(lines, columns, widths, gap, console)
    for note in table.notes:
        prose(console, note, FAINT)


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` characters, or of one word; each begins as the first does."""
    indent = text[: len(text) - len(text.lstrip())]
    return wrap(
        text, max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]


def _cell_lines(cell: Cell, column: Column, width: int, *, is_first: bool) -> list[tuple[str, str]]:
    """The lines of a cell with their styles."""
    lines = [
        part for line in lines_of(cell) for part in (_wrapped(line, width) if column.is_text else [line])
    ]
    first = len(_wrapped(lines_of(cell)[0], width)) if column.is_text and lines else 1
    top, below = (BOLD if is_first else "", FAINT) if isinstance(cell, Value) else ("", "")
    return [(line, top if i < first else below) for i, line in enumerate(lines)]


def _print_row(
    cells: Sequence[Sequence[tuple[str, str]]],
    columns: Sequence[Column],
    widths: Sequence[int],
    gap: int,
    console: Console,
) -> None:
    for i in range(max(map(len, cells), default=0)):
        parts: list[tuple[str, str]] = []
        for cell, column, width in zip(cells, columns, widths, strict=True):
            text, style = cell[i] if i < len(cell) else ("", "")
            parts += [(" " * (gap if parts else 0), "")]
            parts += [(text.ljust(width) if column.is_text else text.rjust(width), style)]
        line = Text.assemble(*parts)
        line.rstrip()
        console.print(line, soft_wrap=True)


def _blocks(table: Table, width: int) -> Iterator[tuple[list[int], list[int], int]]:
    """Columns that fit beside each other, each time after the first column; their widths and the gap.

    A column of numbers needs its widest cell, one of text its longest word.
    """
    wide, least = [], []
    for i, column in enumerate(table.columns):
        lines = [line for row in table.rows for line in lines_of(row[i])]
        wide.append(max(map(len, [column.head, *lines])))
        words = [word for line in lines for word in _words(line)] if column.is_text else lines
        least.append(max(map(len, [*_words(column.head), *words, ""])))
    gap = next((gap for gap in GAPS if sum(wide) + gap * (len(wide) - 1) <= width), GAPS[-1])
    block: list[int] = []
    for i in range(len(wide)):
        if len(block) > 1 and sum(least[j] + gap for j in (*block, i)) - gap > width:
            yield block, _grown(block, wide, least, width, gap), gap
            block = [0]
        block.append(i)
    yield block, _grown(block, wide, least, width, gap), gap


def _words(text: str) -> list[str]:
    """The parts that a line of text can be broken into; the first with its indentation."""
    first, *others = text.split() or [""]
    return [text[: len(text) - len(text.lstrip())] + first, *others]


def _grown(
    block: Sequence[int], wide: Sequence[int], least: Sequence[int], width: int, gap: int
) -> list[int]:
    """The widths of a block: what each column needs, then what it would like while there is room."""
    room = width - sum(least[i] + gap for i in block) + gap
    found = []
    for i in block:
        more = max(0, min(wide[i] - least[i], room))
        found.append(least[i] + more)
        room -= more
    return found
