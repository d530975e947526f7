"""The verb `calibrate`: parameters calibrated to published results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli import options
from sim.cli.output import console, named, page_facts, say_written, verb, waiting, write_json, write_output
from sim.cli.psa import share_of
from sim.files import check_outputs


@verb
def calibrate(
    scenario: options.ScenarioFile,
    targets: Annotated[
        list[Path],
        typer.Option("--targets", metavar="FILE", help="A file of published results; may be repeated."),
    ],
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameters",
            "--parameter",
            metavar="P,Q,...",
            help="Calibrate these; by default those under `calibrate` of the targets.",
        ),
    ] = None,
    patients: Annotated[
        int, typer.Option(metavar="N", help="Patients of each scenario, the same in all runs.")
    ] = 5000,
    draws: Annotated[int, typer.Option(metavar="N", help="Draws of the posterior to keep.")] = 1000,
    method: Annotated[
        str,
        typer.Option(metavar="NAME", help="emcee: sample the posterior; laplace: normal at the best fit."),
    ] = "emcee",
    assume_spread: options.AssumeSpread = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.yaml", help="Write the calibrated scenario, and its draws beside it."),
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    full: options.Full = False,
    seed: options.Seed = None,
    workers: options.Workers = None,
) -> None:
    """Calibrate parameters to published results, with their posterior distribution.

    Results that are held back (`use: validation`) are compared and not used.
    """
    from sim.calibration.calibrate import run_calibration
    from sim.calibration.calibration_results import draws_file, results_of
    from sim.calibration.setup import CalibrationRequest, files_read
    from sim.report.tables.calibration_table import print_calibration

    request = CalibrationRequest.of(
        scenario,
        targets,
        parameters=[name for text in parameters or () for name in text.split(",") if name],
        method=method,
        patients=patients,
        draws=draws,
        seed=seed,
        workers=workers,
        assume_spread=share_of(assume_spread),
    )
    kept = draws_file(out) if out is not None else None
    check_outputs(named(json, report, out, kept), inputs=files_read(request))
    with waiting() as progress:
        results = results_of(run_calibration(request, progress=progress))
        if report is not None:
            progress.step("report")
            from sim.report.page.calibration_page import calibration_page

            write_output(report, calibration_page(results, page_facts(request)))
    if out is not None and kept is not None:
        write_output(kept, results.draws_csv())
        write_output(out, results.layer(file=out, draws=kept))
    if write_json(results, json):
        return
    print_calibration(results, console(), full=full)
    say_written(out, kept, report)
