"""What a centre's what-ifs come to, as tables: `python -m tests.published.centre_tables`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sim.engine.run import simulate
from sim.outcomes.comparison.sweep_results import Cell, burden_told, outcomes_told, read_cell
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.strategy_tables import SCENARIOS, table

BASE = SCENARIOS / "centre_academic.yaml"
WHAT_IFS = sorted((SCENARIOS / "centre").glob("*.yaml"))
WAITS = {
    "apheresis_slot": "wait_for_apheresis",
    "manufacturing_slot": "wait_for_manufacture",
    "car_t_bed": "wait_for_car_t_bed",
    "icu_bed": "wait_for_icu_bed",
    "transplant_room": "wait_for_transplant_room",
}
"""The resources, and the outcome that tells how long patients wait for each."""
REPLICATIONS, SEED, TWO_YEARS = 40, 1, 2 * 365.25


@cache
def cell(path: Path, replications: int = REPLICATIONS, seed: int = SEED) -> Cell:
    scenario = load(path)
    result = simulate(compile_pathway(scenario), seed=seed, replications=replications)
    return read_cell(result.log, result.use, scenario, at=(TWO_YEARS,), seed=seed, replications=replications)


def numbers(path: Path, **options: int) -> dict[str, Any]:
    """Outcomes and burden of a what-if, each with its difference from the base case."""
    reference, other = cell(BASE, **options), cell(path, **options)
    return outcomes_told(reference, other) | burden_told(reference, other)


def shown(told: Mapping[str, Any]) -> list[tuple[float, float]]:
    """What a row of the table of what-ifs shows, in its units, each with half its interval's width."""
    found = [told[name] for name in WAITS.values()]
    found += [told[name] for name in ("infused", "transplanted", "lost_waiting", "overall_survival")]
    units = [1.0] * len(WAITS) + [100.0] * 4
    return [
        (unit * one["estimate"], unit * (one["interval"][1] - one["interval"][0]) / 2)
        for unit, one in zip(units, found, strict=True)
    ]


def difference(told: Mapping[str, Any], unit: float, digits: int) -> str:
    """A difference with its interval, in a unit and to so many digits."""
    of = told["difference"]
    one = unit * of["difference"]
    low, high = sorted(unit * end for end in of["interval"])
    return f"{one:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def of_what_ifs() -> str:
    head = (
        *("centre", *(f"wait: {name}" for name in WAITS)),
        *("infused", "transplanted", "lost in a queue", "alive at 2 y", "points at 2 y"),
    )
    rows = []
    for path in (BASE, *WHAT_IFS):
        told = numbers(path)
        values = [value for value, _ in shown(told)]
        n = len(WAITS)
        cells = [f"{value:.1f} d" for value in values[:n]] + [f"{value:.1f}%" for value in values[n:]]
        name = "base case" if path == BASE else path.stem
        points = "" if path == BASE else difference(told["overall_survival"], 100, 1)
        rows.append((f"`{name}`", *cells, points))
    return table(head, rows)


def of_one_more() -> str:
    """Per 100 patients; waiting days and losses as what is saved."""
    rows = []
    for resource in WAITS:
        told = numbers(SCENARIOS / "centre" / f"one_more_{resource}.yaml")
        effects = (("waiting_days", -100, 0), ("lost_waiting", -100, 2), ("life_years", 100, 2))
        rows.append((f"`{resource}`", *(difference(told[name], unit, n) for name, unit, n in effects)))
    return table(("one more", "waiting days saved", "fewer lost in a queue", "life-years gained"), rows)


def page() -> str:
    patients = cell(BASE).n_patients / REPLICATIONS
    return f"""\
# A centre with limited capacity

[The scenarios](scenarios.md#a-centre-with-limited-capacity) describes the centre, its what-if scenarios and the assumptions.
Every capacity is an assumption. The tables show means over {REPLICATIONS} replications (seed {SEED}) of about {patients:.0f} patients each,
without those of the first two years (the warm-up). Differences are paired by replication and have 95% intervals. A patient is
lost in a queue who leaves it without having received the resource, by death, relapse or otherwise. `make docs` writes this page.

The columns give the mean wait for each resource, the proportions of patients infused, transplanted, lost in a queue and alive
after 2 years, and the difference in survival from the base case in percentage points.

{of_what_ifs()}

With twice the referrals, demand exceeds the capacity of beds and rooms. Their queues grow for years and level off at about a
dozen patients each, because many patients relapse, drop out or die while waiting. The values in that row depend on the simulated
period of ten years.

## One more unit of each resource

Effects per 100 patients, as printed by `allpath sweep scenarios/centre_academic.yaml --one-more`. Life-years count up to the
horizon, twelve years after the opening of the centre.

{of_one_more()}
"""


if __name__ == "__main__":
    print(page(), end="")
