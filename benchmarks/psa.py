"""`python -m benchmarks.psa`: what a patient of a probabilistic analysis takes, and where the time goes.

CPU seconds of one process, so that other programs on the machine matter little.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from sim.runs.provenance import peak_mib
from sim.runs.run import RunRequest
from sim.uncertainty import model as model_module
from sim.uncertainty.psa import PsaRequest, model_of, run_psa

HERE = Path(__file__).parent
CLINICAL = HERE.parent / "scenarios" / "populations/cns_combined.yaml"
UNCERTAIN_R8 = """\
format: 1
title: R8 with three uncertain times
based_on: {base}
add:
  parameters.remission: {{value: 35 days, uncertainty: {{lognormal: {{sigma: 0.2}}}}}}
  parameters.transplant: {{value: 400 days, uncertainty: {{lognormal: {{sigma: 0.2}}}}}}
  parameters.relapse: {{value: 500 days, uncertainty: {{lognormal: {{sigma: 0.2}}}}}}
changes:
  pathway.stages.chemo.events.remission.after.lognormal.median: $remission
  pathway.stages.remission.events.hsct.after.exponential.mean: $transplant
  pathway.stages.remission.events.bm_relapse.after.weibull.scale: $relapse
"""
CASES = {
    "R8": (5000, "pathway.stages.remission.events.hsct.after.exponential.mean=300 days"),
    "the clinical base scenario": (2000, "parameters.max_car_t.value=1"),
}
OTHERS = "For a patient of R8, in runs of 10,000 to a million: hesim 7.8 to 8.7 µs, heormodel 5.5 to 9.3 µs"
"""Measured on a machine with two cores, without draws of parameters."""
PARTS = {"_pathway": "tables", "simulate_variants": "engine"}


@contextmanager
def timed_parts(spent: dict[str, float]) -> Iterator[None]:
    """CPU seconds of the parts of an analysis are added to `spent`."""

    def timed(function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                spent[part] += time.process_time() - began

        return run

    with ExitStack() as stack:
        for name, part in PARTS.items():
            stack.enter_context(patch.object(model_module, name, timed(getattr(model_module, name), part)))
        yield


def measured(case: str, draws: int) -> tuple[float, float, float, float]:
    """CPU seconds of an analysis of two arms, of its tables and its engine alone, and peak MiB."""
    patients, change = CASES[case]
    with tempfile.TemporaryDirectory() as folder:
        file = CLINICAL
        if case == "R8":
            file = Path(folder, "r8.yaml")
            file.write_text(UNCERTAIN_R8.format(base=HERE / "r8.yaml"))
        arms = tuple(
            RunRequest.of(file, patients=patients, workers=1, settings=settings, at=["1 year", "5 years"])
            for settings in ([], [change])
        )
        request = PsaRequest(arms, draws)
        model, base = model_of(request)
    run_psa(replace(request, draws=2), model, base)
    spent = dict.fromkeys(PARTS.values(), 0.0)
    began = time.process_time()
    with timed_parts(spent):
        run_psa(request, model, base)
    return time.process_time() - began, spent["tables"], spent["engine"], peak_mib() or float("nan")


def analyses(draws: int) -> Table:
    """A row for each case, each in a process of its own."""
    columns = ("", "draws", "patients", "CPU s", "µs a patient", "tables, ms a draw", "engine", "rest", "MiB")
    title = "Probabilistic analysis of two arms, one core; engine and rest in µs a patient"
    shown = Table(*columns, title=title, title_justify="left", caption=OTHERS)
    for case, (patients, _) in CASES.items():
        code = f"from benchmarks.psa import measured; print(*measured({case!r}, {draws}))"
        printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        whole, tables, engine, most = (float(word) for word in printed.stdout.split()[-4:])
        n = 2 * draws * patients / 1e6
        rest = whole - tables - engine
        each = (whole / n, 1e3 * tables / draws / 2, engine / n, rest / n)
        cells = (f"{draws:,}", f"{patients:,}", f"{whole:.1f}", *(f"{one:.2f}" for one in each))
        shown.add_row(case, *cells, f"{most:,.0f}")
    return shown


def main() -> None:
    Console(width=110).print(analyses(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))


if __name__ == "__main__":
    main()
