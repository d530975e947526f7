"""The simulated results of every published model agree with those published, and would not with another input."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml

from sim.verification.battery import Verdict
from tests.published_models.models import LONG, NAMES, agreements, perturbed, results
from tests.published_models.page import PAGE, written
from tests.shipped import MODELS, PUBLISHED


def marked(names: tuple[str, ...]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in names]


@pytest.mark.parametrize("name", marked(NAMES))
def test_simulated_results_agree_with_published_ones(name: str) -> None:
    """Within 3.5 standard errors, and no difference that matters would pass.

    A figure with a `miss` says why it cannot agree, and does not.
    """
    for one in agreements(name):
        expected = Verdict.EXPLAINED if one.figure.miss else Verdict.PASS
        found = f"{one.figure.label}: {one.simulated:.6g} (standard error {one.error:.2g}), not {one.figure.published}"
        assert one.verdict is expected, f"{one.verdict}: {found}, tolerance {one.tolerance:.3g}"


PERTURBED = {
    "car_t_waiting": ("constant rates", "parameters.mortality_waiting.value=0.78"),
    "colon_cancer": ("levamisole", "parameters.cured_high.value=0.19"),
    "stroke_wards": ("acute unit", "patients.arrive.poisson=1.9 per day"),
    "treatment_centre_capacity": ("one more triage bay", "resources.clerk.capacity=2"),
    "treatment_centre": ("waits", "resources.clerk.capacity=2"),
    "hiv": ("monotherapy", "parameters.medical_c.value=7300"),
    "illness_death": ("usual care", "pathway.stages.ill.events.dies.after.exponential.rate=0.105 per year"),
    "leukaemia_chain": (
        *("totals", "pathway.stages.relapse.events.dies.after.exponential.rate=1.6 per year"),
    ),
    "partitioned_survival": (
        *("usual care", "pathway.stages.free.events.progresses.after.weibull.scale=5 years"),
    ),
    "queues": ("Erlang B", "patients.arrive.poisson=3.3 per day"),
    "queues_more": ("M/M/3", "patients.arrive.poisson=2.5 per day"),
    "remaining_time": ("no intervention", "clocks.dies.after.exponential.rate=0.052 per year"),
    "sick_sicker_cohort": (
        "limit of a vanishing cycle",
        "pathway.stages.sick.events.worsens.after.exponential.rate=0.112 per year",
    ),
    "sick_sicker_microsimulation": ("no treatment", "parameters.cost_sicker.value=16000"),
}
"""A target of each model and an input with which it must not agree: changed by 3 to 15%, or a second clerk."""


@pytest.mark.parametrize("name", marked(NAMES))
def test_a_changed_input_is_found(name: str) -> None:
    verdicts = [one.verdict for one in perturbed(name, *PERTURBED[name])]
    assert Verdict.FAIL in verdicts


@pytest.mark.parametrize("name", marked(NAMES))
def test_the_page_shows_the_results(name: str) -> None:
    assert written(PAGE.read_text("utf-8"), (name,)) == PAGE.read_text("utf-8"), "`make pages` writes them"


def test_every_model_is_compared_and_every_source_is_used() -> None:
    compared = {path for name in NAMES for path in results(name).scenarios.values()}
    assert {str(path) for path in PUBLISHED} == compared
    files = [folder / "sources.yaml" for folder in (MODELS, MODELS / "queues")]
    sources = {key: one for file in files for key, one in yaml.safe_load(file.read_text("utf-8")).items()}
    cited = Counter(source for name in NAMES for target in results(name).targets for source in target.sources)
    assert set(cited) == set(sources)
    assert all({"citation", "read"} <= set(one) for one in sources.values())
