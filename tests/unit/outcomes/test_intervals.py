"""Intervals against published values."""

from __future__ import annotations

import numpy as np
import pytest

from sim.outcomes.results import log_log, mean, share


def test_wilson_interval_of_a_share():
    """Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I."""
    for count, of, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = share(count, of)
        assert found.value == count / of
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
        assert (found.error, found.n) == (pytest.approx(np.sqrt(count / of * (1 - count / of) / of)), of)
    assert share(20, 20).high == 1.0
    assert not share(0, 0).is_known


def test_student_interval_of_a_mean():
    """Ten values with their published interval, 11.02 and 1.03544326 to either side."""
    found = mean(np.array([12.1, 9.8, 11.4, 10.2, 13.3, 8.9, 10.7, 11.9, 12.5, 9.4]))
    assert found.value == pytest.approx(11.02)
    assert (found.value - found.low, found.high - found.value) == pytest.approx((1.03544326,) * 2, abs=1e-8)
    assert found.error == pytest.approx(1.03544326 / 2.262157163, abs=1e-8)  # Student's 97.5% point, 9 df
    assert not mean(np.array([3.0])).has_interval


def test_log_log_interval_of_a_probability():
    """exp(-exp(log(-log S) -+ 1.96 s)), with S = exp(-1) and s = 0.5; at 0 and 1 it is not defined."""
    found = log_log(np.exp(-1.0), 0.5, 40)
    ends = np.exp(-np.exp(np.array([1.0, -1.0]) * 1.959964 * 0.5))
    assert (found.low, found.high) == pytest.approx(tuple(ends), rel=1e-6)
    for certain in (0.0, 1.0):
        assert (log_log(certain, 0.0, 40).value, log_log(certain, 0.0, 40).has_interval) == (certain, False)
