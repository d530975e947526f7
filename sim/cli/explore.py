"""The verb that opens a local page with sliders."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sim.cli import options
from sim.cli.output import command, verb


@verb
def explore(
    scenarios: options.Arms,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="The port of the page; by default the first free one.")
    ] = None,
    **options: Any,
) -> None:
    """Move parameters and capacities on a local page (needs Streamlit).

    The same patients are simulated after every change; Ctrl-C ends the page.
    """
    from sim.explore.start import start

    start(scenarios, port=port, command=command(), **options)
