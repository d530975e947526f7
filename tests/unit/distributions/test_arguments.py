"""Arguments beyond what numbers can hold are errors; those at the limits give a distribution."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest

from sim.distributions import checked_leaf, leaf, leaf_mean, leaf_median, leaf_quantile
from sim.distributions.families import TABLED

TOO_LARGE: list[tuple[str, dict[str, Any], str]] = [
    (
        "gompertz",
        {"shape": 1e200, "rate": 0.1},
        r"^shape 1e\+200 is too large: give a number between -1e\+12",
    ),
    ("gompertz", {"shape": -1e200, "rate": 0.1}, r"^shape -1e\+200 is too large: "),
    (
        "royston_parmar",
        {"scale": "hazard", "gamma": (1e308, 1e308, -1e308), "knots": (0.0, 1.0, 2.0)},
        r"^gamma 1e\+308 is too large: ",
    ),
    (
        "royston_parmar",
        {"scale": "hazard", "gamma": (1.0, 1.0, 0.1), "knots": (-1e200, 1.0, 1e200)},
        r"^knots -1e\+200 is too large: ",
    ),
    ("generalised_gamma", {"mu": 1.0, "sigma": 1.0, "Q": 1e155}, r"^Q 1e\+155 is too large: "),
    ("generalised_gamma", {"mu": 1.0, "sigma": 1.0, "Q": -1e155}, r"^Q -1e\+155 is too large: "),
    ("generalised_gamma", {"mu": 1.0, "sigma": 1.0, "Q": 1e-155}, r"^Q 1e-155 is too small: give 0"),
    ("generalised_gamma", {"mu": 1.0, "sigma": 1e300, "Q": 1.0}, r"^sigma 1e\+300 is too large: "),
    ("generalised_f", {"mu": 1.0, "sigma": 1.0, "Q": 1.0, "P": 1e155}, r"^P 1e\+155 is too large: "),
    ("lognormal", {"meanlog": 1.0, "sdlog": 1e300}, r"^sdlog 1e\+300 is too large: "),
    ("loglogistic", {"shape": 1e-310, "scale": 1.0}, r"^shape 1e-310 is too small: give at least 1e-12"),
    ("pert", {"low": 0.0, "mode": 1.0, "high": 1e308}, r"^high 1e\+308 is too large: "),
]


@pytest.mark.parametrize(("family", "arguments", "message"), TOO_LARGE)
def test_an_argument_beyond_all_numbers_is_an_error(
    family: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        leaf(family, arguments)


@pytest.mark.parametrize(
    ("family", "arguments"),
    [
        ("gompertz", {"shape": 1e12, "rate": 0.1}),
        ("generalised_gamma", {"mu": 1.0, "sigma": 1.0, "Q": 1e6}),
        ("generalised_gamma", {"mu": 1.0, "sigma": 1.0, "Q": 1e-100}),
        ("generalised_f", {"mu": 1e6, "sigma": 1e6, "Q": 1e6, "P": 1e12}),
        ("lognormal", {"meanlog": 1e6, "sdlog": 1e6}),
        ("gamma", {"shape": 1e-12, "rate": 1.0}),
        ("loglogistic", {"shape": 1e-12, "scale": 1.0}),
        ("pert", {"low": 0.0, "mode": 1.0, "high": 1e150}),
        (
            "royston_parmar",
            {"scale": "hazard", "gamma": (1e12, 1e12, -1e12), "knots": (0.0, 1.0, 2.0)},
        ),
    ],
)
def test_arguments_at_the_limits_give_a_distribution(family: str, arguments: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = leaf(family, arguments)
        numbers = np.array(one.numbers)
        times = [float(leaf_quantile(one.kind, numbers, 0, u)) for u in (0.01, 0.5, 0.99)]
        assert times == sorted(times)
        assert times[1] == leaf_median(one)
        assert not math.isnan(leaf_mean(one))


@pytest.mark.parametrize("family", TABLED)
def test_where_a_check_makes_no_table_a_run_can(family: str) -> None:
    """At the corners and in the middle: a bound that is too wide would pass a check and fail a run."""
    bounds = TABLED[family]
    values = [(low, high, 1.0) for low, high in bounds.values()]
    for corner in itertools.product(*values):
        arguments = dict(zip(bounds, corner, strict=True))
        assert checked_leaf(family, arguments).numbers == ()
        assert np.isfinite(leaf(family, arguments).numbers[5:]).all()
