"""Leaves: families of distributions as rows of numbers, with their quantiles and hazards for the kernel.

A leaf is a kind and the numbers that go with it; `numbers` is one float64 array for all leaves and
`at` the offset of this one's. Times are in days, rates per day; the cumulative hazard of a leaf is
H(t) = -log S(t), whatever its kind. Where a leaf puts weight on single values, `leaf_hazard_before`
is the limit of H from below.

What stands at `at`, by kind:
CONSTANT value | UNIFORM low high | TRIANGULAR low mode high | EXPONENTIAL rate 1/rate |
WEIBULL 1/shape log(scale) shape | GOMPERTZ shape rate | LOGNORMAL meanlog sdlog |
LOGLOGISTIC 1/shape log(scale) shape | NORMAL mean sd | POSITIVE_NORMAL mean sd H(0) |
SPLINE as in `splines` | SCORES, LOG_SCORES as in `score_tables` | STEPS n, then n times, n cumulative
hazards there, n rates from there on (below 0: survival falls to 0 in a line) | DISCRETE n, then n values,
increasing, and n cumulative hazards at them | LISTED as DISCRETE, then n values and n cumulative
probabilities as written.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

from sim.distributions.score_tables import table_at_score, table_score
from sim.distributions.splines import spline_hazard, spline_time
from sim.numerics.compilation import compiled
from sim.numerics.normal import normal_hazard, normal_quantile, normal_score
from sim.numerics.portable import exp, expm1, log, log1p, unit_hazard

EXPONENTIAL, WEIBULL, LOGNORMAL, LOG_SCORES, LOGLOGISTIC, SCORES, UNIFORM, TRIANGULAR, NORMAL = range(9)
GOMPERTZ, POSITIVE_NORMAL, SPLINE, STEPS, DISCRETE, LISTED, CONSTANT = range(9, 16)
"""Kinds; from DISCRETE on those that put all weight on single values."""
COMMON_KINDS = (*range(GOMPERTZ), LISTED, CONSTANT)
"""Kinds with a `common_quantile`."""
KINDS_WITH_COMMON_TIME = (EXPONENTIAL, WEIBULL)


@compiled
def leaf_quantile(kind: int, numbers: Any, at: int, u: float) -> float:
    """The u-quantile, u in (0, 1): inf where the distribution is improper and never gets there."""
    if GOMPERTZ <= kind <= DISCRETE:
        return leaf_time(kind, numbers, at, unit_hazard(u))
    return common_quantile(kind, numbers, at, u)


@compiled
def common_quantile(kind: int, numbers: Any, at: int, u: float) -> float:
    """As `leaf_quantile`, for COMMON_KINDS."""
    if kind <= WEIBULL:
        return common_time(kind, numbers, at, unit_hazard(u))
    if kind == LOGNORMAL:
        return exp(float(numbers[at]) + float(numbers[at + 1]) * normal_quantile(u))
    if kind == LOG_SCORES:
        return exp(table_at_score(numbers, at, normal_quantile(u)))
    if kind == LOGLOGISTIC:
        return exp(float(numbers[at + 1]) + float(numbers[at]) * (log(u) + unit_hazard(u)))
    if kind == SCORES:
        return table_at_score(numbers, at, normal_quantile(u))
    if kind == CONSTANT:
        return float(numbers[at])
    if kind == UNIFORM:
        low = float(numbers[at])
        return low + u * (float(numbers[at + 1]) - low)
    if kind == TRIANGULAR:
        return triangular_quantile(numbers, at, u, 1.0 - u)
    if kind == NORMAL:
        return float(numbers[at]) + float(numbers[at + 1]) * normal_quantile(u)
    return value_as_written(numbers, at, u)


@compiled
def common_time(kind: int, numbers: Any, at: int, hazard: float) -> float:
    """As `leaf_time`, for KINDS_WITH_COMMON_TIME."""
    if kind == EXPONENTIAL:
        return hazard * float(numbers[at + 1]) if hazard > 0.0 else 0.0
    return exp(float(numbers[at + 1]) + float(numbers[at]) * log(hazard))


@compiled
def leaf_time(kind: int, numbers: Any, at: int, hazard: float) -> float:
    """The first time at which the cumulative hazard reaches `hazard` (>= 0); inf where it never does."""
    if kind <= WEIBULL:
        return common_time(kind, numbers, at, hazard)
    if kind == GOMPERTZ:
        return gompertz_time(float(numbers[at]), float(numbers[at + 1]), hazard)
    if kind == LOGNORMAL:
        return exp(float(numbers[at]) + float(numbers[at + 1]) * normal_score(hazard))
    if kind == LOG_SCORES:
        return exp(table_at_score(numbers, at, normal_score(hazard)))
    if kind == STEPS:
        return steps_time(numbers, at, hazard)
    if kind == LOGLOGISTIC:
        return exp(float(numbers[at + 1]) + float(numbers[at]) * log_odds(hazard))
    if kind == SPLINE:
        return spline_time(numbers, at, hazard)
    if kind == SCORES:
        return table_at_score(numbers, at, normal_score(hazard))
    if kind == CONSTANT:
        return float(numbers[at])
    if kind == UNIFORM:
        low = float(numbers[at])
        return low - expm1(-hazard) * (float(numbers[at + 1]) - low)
    if kind == TRIANGULAR:
        return triangular_quantile(numbers, at, -expm1(-hazard), exp(-hazard))
    if kind == NORMAL:
        return float(numbers[at]) + float(numbers[at + 1]) * normal_score(hazard)
    if kind == POSITIVE_NORMAL:
        score = normal_score(hazard + float(numbers[at + 2]))
        return max(0.0, float(numbers[at]) + float(numbers[at + 1]) * score)
    return discrete_time(numbers, at, hazard)


@compiled
def leaf_hazard(kind: int, numbers: Any, at: int, time: float) -> float:
    """The cumulative hazard H(t) = -log S(t), S(t) the probability of more than t; inf where S is 0."""
    t = float(time)
    if kind >= DISCRETE:
        return discrete_hazard(kind, numbers, at, t, False)
    if kind == NORMAL:
        return normal_hazard((t - float(numbers[at])) / float(numbers[at + 1]))
    if kind == SCORES:
        return normal_hazard(table_score(numbers, at, t))
    if kind == UNIFORM:
        low, high = float(numbers[at]), float(numbers[at + 1])
        if t <= low:
            return 0.0
        return -log1p(-(t - low) / (high - low)) if t < high else inf
    if kind == TRIANGULAR:
        return triangular_hazard(numbers, at, t)
    if not t > 0.0:
        return 0.0
    if kind == EXPONENTIAL:
        rate = float(numbers[at])
        return rate * t if rate > 0.0 else 0.0
    if t == inf and kind != GOMPERTZ and kind != STEPS:
        return inf
    if kind == WEIBULL:
        return exp((log(t) - float(numbers[at + 1])) * float(numbers[at + 2]))
    if kind == GOMPERTZ:
        return gompertz_hazard(float(numbers[at]), float(numbers[at + 1]), t)
    if kind == LOGNORMAL:
        return normal_hazard((log(t) - float(numbers[at])) / float(numbers[at + 1]))
    if kind == LOG_SCORES:
        return normal_hazard(table_score(numbers, at, log(t)))
    if kind == STEPS:
        return steps_hazard(numbers, at, t, False)
    if kind == LOGLOGISTIC:
        return hazard_at_log_odds((log(t) - float(numbers[at + 1])) * float(numbers[at + 2]))
    if kind == SPLINE:
        return spline_hazard(numbers, at, t)
    score = (t - float(numbers[at])) / float(numbers[at + 1])
    return max(0.0, normal_hazard(score) - float(numbers[at + 2]))


@compiled
def leaf_hazard_before(kind: int, numbers: Any, at: int, time: float) -> float:
    """H(t-), the limit from below: without what falls on t itself."""
    if kind >= DISCRETE:
        return discrete_hazard(kind, numbers, at, float(time), True)
    if kind == STEPS and time > 0.0:
        return steps_hazard(numbers, at, float(time), True)
    return leaf_hazard(kind, numbers, at, time)


# ---------------------------------------------------------------- closed forms


@compiled
def gompertz_time(shape: float, rate: float, hazard: float) -> float:
    """H(t) = rate / shape (exp(shape t) - 1), solved for t; inf beyond what a negative shape reaches."""
    if not rate > 0.0:
        return inf if hazard > 0.0 else 0.0
    if shape == 0.0:
        return hazard / rate
    grown = hazard * shape / rate
    if not grown > -1.0:
        return inf
    return log1p(grown) / shape


@compiled
def gompertz_hazard(shape: float, rate: float, t: float) -> float:
    """H(t) = rate / shape (exp(shape t) - 1)."""
    if not rate > 0.0:
        return 0.0
    if shape == 0.0:
        return rate * t
    return rate * (expm1(shape * t) / shape)


@compiled
def log_odds(hazard: float) -> float:
    """Logarithm of F / (1 - F), where 1 - F = exp(-hazard)."""
    if hazard > 1.0:
        return hazard + log1p(-exp(-hazard))
    return log(expm1(hazard))


@compiled
def hazard_at_log_odds(x: float) -> float:
    """The cumulative hazard at which the log odds of having happened are x."""
    return x + log1p(exp(-x)) if x > 0.0 else log1p(exp(x))


@compiled
def triangular_quantile(numbers: Any, at: int, below: float, above: float) -> float:
    """The quantile with probability `below` under it and `above` over it."""
    low, mode, high = float(numbers[at]), float(numbers[at + 1]), float(numbers[at + 2])
    width = high - low
    if below * width < mode - low:
        return low + sqrt(below * width * (mode - low))
    return high - sqrt(above * width * (high - mode))


@compiled
def triangular_hazard(numbers: Any, at: int, t: float) -> float:
    """The cumulative hazard of a triangular distribution."""
    low, mode, high = float(numbers[at]), float(numbers[at + 1]), float(numbers[at + 2])
    if t <= low:
        return 0.0
    if t >= high:
        return inf
    if t < mode:
        return -log1p(-((t - low) / (high - low)) * ((t - low) / (mode - low)))
    return -log(((high - t) / (high - low)) * ((high - t) / (high - mode)))


# ---------------------------------------------------------------- steps


@compiled
def last_at_most(numbers: Any, first: int, n: int, x: float) -> int:
    """The last of n increasing numbers from `first` on that is at most x, counted from 0; else 0."""
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) >> 1
        if numbers[first + middle] <= x:
            low = middle
        else:
            high = middle
    return low


@compiled
def steps_time(numbers: Any, at: int, hazard: float) -> float:
    """The time at which a hazard that is constant between its steps has added up to `hazard`."""
    n = int(numbers[at])
    if not hazard > 0.0:
        return 0.0
    if hazard == inf:
        return float(numbers[at + n]) if numbers[at + 3 * n] == inf else inf
    i = last_below(numbers, at + 1 + n, n, hazard)
    rate = float(numbers[at + 1 + 2 * n + i])
    if rate < 0.0:
        begin, end = float(numbers[at + 1 + i]), float(numbers[at + 2 + i])
        return end - (end - begin) * exp(float(numbers[at + 1 + n + i]) - hazard)
    if not rate > 0.0:
        return inf
    return float(numbers[at + 1 + i]) + (hazard - float(numbers[at + 1 + n + i])) / rate


@compiled
def last_below(numbers: Any, first: int, n: int, x: float) -> int:
    """The last of n increasing numbers from `first` on that is below x, counted from 0; else 0."""
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) >> 1
        if numbers[first + middle] < x:
            low = middle
        else:
            high = middle
    return low


@compiled
def steps_hazard(numbers: Any, at: int, t: float, before: bool) -> float:
    """The cumulative hazard at t where the hazard is constant between steps, or its limit from below."""
    n = int(numbers[at])
    i = last_below(numbers, at + 1, n, t) if before else last_at_most(numbers, at + 1, n, t)
    since = t - float(numbers[at + 1 + i])
    reached = float(numbers[at + 1 + n + i])
    rate = float(numbers[at + 1 + 2 * n + i])
    if rate == inf:
        return inf
    if rate < 0.0:
        return reached - log1p(-since / (float(numbers[at + 2 + i]) - float(numbers[at + 1 + i])))
    return reached + rate * since if since > 0.0 and rate > 0.0 else reached


# ---------------------------------------------------------------- single values


@compiled
def discrete_time(numbers: Any, at: int, hazard: float) -> float:
    """The first value at which the cumulative hazard is at least `hazard`."""
    n = int(numbers[at])
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        if numbers[at + 1 + n + middle] >= hazard:
            high = middle
        else:
            low = middle + 1
    return float(numbers[at + 1 + low])


@compiled
def value_as_written(numbers: Any, at: int, u: float) -> float:
    """The value of the part of (0, 1) in which a uniform falls, the parts in the order written."""
    n = int(numbers[at])
    first = at + 1 + 3 * n
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        if u < numbers[first + middle]:
            high = middle
        else:
            low = middle + 1
    return float(numbers[at + 1 + 2 * n + low])


@compiled
def discrete_hazard(kind: int, numbers: Any, at: int, t: float, before: bool) -> float:
    """The cumulative hazard of a distribution on single values, with or without what falls on t itself."""
    if kind == CONSTANT:
        value = float(numbers[at])
        return inf if (value < t if before else value <= t) else 0.0
    n = int(numbers[at])
    first = numbers[at + 1]
    if t < first or (before and t == first):
        return 0.0
    i = last_below(numbers, at + 1, n, t) if before else last_at_most(numbers, at + 1, n, t)
    return float(numbers[at + 1 + n + i])
