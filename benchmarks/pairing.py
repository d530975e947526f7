"""`python -m benchmarks.pairing`: the gain of pairing in every shipped comparison, as a page of docs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from sim.outcomes.estimates import DifferenceRow, Differences
from sim.runs.comparison import request_source, run_comparison
from sim.runs.run import RunRequest
from sim.units import DAYS_IN

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
SETTINGS = {"academic": "cn_academic.yaml", "commercial": "uk_us_commercial.yaml"}
PATIENTS, REPLICATIONS, SEED = 10_000, 40, 1
TIMES = ("1 years", "2 years", "5 years")
CENTRE = SCENARIOS / "centre_academic.yaml"
CASE_PATHWAY = "strategies/academic/two_lines_then_transplant.yaml"
OTHER_PATHWAYS = ("car_t_withheld_for_cns", "one_line_then_transplant", "two_lines_no_transplant")
CASE = (
    "patients.attributes.age_group={one_of: [child_aya, adult], start: adult}",
    "patients.attributes.first_site={one_of: [bm, cns, both], start: both}",
)
"""The comparison of `make run`."""

HEAD = f"""\
# Variance reduction by common random numbers

Both arms of a comparison simulate the same patients with common random numbers (the same random numbers for
the same patient), so most of the Monte Carlo error cancels in their difference. For every comparison that
ships with allpath, the table shows the difference in overall survival from the reference, its standard error
in percentage points, and the gain: the variance of the difference between independent runs, divided by the
variance of the paired difference. With a gain of 10, independent runs need ten times as many patients for an
interval of the same width.

Each arm has {PATIENTS:,} patients (seed {SEED}). In the centre, where patients compete for resources,
each arm has {REPLICATIONS} replications, paired by replication. The centre with twice the referrals has
different patients and is therefore not compared. `make pairing` runs all comparisons and writes this page.

| scenario | against | at | difference, points | standard error | gain |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Pair:
    """Two scenarios with the same patients, and their common settings."""

    reference: Path
    other: Path
    settings: tuple[str, ...]
    replications: int = 1


def pairs() -> Iterator[Pair]:
    """Each strategy with its setting, the pathways of the case, and the what-ifs of the centre."""
    number = (f"patients.number={PATIENTS}",)
    for folder, setting in SETTINGS.items():
        for strategy in sorted((SCENARIOS / "strategies" / folder).glob("*.yaml")):
            yield Pair(SCENARIOS / setting, strategy, number)
    for name in OTHER_PATHWAYS:
        other = SCENARIOS / "strategies" / "academic" / f"{name}.yaml"
        yield Pair(SCENARIOS / CASE_PATHWAY, other, (*CASE, *number))
    for what_if in sorted((SCENARIOS / "centre").glob("*.yaml")):
        if what_if.stem != "twice_the_referrals":
            yield Pair(CENTRE, what_if, (), REPLICATIONS)


def lines(pair: Pair) -> Iterator[str]:
    """The lines of the table for one comparison, one for each time."""
    differences = compared(pair)
    name = f"`{pair.other.relative_to(SCENARIOS)}`"
    against = f"`{pair.reference.relative_to(SCENARIOS)}`{', the case' if CASE[0] in pair.settings else ''}"
    for i, time in enumerate(TIMES):
        row = survival_difference(differences, days(time))
        cells = [
            *((name, against) if i == 0 else ("", "")),
            time.removesuffix("s") if time.startswith("1 ") else time,
            f"{100 * row.difference:+.2f}",
            f"{100 * row.standard_error:.2f}",
            "no patient differs" if isnan(row.variance_ratio) else f"{row.variance_ratio:.1f}",
        ]
        yield f"| {' | '.join(cells)} |\n"


def survival_difference(differences: Differences, time: float) -> DifferenceRow:
    """The difference in overall survival at a time, days."""
    row = differences.find("overall_survival", "survival", arm="other", time_days=time)
    if row is None:
        raise ValueError(f"no difference in overall survival at {time:g} days")
    return row


def days(time: str) -> float:
    """A number of years in days."""
    return float(time.split()[0]) * DAYS_IN["year"]


def compared(pair: Pair) -> Differences:
    """The differences of a comparison."""
    arms = [
        request_source(name, RunRequest(file, pair.settings, SEED, pair.replications))
        for name, file in (("reference", pair.reference), ("other", pair.other))
    ]
    done = run_comparison(arms, at=tuple(map(days, TIMES)))
    return done.results.differences


if __name__ == "__main__":
    sys.stdout.writelines([HEAD, *(line for pair in pairs() for line in lines(pair))])
