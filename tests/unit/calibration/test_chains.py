"""Autocorrelation time and scale reduction of chains with known ones; the emulator of a known surface."""

from __future__ import annotations

import numpy as np
import pytest

from sim.calibration.emulator import _fitted, _in_scores, _ridge, features
from sim.calibration.posterior import autocorrelation_time, scale_reduction


def autoregressive(rho: float, *, seed: int = 1, steps: int = 20_000) -> np.ndarray:
    """Chains [1 ensemble, steps, 20 walkers] of x' = rho x + noise: time (1 + rho) / (1 - rho)."""
    noise = np.random.default_rng(seed).standard_normal((steps, 20))
    x = np.empty_like(noise)
    x[0] = noise[0] / np.sqrt(1 - rho**2)
    for i in range(1, steps):
        x[i] = rho * x[i - 1] + noise[i]
    return x[None]


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_autocorrelation_time(rho: float) -> None:
    """Of 400,000 values within 5%; a window that is cut at lag 1 gives 2.8 in place of 19."""
    assert autocorrelation_time(autoregressive(rho)) == pytest.approx((1 + rho) / (1 - rho), rel=0.05)


def test_scale_reduction() -> None:
    """1 for chains with one mean; with means of 0 and 1 and variance 1 the root of 1 + 1/3 (of the four halves)."""
    same = np.random.default_rng(2).standard_normal((2, 4000, 20))
    assert scale_reduction(same) < 1.001
    apart = same + np.array([0.0, 1.0])[:, None, None]
    assert scale_reduction(apart) == pytest.approx(np.sqrt(4 / 3), rel=0.01)


def test_a_surface_with_few_runs_is_fitted_with_a_penalty() -> None:
    """Without one its six coefficients are not unique from eight runs."""
    z = np.random.default_rng(5).standard_normal((8, 2))
    x, values = features(z), (z @ np.array([1.0, -2.0]))[:, None]
    assert _ridge(x, values, 0.0, 3)[0] is None
    coefficients, errors = _fitted(x, values, n_linear=3)
    assert coefficients[:, 0] == pytest.approx([0.0, 1.0, -2.0, 0.0, 0.0, 0.0], abs=1e-6)
    assert errors[0] < 1e-6


def test_a_quadratic_surface_is_emulated_exactly() -> None:
    """In whitened coordinates of two of three scores, then as a function of all three."""
    chance = np.random.default_rng(3)
    z = chance.standard_normal((60, 3))
    square = np.array([[0.3, 0.0, 0.2], [0.0, 0.0, 0.0], [0.2, 0.0, -0.4]])
    values = 1.0 + z @ np.array([0.5, 0.0, -1.0]) + np.einsum("ni,ij,nj->n", z, square, z)
    whitening = np.array([[1.5, 0.0], [0.7, 0.8]])
    acting = [0, 2]
    x = features(z[:, acting] @ whitening.T)
    coefficients, errors = _ridge(x, values[:, None], 0.0, 3)
    assert coefficients is not None
    assert errors[0] < 1e-6
    found = _in_scores(coefficients, whitening, acting=acting, n=3)
    new = chance.standard_normal((20, 3))
    expected = 1.0 + new @ np.array([0.5, 0.0, -1.0]) + np.einsum("ni,ij,nj->n", new, square, new)
    assert features(new) @ found == pytest.approx(expected[:, None], abs=1e-6)


def test_the_error_of_runs_left_out_is_that_of_fits_without_them() -> None:
    chance = np.random.default_rng(4)
    z = chance.standard_normal((30, 2))
    x, values = features(z), np.sin(z.sum(axis=1))[:, None]
    _, found = _ridge(x, values, 0.5, 3)
    errors = []
    for i in range(len(x)):
        others = np.arange(len(x)) != i
        coefficients, _ = _ridge(x[others], values[others], 0.5, 3)
        assert coefficients is not None
        errors.append(float((values[i] - x[i] @ coefficients)[0]))
    assert found[0] == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-6)
