"""A progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from sim.runs.run import QUIET, Progress

STEPS = {
    "load": "reading the scenario",
    "engine": "simulating",
    "outcomes": "evaluating the outcomes",
    "write": "writing",
    "report": "drawing the page",
}
QUIET_SECONDS = 1.0
"""Work that ends before shows no bar."""


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """Show the step that runs and the share of it that is done; nothing where the console is no terminal."""
    if not console.is_terminal:
        yield QUIET
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Bar(*columns, console=console, transient=True)
    task = bar.add_task("", total=None)
    timer = Timer(QUIET_SECONDS, bar.start)
    timer.start()
    try:
        yield Progress(
            lambda step: bar.update(task, description=STEPS[step], total=None, completed=0),
            lambda share: bar.update(task, total=1.0, completed=share),
        )
    finally:
        timer.cancel()
        timer.join()
        if bar.live.is_started:
            bar.stop()
