"""Designs of Sobol indices, and indices at the limits of what they can be computed from."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from sim.uncertainty.given_data import factor_bases, given_data_indices
from sim.uncertainty.sobol import Index, sobol_design, sobol_indices

FACTORS = {"rate": [1], "shares": [0, 2]}


def test_blocks_of_a_design():
    design = sobol_design(FACTORS, power=4, seed=1)
    a, b, rate, shares = design.points.reshape(4, 16, 3)
    np.testing.assert_array_equal(rate, np.column_stack([a[:, 0], b[:, 1], a[:, 2]]))
    np.testing.assert_array_equal(shares, np.column_stack([b[:, 0], a[:, 1], b[:, 2]]))
    assert ((design.points > 0.0) & (design.points < 1.0)).all()
    for column in np.concatenate([a, b], axis=1).T:
        assert sorted(np.floor(column * 16)) == list(range(16))


def test_the_seed_makes_the_design():
    same, other = (sobol_design(FACTORS, power=4, seed=seed).points for seed in (1, 2))
    np.testing.assert_array_equal(same, sobol_design(FACTORS, power=4, seed=1).points)
    assert not np.array_equal(same, other)


@pytest.mark.parametrize("factors", [{}, {"a": [0], "b": [0]}, {"a": [1]}, {"a": [0, 2]}])
def test_each_column_belongs_to_one_factor(factors):
    with pytest.raises(ValueError, match="belongs to exactly one factor"):
        sobol_design(factors, power=4, seed=1)


def test_results_of_another_design_are_an_error():
    with pytest.raises(ValueError, match="has 64 points, but there are 63 results"):
        sobol_indices(sobol_design(FACTORS, power=4, seed=1), np.zeros(63))


def test_a_constant_result_has_indices_of_zero_and_an_unknown_one_none():
    design = sobol_design(FACTORS, power=4, seed=1)
    assert [one.total for one in sobol_indices(design, np.ones(64))] == [Index(0.0, 0.0)] * 2
    assert all(isnan(one.first.value) for one in sobol_indices(design, np.full(64, np.nan)))


def test_few_draws_are_an_error():
    with pytest.raises(ValueError, match="at least 100 draws; there are 99"):
        factor_bases(np.zeros((99, 1)), {"a": [0]})


def test_a_parameter_that_does_not_vary_has_an_index_of_zero():
    rng = np.random.default_rng(1)
    columns = np.column_stack([np.full(200, 3.0), rng.choice([1.0, 2.0], 200)])
    found = given_data_indices(factor_bases(columns, {"fixed": [0], "choice": [1]}), columns[:, 1], noise=0.0)
    assert found["fixed"] == Index(0.0, 0.0)
    assert found["choice"].value == pytest.approx(1.0)


def test_results_that_are_noise_have_no_indices():
    results = np.random.default_rng(1).normal(size=200)
    bases = factor_bases(np.random.default_rng(2).normal(size=(200, 1)), {"a": [0]})
    assert isnan(given_data_indices(bases, results, noise=5.0)["a"].value)


def test_only_the_order_of_a_parameter_matters():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 1))
    results = x[:, 0] ** 2 + rng.normal(size=500)
    one, other = (
        given_data_indices(factor_bases(form, {"a": [0]}), results, noise=0.1) for form in (x, np.exp(x))
    )
    assert one == other
