"""Costs and QALYs of the strategies, as tables: `python -m tests.published.economic_tables docs/economics.md`.

The tables of the page are written anew between `<!-- NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.economics.analysis import ArmTotals, incremental_rows
from sim.economics.valuation import Valuation
from sim.engine.run import simulate
from sim.outcomes.estimates import IncrementalRow
from sim.outcomes.history.history import History
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.strategy_tables import SCENARIOS, SETTINGS, STRATEGIES, table

PATIENTS, SEED = 20_000, 9
BASE = "base case"


@dataclass(frozen=True, slots=True)
class Arm:
    """A strategy: discounted cost and QALYs of each patient, mean life-years, mean cost by category."""

    totals: ArmTotals
    life_years: float
    categories: dict[str, float]
    currency: str
    threshold: float

    @property
    def name(self) -> str:
        return self.totals.name


@cache
def arm(path: Path, name: str, patients: int = PATIENTS) -> Arm:
    scenario = load(path, settings=(f"patients.number={patients}",))
    result = simulate(compile_pathway(scenario), seed=SEED)
    valuation = Valuation(History(result.log, result.use, scenario))
    economics = scenario.economics
    assert economics is not None and economics.threshold is not None
    return Arm(
        ArmTotals(name, valuation.total_cost.discounted, valuation.qaly.discounted, ""),
        float(valuation.life_years.undiscounted.mean()),
        {category: float(amounts.discounted.mean()) for category, amounts in valuation.cost.items()},
        economics.currency,
        economics.threshold,
    )


def arms(setting: str) -> list[Arm]:
    """The setting (the base case), then its strategies."""
    strategies = [path for path in STRATEGIES if path.parent.name == setting]
    return [arm(SCENARIOS / SETTINGS[setting], BASE), *(arm(path, path.stem) for path in strategies)]


def interval(values: NDArray[np.float64], digits: int) -> str:
    """A mean with its 95% interval over patients."""
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))
    mean = float(values.mean())
    return f"{mean:+,.{digits}f} ({mean - half:+,.{digits}f} to {mean + half:+,.{digits}f})"


def against_base(one: Arm, base: Arm) -> tuple[str, ...]:
    """The cells of a strategy: totals, and differences from the base case in the same patients."""
    cost, qaly = one.totals.cost, one.totals.qaly
    totals = (f"`{one.name}`", f"{cost.mean():,.0f}", f"{qaly.mean():.2f}", f"{one.life_years:.1f}")
    if one is base:
        return (*totals, "", "", "")
    more_cost, more_qaly = cost - base.totals.cost, qaly - base.totals.qaly
    benefit = base.threshold * more_qaly - more_cost
    return (*totals, interval(more_cost, 0), interval(more_qaly, 2), interval(benefit, 0))


def of_strategies(setting: str) -> str:
    """Each strategy with its differences from the base case."""
    found = arms(setting)
    currency, threshold = found[0].currency, found[0].threshold
    head = (
        *("strategy", f"cost, {currency}", "QALYs", "life-years, undiscounted"),
        *("cost against base case", "QALYs against base case"),
        f"net benefit against base case at {threshold:,.0f} a QALY",
    )
    return table(head, [against_base(one, found[0]) for one in found])


def of_frontier(setting: str) -> str:
    """The full incremental analysis."""
    found = arms(setting)
    rows = incremental_rows([one.totals for one in found], currency=found[0].currency)
    steps = [row for row in rows if row.analysis == "frontier"]
    return table(("strategy", "cost per QALY gained over the one before", ""), [step(row) for row in steps])


def step(row: IncrementalRow) -> tuple[str, ...]:
    if not row.compared_with:
        return f"`{row.arm}`", "", row.status
    limits = f" ({row.low:,.0f} to {row.high:,.0f})" if row.confidence_set == "interval" else " (unbounded)"
    return f"`{row.arm}`", f"{row.icer:,.0f}{limits} over `{row.compared_with}`", row.status


def of_categories() -> str:
    """The mean cost by category in both base cases."""
    found = [arm(SCENARIOS / SETTINGS[setting], BASE) for setting in ("commercial", "academic")]
    names = dict.fromkeys(name for one in found for name in one.categories)
    head = (
        "category",
        *(f"{where}, {one.currency}" for where, one in zip(SETTINGS_SHOWN, found, strict=True)),
    )
    rows = [
        (name.replace("_", " "), *(f"{one.categories.get(name, 0):,.0f}" for one in found)) for name in names
    ]
    total = ("all", *(f"{sum(one.categories.values()):,.0f}" for one in found))
    return table(head, [*rows, total])


QUESTIONS = {
    "CAR-T in CNS disease, not withheld": (BASE, "car_t_withheld_for_cns"),
    "the same with one product alone": ("one_line", "car_t_withheld_for_cns"),
    "a second product": (BASE, "one_line"),
    "after one product, transplant in every remission or in none": (
        "one_line_then_transplant",
        "one_line_no_transplant",
    ),
    "blinatumomab first": ("blinatumomab", BASE),
    "inotuzumab first": ("inotuzumab", BASE),
}
"""What a step adds: the strategy that has it, and the one that is the same without it."""


def of_questions() -> str:
    """What each step costs and adds in both settings."""
    head = ("what it adds", "strategy", "compared with", *SETTINGS_SHOWN)
    rows = [
        (
            question,
            *(f"`{name}`" for name in names),
            *(in_words(*pair(setting, question)) for setting in ("commercial", "academic")),
        )
        for question, names in QUESTIONS.items()
    ]
    return table(head, rows)


def pair(setting: str, question: str) -> tuple[Arm, Arm]:
    """The strategy that has a step, and the one that is the same without it."""
    by_name = {one.name: one for one in arms(setting)}
    one, other = QUESTIONS[question]
    return by_name[one], by_name[other]


def what_it_adds(one: Arm, other: Arm) -> IncrementalRow:
    """The difference between two strategies."""
    rows = incremental_rows([other.totals, one.totals], currency=one.currency)
    return next(row for row in rows if row.compared_with)


def in_words(one: Arm, other: Arm) -> str:
    """The extra cost and QALYs, then the ratio where both are more."""
    row, qaly = what_it_adds(one, other), interval(one.totals.qaly - other.totals.qaly, 2)
    said = f"{row.incremental_cost:+,.0f} {row.currency}, {qaly} QALYs: "
    if row.incremental_cost > 0.0 and row.incremental_qaly > 0.0:
        return f"{said}{row.icer:,.0f} per QALY"
    return said + row.status


SETTINGS_SHOWN = ("commercial products", "academic centre")
TABLES = {
    "commercial strategies": lambda: of_strategies("commercial"),
    "commercial frontier": lambda: of_frontier("commercial"),
    "academic strategies": lambda: of_strategies("academic"),
    "academic frontier": lambda: of_frontier("academic"),
    "questions": of_questions,
    "categories": of_categories,
}


def rewritten(page: str) -> str:
    """The page with every table written anew."""
    for name, make in TABLES.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        page, n = re.subn(pattern, lambda m: f"{m[1]}\n{make()}\n\n{m[2]}", page, flags=re.DOTALL)  # noqa: B023
        assert n == 1, name
    return page


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(rewritten(file.read_text("utf-8")), "utf-8")
