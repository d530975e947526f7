"""Results of the what-if scenarios of a centre, as tables: `python -m tests.published.centre_tables`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sim.engine.run import simulate
from sim.outcomes.comparison.sweep_results import Cell, evaluate_cell, headline_differences, without_log
from sim.outcomes.estimates import Differences, Estimates
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.outcomes.summary import arm_results
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.strategy_tables import SCENARIOS, table
from tests.rows import OutcomeRows

BASE = SCENARIOS / "centre_academic.yaml"
WHAT_IFS = sorted((SCENARIOS / "centre").glob("*.yaml"))
WAITS = {
    "apheresis_slot": "wait_for_apheresis",
    "manufacturing_slot": "wait_for_manufacture",
    "car_t_bed": "wait_for_car_t_bed",
    "icu_bed": "wait_for_icu_bed",
    "transplant_room": "wait_for_transplant_room",
}
"""The resources, and the outcome of the waits for each."""
REPLICATIONS, SEED, TWO_YEARS = 40, 1, 2 * 365.25


@cache
def cell(path: Path, replications: int = REPLICATIONS, seed: int = SEED) -> Cell:
    scenario = load(path)
    result = simulate(compile_pathway(scenario), seed=seed, replications=replications)
    arm = Arm(path.stem, scenario, result.log, result.use, seed, replications)
    return without_log(evaluate_cell(arm, at=(TWO_YEARS,)))


def results(path: Path, *, replications: int = REPLICATIONS, seed: int = SEED) -> Results:
    """Outcomes and burden of waiting of the base case and of a what-if scenario, with their differences."""
    cells = {one: cell(one, replications, seed) for one in dict.fromkeys((BASE, path))}
    found = {one: arm_results(of.summary, name=one.stem) for one, of in cells.items()}
    differences = headline_differences(cells[BASE], cells[path], names=(path.stem, BASE.stem))
    return Results(
        tuple(facts for _, facts in found.values()),
        seed,
        replications,
        Estimates.concatenate(estimates for estimates, _ in found.values()),
        Differences.of(differences if path != BASE else ()),
        (),
    )


def shown(found: Results, path: Path) -> list[tuple[float, float]]:
    """The numbers in a row of the table of what-ifs, in its units, each with half the width of its interval."""
    names = (*WAITS.values(), "infused", "transplanted", "lost_waiting", "overall_survival")
    units = [1.0] * len(WAITS) + [100.0] * 4
    rows = [OutcomeRows(found, name, path.stem).headline for name in names]
    assert all(row.has_interval for row in rows)
    return [
        (unit * row.estimate, unit * (row.high - row.low) / 2) for unit, row in zip(units, rows, strict=True)
    ]


def difference(found: Results, path: Path, outcome: str, unit: float, digits: int) -> str:
    """A difference with its interval, in a unit and with so many decimals."""
    row = OutcomeRows(found, outcome, path.stem).difference()
    assert row.has_interval
    one = unit * row.difference
    low, high = sorted(unit * end for end in (row.low, row.high))
    return f"{one:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def of_what_ifs() -> str:
    head = (
        *("centre", *(f"wait: {name}" for name in WAITS)),
        *("infused", "transplanted", "lost in a queue", "alive at 2 y", "points at 2 y"),
    )
    rows = []
    for path in (BASE, *WHAT_IFS):
        found = results(path)
        values = [value for value, _ in shown(found, path)]
        n = len(WAITS)
        cells = [f"{value:.1f} d" for value in values[:n]] + [f"{value:.1f}%" for value in values[n:]]
        name = "base case" if path == BASE else path.stem
        points = "" if path == BASE else difference(found, path, "overall_survival", 100, 1)
        rows.append((f"`{name}`", *cells, points))
    return table(head, rows)


def of_one_more() -> str:
    """Per 100 patients; waiting days and losses as savings."""
    rows = []
    for resource in WAITS:
        path = SCENARIOS / "centre" / f"one_more_{resource}.yaml"
        found = results(path)
        effects = (("waiting_days", -100, 0), ("lost_waiting", -100, 2), ("life_years", 100, 2))
        rows.append((f"`{resource}`", *(difference(found, path, name, unit, n) for name, unit, n in effects)))
    return table(("one more", "waiting days saved", "fewer lost in a queue", "life-years gained"), rows)


def page() -> str:
    patients = cell(BASE).n_patients / REPLICATIONS
    return f"""\
# A centre with limited capacity

[The scenarios](scenarios.md#a-centre-with-limited-capacity) describes the centre, its what-if scenarios and the assumptions.
Every capacity is an assumption. The tables show means over {REPLICATIONS} replications (seed {SEED}) of about {patients:.0f} patients each;
those of the first two years (the warm-up) are left out. Differences are paired by replication and have 95% intervals. A patient is
lost in a queue who leaves it without having received the resource, by death, relapse or otherwise. `make docs` writes this page.

The columns give the mean wait for each resource, the proportions of patients infused, transplanted, lost in a queue and alive
after 2 years, and the difference in survival from the base case in percentage points.

{of_what_ifs()}

With twice the referrals, demand exceeds the capacity of beds and rooms. Their queues grow for years and level off at about
eight patients for beds and five for rooms, because many patients relapse, drop out or die while waiting. The values in that row
depend on the simulated period of ten years.

## One more unit of each resource

Effects per 100 patients, as printed by `allpath sweep scenarios/centre_academic.yaml --one-more`. Life-years count up to the
horizon, twelve years after the opening of the centre.

{of_one_more()}
"""


if __name__ == "__main__":
    print(page(), end="")
