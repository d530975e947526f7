"""The verb `verify`: the program against theory, or a scenario against what must hold of any model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli import options
from sim.cli.output import (
    FAILED,
    console,
    fail,
    named,
    page_facts,
    say_written,
    verb,
    waiting,
    write_json,
    write_output,
)
from sim.errors import InputError

OF_SCENARIO = {"patients": "--patients", "settings": "--set", "at": "--at"}
"""Options that are of a scenario."""


@verb
def verify(
    scenario: Annotated[
        Path | None,
        typer.Argument(metavar="[SCENARIO]", help="The scenario file; without one, the program itself."),
    ] = None,
    patients: options.Patients = None,
    json: options.Json = None,
    report: options.Report = None,
    **shared: Any,
) -> None:
    """Check the program against theory and published models, or a scenario by TECH-VER.

    The exit status is 1 if one fails.
    """
    if scenario is not None:
        _verify_scenario(scenario, json, report, patients=patients, **shared)
        return
    for name, option in OF_SCENARIO.items():
        if {"patients": patients, **shared}[name] is not None:
            raise InputError(f"{option}: is an option of a scenario", "name the scenario file too")
    seed = 1 if shared["seed"] is None else shared["seed"]
    _verify_program(json, report, seed=seed, workers=shared["workers"])


def _verify_program(json: str | None, report: Path | None, **options: Any) -> None:
    from sim.cli.examples import RESULTS
    from sim.files import check_outputs
    from sim.report.page.verification_page import suite_page
    from sim.report.tables.suite_table import print_suite, summary
    from sim.verification.suite import verify_program

    check_outputs(named(json, report), inputs=[])
    with waiting() as progress:
        found = verify_program(sorted(RESULTS.glob("*.yaml")), **options, progress=progress)
        if report is not None:
            progress.step("report")
            write_output(report, suite_page(found, page_facts(found)))
    if not write_json(found, json):
        print_suite(found, console())
        say_written(report)
    if found.failed:
        fail(f"verify: {summary(found)}", FAILED)


def _verify_scenario(scenario: Path, json: str | None, report: Path | None, **options: Any) -> None:
    from sim.files import check_outputs
    from sim.report.page.verification_page import verification_page
    from sim.report.tables.verification_table import print_verification, summary
    from sim.runs.run import RunRequest
    from sim.scenario import input_files
    from sim.verification.battery import verify as checked

    request = RunRequest.of(scenario, **options)
    check_outputs(named(json, report), inputs=input_files([scenario], settings=options["settings"] or ()))
    with waiting() as progress:
        found = checked(request, progress=progress)
        if report is not None:
            progress.step("report")
            write_output(report, verification_page(found, page_facts(found)))
    if not write_json(found, json):
        print_verification(found, console())
        say_written(report)
    if found.failed:
        fail(f"{scenario}: {summary(found)}", FAILED)
