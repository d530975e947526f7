"""How far a run has come, for whoever waits at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

WORDS = {
    "load": "reading the scenario",
    "engine": "simulating",
    "outcomes": "reading the outcomes off the log",
    "write": "writing",
    "report": "drawing the page",
}
QUIET_SECONDS = 1.0
"""What is over by then shows no bar."""


@contextmanager
def progress(console: Console) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """Two functions to call with the step that begins, and with the share of it that is done.

    Nothing is shown where the console is no terminal; what was shown goes when all is done.
    """
    if not console.is_terminal:
        yield (lambda step: None), (lambda share: None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=None)
    timer = Timer(QUIET_SECONDS, bar.start)
    timer.start()
    try:
        yield (
            lambda step: bar.update(task, description=WORDS[step], total=None, completed=0),
            lambda share: bar.update(task, total=1.0, completed=share),
        )
    finally:
        timer.cancel()
        timer.join()
        if bar.live.is_started:
            bar.stop()
