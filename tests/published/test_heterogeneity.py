"""Patients differ as the scenarios say, and the lines of one patient are linked."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.columns import Columns
from tests.published.patients import cohort

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ADULTS = (
    "conditions.fit_for_car_t={any: []}",
    "conditions.fit_for_transplant={any: []}",
    "patients.attributes.age_group={one_of: [child_aya, adult], start: adult}",
    "patients.attributes.first_site={one_of: [bm, cns, both], start: bm}",
    "parameters.prior_transplant_adult={value: {none: 1, early: 0, later: 0}}",
)
"""Marrow relapse of adults without a transplant before, who have salvage alone."""


def chances(first: float, later: float, toxic: float) -> tuple[float, float]:
    """Remission in the first line, and in the second of those whose first failed, by quadrature.

    A chance p becomes p r / (p r + 1 - p) with r the odds ratio of the patient: of the duration of the first remission,
    centred on its mean, and of resistance, standard normal.
    """
    value = {one.name: one for one in load(SCENARIOS / "cn_academic.yaml").parameters}

    def number(name: str) -> float:
        return float(value[name].text)

    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    shares = {0: 0.742, 1: 0.223, 2: 0.035}
    reached = remissions = in_first = 0.0
    for step, share in shares.items():
        odds = number("or_first_remission_adult") ** (step - number("mean_first_remission_adult"))
        odds = odds * number("or_frailty") ** nodes
        one, two = (p * odds / (p * odds + 1 - p) for p in (first, later))
        resistant = (1 - first - toxic) / (first * odds + 1 - first)
        in_first += share * float(weights @ one)
        reached += share * float(weights @ resistant)
        remissions += share * float(weights @ (resistant * two))
    return in_first, remissions / reached


@pytest.mark.parametrize("number", [6000])
def test_who_fails_one_line_is_likelier_to_fail_the_next(number: int) -> None:
    """Four standard errors, 4 to 5 points; without the link the second line would have 3 points more than its formula."""
    value = {
        one.name: float(one.text)
        for one in load(SCENARIOS / "cn_academic.yaml").parameters
        if one.name in NAMES
    }
    expected = chances(value["p_cr_line1"], value["p_cr_line2"], value["p_toxic_line"])
    results: dict[int, list[bool]] = {1: [], 2: []}
    for patient in cohort("cn_academic.yaml", ADULTS, number=number):
        resisted = True
        for step in patient.entering("salvage"):
            line = int(step.after["salvage_lines"])
            if step.after["line_cycles"] == 1 and line in results and resisted:
                resisted = step.after["line_result"] == "resistant"
                results[line].append(step.after["line_result"] == "remission")
    for line, formula in zip((1, 2), expected, strict=True):
        found = float(np.mean(results[line]))
        assert abs(found - formula) < 4 * sqrt(0.25 / len(results[line]))


NAMES = {"p_cr_line1", "p_cr_line2", "p_toxic_line"}


def test_resistance_is_that_of_a_standard_normal_and_higher_where_lines_fail() -> None:
    scenario = load(SCENARIOS / "cn_academic.yaml", settings=("patients.number=20000",))
    log = simulate(compile_pathway(scenario), seed=4).log
    frailty = log.at_start[:, log.names.attributes.index("frailty")]
    assert abs(frailty.mean()) < 4 / sqrt(len(frailty))
    assert abs(frailty.std() - 1) < 4 / sqrt(2 * len(frailty))
    rows = Columns(log)
    third = rows.patient[rows.enters("salvage") & (rows.value("salvage_lines") == 3)]
    where = np.searchsorted(log.patient, np.unique(third))
    assert frailty[where].mean() > 0.2


@pytest.mark.parametrize("end", ["", "_no_transplant", "_no_second_product"])
def test_futures_of_the_published_case_begin_on_her_day_and_differ_in_treatment(end: str) -> None:
    scenario = load(SCENARIOS / f"index_case_futures{end}.yaml", settings=("patients.number=2000",))
    rows = Columns(simulate(compile_pathway(scenario), seed=4).log)
    infused, transplanted = rows.enters("infusion"), rows.enters("transplant")
    assert infused.any() == (end != "_no_second_product")
    assert transplanted.any() == (end != "_no_transplant")
    second = infused & (rows.value("car_t_lines") == 2)
    assert not (infused & (rows.value("car_t_lines") < 2)).any()
    if second.any():  # a few have a product of their own, where the donor's fails or CD19 is lost
        assert (second & rows.among("car_t_source", "donor")).sum() > 0.95 * second.sum()
