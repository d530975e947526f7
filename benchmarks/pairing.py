"""`python -m benchmarks.pairing`: what pairing gains in every shipped comparison, as a page of docs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim.comparison import Comparison, Source, carry_out
from sim.simulation import Asked
from sim.units import DAYS_IN

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
SETTINGS = {"academic": "cn_academic.yaml", "commercial": "uk_us_commercial.yaml"}
PATIENTS, SEED = 10_000, 1
TIMES = ("1 years", "2 years", "5 years")

HEAD = f"""\
# What pairing gains

The same patients with the same luck go through both arms, so most of the noise of simulation falls out of
their difference. The table shows how much: for overall survival the difference of each strategy from its
setting, its standard error in percentage points, and how many times the variance of independent runs is that
of the paired ones. A gain of 10 means that runs without common patients would have needed ten times as many
for the same interval.

{PATIENTS:,} patients in each arm, seed {SEED}; made by `make pairing`, which simulates all of them.

| strategy | against | at | difference, points | standard error | gain |
|---|---|---|---|---|---|
"""


def comparisons() -> Iterator[tuple[Path, Path]]:
    """Every shipped strategy with the setting that it changes."""
    for folder, setting in SETTINGS.items():
        for strategy in sorted((SCENARIOS / "strategies" / folder).glob("*.yaml")):
            yield SCENARIOS / setting, strategy


def lines(setting: Path, strategy: Path) -> Iterator[str]:
    """The lines of the table for one strategy, one for each time."""
    told = compared(setting, strategy)["outcomes"]["overall_survival"]["differences"]["strategy"]
    name = f"`{strategy.relative_to(SCENARIOS / 'strategies')}`"
    for i, time in enumerate(TIMES):
        leaf = told["at"][time]
        gain = leaf["variance_ratio"]
        cells = [
            *((name, f"`{setting.name}`") if i == 0 else ("", "")),
            time.removesuffix("s") if time.startswith("1 ") else time,
            f"{100 * leaf['difference']:+.2f}",
            f"{100 * leaf['standard_error']:.2f}",
            "nobody differs" if gain is None else f"{gain:.1f}",
        ]
        yield f"| {' | '.join(cells)} |\n"


def compared(setting: Path, strategy: Path) -> Mapping[str, Any]:
    """The table of a comparison of two files."""
    arms = [
        Source(name, Asked(file, (f"patients.number={PATIENTS}",), SEED))
        for name, file in (("setting", setting), ("strategy", strategy))
    ]
    at = tuple(float(time.split()[0]) * DAYS_IN["year"] for time in TIMES)
    done = carry_out(arms, at=at, step=lambda name: None, share=lambda share: None)
    assert isinstance(done, Comparison)
    return done.table


if __name__ == "__main__":
    sys.stdout.writelines([HEAD, *(line for both in comparisons() for line in lines(*both))])
