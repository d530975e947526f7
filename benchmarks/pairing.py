"""`python -m benchmarks.pairing`: the gain of pairing in every shipped comparison, as a page of docs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan
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

ECONOMIC_HEAD = """
## Costs and QALYs

The same for discounted costs (pounds in the commercial setting, US dollars in the academic one) and QALYs, up
to the horizon. In the centre the cost is that of the patients, not of its capacity.

| scenario | against | cost | standard error | gain | QALYs | standard error | gain |
|---|---|---|---|---|---|---|---|
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


def names(pair: Pair) -> tuple[str, str]:
    """The scenario and what it is compared with, as cells of a table."""
    other, reference = (f"`{file.relative_to(SCENARIOS)}`" for file in (pair.other, pair.reference))
    return other, f"{reference}{', the case' if CASE[0] in pair.settings else ''}"


def gain(row: DifferenceRow) -> str:
    """The variance of independent runs over that of the paired difference."""
    return "no patient differs" if isnan(row.variance_ratio) else f"{row.variance_ratio:.1f}"


def survival_lines(pair: Pair, differences: Differences) -> Iterator[str]:
    """The lines of the table of survival for one comparison, one for each time."""
    for i, time in enumerate(TIMES):
        row = difference(differences, "overall_survival", "survival", days(time))
        cells = [
            *(names(pair) if i == 0 else ("", "")),
            time.removesuffix("s") if time.startswith("1 ") else time,
            f"{100 * row.difference:+.2f}",
            f"{100 * row.standard_error:.2f}",
            gain(row),
        ]
        yield f"| {' | '.join(cells)} |\n"


def economic_line(pair: Pair, differences: Differences) -> str:
    """The line of the table of costs and QALYs for one comparison."""
    cost, qaly = (difference(differences, name, "discounted") for name in ("cost", "qaly"))
    cells = [
        *names(pair),
        *(f"{cost.difference:+,.0f}", f"{cost.standard_error:,.0f}", gain(cost)),
        *(f"{qaly.difference:+.3f}", f"{qaly.standard_error:.3f}", gain(qaly)),
    ]
    return f"| {' | '.join(cells)} |\n"


def difference(differences: Differences, outcome: str, measure: str, time: float = nan) -> DifferenceRow:
    """The difference of an outcome, at a time (days) where it has one."""
    row = differences.find(outcome, measure, arm="other", time_days=None if isnan(time) else time)
    if row is None:
        raise ValueError(f"no difference in {outcome}")
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


def page() -> Iterator[str]:
    """The page, line by line."""
    found = [(pair, compared(pair)) for pair in pairs()]
    yield HEAD
    for pair, differences in found:
        yield from survival_lines(pair, differences)
    yield ECONOMIC_HEAD
    for pair, differences in found:
        yield economic_line(pair, differences)


if __name__ == "__main__":
    sys.stdout.writelines(page())
