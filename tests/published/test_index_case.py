"""The published case, walked step by step.

An adult relapsed in marrow and CSF in spite of chemotherapy and intrathecal injections; autologous CAR-T brought remission in
both for 40 days; the marrow relapsed; CAR-T from her brother's cells brought remission again; CRS and ICANS
stayed at grade 1; after five disease-free months she went to allogeneic transplant.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.run import simulate
from sim.outcomes.summary import log_results
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.lives import Life, lives
from tests.rows import OutcomeRows

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MONTH = 365.25 / 12

ROAD = (
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


def case(seed: int) -> Life:
    scenario = load(SCENARIOS / "index_case.yaml")
    return lives(simulate(compile_pathway(scenario), seed=seed).log)[0]


@pytest.mark.parametrize("seed", range(1, 21))
def test_the_course_is_the_published_one_whatever_the_seed(seed: int) -> None:
    life = case(seed)
    stages = [step.enters for step in life.steps if step.enters in ROAD]
    assert tuple(stages[: len(ROAD)]) == ROAD

    staged, second_cycle = next(life.entering("staging")), list(life.entering("salvage"))[1]
    assert staged.after["age"] >= 18
    assert (staged.after["marrow"], staged.after["csf"]) == ("active", "cns3")
    assert second_cycle.after["it_doses"] >= 1

    own, brothers = life.entering("infusion")
    assert (own.after["car_t_source"], own.after["marrow"], own.after["csf"]) == ("own", "active", "cns3")
    assert (brothers.after["car_t_source"], brothers.after["donor"]) == ("donor", "sibling")
    for infusion in (own, brothers):
        assert (infusion.after["crs_grade"], infusion.after["icans_grade"]) == (1, 1)

    first, second = life.entering("car_t_remission")
    for remission in (first, second):
        assert (remission.after["marrow"], remission.after["csf"]) == ("cr_mrd_neg", "cns1")
    relapse = next(life.entering("relapse"))
    assert relapse.time - first.time == 40
    assert (relapse.after["marrow"], relapse.after["csf"]) == ("active", "cns1")
    assert relapse.after["cd19"] == "positive"

    transplant = next(life.entering("transplant"))
    assert 5 * MONTH - 1 < transplant.time - second.time <= 5 * MONTH
    assert (transplant.after["donor"], transplant.after["hscts"]) == ("sibling", 1)


def test_the_road_counts_her_and_few_others() -> None:
    """The same outcome stands in every academic scenario; a road nobody walks would count nothing."""
    roads = {}
    for file, patients in (("index_case.yaml", 1), ("cns_relapse_academic.yaml", 100_000)):
        scenario = load(SCENARIOS / file, settings=(f"patients.number={patients}",))
        result = simulate(compile_pathway(scenario), seed=5)
        results = log_results(result.log, result.use, scenario, at=(365.25,))
        roads[file] = OutcomeRows(results, "index_case_road").headline.estimate
    assert roads["index_case.yaml"] == 1
    assert 0 < roads["cns_relapse_academic.yaml"] < 0.01
