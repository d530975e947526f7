"""The verbs that look at scenarios, patients and saved runs: check, describe, trace, export, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli import options
from sim.cli.output import (
    WRONG_INPUT,
    console,
    fail,
    named,
    page_facts,
    say,
    say_written,
    verb,
    waiting,
    will_write,
    write_output,
)
from sim.errors import InputError, Problem, ScenarioError


@verb
def check(
    scenarios: Annotated[list[Path], typer.Argument(metavar="SCENARIO...", help="The scenario files.")],
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the resolved scenario.")] = False,
    settings: options.Settings = None,
) -> None:
    """Check scenario files without running them."""
    from sim.pathway.check import checked

    faults: list[Problem] = []
    for i, file in enumerate(scenarios):
        try:
            found = checked(file, settings or [])
        except ScenarioError as error:
            faults += error.problems
            continue
        if resolved and i:
            say("---")
        say(found.scenario.text if resolved else found.summary)
    if faults:
        # a fault of a file that several are based on, once
        fail("\n".join(map(str, dict.fromkeys(faults))), WRONG_INPUT)


@verb
def describe(
    scenario: options.ScenarioFile,
    diagram: Annotated[
        str | None, typer.Option(metavar="KIND", help="Print the diagram only; mermaid is the one kind.")
    ] = None,
    stages: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Draw these stages alone, for one page.")
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Print which way leads where, without times and numbers.")
    ] = False,
    stress: Annotated[
        bool, typer.Option("--stress", help="Print the reporting checklist STRESS-DES as Markdown.")
    ] = False,
    settings: options.Settings = None,
) -> None:
    """Print a scenario as a protocol.

    With stages, distributions, decisions, and the sources of the numbers.
    """
    from sim.runs.run import check_word
    from sim.scenario import load

    check_word("diagram", diagram, ["mermaid"])
    if stages is not None and diagram is None:
        raise InputError("--stages: names stages of the diagram", "add --diagram mermaid")
    given = {"--diagram": diagram, "--brief": brief, "--stress": stress}
    views = [option for option, value in given.items() if value]
    if len(views) > 1:
        raise InputError(f"{views[1]}: excludes {views[0]}", "run one after the other")

    loaded = load(scenario, settings=settings or [])
    if diagram is not None:
        from sim.pathway.diagram import mermaid

        say(mermaid(loaded, only=[name.strip() for name in (stages or "").split(",") if name.strip()]))
        return
    if stress:
        from sim.report.text.stress import stress as checklist

        say(checklist(loaded))
        return
    if brief:
        from sim.report.text.outline import print_outline

        print_outline(loaded, console())
        return
    from sim.pathway.tables import compile_pathway
    from sim.report.text.protocol import print_protocol

    print_protocol(compile_pathway(loaded), console())


@verb
def trace(
    scenarios: Annotated[
        list[Path], typer.Argument(metavar="A [B]", help="A scenario file; or two, or saved runs.")
    ],
    patient: Annotated[int, typer.Option(metavar="K", help="The patient's number, from 0.")],
    patients: options.Patients = None,
    seed: options.Seed = None,
    replication: Annotated[int, typer.Option(metavar="R", help="From 0.")] = 0,
    engine: options.Engine = None,
    settings: options.Settings = None,
    report: options.Report = None,
) -> None:
    """Print the trajectory of one patient in words.

    With two scenarios, also where the two trajectories diverge.
    """
    from sim.files import check_outputs
    from sim.runs.comparison import arm_sources, trace_arms
    from sim.runs.run import LARGEST, RunRequest, check_whole

    check_whole("patient", patient, 0, LARGEST)
    check_whole("replication", replication, 0, LARGEST - 1)
    request = RunRequest.of(
        scenarios[0],
        patients=patients,
        seed=seed,
        replications=replication + 1,
        engine=engine,
        settings=settings,
    )
    sources = arm_sources(scenarios, request, seed=seed)
    inputs = [path for source in sources for path in source.scenario.inputs]
    check_outputs(named(None, report), inputs=[*scenarios, *inputs])
    with waiting() as progress:
        arms, index = trace_arms(sources, patient=patient, replication=replication, progress=progress)
    if report is not None:
        from sim.report.page.page import trace_page

        write_output(report, trace_page(arms, index, page_facts(arms[0])))
    if len(arms) == 1:
        from sim.report.text.story import print_story

        print_story(arms[0].log, arms[0].scenario, index, console())
    else:
        from sim.report.text.twin_story import print_twin_story

        print_twin_story(arms[0], arms[1], index, console())
    say_written(report)


@verb
def export(
    saved_run: options.RunFolder,
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
    from sim.formats import IN_BATCHES, check_export
    from sim.formats import export as write
    from sim.runs.store import read_run

    check_outputs([], inputs=[saved_run], folder=out)
    check_export(out, to=to, by=by, force=force)
    saved = read_run(saved_run)
    will_write(out)
    with waiting() as progress:
        progress.step("write")
        histories = saved.histories() if to in IN_BATCHES else [saved.arm().history]
        write(histories, out, to=to, by=by, force=force, provenance=saved.provenance)
    say_written(out)


@verb
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from json import dumps

    from sim.scenario.language.schema import json_schema

    say(dumps(json_schema(), indent=2, ensure_ascii=False))
