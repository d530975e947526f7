"""Work in several processes, which end all together: when it is done, fails, or nobody waits for it."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import RunError

Whole = TypeVar("Whole")
Part = TypeVar("Part")
Done = TypeVar("Done")

AHEAD = 4
"""Parts for each process that are begun, or done and not yet taken."""

PREPARED: list[tuple[Callable[[Any, Any], Any], Any]] = []
"""In a process that does part of the work: the work, and what it is part of, sent once."""


def in_processes(
    work: Callable[[Whole, Part], Done],
    whole: Whole,
    parts: Iterable[Part],
    *,
    workers: int,
    take: Callable[[Done], None],
) -> None:
    """Have `work(whole, part)` done for every part; take is called with each result, in order.

    Parts are asked for a few at a time, so that no more than these and their results are there at once.
    work: a function of a module, so that another process finds it by name.
    Raises: RunError where a process was killed; whatever work or take raises. No process is left.
    """
    with (
        tempfile.TemporaryDirectory(prefix="allpath-") as folder,
        ProcessPoolExecutor(
            max_workers=workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=prepare_process,
            initargs=(f"{folder}/whole",),
        ) as pool,
    ):
        Path(folder, "whole").write_bytes(pickle.dumps((work, whole)))
        try:
            begun: deque[Future[Done]] = deque()
            for part in parts:
                if len(begun) == AHEAD * workers:
                    take(begun.popleft().result())
                with signals_held():
                    begun.append(pool.submit(do_prepared, part))
            while begun:
                take(begun.popleft().result())
        except BrokenProcessPool as error:
            told = "a process that did part of the work was killed; nothing was kept"
            if Path(sys.argv[0]).suffix == ".py":
                told += '\n    a script that uses several processes begins under `if __name__ == "__main__":`'
            raise RunError(told) from error
        except BaseException:
            # nobody waits for their work any more, and a part may take minutes
            for process in multiprocessing.active_children():
                process.kill()
            raise


@contextmanager
def signals_held() -> Iterator[None]:
    """Interrupts wait until this is over; processes begun in it are never interrupted, only ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare_process(file: str) -> None:
    """Begin a process that does part of the work; it ends when the others are in vain.

    file: where the whole is pickled. Sent with the process itself it would fill the pipe to it, and
    a process that dies before it reads (a script without a main guard) would never be missed.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    PREPARED.append(pickle.loads(Path(file).read_bytes()))  # noqa: S301 - written by the parent


def do_prepared(part: Any) -> Any:
    """A part of the work that this process was prepared for."""
    work, whole = PREPARED[0]
    return work(whole, part)
