"""Executors of parts of the work: threads and processes, which end when it is done or fails; a cluster."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sim.errors import RunError
from sim.files import temporary_folder

Whole = TypeVar("Whole")
Part = TypeVar("Part")
Done = TypeVar("Done")

AHEAD = 4
"""Parts for each process that are begun, or done and not yet taken."""


class Cluster(ABC):
    """Workers on other machines, see `sim.engine.cluster`."""

    @abstractmethod
    def in_blocks(
        self,
        work: Callable[[Whole, Part], Done],
        whole: Whole,
        parts: Iterable[Part],
        *,
        take: Callable[[Done], None],
    ) -> None:
        """Run `work(whole, part)` for every part; take is called with each result, in order."""


Workers: TypeAlias = int | Cluster | None
"""Threads or processes, None for one on each core; or a cluster."""


def on_this_machine(workers: Workers) -> int:
    """How many threads or processes work on this machine."""
    return workers if isinstance(workers, int) else os.cpu_count() or 1


def in_parts(
    work: Callable[[Whole, Part], Done],
    whole: Whole,
    parts: Iterable[Part],
    *,
    workers: Workers,
    take: Callable[[Done], None],
    in_threads: bool = False,
    is_worth_processes: bool = True,
) -> None:
    """Run `work(whole, part)` for every part; take is called with each result, in order.

    work: a function of a module, so that another process finds it by name. parts: taken a few at a time.
    in_threads: on this machine threads do the work, because it releases the interpreter's lock.
    is_worth_processes: whether processes of this machine save more than the second they take to begin.
    Raises: RunError where a process was killed or a cluster lost; InputError where a worker of a cluster
    cannot take part; whatever work or take raises.
    """
    if isinstance(workers, Cluster):
        workers.in_blocks(work, whole, parts, take=take)
        return
    n = on_this_machine(workers)
    if in_threads:
        with worker_threads(n) as pool:
            for result in in_order(pool, partial(work, whole), parts, ahead=AHEAD * n):
                take(result)
    elif n == 1 or not is_worth_processes:
        for part in parts:
            take(work(whole, part))
    else:
        in_processes(work, whole, parts, workers=n, take=take)


def in_order(
    pool: Executor, work: Callable[[Part], Done], parts: Iterable[Part], *, ahead: int
) -> Iterator[Done]:
    """The results of `work(part)` for every part, in order, from the threads or processes of a pool.

    Parts are asked for a few at a time, so that no more than `ahead` of them are begun, or done and not
    yet taken.
    """
    begun: deque[Future[Done]] = deque()
    for part in parts:
        if len(begun) == ahead:
            yield begun.popleft().result()
        with signals_held():
            begun.append(pool.submit(work, part))
    while begun:
        yield begun.popleft().result()


def in_processes(
    work: Callable[[Whole, Part], Done],
    whole: Whole,
    parts: Iterable[Part],
    *,
    workers: int,
    take: Callable[[Done], None],
) -> None:
    """Run `work(whole, part)` for every part in processes; take is called with each result, in order.

    work: a function of a module, so that another process finds it by name.
    Raises: RunError where a process was killed; whatever work or take raises. No process is left.
    """
    with worker_processes(work, whole, workers) as (pool, run):
        for result in in_order(pool, run, parts, ahead=AHEAD * workers):
            take(result)


@contextmanager
def worker_threads(workers: int) -> Iterator[Executor]:
    """Threads of this process. On any error the work that has not begun is cancelled."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def worker_processes(
    work: Callable[[Whole, Part], Done], whole: Whole, workers: int
) -> Iterator[tuple[Executor, Callable[[Part], Done]]]:
    """Processes, and the work as they do it; they are ended on any error."""
    with (
        temporary_folder("allpath") as folder,
        ProcessPoolExecutor(
            max_workers=workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=prepare_process,
            initargs=(folder,),
        ) as pool,
    ):
        # sent with the process itself the whole would fill the pipe to it, and a process that dies before
        # it reads (a script without a main guard) would never be missed
        file = folder / "whole"
        file.write_bytes(pickle.dumps((work, whole)))
        try:
            yield pool, partial(run_part, str(file))
        except BrokenProcessPool as error:
            fix = "where memory is short, use fewer workers"
            if Path(sys.argv[0]).suffix == ".py":
                fix = 'a script that uses several processes begins under `if __name__ == "__main__":`'
            raise RunError(f"a worker process was killed\n    {fix}") from error
        except BaseException:
            # nobody waits for their work any more, and a part may take minutes
            for process in list((pool._processes or {}).values()):
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


def prepare_process(folder: Path) -> None:
    """Let the process end when its parent does, or the work is in vain. folder: removed with it."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)

    end_when(wait)


def end_when(wait: Callable[[], object]) -> None:
    """End this process, whatever it is doing, as soon as `wait` returns."""

    def watch() -> None:
        wait()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@lru_cache(maxsize=1)
def read_work(file: str) -> tuple[Callable[[Any, Any], Any], Any]:
    """The work, and what it is part of, as a file has them; read once in a process."""
    found: tuple[Callable[[Any, Any], Any], Any] = pickle.loads(Path(file).read_bytes())  # noqa: S301 - own file
    return found


def run_part(file: str, part: Any) -> Any:
    """The result for a part of the work in a file."""
    work, whole = read_work(file)
    return work(whole, part)


def run_module(module: str, *arguments: str) -> bool:
    """Run `python -m module` in a process that ends with this one; whether it succeeded.

    It is ended at once when a signal interrupts the wait. Its standard input closes when this process
    ends, by whatever cause: see `end_when`.
    """
    here = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(  # noqa: S603 - this interpreter, and a module of this package
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    ) as child:
        try:
            return child.wait() == 0
        except BaseException:
            child.kill()
            raise
