"""Queues with a closed form to 1%, and a rate that changes over the day.

`make theory-long` runs each until every 95% interval is within 1% of its value, fails where one is off
by more than four standard errors, and writes `docs/queues.md`.
Time is in days.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, starmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.engine.run import simulate
from sim.outcomes.results import NORMAL_975
from sim.pathway.tables import compile_pathway
from sim.verification.suite import measured
from sim.verification.theory.queues import SYSTEMS, System, queue
from tests.cohorts import read

MOST_PATIENTS = 2e7
IN_REPLICATION = 20_000
"""Patients: so many that what is cut off at its end counts for nothing."""


# ---------------------------------------------------------------- a rate that changes over the day


HOURLY = np.array(
    [
        1.0,
        0.6,
        0.3,
        0.2,
        0.2,
        0.4,
        0.9,
        1.8,
        3.0,
        3.6,
        3.9,
        3.8,
        3.4,
        3.2,
        3.0,
        2.8,
        2.7,
        2.6,
        2.5,
        2.3,
        2.1,
        1.8,
        1.5,
        1.2,
    ]
)
"""Arrivals an hour over a day."""
TURN = 2 * np.pi
"""A day, as an angle."""


@dataclass(frozen=True)
class Day:
    """M(t)/G/infinity. distribution: of the time a unit is held; transform: E exp(-igS) of it, g a day.

    Source: Eick, Massey and Whitt, doi:10.1287/opre.41.4.731: the mean in use is
    m(t) = E[rate(t - S_e)] E[S], so each harmonic of it is that of the rate times int e^-igu P(S > u) du.
    """

    distribution: str
    transform: Callable[[float], complex]

    @property
    def wave(self) -> complex:
        """The daily harmonic of the mean in use, as a multiple of that of the rate."""
        return (1 - self.transform(TURN)) / (1j * TURN)


DAYS: Mapping[str, Day] = {
    "gamma": Day("{gamma: {shape: 2, mean: 4 hours}}", lambda g: (1 + 1j * g * 2 / 24) ** -2),
    "fixed": Day("{fixed: 6 hours}", lambda g: complex(np.exp(-1j * g * 6 / 24))),
    "exponential": Day("{exponential: {mean: 5 hours}}", lambda g: 1 / (1 + 1j * g * 5 / 24)),
}


def daily_waves(name: str, *, days: int, replications: int, seed: int, workers: int = 1) -> list[complex]:
    """What `Day.wave` says of the mean, found in each replication."""
    steps = ", ".join(f"{24 * d + h} hours: {r} per hour" for d in range(days) for h, r in enumerate(HOURLY))
    stages = (
        f"in: {{state: ill, needs: bed, events: {{done: {{after: {DAYS[name].distribution}, to: out}}}}}}"
    )
    scenario = read(
        f"format: 1\ntitle: A day\nhorizon: {days} days\nstates: {{ill: {{}}}}\n"
        f"patients: {{arrive: {{poisson: {{{steps}}}, for: {days} days}}}}\n"
        "resources: {bed: {capacity: 10000}}\n"
        f"pathway:\n  start: in\n  stages:\n    {stages}\n    out: {{state: ill, terminal: true}}\n"
    )
    use = simulate(compile_pathway(scenario), seed=seed, replications=replications, workers=workers).use
    hours = np.arange(25) / 24
    rate = np.sum(_harmonic(hours) * 24 * HOURLY)
    found = []
    for r in range(replications):
        mask = use.replication == r
        edges = np.append(use.time[mask], days)
        kept = edges[:-1] >= 1  # day by day from the second on
        found.append(complex(np.sum((_harmonic(edges) * use.in_use[mask])[kept]) / (days - 1) / rate))
    return found


def _harmonic(edges: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The integral of e^-igt between edges, exactly."""
    waves: NDArray[np.complex128] = np.diff(np.exp(-1j * TURN * edges)) / (-1j * TURN)
    return waves


def lag(wave: complex) -> float:
    """Hours by which it comes later."""
    return float(-np.angle(wave) / TURN * 24)


# ---------------------------------------------------------------- all of them to 1%


@dataclass(frozen=True)
class Row:
    """A figure of a queue: its exact value, its estimate with the standard error, and what that took."""

    queue: str
    what: str
    exact: float
    estimate: float
    error: float
    patients: int

    @property
    def half_width(self) -> float:
        """Of the 95% interval, as a share of the value."""
        return NORMAL_975 * self.error / self.exact

    @property
    def z(self) -> float:
        return (self.estimate - self.exact) / self.error

    @property
    def holds(self) -> bool:
        return abs(self.z) <= 4 and self.half_width <= 0.01

    @property
    def as_row(self) -> str:
        numbers = f"{self.exact:.6f} | {self.estimate:.6f} | {self.half_width:.2%} | {self.z:+.1f}"
        return f"| {self.queue} | {self.what} | {numbers} | {self.patients:,} |"


def rows_of(name: str, system: System) -> list[Row]:
    """All that is known of a system to within 1%, with more patients each time until it is."""
    patients = 250_000.0
    while True:
        n = max(25, int(patients / IN_REPLICATION))
        case = queue(name, system, patients=patients, replications=n)
        rows = [
            Row(name, known.what, known.value, estimate, error, int(patients))
            for known, estimate, error in measured(case, seed=7, workers=2)
        ]
        widest = max(row.half_width for row in rows)
        if widest <= 0.01 or patients >= MOST_PATIENTS:
            return rows
        patients *= max(1.3, min(4.0, 1.15 * (widest / 0.01) ** 2))


def rows_of_day(name: str) -> list[Row]:
    """The daily lag and height of an M(t)/G/infinity."""
    days, n = 300, 40
    waves, exact = daily_waves(name, days=days, replications=n, seed=7, workers=2), DAYS[name].wave
    rows = []
    for what, of in (("lag of the peak, hours", lag), ("height of the wave", abs)):
        values = np.array([of(wave) for wave in waves])
        error = float(np.std(values, ddof=1)) / n**0.5
        patients = int(HOURLY.sum() * days * n)
        rows.append(Row(f"M(t)/G/infinity, {name}", what, of(exact), float(np.mean(values)), error, patients))
    return rows


def main(page: Path) -> int:
    """Print every row, and write the page where all hold; it takes half an hour on two cores."""
    rows: list[Row] = []
    for found in chain(starmap(rows_of, SYSTEMS.items()), map(rows_of_day, DAYS)):
        rows += found
        print(*(row.as_row for row in found), sep="\n", flush=True)
    failed = [row for row in rows if not row.holds]
    if failed:
        print("do not hold:", *(row.as_row for row in failed), sep="\n")
        return 1
    page.write_text(HEAD + "".join(f"{row.as_row}\n" for row in rows), "utf-8")
    return 0


HEAD = """# Queues against closed forms

Each row compares a simulated result of a queueing system with its exact value. The systems are scenario files, simulated by
the SimPy engine and evaluated by the run summary, with one seed. Patients are added until the half-width of every 95% interval,
over replications, is at most 1% of the exact value. The first tenth of each replication is the warm-up. The column z is the
deviation of the estimate in standard errors. `sim/verification/theory/queues.py` defines the quantities and gives the formulas with
their sources. `make theory-long` writes this page; `make test` runs a short form.

| queue | quantity | exact | simulated | half-width | z | patients |
|---|---|---|---|---|---|---|
"""

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
