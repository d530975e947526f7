"""`python -m benchmarks`: the engines on the reference models, side by side with SimPy by hand.

Every figure is the median of several runs after a first one, taken in turn, so that a change in the
speed of the machine affects all of them; the ratio is to the first row of its block.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import nan
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import hand_written
from benchmarks.psa import analyses
from sim.engine.run import simulate
from sim.outcomes.evaluation import Arm
from sim.outcomes.summary import DEFAULT_TIMES, evaluate_run
from sim.pathway.tables import Pathway, compile_pathway
from sim.runs.comparison import request_source, run_comparison
from sim.runs.provenance import peak_mib
from sim.runs.run import RunRequest
from sim.runs.sequential_stopping import compare_until
from sim.scenario import load

HERE = Path(__file__).parent
CLINICAL = HERE.parent / "scenarios" / "populations/cns_combined.yaml"
RUNS = 3
R8_CHANGE = "pathway.stages.remission.events.hsct.after.exponential.mean=300 days"
CLINICAL_CHANGE = "parameters.max_car_t.value=1"
HIP_CHANGES = ("parameters.revision_hr.value=0.26", "parameters.prosthesis.value=579")

Work = Callable[[], int]
"""Runs once; returns the number of patients."""


def seconds_each(work: dict[str, Work]) -> dict[str, tuple[float, int]]:
    """Median seconds of each, in turn, and its number of patients."""
    patients = {name: run() for name, run in work.items()}
    spent: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(RUNS):
        for name, run in work.items():
            began = time.perf_counter()
            run()
            spent[name].append(time.perf_counter() - began)
    return {name: (median(times), patients[name]) for name, times in spent.items()}


def pathway(file: Path, patients: int | None = None) -> Pathway:
    settings = [] if patients is None else [f"patients.number={patients}"]
    return compile_pathway(load(file, settings=settings))


def engine(compiled: Pathway, **options: object) -> Work:
    return lambda: simulate(compiled, **options).log.n_patients  # type: ignore[arg-type]


def with_outcomes(compiled: Pathway) -> Work:
    def run() -> int:
        result = simulate(compiled)
        evaluate_run(Arm("", compiled.scenario, result.log, result.use, 1, 1), at=DEFAULT_TIMES)
        return result.log.n_patients

    return run


def by_hand(n: int) -> Work:
    def run() -> int:
        hand_written.run_r8(n)
        return n

    return run


def q8_by_hand() -> int:
    return len({number for number, _, _ in hand_written.run_q8()})


def table(title: str, work: dict[str, Work]) -> Table:
    shown = Table("", "patients", "seconds", "µs a patient", "ratio", title=title, title_justify="left")
    measured = seconds_each(work)
    first = next(iter(measured.values()))
    for name, (spent, patients) in measured.items():
        ratio = (spent / patients) / (first[0] / first[1])
        each = spent / patients * 1e6
        shown.add_row(name, f"{patients:,}", f"{spent:.3f}", f"{each:.2f}", f"{ratio:.2f}")
    return shown


def peak_of(patients: int) -> float:
    """Peak MiB of a process that simulates R8 and keeps the whole log."""
    run = f"engine(pathway(HERE / 'r8.yaml', {patients}), workers=1)()"
    code = f"from benchmarks.__main__ import *; {run}; print(peak())"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(printed.stdout.split()[-1])


def peak() -> float:
    """Peak MiB of this process so far."""
    return peak_mib() or nan


def peaks_of_runs(file: Path, *replications: int) -> list[float]:
    """Peak MiB of `allpath run` with so many replications and its log written, without other processes."""
    peaks = []
    for n in replications:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "run")
            allpath = [
                sys.executable,
                "-c",
                "from sim.cli.main import main; main()",
                "run",
                str(file),
                "--replications",
                str(n),
            ]
            subprocess.run(
                [*allpath, "--out", str(out), "--json", str(Path(folder, "told"))],
                check=True,
                capture_output=True,
            )
            peaks.append(float(json.loads((out / "provenance.json").read_text())["peak_mib"]))
    return peaks


def compared(file: str, patients: int, change: str) -> tuple[float, float, float]:
    """Seconds of simulating two arms, seconds of evaluating all outcomes, peak MiB; on all cores.

    In a process of its own, the kernel compiled and every module imported before.
    """
    code = (
        "from benchmarks.__main__ import *; "
        f"two_arms({file!r}, 1000, {change!r}); "
        f"print(*two_arms({file!r}, {patients}, {change!r}), peak())"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    engine, outcomes, most = (float(word) for word in printed.stdout.split())
    return engine, outcomes, most


def two_arms(file: str, patients: int, change: str) -> tuple[float, float]:
    """Seconds of the engine and of the outcomes of a scenario against itself with a change."""
    number = f"patients.number={patients}"
    settings = {"a": (number,), "b": (number, change)}
    arms = [request_source(name, RunRequest(Path(file), changes)) for name, changes in settings.items()]
    done = run_comparison(arms, at=DEFAULT_TIMES)
    return done.timer.seconds["engine"], done.timer.seconds["outcomes"]


def comparisons() -> Table:
    """The time of a comparison of two arms; the analysis should take no longer than the simulation."""
    title = "Two arms compared, all cores: paired differences, hazard ratio, patient changes"
    columns = ("", "patients in each", "engine s", "analysis s", "analysis / engine", "peak MiB")
    shown = Table(*columns, title=title, title_justify="left")
    for name, file, patients, change in (
        ("R8", HERE / "r8.yaml", 1_000_000, R8_CHANGE),
        ("the clinical base scenario", CLINICAL, 100_000, CLINICAL_CHANGE),
    ):
        runs = [compared(str(file), patients, change) for _ in range(RUNS)]
        engine, outcomes, most = (median(column) for column in zip(*runs, strict=True))
        cells = (f"{engine:.2f}", f"{outcomes:.2f}", f"{outcomes / engine:.2f}", f"{most:,.0f}")
        shown.add_row(name, f"{patients:,}", *cells)
    return shown


def hip() -> tuple[int, float, float, float]:
    """Patients and seconds to a standard error of 0.002 incremental QALYs, paired; its variance ratio."""
    request = RunRequest(HERE / "hip.yaml")
    new = RunRequest(HERE / "hip.yaml", HIP_CHANGES)
    arms = [request_source("standard", request), request_source("new", new)]
    began = time.perf_counter()
    stopped = compare_until("qaly=0.00392", arms, at=DEFAULT_TIMES)
    seconds = time.perf_counter() - began
    row = stopped.done.results.differences.find("qaly", "discounted", arm="new")
    assert row is not None
    return stopped.size, seconds, row.standard_error, row.variance_ratio


def main() -> None:
    console = Console(width=100)
    console.print(f"Python {platform.python_version()}, {platform.machine()}; medians of {RUNS} runs")
    million, small = pathway(HERE / "r8.yaml", 1_000_000), pathway(HERE / "r8.yaml", 10_000)
    console.print(
        table(
            "R8, nothing shared",
            {
                "independent, one core, a million": engine(million, workers=1),
                "independent, all cores, a million": engine(million),
                "independent, one core": engine(small, workers=1),
            },
        )
    )
    console.print(
        table(
            "R8, SimPy",
            {
                "SimPy by hand": by_hand(10_000),
                "shared engine, one core": engine(small, engine="shared", workers=1),
            },
        )
    )
    console.print(
        table(
            "Q8, one queue", {"SimPy by hand": q8_by_hand, "shared engine": engine(pathway(HERE / "q8.yaml"))}
        )
    )
    clinical = pathway(CLINICAL, 100_000)
    console.print(
        table(
            "The clinical base scenario",
            {
                "independent, one core": engine(clinical, workers=1),
                "all cores, and all outcomes": with_outcomes(clinical),
            },
        )
    )
    console.print(comparisons())
    console.print(analyses(1000))
    size, seconds, error, ratio = hip()
    console.print(
        f"Incremental QALYs of a hip prosthesis to a standard error of {error:.4f}: {size:,} patients in "
        f"each arm, {seconds:.2f} s (variance without pairing over with it: {ratio:.1f})"
    )
    few, many = peaks_of_runs(HERE / "q8.yaml", 30, 300)
    console.print(
        f"Memory of allpath run q8.yaml, its log written: {few:,.0f} MiB with 30 replications, "
        f"{many:,.0f} MiB with 300 (some 3,650 patients in each)"
    )
    none, full = peak_of(1), peak_of(1_000_000)
    console.print(
        f"Memory for the log of a million patients of R8: {full - none:,.0f} MiB above {none:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
