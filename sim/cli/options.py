"""The options that several verbs have: the only place, with the verbs, that knows their names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario file.")]
Arms = Annotated[
    list[Path], typer.Argument(metavar="A [B ...]", help="Scenario files; the first is the reference.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `run --out` has written.")]
Patients = Annotated[
    int | None, typer.Option(metavar="N", help="The number of patients: --set patients.number=N.")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", help="The seed of all random numbers: 1, or that of a saved run."),
]
Replications = Annotated[
    int | None,
    typer.Option(metavar="N", help="How often to simulate the cohort: once, or as a saved run."),
]
Engine = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="auto, independent, or shared (patients wait for resources)."),
]
Workers = Annotated[int | None, typer.Option(metavar="N", help="Threads or processes; all cores by default.")]
Cluster = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Simulate on the workers of the Dask scheduler at this address."),
]
Blocks = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="With --cluster, the folder that all workers share; an interrupted command goes on from it.",
    ),
]
Outcomes = Annotated[
    list[str] | None,
    typer.Option("--outcome", metavar="NAME", help="Print this outcome; may be repeated; all by default."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change the scenario, also by a file of changes; may be repeated."
    ),
]
UntilPrecision = Annotated[
    str | None,
    typer.Option(
        metavar="OUTCOME@TIME=HALF-WIDTH",
        help="Add patients until the 95% interval is this narrow, e.g. `overall_survival@2 years=0.005`.",
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="TIME", help="Read curves at this time, as `6 months`; may be repeated."),
]
Json = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write the results to this file; - for standard output."),
]
Full = Annotated[bool, typer.Option("--full", help="Print every outcome and every table.")]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html", help="Write a page with tables and charts that opens without a network."
    ),
]
AssumeSpread = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Spread of assumed parameters without uncertainty, as 20%."),
]

Workbook = Annotated[
    tuple[str, Path] | None,
    typer.Option("--to", metavar="xlsx FILE", help="Write a workbook with live formulas (needs XlsxWriter)."),
]

RUN: dict[str, Any] = {
    "patients": Patients,
    "seed": Seed,
    "replications": Replications,
    "engine": Engine,
    "workers": Workers,
    "settings": Settings,
    "at": At,
}
"""The options of verbs that simulate a cohort, those of `RunRequest.of`."""
SHARED = {name: RUN[name] for name in ("seed", "workers", "settings", "at")}
"""The options of everything that simulates, those of `SharedOptions`."""

CLUSTER_OPTIONS: dict[str, Any] = {"cluster": Cluster, "blocks": Blocks}
"""The further options of verbs that have `workers`."""

OPTIONS = {
    "assume_spread": "--assume-spread",
    "at": "--at",
    "at_risk": "--at-risk",
    "blocks": "--blocks",
    "by": "--by",
    "cause": "--cause",
    "cells": "--cell",
    "covariates": "--covariate",
    "cluster": "--cluster",
    "csv": "--csv",
    "decide": "--decide",
    "design": "--design",
    "diagram": "--diagram",
    "draws": "--draws",
    "effect": "--effect",
    "engine": "--engine",
    "entry": "--entry",
    "events": "--events",
    "families": "--family",
    "force": "--force",
    "horizon": "--horizon",
    "json": "--json",
    "knots": "--knots",
    "method": "--method",
    "name": "--name",
    "one_more": "--one-more",
    "outcome": "--outcome",
    "outcomes": "--outcome",
    "over": "--over",
    "parameters": "--parameter",
    "patient": "--patient",
    "patients": "--patients",
    "port": "--port",
    "replication": "--replication",
    "replications": "--replications",
    "seed": "--seed",
    "settings": "--set",
    "sobol": "--sobol",
    "status": "--status",
    "targets": "--targets",
    "threshold": "--threshold",
    "time": "--time",
    "time_high": "--time-high",
    "time_low": "--time-low",
    "to": "--to",
    "unit": "--unit",
    "until_precision": "--until-precision",
    "workers": "--workers",
}
"""The option of each parameter of the Python functions."""
