"""The command `allpath`. What a verb needs is imported when it is called."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

# linear algebra on several threads has other last bits on other machines, and gains nothing here
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from sim.cli import calibrate, examples, explore, fit, inspect, options, psa, sensitivity, verify
from sim.cli.output import (
    FAILED,
    INTERRUPTED,
    WRONG_INPUT,
    command,
    console,
    drop_unread_output,
    fail,
    interrupts,
    named,
    page_facts,
    prepare_streams,
    say,
    say_written,
    verb,
    waiting,
    will_write,
    write_json,
    write_output,
)
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.outcomes.results import Results
    from sim.scenario.language.model import Scenario


def check_workbook(to: tuple[str, Path] | None) -> Path | None:
    """The workbook of `--to xlsx FILE`, if one is wanted.

    Raises: InputError for another format; RunError where the library that writes it is missing.
    """
    if to is None:
        return None
    kind, path = to
    if kind != "xlsx":
        raise InputError(
            f"--to {kind}: results are written as xlsx",
            f"write `--to xlsx {path}`; `allpath export RUN --to {kind}` writes the tables of a saved run",
        )
    from sim.formats.workbook import library

    library()
    return path


def write_xlsx(path: Path | None, results: Results, scenarios: Sequence[Scenario]) -> None:
    """Write the workbook, if one is wanted. scenarios: of the arms in their order."""
    if path is not None:
        from sim.formats.workbook import write_workbook

        names = (arm.name for arm in results.arms)
        will_write(path)
        write_workbook(path, results, dict(zip(names, scenarios, strict=True)))


def print_results(
    results: Results, scenarios: Sequence[Scenario], outcomes: list[str] | None, *, full: bool
) -> None:
    """Print the headline numbers of a run or a comparison, or everything."""
    if not full:
        from sim.report.tables.headline_table import print_headline

        print_headline(results, scenarios, console(), outcomes)
    elif len(results.arms) > 1:
        from sim.report.tables.comparison_table import print_comparison

        print_comparison(results, scenarios, console(), outcomes)
    else:
        from sim.report.tables.run_table import print_run

        print_run(results, console(), outcomes)


@verb
def run(
    scenario: options.ScenarioFile,
    outcomes: options.Outcomes = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the run into this folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the run that is there.")] = False,
    json: options.Json = None,
    report: options.Report = None,
    to: options.Workbook = None,
    until_precision: options.UntilPrecision = None,
    full: options.Full = False,
    **options: Any,
) -> None:
    """Simulate a cohort and print its outcomes."""
    from sim.files import check_outputs
    from sim.runs.run import RunRequest, check_outcomes, run_scenario

    request = RunRequest.of(scenario, **options)
    if out is not None:
        from sim.runs.store import check_run_folder, run_into, write_run

        check_run_folder(out, force=force)
        will_write(out)
    loaded = request.load()
    xlsx = check_workbook(to)
    if any((json, report, xlsx, out)):
        files = named(json, report, xlsx)
        check_outputs(files, inputs=[scenario, *loaded.inputs], folder=out)
    check_outcomes(outcomes or (), loaded)
    keep_log, sentence = report is not None or (until_precision is not None and out is not None), ""
    with waiting() as progress:
        if until_precision is not None:
            from sim.runs.sequential_stopping import run_until

            stopped = run_until(until_precision, request, loaded, keep_log=keep_log, progress=progress)
            done, sentence = stopped.done, stopped.sentence
        elif out is not None and not keep_log:
            done = run_into(out, request, loaded, command=command(), force=force, progress=progress)
        else:
            done = run_scenario(request, loaded, keep_log=keep_log, progress=progress)
        if out is not None and keep_log:
            progress.step("write")
            write_run(out, done, command=command(), force=force)
        if report is not None and done.arm is not None:
            progress.step("report")
            from sim.report.page.page import run_page

            write_output(report, run_page([done.arm], done.results, page_facts(done.results)))
        write_xlsx(xlsx, done.results, [loaded])
    if write_json(done.results, json):
        return
    print_results(done.results, [loaded], outcomes, full=full)
    if sentence:
        say(sentence)
    say_written(out, report, xlsx)


@verb
def compare(
    arms: Annotated[
        list[Path],
        typer.Argument(
            metavar="A B [C ...]", help="Scenario files or saved runs; the first is the reference."
        ),
    ],
    outcomes: options.Outcomes = None,
    draws: Annotated[
        int,
        typer.Option(metavar="N", help="Give the first outcome an interval over N draws of the parameters."),
    ] = 0,
    structure: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Give the first outcome its range over structural alternatives, a file each."
        ),
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    to: options.Workbook = None,
    until_precision: options.UntilPrecision = None,
    full: options.Full = False,
    **options: Any,
) -> None:
    """Compare scenarios over the same simulated patients.

    The first scenario is the reference of every difference.
    """
    if len(arms) < 2:
        raise InputError("compare: one scenario has nothing to be compared with", "name two or more")
    from sim.files import check_outputs
    from sim.runs.comparison import arm_sources, run_comparison
    from sim.runs.run import RunRequest, check_outcomes

    request = RunRequest.of(arms[0], **options)
    sources = arm_sources(arms, request, seed=options["seed"], replications=options["replications"])
    check_outcomes(outcomes or (), sources[0].scenario)
    asked = None
    if draws or structure is not None:
        from sim.uncertainty.certainty import Asked

        first = outcomes[0] if outcomes else None
        asked = Asked.about(sources, request, outcome=first, draws=draws, structure=structure)
    xlsx = check_workbook(to)
    if files := named(json, report, xlsx):
        inputs = [path for source in sources for path in source.scenario.inputs]
        check_outputs(files, inputs=[*arms, *inputs])
    sentence = ""
    with waiting() as progress:
        if until_precision is not None:
            from sim.runs.sequential_stopping import compare_until

            stopped = compare_until(
                until_precision, sources, at=request.at, workers=request.workers, progress=progress
            )
            done, sentence = stopped.done, stopped.sentence
        else:
            done = run_comparison(sources, at=request.at, workers=request.workers, progress=progress)
        if asked is not None:
            done = asked.of(done, progress=progress)
        if report is not None:
            progress.step("report")
            from sim.report.page.page import comparison_page

            write_output(report, comparison_page(done.arms, done.results, page_facts(done.results)))
        write_xlsx(xlsx, done.results, [arm.scenario for arm in done.arms])
    if write_json(done.results, json):
        return
    print_results(done.results, [arm.scenario for arm in done.arms], outcomes, full=full)
    if sentence:
        say(sentence)
    say_written(report, xlsx)


@verb
def sweep(
    scenario: options.ScenarioFile,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=VALUE,VALUE", help="Vary this; several give the grid of their values."),
    ] = None,
    cells: Annotated[
        list[str] | None,
        typer.Option("--cell", metavar="PATH=VALUE;PATH=VALUE", help="One more cell, with these changes."),
    ] = None,
    one_more: Annotated[
        bool,
        typer.Option("--one-more", help="Print the resource of which one more unit saves most."),
    ] = False,
    outcomes: options.Outcomes = None,
    json: options.Json = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a row for each cell and outcome.")
    ] = None,
    report: options.Report = None,
    full: options.Full = False,
    **options: Any,
) -> None:
    """Simulate the same patients over a grid of changes.

    The base case, the scenario without these changes, is the reference.
    """
    from sim.files import check_outputs
    from sim.report.tables.sweep_table import csv_text, print_sweep
    from sim.runs.grid import variations
    from sim.runs.run import RunRequest
    from sim.runs.sweep import run_sweep

    request = RunRequest.of(scenario, **options)
    loaded = request.load()
    check_outputs(named(json, csv, report), inputs=[scenario, *loaded.inputs])
    cells_of = variations(loaded, over or (), cells or (), one_more=one_more)
    with waiting() as progress:
        done = run_sweep(
            request, loaded, cells_of, outcomes=outcomes or (), find_best=one_more, progress=progress
        )
    if report is not None:
        from sim.report.page.page import sweep_page

        page = sweep_page(done.results, page_facts(done.results), one_more=one_more)
        write_output(report, page)
    if csv is not None:
        write_output(csv, csv_text(done.results))
    if not write_json(done.results, json):
        print_sweep(done.results, console(), outcomes, one_more=one_more, full=full)
    if done.failed:
        fail(f"failed: {'; '.join(done.failed)}", FAILED)


@verb
def reproduce(
    saved_run: options.RunFolder,
    workers: options.Workers = None,
) -> None:
    """Repeat a saved run and compare the results byte for byte."""
    from sim.runs.reproduce import reproduce as run_again
    from sim.runs.store import read_run

    saved = read_run(saved_run)
    with waiting() as progress:
        done = run_again(saved, workers=workers, progress=progress)
    if done.differences:
        fail("\n".join([f"{saved_run}: not the same", *(f"    {one}" for one in done.differences)]), FAILED)
    say(f"{saved_run}: identical ({done.run.patients:,} patients, {done.n_rows:,} rows, digest, summary)")


VERBS = (
    examples.new,
    examples.examples,
    run,
    inspect.check,
    inspect.describe,
    compare,
    sweep,
    psa.psa,
    sensitivity.sensitivity,
    fit.fit,
    calibrate.calibrate,
    verify.verify,
    explore.explore,
    inspect.trace,
    reproduce,
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
        except Exception:
            if not interrupted.signal:  # a library that a signal stops half-imported fails in its own way
                raise
    return interrupted.status or status


def _help_for(arguments: list[str]) -> list[str]:
    verb = arguments[:1] if arguments[:1] and arguments[0] in {one.__name__ for one in VERBS} else []
    return ["allpath", *verb, "--help"]


if __name__ == "__main__":
    main()
