"""The verb `verify`: what must hold of any model, checked on a scenario."""

from __future__ import annotations

from typing import Any

from sim.cli import options
from sim.cli.output import FAILED, console, fail, named, verb, waiting, write_json


@verb
def verify(
    scenario: options.ScenarioFile,
    patients: options.Patients = None,
    json: options.Json = None,
    **shared: Any,
) -> None:
    """Check a scenario against what must hold of any model (TECH-VER)."""
    from sim.files import check_outputs
    from sim.report.tables.verification_table import print_verification, summary
    from sim.runs.run import RunRequest
    from sim.scenario import input_files
    from sim.verification.battery import verify as checked

    request = RunRequest.of(scenario, patients=patients, **shared)
    check_outputs(named(json), inputs=input_files([scenario], settings=shared["settings"] or ()))
    with waiting() as progress:
        found = checked(request, progress=progress)
    if not write_json(found, json):
        print_verification(found, console())
    if found.failed:
        fail(f"{scenario}: {summary(found)}", FAILED)
