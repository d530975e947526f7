"""How the command speaks: results on stdout, errors in plain words, a bar while one waits."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import typer

from sim.cli.interrupts import outputs
from sim.errors import InputError, RunError, ScenarioError

if TYPE_CHECKING:
    from sim.outcomes.results import Results
    from sim.runs.simulation import BrokenRun

P = ParamSpec("P")
WRONG_INPUT = 2
FAILED = 1
NARROWEST = 80


def verb(function: Callable[P, None]) -> Callable[P, None]:
    """A verb whose errors are printed as plain text, with their exit status."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
            sys.stdout.flush()
        except ScenarioError as error:
            fail(str(error), WRONG_INPUT)
        except InputError as error:
            fail(f"{error.fact}\n    {error.fix}" if error.fix else error.fact, WRONG_INPUT)
        except RunError as error:
            fail(str(error), FAILED)
        except KeyboardInterrupt as error:
            raise typer.Abort from error
        except MemoryError:
            fail("not enough memory; nothing was written\n    simulate fewer patients at once", FAILED)
        except SystemExit as ended:  # rich ends the process where standard output is closed
            raise typer.Exit(0) from ended
        except OSError as error:
            drop_unread_output()
            if error.errno == errno.EPIPE:
                raise typer.Exit(0) from error
            about = f"{error.filename}: " if error.filename else ""
            fail(f"{about}{(error.strerror or str(error)).lower()}", FAILED)

    return run


OPTIONS = {
    "at": "--at",
    "by": "--by",
    "cells": "--cell",
    "csv": "--csv",
    "diagram": "--diagram",
    "engine": "--engine",
    "force": "--force",
    "json": "--json",
    "one_more": "--one-more",
    "outcomes": "--outcome",
    "over": "--over",
    "patient": "--patient",
    "patients": "--patients",
    "replication": "--replication",
    "replications": "--replications",
    "seed": "--seed",
    "settings": "--set",
    "to": "--to",
    "until_precision": "--until-precision",
    "workers": "--workers",
}
"""The option of each parameter of the Python functions."""
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
    """One block of plain text on stderr, and the exit status."""
    print(in_options(text), file=sys.stderr)  # noqa: T201
    raise typer.Exit(status)


def drop_unread_output() -> None:
    """Where nobody reads on, or the disk is full, what is still to be printed goes nowhere."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """A text on stdout, as it is."""
    print(text.removesuffix("\n"))  # noqa: T201


def written_as_json(results: Results, json: str | None) -> bool:
    """Write the results where --json says. Returns whether that is stdout, which takes nothing else then."""
    if json is None:
        return False
    values = results.as_json()
    from sim.files import json_text, write_whole

    if json == "-":
        say(json_text(values, ascii_only="utf" not in (sys.stdout.encoding or "").lower()))
    else:
        write_whole(Path(json), json_text(values))
        outputs.append(Path(json))
    return json == "-"


def say_written(*files: Path | None) -> None:
    """The files that were written."""
    for file in files:
        if file is not None:
            say(f"Written to {file}")


def files(json: str | None, *others: Path | None) -> list[Path]:
    """The files that options name."""
    named = [Path(json) if json not in (None, "-") else None, *others]
    return [path for path in named if path is not None]


def command() -> list[str]:
    """The command as it was typed."""
    return ["allpath", *sys.argv[1:]]


def console(*, stderr: bool = False) -> Any:
    """Where tables go: stdout, or stderr; in less than 80 columns they would lose whole columns."""
    from rich.console import Console

    there = Console(stderr=stderr)
    if there.width < NARROWEST:
        there.width = NARROWEST
    return there


def waiting() -> Any:
    """A progress bar on stderr for what takes over a second."""
    from sim.cli.progress import progress

    return progress(console(stderr=True))


def tell_what_is_forbidden(broken: BrokenRun) -> None:
    """What happened that must not, and to whom, on stderr."""
    from sim.report.text.story import print_story

    log, index = broken.result.log, broken.forbidden.patient
    who = f"patient {log.patient[index]} of replication {log.replication[index]}"
    text = f"{broken.scenario.file}: {broken.forbidden.what} is forbidden by `never`, and happened to {who}"
    print(f"{text}; nothing was written", file=sys.stderr)  # noqa: T201
    print_story(log, broken.scenario, index, console(stderr=True))
