"""The verb `psa`: probabilistic sensitivity analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli import options
from sim.cli.output import (
    console,
    is_complete,
    named,
    page_facts,
    resumable,
    say_written,
    verb,
    waiting,
    write_json,
    write_output,
)
from sim.errors import InputError
from sim.files import check_outputs, check_parent


def share_of(text: str | None) -> float | None:
    """A share as `20%` or `0.2`. Raises: InputError for what is none."""
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 10.0:
        raise InputError(f"assume_spread: {text} is no share", "write 20%, or 0.2")
    return share


@verb
def psa(
    arms: options.Arms,
    draws: Annotated[int, typer.Option(metavar="N", help="Draws of the parameters.")] = 1000,
    patients: Annotated[int, typer.Option(metavar="N", help="Patients in each draw and arm.")] = 1000,
    design: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="fresh: each draw has patients of its own; same: all have the same."
        ),
    ] = "fresh",
    assume_spread: options.AssumeSpread = None,
    decide: Annotated[
        str | None, typer.Option(metavar="OUTCOME", help="Decide by this outcome, not by net benefit.")
    ] = None,
    outcomes: options.Outcomes = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the draws in this folder; an interrupted analysis goes on."),
    ] = None,
    until_precision: options.UntilPrecision = None,
    json: options.Json = None,
    report: options.Report = None,
    full: options.Full = False,
    **shared: Any,
) -> None:
    """Draw the uncertain parameters many times and simulate every arm with each draw.

    All arms have the same parameters and the same patients in a draw.
    """
    from sim.report.tables.psa_table import print_psa
    from sim.scenario import input_files
    from sim.uncertainty.psa import psa_request
    from sim.uncertainty.results import analyse

    request = psa_request(
        arms,
        draws=draws,
        design=design,
        assume_spread=share_of(assume_spread),
        outcomes=outcomes or (),
        decide=decide,
        patients=patients,
        **shared,
    )
    read = input_files(arms, settings=shared["settings"] or ())
    check_outputs(named(json, report), inputs=read, folder=out)
    if out is not None:
        check_parent(out / "blocks")
        resumable.append(out)
    with waiting() as progress:
        results = analyse(request, until_precision=until_precision, folder=out, progress=progress)
        if out is not None:
            is_complete(out)
        if report is not None:
            progress.step("report")
            from sim.report.page.psa_page import psa_page

            write_output(report, psa_page(results, page_facts(request)))
    if write_json(results, json):
        return
    print_psa(results, console(), outcomes, full=full)
    say_written(out, report)
