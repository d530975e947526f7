"""The command `allpath`. What a verb needs is imported when it is called."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from typing import Annotated, Any, NoReturn, cast

import typer

from sim.cli import examples, inspect, simulate
from sim.cli.output import (
    FAILED,
    INTERRUPTED,
    WRONG_INPUT,
    drop_unread_output,
    interrupts,
    prepare_streams,
    say,
)

VERBS = (
    examples.new,
    examples.examples,
    simulate.run,
    inspect.check,
    inspect.describe,
    simulate.compare,
    simulate.sweep,
    inspect.trace,
    simulate.reproduce,
    inspect.export,
    inspect.schema,
)
"""In the order in which `--help` lists them."""

app = typer.Typer(
    help="Simulate patients along a treatment pathway, from a scenario file to their outcomes.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for function in VERBS:
    app.command()(function)


def print_version(asked: bool) -> None:
    """Print the version and end, where it is asked for."""
    if asked:
        from sim.runs.provenance import allpath_version

        say(f"allpath {allpath_version()}")
        raise typer.Exit


@app.callback()
def allpath(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Simulate patients along a treatment pathway, from a scenario file to their outcomes."""


def main() -> NoReturn:
    """Run the command and end the process with its exit status."""
    status = run_command()
    drop_unread_output()
    if status in INTERRUPTED:
        os._exit(status)  # threads that still compute would keep the process until they are done
    sys.exit(status)


def run_command() -> int:
    """Parse the arguments, run a verb and return the exit status."""
    prepare_streams()
    wrong_usage = cast("type[Exception]", typer.BadParameter.__mro__[2])
    status = FAILED
    with interrupts() as interrupted:
        try:
            status = app(standalone_mode=False, prog_name="allpath") or 0
        except (typer.Abort, KeyboardInterrupt):
            interrupted.signal = interrupted.signal or signal.SIGINT
        except wrong_usage as error:
            text = cast("Any", error).format_message()
            help_command = shlex.join(_help_for(sys.argv[1:]))
            print(f"{text}\n    `{help_command}` shows the options", file=sys.stderr)  # noqa: T201
            status = WRONG_INPUT
    return interrupted.status or status


def _help_for(arguments: list[str]) -> list[str]:
    verb = arguments[:1] if arguments[:1] and arguments[0] in {one.__name__ for one in VERBS} else []
    return ["allpath", *verb, "--help"]


if __name__ == "__main__":
    main()
