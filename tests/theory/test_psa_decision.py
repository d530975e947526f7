"""The decision between two arms, from scenario files to the value of information, against quadrature."""

from math import log
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim.uncertainty.psa import model_of, run_psa
from sim.uncertainty.results import PsaResults
from tests.psa_models import BETTER, TWO_STATES, request_of, written

THRESHOLD, UTILITY, PRICE, DEARER_PRICE, HORIZON = 1000.0, 0.8, 100.0, 290.0, 10.0
"""Prices are per year, those of the second arm and the rate of death have a gamma prior."""
BASE = TWO_STATES.replace("value: 100, uncertainty: {gamma: {shape: 9}}", f"value: {PRICE:g}")
DEARER = BETTER.replace(
    "changes:\n",
    f"""\
  parameters.dearer: {{value: {DEARER_PRICE:g}, uncertainty: {{gamma: {{shape: 9}}}}}}
  parameters.unused: {{value: 2, uncertainty: {{lognormal: {{sigma: 0.5}}}}}}
changes:
  pathway.stages.care.cost: {{per_year: $dearer}}
""",
)
DRAWS = 1000


def expected() -> tuple[float, float, dict[str, float]]:
    """P(net benefit of the second arm is larger), EVPI, and EVPPI of each parameter.

    Years alive to the horizon T at the rate r are (1 - exp(-r T)) / r. Midpoints of 200 quantiles of each
    parameter; 300 of them give an EVPI that differs by 0.05%.
    """
    u = (np.arange(200) + 0.5) / 200
    rate = stats.gamma(4, scale=0.4 / 4).ppf(u)[:, None, None]
    ratio = np.exp(log(0.7) + 0.2 * stats.norm.ppf(u))[None, :, None]
    price = stats.gamma(9, scale=DEARER_PRICE / 9).ppf(u)

    def years(rate: np.ndarray) -> np.ndarray:
        return -np.expm1(-rate * HORIZON) / rate

    worth = THRESHOLD * UTILITY
    gain = (worth - price) * years(rate * ratio) - (worth - PRICE) * years(rate)
    kept = max(gain.mean(), 0.0)
    others = {"rate": (1, 2), "ratio": (0, 2), "dearer": (0, 1), "unused": (0, 1, 2)}
    partial = {
        name: float(np.maximum(gain.mean(axis=axes), 0.0).mean() - kept) for name, axes in others.items()
    }
    return float((gain > 0.0).mean()), float(np.maximum(gain, 0.0).mean() - kept), partial


@pytest.mark.long
def test_two_arms(tmp_path: Path) -> None:
    """Five standard errors, which catch an error of 0.08 in the probability and three tenths of the EVPI.

    The parameter that no arm uses is worth 0.
    """
    request = request_of(written(tmp_path, base=BASE, dearer=DEARER), draws=DRAWS, patients=40)
    found = PsaResults(run_psa(request, *model_of(request)))
    probability, evpi, partial = expected()
    row = next(row for row in found.decision if (row.threshold, row.arm) == (THRESHOLD, "dearer"))
    assert 5.0 * row.probability_standard_error < 0.08
    assert abs(row.probability_best - probability) < 5.0 * row.probability_standard_error
    rows = [row for row in found.value_of_information if row.threshold == THRESHOLD]
    assert 5.0 * rows[0].standard_error < 0.3 * evpi
    assert abs(rows[0].evpi - evpi) < 5.0 * rows[0].standard_error
    assert {row.parameters for row in rows[1:]} == set(partial)
    for row in rows[1:]:
        assert row.standard_error < 11.0
        assert abs(row.evppi - partial[row.parameters]) <= 5.0 * row.standard_error
