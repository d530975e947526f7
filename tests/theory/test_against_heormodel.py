"""Value of information against heormodel, on the same draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from heormodel.models import Outcomes
from heormodel.voi import evpi as oracle_evpi
from heormodel.voi import evppi as oracle_evppi

from sim.uncertainty.benefit import net_benefit
from sim.uncertainty.value_of_information import value_of_information

ARMS = ("a", "b", "c")


def test_the_values_agree_with_heormodel() -> None:
    """EVPI to 1e-9; EVPPI, which heormodel estimates with splines, to two standard errors."""
    generator = np.random.default_rng(9)
    n = 4000
    parameters = generator.standard_normal((n, 2)) * (3.0, 2.0)
    cost = np.column_stack([np.zeros(n), 900.0 + 300.0 * parameters[:, 1], np.full(n, 400.0)])
    qaly = np.column_stack([np.zeros(n), 0.05 + 0.03 * parameters[:, 0], 0.01 * parameters[:, 1]])
    outcomes = Outcomes.from_wide(pd.DataFrame(cost, columns=ARMS), pd.DataFrame(qaly, columns=ARMS))
    draws = pd.DataFrame(parameters, columns=["x", "y"], index=pd.RangeIndex(n, name="iteration"))
    benefit = net_benefit(
        ARMS, cost=cost, qaly=qaly, covariance=np.zeros((n, 6, 6)), threshold=20_000.0, patients=1
    )
    rows = value_of_information(
        [benefit], parameters=parameters, groups={"x": (0,), "y": (1,), "both": (0, 1)}
    )
    assert rows[0].evpi == pytest.approx(oracle_evpi(outcomes, 20_000.0), rel=1e-9)
    for row, columns in zip(rows[1:], (["x"], ["y"], ["x", "y"]), strict=True):
        other = oracle_evppi(outcomes, draws, columns, 20_000.0)
        assert row.evppi == pytest.approx(other, abs=2.0 * row.standard_error)
