"""`python -m benchmarks.pairing`: what pairing gains in every shipped comparison, as a page of docs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.runs.comparison import Comparison, Source, carry_out
from sim.runs.request import RunRequest
from sim.units import DAYS_IN

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
SETTINGS = {"academic": "cn_academic.yaml", "commercial": "uk_us_commercial.yaml"}
PATIENTS, REPLICATIONS, SEED = 10_000, 40, 1
TIMES = ("1 years", "2 years", "5 years")
CENTRE = SCENARIOS / "centre_academic.yaml"
ROAD = "strategies/academic/two_lines_bridging.yaml"
OTHER_ROADS = ("withheld", "one_line_bridging", "two_lines_no_bridging")
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
    """Two scenarios with the same patients, and how both are asked for."""

    reference: Path
    other: Path
    settings: tuple[str, ...]
    replications: int = 1


def pairs() -> Iterator[Pair]:
    """Each strategy with its setting, the roads of the case, the what-ifs of the centre with its patients."""
    number = (f"patients.number={PATIENTS}",)
    for folder, setting in SETTINGS.items():
        for strategy in sorted((SCENARIOS / "strategies" / folder).glob("*.yaml")):
            yield Pair(SCENARIOS / setting, strategy, number)
    for name in OTHER_ROADS:
        other = SCENARIOS / "strategies" / "academic" / f"{name}.yaml"
        yield Pair(SCENARIOS / ROAD, other, (*CASE, *number))
    for what_if in sorted((SCENARIOS / "centre").glob("*.yaml")):
        if what_if.stem != "twice_the_referrals":
            yield Pair(CENTRE, what_if, (), REPLICATIONS)


def lines(pair: Pair) -> Iterator[str]:
    """The lines of the table for one comparison, one for each time."""
    told = compared(pair)["outcomes"]["overall_survival"]["differences"]["other"]
    name = f"`{pair.other.relative_to(SCENARIOS)}`"
    against = f"`{pair.reference.relative_to(SCENARIOS)}`{', the case' if CASE[0] in pair.settings else ''}"
    for i, time in enumerate(TIMES):
        leaf = told["at"][time]
        gain = leaf["variance_ratio"]
        cells = [
            *((name, against) if i == 0 else ("", "")),
            time.removesuffix("s") if time.startswith("1 ") else time,
            f"{100 * leaf['difference']:+.2f}",
            f"{100 * leaf['standard_error']:.2f}",
            "no patient differs" if gain is None else f"{gain:.1f}",
        ]
        yield f"| {' | '.join(cells)} |\n"


def compared(pair: Pair) -> Mapping[str, Any]:
    """The table of a comparison."""
    arms = [
        Source(name, RunRequest(file, pair.settings, SEED, pair.replications))
        for name, file in (("reference", pair.reference), ("other", pair.other))
    ]
    at = tuple(float(time.split()[0]) * DAYS_IN["year"] for time in TIMES)
    done = carry_out(arms, at=at, step=lambda name: None, share=lambda share: None)
    assert isinstance(done, Comparison)
    return done.table


if __name__ == "__main__":
    sys.stdout.writelines([HEAD, *(line for pair in pairs() for line in lines(pair))])
