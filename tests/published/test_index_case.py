"""The published case, walked step by step.

An adult relapsed in marrow and CSF in spite of chemotherapy and intrathecal injections; autologous CAR-T brought remission in
both for 40 days; the marrow relapsed; CAR-T from her brother's cells brought remission again; CRS and ICANS
stayed at grade 1; after five disease-free months she went to allogeneic transplant.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.run import simulate
from sim.pathway.tables import Pathway, compile_pathway
from sim.scenario import load
from tests.cohorts import sizes
from tests.example_runs import log_results
from tests.published.patients import patients_of
from tests.rows import OutcomeRows

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MONTH = 365.25 / 12

COURSE = (
    "staging",
    "salvage",
    "salvage",
    "eligibility",
    "apheresis",
    "manufacture",
    "lymphodepletion",
    "infusion",
    "day_28",
    "car_t_remission",
    "relapse",
    "eligibility",
    "donor_apheresis",
    "manufacture",
    "lymphodepletion",
    "infusion",
    "day_28",
    "car_t_remission",
    "conditioning",
    "transplant",
)


@pytest.fixture(scope="module")
def pathway() -> Pathway:
    return compile_pathway(load(SCENARIOS / "index_case.yaml"))


@pytest.mark.parametrize("seed", range(1, 21))
def test_the_course_is_the_published_one_for_every_seed(pathway: Pathway, seed: int) -> None:
    (patient,) = patients_of(simulate(pathway, seed=seed).log)
    stages = [step.enters for step in patient.steps if step.enters in COURSE]
    assert tuple(stages[: len(COURSE)]) == COURSE

    staged, second_cycle = next(patient.entering("staging")), list(patient.entering("salvage"))[1]
    assert staged.after["age"] >= 18
    assert (staged.after["marrow"], staged.after["csf"]) == ("active", "cns3")
    assert second_cycle.after["it_doses"] >= 1

    own, brothers = patient.entering("infusion")
    assert (own.after["car_t_source"], own.after["marrow"], own.after["csf"]) == ("own", "active", "cns3")
    assert (brothers.after["car_t_source"], brothers.after["donor"]) == ("donor", "sibling")
    for infusion in (own, brothers):
        assert (infusion.after["crs_grade"], infusion.after["icans_grade"]) == (1, 1)

    first, second = patient.entering("car_t_remission")
    for remission in (first, second):
        assert (remission.after["marrow"], remission.after["csf"]) == ("cr_mrd_neg", "cns1")
    relapse = next(patient.entering("relapse"))
    assert relapse.time - first.time == 40
    assert (relapse.after["marrow"], relapse.after["csf"]) == ("active", "cns1")
    assert relapse.after["cd19"] == "positive"

    transplant = next(patient.entering("transplant"))
    assert 5 * MONTH - 1 < transplant.time - second.time <= 5 * MONTH
    assert (transplant.after["donor"], transplant.after["hscts"]) == ("sibling", 1)


@pytest.mark.parametrize("number", sizes(100_000, long=400_000))
def test_the_outcome_counts_this_patient_and_few_others(number: int) -> None:
    """The same outcome is in every academic scenario; a pathway that nobody takes would count nothing."""
    shares = {}
    for file, patients in (("index_case.yaml", 1), ("populations/cns_combined.yaml", number)):
        scenario = load(SCENARIOS / file, settings=(f"patients.number={patients}",))
        result = simulate(compile_pathway(scenario), seed=5)
        results = log_results(result.log, result.use, scenario, at=(365.25,))
        shares[file] = OutcomeRows(results, "index_case_road").headline.estimate
    assert shares["index_case.yaml"] == 1
    assert 0 < shares["populations/cns_combined.yaml"] < 0.01
