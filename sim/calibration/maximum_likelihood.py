"""The maximum of a log likelihood, and its curvature there: estimates with their covariance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from sim.event_log.log import Floats

LogLikelihood = Callable[[Floats], float]
"""The log likelihood at a vector of parameters on a scale without bounds; -inf or nan outside its domain."""

STEP = 0.05
"""Of derivatives, in standard errors: the truncation of order STEP^4 and rounding are both below 1e-5."""
CLOSE = 1e-12
"""Newton's decrement at which the maximum is found: 1e-6 standard errors."""
MOST_STEPS = 30
SMALLEST = 1e-7
WIDEST_ERROR = 30.0
"""A standard error beyond it, of a logarithm or the like, is that of a likelihood without a maximum."""


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """The maximum of a log likelihood.

    place: [n_parameters]. covariance: the inverse of the observed information there, [n, n].
    reason: why it is no maximum, "" where it is one.
    """

    place: Floats
    value: float
    covariance: Floats
    reason: str = ""


def maximum(log_likelihood: LogLikelihood, starts: Sequence[Floats]) -> Maximum:
    """The best of the local maxima from several starts.

    Quasi-Newton steps (BFGS), then Newton's own until the decrement is below CLOSE.
    """
    found = [_from_start(log_likelihood, start) for start in starts if _is_known(log_likelihood(start))]
    if not found:
        n = len(starts[0])
        return Maximum(starts[0], math.nan, np.full((n, n), math.nan), "the likelihood is 0 at every start")
    whole = [one for one in found if not one.reason]
    best = max(found, key=lambda one: one.value)
    # a start that fails does not hide a maximum, unless it goes higher
    return next((one for one in whole if one.value > best.value - 1e-6), best)


def _is_known(value: float) -> bool:
    return math.isfinite(value)


def _from_start(log_likelihood: LogLikelihood, start: Floats) -> Maximum:
    def cost(place: Floats) -> float:
        value = log_likelihood(place)
        return -value if _is_known(value) else 1e300

    with np.errstate(all="ignore"):
        rough = optimize.minimize(cost, start, method="BFGS", options={"gtol": 1e-4, "maxiter": 500})
        place = np.asarray(rough.x if rough.fun < cost(start) else start, dtype=np.float64)
        if len(start) > 1 and not rough.success:
            simplex = optimize.minimize(
                cost, place, method="Nelder-Mead", options={"maxfev": 400 * len(start)}
            )
            place = np.asarray(simplex.x, dtype=np.float64)
        return _newton(log_likelihood, place)


def _newton(log_likelihood: LogLikelihood, place: Floats) -> Maximum:
    """Newton's steps, halved until they climb. Nocedal and Wright 2006, doi:10.1007/978-0-387-40065-5."""
    value = log_likelihood(place)
    n = len(place)
    unknown = np.full((n, n), math.nan)
    for _ in range(MOST_STEPS):
        sizes = _sizes(log_likelihood, place, value)
        gradient, hessian = derivatives(log_likelihood, place, STEP * sizes)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return Maximum(place, value, unknown, "the likelihood has no curvature at its largest value")
        information = -hessian
        scaled = information * np.outer(sizes, sizes)
        lowest = float(np.linalg.eigvalsh(scaled)[0])
        if lowest < SMALLEST:
            information = information + np.diag((SMALLEST - lowest + 1e-3) / sizes**2)
        step = np.linalg.solve(information, gradient)
        decrement = float(gradient @ step)
        if decrement < CLOSE:
            if lowest < SMALLEST:
                return Maximum(place, value, unknown, "the data do not determine all its parameters")
            last = log_likelihood(place + step)  # a last step squares the distance that is left
            place, value = (place + step, last) if last >= value - 1e-9 else (place, value)
            return _checked(Maximum(place, value, _inverse(information)))
        moved, higher = place + step, log_likelihood(place + step)
        share = 1.0
        while not higher > value and share > 1e-8:
            share /= 2.0
            moved, higher = place + share * step, log_likelihood(place + share * step)
        if not higher > value:
            if decrement < 1e-6 and lowest >= SMALLEST:  # the climb is within the rounding of the likelihood
                return _checked(Maximum(place, value, _inverse(information)))
            return Maximum(place, value, unknown, "the search stops before the largest likelihood")
        place, value = moved, higher
    return Maximum(place, value, unknown, f"the likelihood still rises after {MOST_STEPS} steps")


def _inverse(information: Floats) -> Floats:
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def _checked(found: Maximum) -> Maximum:
    if float(np.sqrt(np.diag(found.covariance)).max()) > WIDEST_ERROR:
        return Maximum(
            found.place, found.value, found.covariance, "the data do not determine all its parameters"
        )
    return found


def _sizes(log_likelihood: LogLikelihood, place: Floats, value: float) -> Floats:
    """About the standard error of each parameter alone, from a second difference over a fitting step."""
    sizes = np.empty(len(place))
    for i in range(len(place)):
        shift, h = np.zeros(len(place)), 0.1
        for _ in range(40):
            shift[i] = h
            bend = 2.0 * value - log_likelihood(place + shift) - log_likelihood(place - shift)
            if not bend <= 1.0:
                h /= 3.0
            elif bend < 0.05 and h < WIDEST_ERROR:
                h *= 2.0
            else:
                break
        sizes[i] = h / math.sqrt(max(bend, 0.05)) if math.isfinite(bend) else h
    return sizes


def derivatives(function: LogLikelihood, place: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences, exact for polynomials of degree four."""
    n = len(place)
    gradient, hessian = np.empty(n), np.empty((n, n))
    middle = function(place)

    def at(shift: Floats) -> float:
        return function(place + shift)

    for i in range(n):
        e = np.zeros(n)
        e[i] = steps[i]
        near, far = (at(e), at(-e)), (at(2.0 * e), at(-2.0 * e))
        gradient[i] = (8.0 * (near[0] - near[1]) - (far[0] - far[1])) / (12.0 * steps[i])
        hessian[i, i] = (16.0 * sum(near) - sum(far) - 30.0 * middle) / (12.0 * steps[i] ** 2)
    for i in range(n):
        for j in range(i):
            e, f = np.zeros(n), np.zeros(n)
            e[i], f[j] = steps[i], steps[j]
            mixed = at(e + f) - at(e - f) - at(f - e) + at(-e - f)
            e, f = 2.0 * e, 2.0 * f
            wide = at(e + f) - at(e - f) - at(f - e) + at(-e - f)
            hessian[i, j] = hessian[j, i] = (16.0 * mixed - wide) / (48.0 * steps[i] * steps[j])
    return gradient, hessian
