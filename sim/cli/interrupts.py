"""Interrupts (SIGINT, SIGTERM): a command ends within a second, with a true message and its exit status."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import NoReturn

SECONDS = 0.8
"""How long an interrupted command may take to remove its unfinished files."""
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)

outputs: list[Path] = []
"""The outputs of this command that are complete, in their order."""


class Interrupted:
    """Whether the command was interrupted, and by which signal."""

    def __init__(self) -> None:
        self.signal = 0

    @property
    def status(self) -> int:
        """The exit status, 0 where there was no signal."""
        return 128 + self.signal if self.signal else 0

    @property
    def message(self) -> str:
        """What the interrupted command has written."""
        written = ", ".join(map(str, outputs)) or "nothing"
        return f"interrupted; {written} {'were' if len(outputs) > 1 else 'was'} written"


@contextmanager
def interrupts() -> Iterator[Interrupted]:
    """Raise KeyboardInterrupt in the block at SIGINT or SIGTERM, and print the message after it.

    A library may swallow the exception, and compiled code delays it: a thread that the system wakes
    at the signal ends the process where the block is not over after SECONDS.
    """
    outputs.clear()
    state, over = Interrupted(), Event()

    def handle(number: int, frame: FrameType | None) -> NoReturn:
        state.signal = state.signal or number
        raise KeyboardInterrupt

    reading, writing = os.pipe()
    if os.name == "posix":
        os.set_blocking(writing, False)
    before = [(number, signal.signal(number, handle)) for number in (signal.SIGINT, signal.SIGTERM)]
    former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = Thread(target=_watch, args=(reading, state, over), daemon=True)
    watcher.start()
    try:
        yield state
    finally:
        over.set()
        signal.set_wakeup_fd(former)
        for number, handler in before:
            signal.signal(number, handler)
        os.close(writing)  # ends the thread
        watcher.join()
        os.close(reading)
        if state.signal:
            print(state.message, file=sys.stderr)  # noqa: T201


def _watch(reading: int, state: Interrupted, over: Event) -> None:
    """Wait for a signal, then end the process unless the block is over in time."""
    if os.name == "posix":  # the main thread alone handles signals, and holds them while it starts workers
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    numbers = os.read(reading, 1)
    while numbers and numbers[0] not in (signal.SIGINT, signal.SIGTERM):
        numbers = os.read(reading, 1)
    if not numbers or over.wait(SECONDS):
        return
    state.signal = state.signal or numbers[0]
    for process in multiprocessing.active_children():
        process.kill()
    with suppress(OSError, ValueError):
        print(state.message, file=sys.stderr, flush=True)  # noqa: T201
    os._exit(state.status)
