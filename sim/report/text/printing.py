"""Printing for people: as rich does it on a terminal, as plain text without trailing blanks elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console


def printed(console: Console, write: Callable[[Console], None]) -> None:
    """Have `write` print to the console."""
    if console.is_terminal:
        write(console)
        return
    with console.capture() as captured:
        write(console)
    for line in captured.get().splitlines():
        console.out(line.rstrip(), highlight=False)
