"""The command `allpath`: one function a verb. What a verb needs is imported when it is called."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from sim.cli.interrupts import INTERRUPTED, interrupts, outputs
from sim.cli.output import (
    FAILED,
    WRONG_INPUT,
    command,
    console,
    drop_unread_output,
    fail,
    files,
    prepare_streams,
    say,
    say_written,
    tell_what_is_forbidden,
    verb,
    waiting,
    written_as_json,
)
from sim.errors import InputError, ScenarioError

if TYPE_CHECKING:
    from sim.event_log.log import EventLog
    from sim.outcomes.comparison.comparability import Arm
    from sim.runs.request import RunRequest
    from sim.runs.simulation import BrokenRun, Simulation

app = typer.Typer(
    help="Simulate patients along a treatment pathway, from a scenario file to their outcomes.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FileOf = Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario file.")]
RunOf = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `run --out` has written.")]
Patients = Annotated[
    int | None, typer.Option(metavar="N", help="How many patients: --set patients.number=N.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="What all chance follows from.")]
Replications = Annotated[int, typer.Option(metavar="N", help="How often to simulate the cohort.")]
Engine = Annotated[
    str,
    typer.Option(metavar="NAME", help="auto, independent, or shared (patients wait for resources)."),
]
Workers = Annotated[int | None, typer.Option(metavar="N", help="Threads or processes; all cores by default.")]
Outcomes = Annotated[
    list[str] | None,
    typer.Option("--outcome", metavar="NAME", help="Tell this outcome; may be repeated; all by default."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change the scenario; may be repeated."),
]
UntilPrecision = Annotated[
    str | None,
    typer.Option(
        metavar="OUTCOME@TIME=HALF-WIDTH",
        help="Simulate more until this 95% interval is so narrow, as `overall_survival@2 years=0.005`.",
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="TIME", help="Read curves at this time, as `6 months`; may be repeated."),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html", help="Write a page with tables and charts that opens without a network."
    ),
]


# ---------------------------------------------------------------- verbs


@app.command()
@verb
def run(
    scenario: FileOf,
    patients: Patients = None,
    seed: Seed = 1,
    replications: Replications = 1,
    engine: Engine = "auto",
    workers: Workers = None,
    settings: Settings = None,
    at: At = None,
    outcomes: Outcomes = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the run into this folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the run that is there.")] = False,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the summary to this file; - for stdout.")
    ] = None,
    report: Report = None,
    until_precision: UntilPrecision = None,
) -> None:
    """Simulate a cohort and print its outcomes."""
    asked = request_of(scenario, patients, settings, seed, replications, engine, workers, at)
    from sim.files import check_folder, check_outputs
    from sim.report.tables.run_table import print_run
    from sim.runs.batches import Streamed, stream, stream_into
    from sim.runs.request import check_outcomes
    from sim.runs.simulation import BrokenRun, Simulation, carry_out, keep
    from sim.runs.store import FILES

    if out is not None:
        check_folder(out, force=force, files=FILES)
    check_outputs(files(json, report), inputs=[scenario], folder=out)
    if outcomes:
        check_outcomes(outcomes, asked.load())
    reached = None
    with waiting() as (step, share):
        if until_precision is not None:
            from sim.runs.sequential_stopping import run_until

            reached = run_until(until_precision, asked, step=step, share=share)
            done: Simulation | Streamed | BrokenRun = reached.done
        elif report is not None:
            done = carry_out(asked, step=step, share=share)
        elif out is not None:
            done = stream_into(out, asked, command=command(), force=force, step=step, share=share)
            outputs.append(out)
        else:
            done = stream(asked, step=step, share=share)
        if isinstance(done, Simulation) and out is not None:
            step("write")
            keep(done, out, command=command(), force=force)
            outputs.append(out)
        if isinstance(done, Simulation) and report is not None:
            step("report")
            from sim.report.page.page import run_page
            from sim.runs.provenance import page_facts

            asked = done.asked
            arm = arm_of_run(done)
            facts = page_facts(command(), seed=asked.seed, replications=asked.replications)
            write_report(report, run_page([arm], done.results, facts))
    if isinstance(done, BrokenRun):
        tell_what_is_forbidden(done)
        raise typer.Exit(FAILED)
    if written_as_json(done.results, json):
        return
    print_run(done.results, console(), outcomes)
    if reached is not None:
        say(reached.in_words)
    say_written(out, report)


@app.command()
@verb
def check(
    scenarios: Annotated[list[Path], typer.Argument(metavar="SCENARIO...", help="The scenario files.")],
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the resolved scenario.")] = False,
    settings: Settings = None,
) -> None:
    """Check scenario files without running them."""
    from sim.pathway.check import checked

    faults = []
    for i, file in enumerate(scenarios):
        try:
            found = checked(file, settings or [])
        except ScenarioError as error:
            faults.append(str(error))
            continue
        if resolved and i:
            say("---")
        say(found.scenario.text if resolved else found.told)
    if faults:
        fail("\n".join(faults), WRONG_INPUT)


@app.command()
@verb
def describe(
    scenario: FileOf,
    diagram: Annotated[
        str | None, typer.Option(metavar="KIND", help="Print the diagram only; mermaid is the one kind.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Tell what a scenario says: stages, laws, decisions, and what its numbers rest on."""
    one_of("diagram", diagram, ["mermaid"])
    from sim.scenario import load

    if diagram is not None:
        from sim.pathway.diagram import mermaid

        say(mermaid(load(scenario, settings=settings or [])))
        return
    from sim.pathway.tables import compile_pathway
    from sim.report.text.protocol import print_protocol

    print_protocol(compile_pathway(load(scenario, settings=settings or [])), console())


@app.command()
@verb
def compare(
    arms: Annotated[
        list[Path],
        typer.Argument(
            metavar="A B [C ...]", help="Scenario files or saved runs; the first is the reference."
        ),
    ],
    patients: Patients = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="As in run; that of the saved run, or 1."),
    ] = None,
    replications: Annotated[
        int | None,
        typer.Option(metavar="N", help="As in run; those of the saved run, or 1."),
    ] = None,
    engine: Engine = "auto",
    workers: Workers = None,
    settings: Settings = None,
    at: At = None,
    outcomes: Outcomes = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the comparison to this file; - for stdout.")
    ] = None,
    report: Report = None,
    until_precision: UntilPrecision = None,
) -> None:
    """Send the same patients through several scenarios and tell what differs."""
    if len(arms) < 2:
        raise InputError("compare: one scenario has nothing to be compared with", "name two or more")
    asked = request_of(arms[0], patients, settings, 1, 1, engine, workers, at)
    from sim.files import check_outputs
    from sim.report.tables.comparison_table import print_comparison
    from sim.runs.comparison import carry_out, scenario_of, sources
    from sim.runs.request import check_outcomes
    from sim.runs.simulation import BrokenRun

    of = sources(arms, asked, seed=seed, replications=replications)
    if outcomes:
        check_outcomes(outcomes, scenario_of(of[0]))
    check_outputs(files(json, report), inputs=arms)
    reached = None
    with waiting() as (step, share):
        if until_precision is not None:
            from sim.runs.sequential_stopping import compare_until

            reached = compare_until(until_precision, of, asked, step=step, share=share)
        done = reached.done if reached is not None else carry_out(of, at=asked.at, step=step, share=share)
        if not isinstance(done, BrokenRun) and report is not None:
            step("report")
            from sim.report.page.page import comparison_page
            from sim.runs.provenance import page_facts

            found = done.results
            facts = page_facts(command(), seed=found.seed, replications=found.replications)
            write_report(report, comparison_page(done.arms, found, facts))
    if isinstance(done, BrokenRun):
        tell_what_is_forbidden(done)
        raise typer.Exit(FAILED)
    if written_as_json(done.results, json):
        return
    print_comparison(done.results, [arm.scenario for arm in done.arms], console(), outcomes)
    if reached is not None:
        say(reached.in_words)
    say_written(report)


@app.command()
@verb
def sweep(
    scenario: FileOf,
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
        typer.Option("--one-more", help="Tell which resource's one unit more saves most."),
    ] = False,
    outcomes: Outcomes = None,
    patients: Patients = None,
    seed: Seed = 1,
    replications: Replications = 1,
    engine: Engine = "auto",
    workers: Workers = None,
    settings: Settings = None,
    at: At = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the sweep to this file; - for stdout.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a row for each cell and outcome.")
    ] = None,
    report: Report = None,
) -> None:
    """Send the same patients through a grid of changes; the scenario as it stands is the reference."""
    asked = request_of(scenario, patients, settings, seed, replications, engine, workers, at)
    from sim.files import check_outputs, write_whole
    from sim.report.tables.sweep_table import csv_text, print_sweep
    from sim.runs.sweep import carry_out, variations

    check_outputs(files(json, csv, report), inputs=[scenario])
    varied = variations(asked, over or (), cells or (), one_more=one_more)
    with waiting() as (step, share):
        done = carry_out(asked, varied, outcomes=outcomes or (), step=step, share=share, find_best=one_more)
    if report is not None:
        from sim.report.page.sweep_page import sweep_page
        from sim.runs.provenance import page_facts

        facts = page_facts(command(), seed=asked.seed, replications=asked.replications)
        write_report(report, sweep_page(done.results, facts, one_more=one_more))
    if csv is not None:
        write_whole(csv, csv_text(done.results))
        outputs.append(csv)
    if not written_as_json(done.results, json):
        print_sweep(done.results, console(), one_more)
    if done.failed:
        fail(f"failed: {'; '.join(done.failed)}", FAILED)


@app.command()
@verb
def trace(
    scenarios: Annotated[
        list[Path], typer.Argument(metavar="A [B]", help="A scenario file; or two, or saved runs.")
    ],
    patient: Annotated[int, typer.Option(metavar="K", help="The patient's number, from 0.")],
    patients: Patients = None,
    seed: Seed = 1,
    replication: Annotated[int, typer.Option(metavar="R", help="From 0.")] = 0,
    engine: Engine = "auto",
    settings: Settings = None,
    report: Report = None,
) -> None:
    """Tell one patient's story in words; of two scenarios, where the two lives part."""
    from sim.files import check_outputs

    check_outputs(files(None, report), inputs=scenarios)
    asked = request_of(scenarios[0], patients, settings, seed, replication + 1, engine, None, None)
    if len(scenarios) > 1:
        trace_twins(scenarios, asked, patient=patient, replication=replication, report=report)
        return
    from sim.outcomes.comparison.comparability import Arm
    from sim.report.text.story import print_story
    from sim.runs.simulation import live

    with waiting() as (step, share):
        read, result, _ = live(asked, step=step, share=share)
    index = index_of(result.log, patient, replication)
    arm = Arm(asked.file.stem, read, result.log, result.use, asked.seed, asked.replications)
    write_trace([arm], index, report)
    print_story(result.log, read, index, console())
    say_written(report)


def trace_twins(
    files: list[Path], asked: RunRequest, *, patient: int, replication: int, report: Path | None
) -> None:
    """Tell one patient's two lives. Raises: InputError where there are not two, or not of one patient."""
    if len(files) > 2:
        raise InputError("trace: a patient's lives are told beside each other two at a time", "name two")
    from sim.outcomes.comparison.comparability import check_comparable
    from sim.report.text.twin_story import print_twin_story
    from sim.runs.comparison import arm_of, sources
    from sim.runs.simulation import BrokenRun

    arms = []
    with waiting() as (step, share):
        for source in sources(files, asked, seed=asked.seed, replications=asked.replications):
            arm = arm_of(source, step=step, share=share, seconds={})
            if isinstance(arm, BrokenRun):
                tell_what_is_forbidden(arm)
                raise typer.Exit(FAILED)
            arms.append(arm)
    check_comparable(arms[0], arms[1])
    index = index_of(arms[0].log, patient, replication)
    write_trace(arms, index, report)
    print_twin_story(arms[0], arms[1], index, console())
    say_written(report)


def write_trace(arms: Sequence[Arm], index: int, report: Path | None) -> None:
    """Write the page of a patient's life, or two, where one is asked for."""
    if report is not None:
        from sim.report.page.trace_page import trace_page
        from sim.runs.provenance import page_facts

        facts = page_facts(command(), seed=arms[0].seed, replications=arms[0].replications)
        write_report(report, trace_page(arms, index, facts))


def write_report(path: Path, page: str) -> None:
    """Write a page whole or not at all."""
    from sim.files import write_whole

    write_whole(path, page)
    outputs.append(path)


def arm_of_run(done: Simulation) -> Arm:
    """A run as the only arm of its page."""
    from sim.outcomes.comparison.comparability import Arm

    asked, result = done.asked, done.result
    return Arm(
        Path(done.scenario.file).stem, done.scenario, result.log, result.use, asked.seed, asked.replications
    )


def index_of(log: EventLog, patient: int, replication: int) -> int:
    """Where a patient stands in a log. Raises: InputError where there is none of this number."""
    from sim.runs.simulation import patient_index

    index = patient_index(log, patient=patient, replication=replication)
    if index is None:
        n = int((log.replication == replication).sum())
        raise InputError(f"patient: there is no patient {patient}; the numbers go from 0 to {n - 1}")
    return index


@app.command()
@verb
def reproduce(
    saved_run: RunOf,
    workers: Workers = None,
) -> None:
    """Run a saved run again and compare."""
    from dataclasses import replace

    from sim.runs.batches import stream
    from sim.runs.reproduce import Again
    from sim.runs.simulation import BrokenRun, asked_of
    from sim.runs.store import read_run

    saved = read_run(saved_run)
    again = Again(saved)
    with waiting() as (step, share):
        done = stream(replace(asked_of(saved), workers=workers), step=step, share=share, log=again)
    if isinstance(done, BrokenRun):
        tell_what_is_forbidden(done)
        raise typer.Exit(FAILED)
    differ = again.differences(done.results.as_json(), done.scenario.digest)
    if differ:
        fail("\n".join([f"{saved_run}: not the same", *(f"    {one}" for one in differ)]), FAILED)
    say(f"{saved_run}: identical ({done.patients:,} patients, {again.n_rows:,} rows, digest, summary)")


@app.command()
@verb
def export(
    saved_run: RunOf,
    to: Annotated[str, typer.Option(metavar="FORMAT", help="csv, parquet, xes, ocel, or mstate.")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="A folder; for xes and ocel a file.")],
    by: Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="For mstate, its states: stages (default) or states."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the export that is there.")] = False,
) -> None:
    """Write a saved run in a format that other tools read."""
    from sim.files import check_outputs
    from sim.formats import check_export
    from sim.formats import export as write
    from sim.outcomes.history.history import History
    from sim.runs.simulation import read_back
    from sim.runs.store import read_run

    saved = read_run(saved_run)
    check_outputs([], inputs=[saved_run], folder=out)
    check_export(out, to=to, by=by, force=force)
    with waiting() as (step, _):
        step("load")
        read, result = read_back(saved)
        step("write")
        history = History(result.log, result.use, read)
        write(history, out, to=to, by=by, force=force, provenance=saved.provenance)
    say_written(out)


@app.command()
@verb
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from json import dumps

    from sim.scenario.language.schema import json_schema

    say(dumps(json_schema(), indent=2, ensure_ascii=False))


def print_version(asked: bool) -> None:
    """What `--version` does."""
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


# ---------------------------------------------------------------- what verbs share


def request_of(
    file: Path,
    patients: int | None,
    settings: list[str] | None,
    seed: int,
    replications: int,
    engine: str,
    workers: int | None,
    at: list[str] | None,
) -> RunRequest:
    """The request for a run; announces the compilation where this run has to do it.

    Raises: InputError for a value that an option cannot have.
    """
    from sim.runs.request import RunRequest, times
    from sim.runs.simulation import is_law_compiled

    request = RunRequest(
        file, tuple(settings or ()), seed, replications, engine, workers, times(at or ()), patients=patients
    )
    if not is_law_compiled() and not os.environ.get("NUMBA_DISABLE_JIT"):
        print("compiling the law (once) ...", file=sys.stderr, flush=True)  # noqa: T201
    return request


def one_of(option: str, word: str | None, known: Iterable[str]) -> None:
    """Raises: InputError for a word that is not among those known, naming the nearest."""
    from sim.runs.request import check_word

    check_word(option, word, known)


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
            print(f"{text}\n    `{shlex.join(_help_for(sys.argv[1:]))}` shows the options", file=sys.stderr)  # noqa: T201
            status = WRONG_INPUT
    return interrupted.status or status


def _help_for(arguments: list[str]) -> list[str]:
    verbs = [info.callback.__name__ for info in app.registered_commands if info.callback]
    return (
        ["allpath", *arguments[:1], "--help"]
        if arguments[:1] and arguments[0] in verbs
        else ["allpath", "--help"]
    )


if __name__ == "__main__":
    main()
