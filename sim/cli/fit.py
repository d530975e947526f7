"""The verb `fit`: distributions fitted to patient data or to a digitised curve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli import options
from sim.cli.output import command, console, named, say_written, verb, waiting, write_json, write_output
from sim.files import check_outputs, check_yaml


def _column(help_text: str) -> Any:
    return typer.Option(metavar="COLUMN", help=help_text)


@verb
def fit(
    data: Annotated[Path, typer.Argument(metavar="DATA.csv", help="A row a patient, transition or point.")],
    families: Annotated[
        list[str] | None,
        typer.Option("--family", metavar="NAME", help="Fit this family; may be repeated; by default all."),
    ] = None,
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="The unit of the times: days, months, ...")
    ] = "days",
    horizon: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Where families are compared beyond the data, as `10 years`."),
    ] = None,
    time: Annotated[str | None, _column("Time of the event or of censoring.")] = None,
    status: Annotated[str | None, _column("1 for the event, 0 for a censored time.")] = None,
    entry: Annotated[str | None, _column("When the observation begins (late entry).")] = None,
    cause: Annotated[str | None, _column("The kind of event: a fit for each, the others censored.")] = None,
    time_low: Annotated[str | None, _column("The event is later than this.")] = None,
    time_high: Annotated[str | None, _column("... and not after this; empty: not seen.")] = None,
    by: Annotated[str | None, _column("A fit for each value of this column.")] = None,
    covariates: Annotated[
        list[str] | None,
        typer.Option("--covariate", metavar="COLUMN", help="A covariate of the hazard; may be repeated."),
    ] = None,
    effect: Annotated[
        str,
        typer.Option(metavar="NAME", help="What covariates do: hazard_ratios or time_ratios."),
    ] = "hazard_ratios",
    knots: Annotated[int, typer.Option(metavar="N", help="Inner knots of a spline.")] = 1,
    at_risk: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Numbers at risk (time, at_risk) of a digitised curve."),
    ] = None,
    patients: Annotated[
        int | None, typer.Option(metavar="N", help="Patients behind a digitised curve.")
    ] = None,
    events: Annotated[int | None, typer.Option(metavar="N", help="Events behind a digitised curve.")] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of the parameters; by default the file's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="Write the parameters of the best fit.")
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    full: options.Full = False,
) -> None:
    """Fit distributions to times to an event, by maximum likelihood.

    Columns are by default time, status, entry and cause; or time_low and time_high; or those of mstate's
    long format; or time and survival of a digitised curve. The family with the lowest AIC is printed as
    parameters of a scenario.
    """
    from sim.calibration.fit_results import FitRequest, fit_survival
    from sim.calibration.survival_data import Columns, Printed
    from sim.report.tables.fit_table import print_fit

    columns = Columns(
        time or "",
        status or "",
        entry or "",
        cause or "",
        time_low or "",
        time_high or "",
        by or "",
        tuple(covariates or ()),
    )
    request = FitRequest.of(
        data,
        columns=columns,
        printed=Printed(at_risk, patients, events),
        families=families or (),
        effect=effect,
        knots=knots,
        unit=unit,
        horizon=horizon,
        name=name,
    )
    check_outputs(named(json, report, out), inputs=request.inputs)
    if out is not None:
        check_yaml(out)
    with waiting() as progress:
        progress.step("fit")
        results = fit_survival(request, progress.share)
    files = results.files(out, others=named(json, report)) if out is not None else {}
    if report is not None:
        from sim.report.page.fit_page import fit_page
        from sim.runs.provenance import fit_facts

        write_output(report, fit_page(results, fit_facts(command())))
    for file, content in files.items():
        write_output(file, content)
    if write_json(results, json):
        return
    print_fit(results, console(), full=full)
    say_written(*files, report)
