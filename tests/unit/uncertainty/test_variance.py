"""Limits of what variance components can be computed from, and what they look like there."""

from __future__ import annotations

import pickle
from math import isnan, sqrt

import numpy as np
import pytest

from sim.uncertainty.budget import Costs, Split, Target, cheapest_split
from sim.uncertainty.variance import Component, DrawSums, crossed, nested


def block(values: np.ndarray) -> DrawSums:
    sums = DrawSums(values.shape[1])
    for row in values:
        mean = float(np.mean(row))
        sums.add(mean, (row - mean) / sqrt(len(row) * (len(row) - 1)))
    return sums


def test_bytes_do_not_depend_on_which_process_fills_a_block():
    values = np.random.default_rng(1).normal(size=(60, 40))
    here = [block(part) for part in np.array_split(values, 6)]
    elsewhere = [pickle.loads(pickle.dumps(block(part))) for part in np.array_split(values, 6)[::-1]]
    assert repr(crossed(here)) == repr(crossed(elsewhere[::-1]))


@pytest.mark.parametrize("n_draws", [0, 1])
def test_one_draw_has_no_variance(n_draws):
    with pytest.raises(ValueError, match=f"at least two draws; there are {n_draws}"):
        nested(np.zeros(n_draws), np.zeros(n_draws), n_patients=10)


def test_one_block_is_not_enough():
    with pytest.raises(ValueError, match="at least two blocks of draws"):
        crossed([block(np.random.default_rng(1).normal(size=(10, 5)))])


def test_a_draw_without_a_number_makes_the_results_nan():
    found = nested(np.array([1.0, np.nan, 2.0]), np.ones(3), n_patients=10)
    assert all(map(isnan, (found.mean, found.parameter.sd, found.low, found.high, found.total_sd)))


def test_a_number_that_never_varies_has_no_error():
    found = nested(np.ones(200), np.zeros(200), n_patients=10)
    assert (found.mean, found.standard_error, found.low, found.high) == (1.0, 0.0, 1.0, 1.0)
    assert found.parameter == found.patient == Component(0.0, 0.0, 0.0)
    shared = crossed([block(np.ones((5, 4))), block(np.ones((5, 4)))])
    assert (shared.mean, shared.standard_error, shared.interaction) == (1.0, 0.0, Component(0.0, 0.0, 0.0))


def test_limits_have_no_error_from_few_draws():
    draws = np.random.default_rng(1).normal(size=100)
    assert isnan(nested(draws[:99], np.zeros(99), n_patients=10).low_error)
    assert nested(draws, np.zeros(100), n_patients=10).low_error > 0.0


def test_total_sd_has_both_parts():
    found = nested(np.random.default_rng(1).normal(size=400), np.full(400, 0.2), n_patients=10)
    assert found.total_sd**2 == pytest.approx(found.parameter.variance + found.standard_error**2)
    assert not found.is_crossed


def test_the_sentence_of_a_split():
    split = Split(Target.MEAN, 1200, 40, 0.01, 61.23)
    assert split.sentence("QALYs") == (
        "For a standard error of 0.01 QALYs of the mean, 1,200 draws with 40 patients each take the least "
        "time, about 61.2 seconds."
    )


def test_a_split_needs_an_error_and_for_limits_a_parameter_variance():
    certain = nested(np.ones(200), np.ones(200), n_patients=10)
    with pytest.raises(ValueError, match="must be above 0; it is 0"):
        cheapest_split(certain, 0.0, costs=Costs(1.0, 1.0))
    with pytest.raises(ValueError, match="no parameter uncertainty was found"):
        cheapest_split(certain, 0.1, costs=Costs(1.0, 1.0), target=Target.LIMITS)
    assert cheapest_split(certain, 0.1, costs=Costs(1.0, 1.0)).n_draws == 2
