"""The verb `sensitivity`: which parameters matter, and from which value on another arm is the better one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli import options
from sim.cli.output import console, named, page_facts, say_written, verb, waiting, write_json, write_output
from sim.cli.psa import share_of
from sim.files import check_outputs


@verb
def sensitivity(
    arms: options.Arms,
    patients: Annotated[
        int, typer.Option(metavar="N", help="Patients in each arm, the same in all runs.")
    ] = 1000,
    outcome: Annotated[
        str | None, typer.Option(metavar="NAME", help="Analyse this outcome, not net benefit or survival.")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME", help="Vary this parameter; may be repeated."),
    ] = None,
    assume_spread: options.AssumeSpread = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="PARAMETER", help="Find the value of this parameter at which the best arm changes."
        ),
    ] = None,
    sobol: Annotated[
        int | None,
        typer.Option(metavar="POWER", help="Sobol indices from 2^POWER points for each parameter."),
    ] = None,
    draws: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Rank by the draws that `psa --out` has kept; simulates no bars."),
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    full: options.Full = False,
    **shared: Any,
) -> None:
    """Vary each uncertain parameter and rank them by their effect.

    Of one arm the number itself is analysed, of several the difference from the first.
    """
    from sim.report.tables.sensitivity_table import print_sensitivity
    from sim.scenario import input_files
    from sim.uncertainty.sensitivity_results import analyse_parameters

    spread = share_of(assume_spread)
    check_outputs(named(json, report), inputs=input_files(arms, settings=shared["settings"] or ()))
    with waiting() as progress:
        results = analyse_parameters(
            arms,
            outcome=outcome,
            parameters=parameters or (),
            assume_spread=spread,
            threshold=threshold,
            sobol=sobol,
            draws=draws,
            patients=patients,
            **shared,
            progress=progress,
        )
        if report is not None:
            progress.step("report")
            from sim.report.page.sensitivity_page import sensitivity_page

            write_output(report, sensitivity_page(results, page_facts(results.study.request)))
    if write_json(results, json):
        return
    print_sensitivity(results, console(), full=full)
    say_written(report)
