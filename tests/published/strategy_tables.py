"""Results of the strategies and effect of waiting, as tables: `python -m tests.published.strategy_tables`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.engine.run import simulate
from sim.event_log.log import EventLog
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.columns import Columns

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SETTINGS = {"academic": "cn_academic.yaml", "commercial": "uk_us_commercial.yaml"}
STRATEGIES = sorted((SCENARIOS / "strategies").rglob("*.yaml"))
PATIENTS, SEED, YEAR = 40_000, 9, 365.25
COMBINED_IN_ADULTS = (str(SCENARIOS / "populations" / "cns_combined.yaml"),)
"""Layers that are set: adults with combined relapse."""
WAITS = (2, 14, 30, 60, 120, 240)
"""Days, the median wait for a day of apheresis."""
YEARS = (1, 2, 5)


def run(path: Path, patients: int, *settings: str) -> EventLog:
    scenario = load(path, settings=(f"patients.number={patients}", *settings))
    return simulate(compile_pathway(scenario), seed=SEED).log


def alive(log: EventLog, years: float) -> NDArray[np.bool_]:
    """Whether each patient is alive at this time; no patient is censored before the horizon of 60 years."""
    return np.asarray(log.ends > years * YEAR)


@dataclass(frozen=True, slots=True)
class Arm:
    """The results of a strategy. alive: at each of `YEARS`, whether each patient is alive."""

    name: str
    infused: float
    transplanted: float
    alive: tuple[NDArray[np.bool_], ...]


def arm(path: Path, name: str, patients: int) -> Arm:
    rows = Columns(run(path, patients, *COMBINED_IN_ADULTS))
    shares = [len(np.unique(rows.patient[rows.enters(s)])) / patients for s in ("infusion", "transplant")]
    return Arm(name, shares[0], shares[1], tuple(alive(rows.log, years) for years in YEARS))


def arms(setting: str, patients: int) -> list[Arm]:
    """The setting (the base case), then its strategies."""
    base_case = arm(SCENARIOS / SETTINGS[setting], "base case", patients)
    strategies = [path for path in STRATEGIES if path.parent.name == setting]
    return [base_case, *(arm(path, path.stem, patients) for path in strategies)]


def waits(setting: str, patients: int = PATIENTS) -> list[tuple[float, ...]]:
    """Survival at each of `YEARS`, for each wait."""
    logs = (
        run(SCENARIOS / SETTINGS[setting], patients, f"parameters.slot_wait={{value: {days} days}}")
        for days in WAITS
    )
    return [tuple(float(alive(log, years).mean()) for years in YEARS) for log in logs]


def difference(arm: Arm, reference: Arm) -> str:
    """Points at five years with 95% interval, the same patients in both."""
    pairs = 100.0 * (arm.alive[-1].astype(float) - reference.alive[-1].astype(float))
    half = 1.96 * pairs.std(ddof=1) / np.sqrt(len(pairs))
    return f"{pairs.mean():+.1f} ({pairs.mean() - half:+.1f} to {pairs.mean() + half:+.1f})"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))


def percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def of_strategies(setting: str, patients: int = PATIENTS) -> str:
    found = arms(setting, patients)
    head = ("strategy", "infused", "transplanted", *(f"alive at {y} y" for y in YEARS), "points at 5 y")
    rows = []
    for one in found:
        shares = [percent(one.infused), percent(one.transplanted), *(percent(a.mean()) for a in one.alive)]
        rows.append((f"`{one.name}`", *shares, "" if one is found[0] else difference(one, found[0])))
    return table(head, rows)


def of_waits(setting: str) -> str:
    head = ("median wait for apheresis", *(f"alive at {y} y" for y in YEARS))
    rows = zip(WAITS, waits(setting), strict=True)
    return table(head, [(f"{days} days", *(f"{100 * s:.1f}%" for s in shares)) for days, shares in rows])


def page(answer: str) -> str:
    """The page of strategies. answer: the block of the answers."""
    from tests.published import answers
    from tests.published import uncertainty_tables as uncertain

    questions = tuple(one.what.rstrip(",") for one in answers.QUESTIONS)
    return f"""\
# Strategies

In adults with combined marrow and CSF relapse at an academic centre, in percentage points of survival after {answers.YEARS} years:

{answer}

Each answer has three kinds of uncertainty. Simulation: the 95% interval of {answers.PATIENTS:,} simulated patients. Parameters: the 95% interval of
{uncertain.DRAWS} draws of the parameters. Structure: the lowest and highest effect under the files of `scenarios/structural/`, each of which changes
one choice of the model, and the base case. An answer is undetermined where the structural range or the parameter interval includes no effect.
`make strategies` writes this page.

[The scenarios](scenarios.md) defines each strategy. The tables show simulated results for {PATIENTS:,} patients (seed {SEED}).
The patients and their random numbers are the same under each strategy, so a difference is due to treatment. The results follow
from the parameters of the scenarios, many of which are assumed; `allpath describe` lists the assumed ones first. No trial has
compared these strategies.

Columns: the proportion of patients infused and transplanted, the proportion alive after 1, 2 and 5 years, and the difference
from the base case after 5 years in percentage points, with its 95% interval.

## Adults with combined marrow and CSF relapse

At an academic centre:

{of_strategies("academic")}

With a commercial CAR-T product:

{of_strategies("commercial")}

Remission on chemotherapy alone is never a cure in adults, and whoever comes into it has relapsed or failed once more than the
published series of first remissions: both do not favour transplant without CAR-T.

## How sure the comparison is

The four strategies of `make run` for the same adults at an academic centre, with {uncertain.DRAWS} draws of the parameters that have
an uncertainty and {uncertain.PATIENTS:,} patients for each draw and strategy. In brackets is the interval of the parameters alone, the noise of the
simulated patients removed; the other columns are the probability that the strategy has the highest survival ("of draws": the share of
draws, where the noise cannot be removed from it). The parameters that are
assumed without a stated uncertainty stay fixed, and so does the structure of the model, which the next table varies.

{uncertain.of_draws()}

The three effects under each structural alternative, in points after {answers.YEARS} years with the 95% interval of {answers.STRUCTURE_PATIENTS:,}
simulated patients. `--set FILE` applies a file to every strategy of a command.

{table(("file", *questions), answers.of_structure())}

Transplant in every remission after one product, compared with none, in the patients who are in remission after it. In this table the
structural range alone decides the direction:

{table(("patients", "points (simulation)", "structure", "direction"), answers.by_group())}

The ten parameters that change the effect of withholding CAR-T most: by how many percentage points the difference in survival after
{uncertain.AT[-1]} changes with one parameter at either end of its 95% interval and all others at their base value, {uncertain.BAR_PATIENTS:,} patients,
the same in all runs.

{uncertain.of_bars()}

At which rate of CSF relapse after CAR-T (`{uncertain.SEARCHED}`) would withholding CAR-T in CNS disease be right, judged by survival after
{uncertain.AT[-1]}? {uncertain.of_search()}

## The effect of the wait for apheresis

The proportion of all patients of a setting who are alive, by the median wait for a day of apheresis. Nothing else is changed.

At an academic centre:

{of_waits("academic")}

With a commercial CAR-T product:

{of_waits("commercial")}
"""


def main() -> None:
    """Write the page, and the answers of the README."""
    from tests.published import answers
    from tests.published import uncertainty_tables as uncertain

    root = SCENARIOS.parent
    answer = answers.answers(uncertain.analysed())
    (root / "docs" / "strategies.md").write_text(page(answer), encoding="utf-8")
    readme = root / "README.md"
    readme.write_text(answers.replace_answers(readme.read_text("utf-8"), answer), encoding="utf-8")


if __name__ == "__main__":
    main()
