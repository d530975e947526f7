"""The clinical scenario gives back the rates that were published for its parts.

Bounds are the published 95% intervals, or Wilson's from the published counts. With 20,000 patients the
error of the simulation is small beside them; a rate that left its interval would be a fault of the
pathway (a rate applied twice, a wrong denominator), not of the parameter.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sim.engine.run import simulate
from sim.outcomes.summary import summarise
from sim.pathway.tables import compile_pathway
from sim.scenario import load

HERE = Path(__file__).parent
YEAR = 365.25
MONTH = YEAR / 12

SHARES = {
    "remission_in_first_salvage": (0.358, 0.489),  # GMALL, 42% of 224
    "infused_of_accepted": (0.902, 0.981),  # Zhang X 2020, 110 of 115
    "marrow_remission_in_cns_disease": (0.753, 0.941),  # Qi 2022, 42 of 48
    "csf_remission_in_cns_disease": (0.728, 0.928),  # Qi 2022, 41 of 48
    "severe_crs_in_cns_disease": (0.102, 0.319),  # Qi 2022, 9 of 48
    "severe_icans_in_cns_disease": (0.133, 0.365),  # Qi 2022, 11 of 48
    "non_relapse_death_by_day_30": (0.004, 0.052),  # Levine 2021, 2 of 137
    "transplant_after_remission": (0.642, 0.811),  # Zhang X 2020, 75 of 102
    "non_relapse_death_by_day_100_of_transplant": (0.008, 0.079),  # 135 transplants after CAR-T
    "relapse_1_year_after_transplant": (0.107, 0.174),  # Hu 2021
    "relapse_2_years_after_transplant": (0.153, 0.240),  # Hu 2021
    "acute_gvhd_2_to_4": (0.243, 0.399),  # 135 transplants after CAR-T
    "acute_gvhd_3_to_4": (0.054, 0.156),
    "severe_crs_of_donor_product": (0.068, 0.224),  # 9 of 71
    "remission_of_donor_product_after_transplant": (0.771, 0.909),  # 87 of 102
    "gvhd_of_donor_product": (0.033, 0.147),  # 6 of 84
}
WITHOUT_TRANSPLANT = {
    "marrow_relapse_in_cns_disease": (0.199, 0.453),  # Qi 2022, 31.1% of 48 at one year
    "csf_relapse_in_cns_disease": (0.049, 0.232),  # Qi 2022, 11.3% of 48
    "relapse_after_donor_product": (0.25, 0.62),  # Zhang C 2021, 41%
}


@cache
def outcomes(name: str) -> dict[str, Any]:
    scenario = load(HERE / f"{name}.yaml")
    result = simulate(compile_pathway(scenario), seed=11)
    found = summarise(result.log, result.use, scenario, at=(YEAR,))["outcomes"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", SHARES)
def test_share_lies_in_its_published_interval(name: str) -> None:
    low, high = SHARES[name]
    found = outcomes("rates")[name]
    assert found["n"] > 500
    assert low < found["estimate"] < high


@pytest.mark.parametrize("name", WITHOUT_TRANSPLANT)
def test_relapse_at_one_year_lies_in_its_published_interval(name: str) -> None:
    low, high = WITHOUT_TRANSPLANT[name]
    assert low < outcomes("rates_without_transplant")[name]["estimate"] < high


def test_duration_of_remission_lies_between_the_two_published_medians() -> None:
    """14.6 months with brexucabtagene, 20.7 with inaticabtagene."""
    found = outcomes("rates_without_transplant")["remission_after_first_product"]
    assert 14.6 * MONTH < found["median_days"] < 20.7 * MONTH


def test_every_rate_that_is_simulated_is_compared() -> None:
    assert set(outcomes("rates")) == set(SHARES)
    compared = {*WITHOUT_TRANSPLANT, "remission_after_first_product"}
    assert set(outcomes("rates_without_transplant")) == compared
