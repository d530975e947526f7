"""What must hold for every patient of every clinical scenario, in large cohorts.

The `never` lists of the scenarios are one check. The same rules, and those that no such list can express,
are checked in the columns of the log as well, without the code that evaluates the lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.event_log.log import EventLog
from sim.outcomes.evaluation import first_violation
from sim.outcomes.history.history import History
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.cohorts import sizes
from tests.published.columns import Bools, Columns

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SETTINGS = ("cn_academic.yaml", "uk_us_commercial.yaml")
FUTURES = tuple(path.name for path in sorted(SCENARIOS.glob("index_case_futures*.yaml")))
LAYERS = tuple(
    path.relative_to(SCENARIOS).as_posix()
    for folder in ("strategies", "populations", "structural")
    for path in sorted((SCENARIOS / folder).rglob("*.yaml"))
)


def run(file: str, patients: int, *settings: str) -> EventLog:
    scenario = load(SCENARIOS / file, settings=(f"patients.number={patients}", *settings))
    return simulate(compile_pathway(scenario), seed=5).log


# ---------------------------------------------------------------- each returns the rows that violate it


def time_runs_back(rows: Columns) -> Bools:
    back = np.concatenate(([False], np.diff(rows.log.time) < 0))
    back[rows.log.row_of[:-1]] = rows.log.time[rows.log.row_of[:-1]] < 0
    return back


def something_after_death(rows: Columns) -> Bools:
    deaths = [stage for stage in rows.log.names.stages if stage.startswith("died")]
    return rows.enters(*deaths) & (rows.last_row() != np.arange(rows.log.n_rows))


def cd19_product_after_cd19_was_lost(rows: Columns) -> Bools:
    lost = rows.among("cd19", "negative", "lineage_switch")
    return rows.enters("infusion") & (rows.count(lost) > 0) & ~rows.among("product", "cd22")


def cd22_product_without_its_reason(rows: Columns) -> Bools:
    """The first product against CD22 follows the loss of CD19 alone; there is no second."""
    given = rows.enters("infusion") & rows.among("product", "cd22")
    return given & (~rows.among("cd19", "negative") | (rows.count(given) > 1))


def blinatumomab_after_cd19_was_lost(rows: Columns) -> Bools:
    begins = rows.enters("salvage") & (rows.value("line_cycles") == 1) & rows.among("agent", "blinatumomab")
    return begins & (rows.count(rows.among("cd19", "negative", "lineage_switch")) > 0)


def transplant_outside_remission_of_both(rows: Columns) -> Bools:
    clear = rows.among("csf", "cns1") & ~rows.among("marrow", "active")
    return rows.enters("conditioning", "transplant") & ~clear


def remission_without_both_clear(rows: Columns) -> Bools:
    clear = rows.among("csf", "cns1") & ~rows.among("marrow", "active")
    return rows.enters("car_t_remission", "chemo_remission", "after_transplant", "long_term") & ~clear


def third_product(rows: Columns) -> Bools:
    return rows.count(rows.enters("infusion")) > 2


def third_transplant(rows: Columns) -> Bools:
    return rows.count(rows.enters("transplant")) > 2


def conditioning_before_day_28(rows: Columns) -> Bools:
    return rows.enters("conditioning") & (rows.log.time - rows.stamped("infusion") < 28)


def infusion_without_a_product(rows: Columns) -> Bools:
    ready = rows.happens("manufacture.product_ready") & rows.enters("csf_check")
    return rows.enters("infusion") & (rows.count(rows.enters("infusion")) > rows.count(ready))


def grade_5_survived(rows: Columns) -> Bools:
    fatal = rows.enters("infusion") & ((rows.value("crs_grade") == 5) | (rows.value("icans_grade") == 5))
    last = rows.last_row()
    dies = rows.enters("died_of_treatment", "died_of_other_cause")[last]
    soon = rows.log.time[last] - rows.log.time < 28
    return fatal & ~(dies & soon)


def blinatumomab_in_active_cns_disease(rows: Columns) -> Bools:
    begins = rows.enters("salvage") & (rows.value("line_cycles") == 1)
    return begins & rows.among("agent", "blinatumomab") & ~rows.among("csf", "cns1")


def transplant_soon_after_inotuzumab(rows: Columns) -> Bools:
    soon = rows.log.time - rows.stamped("last_inotuzumab") < 28
    return rows.enters("conditioning") & soon | (
        rows.enters("transplant") & (rows.value("inotuzumab_cycles") > 2)
    )


Invariant = Callable[[Columns], Bools]
INVARIANTS: tuple[Invariant, ...] = (
    time_runs_back,
    something_after_death,
    cd19_product_after_cd19_was_lost,
    cd22_product_without_its_reason,
    blinatumomab_after_cd19_was_lost,
    transplant_outside_remission_of_both,
    remission_without_both_clear,
    third_product,
    third_transplant,
    conditioning_before_day_28,
    infusion_without_a_product,
    grade_5_survived,
    blinatumomab_in_active_cns_disease,
    transplant_soon_after_inotuzumab,
)


@pytest.mark.parametrize(
    "file", [*SETTINGS, *(pytest.param(file, marks=pytest.mark.long) for file in (*FUTURES, *LAYERS))]
)
def test_invariants_hold_for_every_patient(file: str, number: int = 40_000) -> None:
    """A violation by 5 patients in `number` is missed with a probability of exp(-5), 0.7%."""
    scenario = load(SCENARIOS / file, settings=(f"patients.number={number}",))
    result = simulate(compile_pathway(scenario), seed=5)
    assert first_violation(History(result.log, result.use, scenario)) is None
    rows = Columns(result.log)
    allowed = float(next(p.text for p in scenario.parameters if p.name == "max_car_t"))
    assert rows.count(rows.enters("infusion")).max() <= allowed
    broken = {i.__name__: rows.patient[found][:3] for i in INVARIANTS if (found := i(rows)).any()}
    assert broken == {}


@pytest.mark.parametrize("number", sizes(10_000, long=100_000))
def test_cns3_is_cleared_and_no_donor_gives_a_product_in_the_commercial_setting(number: int) -> None:
    rows = Columns(run("uk_us_commercial.yaml", number))
    infused = rows.enters("infusion")
    assert not (infused & rows.among("csf", "cns3")).any()
    assert not (infused & rows.among("car_t_source", "donor")).any()
    assert (infused & rows.among("csf", "cns2")).any()
    assert rows.enters("csf_clearance").any()


# ---------------------------------------------------------------- each can be violated

VIOLATIONS: dict[Invariant, tuple[str, ...]] = {
    cd19_product_after_cd19_was_lost: (
        "conditions.cd19_product={car_t_response: {is_not: nr}}",
        "pathway.stages.apheresis.on_entry=[{set: {car_t_source: own, product: academic}}]",
        "pathway.stages.lymphodepletion.events.done.to.cd19_lost_meanwhile.when={any: []}",
    ),
    cd22_product_without_its_reason: (
        "conditions.cd22_product={cd19: {in: [negative, lineage_switch]}}",
        "pathway.stages.apheresis.on_entry=[{set: {car_t_source: own, product: cd22}}]",
    ),
    blinatumomab_after_cd19_was_lost: (
        "parameters.agent_line1={value: blinatumomab}",
        "conditions.no_blinatumomab=cns_disease",
    ),
    transplant_outside_remission_of_both: ("conditions.both_clear={marrow: {is_not: active}}",),
    remission_without_both_clear: ("conditions.both_clear={marrow: {is_not: active}}",),
    third_product: ("parameters.max_car_t={value: 5}",),
    third_transplant: ("parameters.max_hsct={value: 5}", "parameters.p_intent_second={value: 1}"),
    conditioning_before_day_28: (
        "clocks.day_28.after={fixed: 10 days}",
        "parameters.conditioning_after={value: 0 days}",
    ),
    infusion_without_a_product: ("pathway.stages.collection.events.collected.to=lymphodepletion",),
    grade_5_survived: ("parameters.fatal_latest={value: 60 days}",),
    blinatumomab_in_active_cns_disease: (
        "parameters.agent_line1={value: blinatumomab}",
        "conditions.no_blinatumomab=cd19_lost",
    ),
    transplant_soon_after_inotuzumab: (
        "parameters.agent_line1={value: inotuzumab}",
        "parameters.after_inotuzumab={value: 0 days}",
    ),
}
"""For each rule of treatment, changes of the scenario after which it no longer holds."""


@pytest.mark.parametrize("invariant", VIOLATIONS, ids=lambda invariant: invariant.__name__)
def test_a_violation_of_a_rule_of_treatment_is_found(invariant: Invariant) -> None:
    assert invariant(Columns(run("cn_academic.yaml", 4000, "never=[]", *VIOLATIONS[invariant]))).any()


def test_a_log_out_of_order_is_found() -> None:
    log = run("cn_academic.yaml", 100)
    assert time_runs_back(Columns(replace(log, time=log.time[::-1]))).any()
    assert time_runs_back(Columns(replace(log, time=log.time - 1))).any()
    dead = log.names.stages.index("died_of_disease")
    assert something_after_death(
        Columns(replace(log, stage_to=np.where(log.stage_to == 0, dead, log.stage_to)))
    ).any()


def test_each_invariant_has_a_violation() -> None:
    assert {*VIOLATIONS, time_runs_back, something_after_death} == set(INVARIANTS)
