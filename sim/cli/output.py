"""What the command prints and writes: results, errors in plain text, a progress bar."""

from __future__ import annotations

import errno
import inspect
import io
import multiprocessing
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from pathlib import Path
from threading import Event, Thread, Timer
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Protocol, cast

import typer

from sim.cli.options import CLUSTER_OPTIONS, OPTIONS, RUN, SHARED
from sim.errors import InputError, RunError, ScenarioError
from sim.files import json_text, remove_abandoned, remove_unfinished, write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from sim.runs.run import Progress, RuleViolation

STEPS = {
    "load": "reading the scenario",
    "engine": "simulating",
    "fit": "fitting",
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
        from sim.runs.run import QUIET

        yield QUIET
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from sim.runs.run import Progress

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


SECONDS = 0.8
"""How long an interrupted command may take to remove its unfinished files."""
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)

outputs: dict[Path, tuple[int, int] | None] = {}
"""The outputs of this command in their order: device and inode of what was there before, None for nothing."""
resumable: list[Path] = []
"""Folders of which the same command uses what an interrupted one has done."""


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
        complete = [path for path, before in outputs.items() if _identity(path) not in (None, before)]
        if not complete and (kept := what_is_kept()):
            return f"interrupted; {kept}"
        written = ", ".join(map(str, complete)) or "nothing"
        return f"interrupted; {written} {'were' if len(complete) > 1 else 'was'} written"


def will_write(path: Path) -> None:
    """Note an output that will take its place as a whole: an interrupt may come just then."""
    outputs[path] = _identity(path)


def is_complete(path: Path) -> None:
    """Note an output that grew in its place."""
    outputs[path] = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def what_is_kept() -> str:
    """What the same command goes on from, "" where there is nothing."""
    kept = [folder for folder in resumable if folder.exists()]
    return f"{kept[0]} keeps what is done: the same command goes on from there" if kept else ""


@contextmanager
def interrupts() -> Iterator[Interrupted]:
    """Raise KeyboardInterrupt in the block at SIGINT or SIGTERM, and print the message after it.

    A library may swallow the exception, and compiled code delays it: a thread that the system wakes
    at the signal ends the process where the block is not over after SECONDS.
    """
    outputs.clear()
    resumable.clear()
    with suppress(OSError):
        remove_abandoned(Path(tempfile.gettempdir()))
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
            remove_unfinished()
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
        remove_unfinished()
        print(state.message, file=sys.stderr, flush=True)  # noqa: T201
    os._exit(state.status)


P = ParamSpec("P")
WRONG_INPUT = 2
FAILED = 1
NARROWEST = 20


def verb(function: Callable[P, None]) -> Callable[P, None]:
    """A verb whose errors are printed as plain text, with their exit status.

    `**options` in its parameters stands for the options RUN, `**shared` for SHARED; a verb with `workers` has
    CLUSTER_OPTIONS too.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with on_cluster(kwargs):
                function(*args, **kwargs)
            sys.stdout.flush()
        except ScenarioError as error:
            fail(str(error), WRONG_INPUT)
        except InputError as error:
            fail(f"{error.fact}\n    {error.fix}" if error.fix else error.fact, WRONG_INPUT)
        except RunError as error:
            if type(error) is not RunError:
                print_violation(cast("RuleViolation", error))
                raise typer.Exit(FAILED) from error
            fail(str(error), FAILED)
        except KeyboardInterrupt as error:
            raise typer.Abort from error
        except MemoryError:
            fail("not enough memory\n    simulate fewer patients at once", FAILED)
        except SystemExit as ended:  # rich ends the process where standard output is closed
            raise typer.Exit(0) from ended
        except OSError as error:
            drop_unread_output()
            if error.errno == errno.EPIPE:
                raise typer.Exit(0) from error
            about = f"{error.filename}: " if error.filename else ""
            fail(f"{about}{(error.strerror or str(error)).lower()}", FAILED)

    shown = inspect.signature(function, eval_str=True)
    kept = [one for one in shown.parameters.values() if one.kind is not one.VAR_KEYWORD]
    added: dict[str, Any] = {}
    for name in {"options", "shared"} & shown.parameters.keys():
        added = RUN if name == "options" else SHARED
    if "workers" in {*added, *shown.parameters}:
        added = added | CLUSTER_OPTIONS
    kept += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in added.items()
    ]
    run.__signature__ = shown.replace(parameters=kept)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in kept}
    return run


@contextmanager
def on_cluster(options: dict[str, Any]) -> Iterator[None]:
    """Replace the options of a cluster by the cluster as `workers`, connected in the block.

    Raises: InputError where it cannot be used, or options exclude each other.
    """
    address, folder = options.pop("cluster", None), options.pop("blocks", None)
    if address is None:
        if folder is not None:
            raise InputError("blocks: is the folder of a cluster", "give --cluster ADDRESS too")
        yield
        return
    if options["workers"] is not None:
        raise InputError("workers: the cluster has workers of its own", "leave out one of the two options")
    from sim.engine.cluster import BLOCKS, DaskCluster

    resumable.append(folder or Path(BLOCKS))
    with DaskCluster(address, folder or BLOCKS) as options["workers"]:
        yield


_NAMES = "|".join(OPTIONS)
_PARAMETER = re.compile(rf"\A({_NAMES})(?=: )|(?<![\w.-])({_NAMES})(?:=True\b|(?==))")


def in_options(text: str) -> str:
    """A message with options in place of the parameters that it begins with, or gives a value."""
    return _PARAMETER.sub(lambda found: OPTIONS[found[1] or found[2]], text)


def prepare_streams() -> None:
    """Let nothing that is printed fail: escape what the terminal cannot show; a closed output is no error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def fail(text: str, status: int) -> NoReturn:
    """Print an error on standard error, and what the command can go on from; end with the exit status."""
    kept = what_is_kept() if status == FAILED else ""
    print("\n    ".join(filter(None, (in_options(text), kept))), file=sys.stderr)  # noqa: T201
    raise typer.Exit(status)


def drop_unread_output() -> None:
    """Flush standard output; discard the rest where it is closed or the disk is full."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Print a text on standard output."""
    print(text.removesuffix("\n"))  # noqa: T201


class HasJson(Protocol):
    """Results that can be written as JSON."""

    def as_json(self) -> dict[str, Any]:
        """The results as numbers, texts and lists of these."""


def write_json(results: HasJson, json: str | None) -> bool:
    """Write the results to the file of --json; True where it is standard output, for them alone."""
    if json == "-":
        is_unicode = "utf" in (sys.stdout.encoding or "").lower()
        say(json_text(results.as_json(), ascii_only=not is_unicode))
    elif json is not None:
        write_output(Path(json), json_text(results.as_json()))
    return json == "-"


def write_output(path: Path, text: str) -> None:
    """Write an output file."""
    will_write(path)
    write_whole(path, text)


def say_written(*files: Path | None) -> None:
    """Print the files that were written."""
    for file in files:
        if file is not None:
            say(f"Written to {file}")


def named(json: str | None, *others: Path | None) -> list[Path]:
    """The files that options name."""
    files = [Path(json) if json not in (None, "-") else None, *others]
    return [path for path in files if path is not None]


def command() -> list[str]:
    """The command as the user typed it."""
    return ["allpath", *sys.argv[1:]]


def console(*, stderr: bool = False) -> Any:
    """The console for tables."""
    from rich.console import Console

    made = Console(stderr=stderr)
    made.width = max(made.width, NARROWEST)
    return made


class Seeded(Protocol):
    """What was simulated with a seed."""

    @property
    def seed(self) -> int:
        """The seed of all random numbers."""


def page_facts(made: Seeded) -> dict[str, object]:
    """How a page was made: command, seed, replications (1 where there is no choice) and versions."""
    from sim.runs.provenance import page_facts

    return page_facts(command(), seed=made.seed, replications=getattr(made, "replications", 1))


def waiting() -> AbstractContextManager[Progress]:
    """A progress bar on standard error for work of more than a second."""
    return progress(console(stderr=True))


def print_violation(error: RuleViolation) -> None:
    """Print the forbidden event and the story of the patient on standard error."""
    from sim.report.text.story import print_story

    print(f"{error}; nothing was written", file=sys.stderr)  # noqa: T201
    print_story(error.log, error.scenario, error.patient, console(stderr=True))
