"""The distribution of each number of a parameter on its own: quantiles, mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from sim.errors import Problem, ScenarioError
from sim.event_log.log import Floats
from sim.numerics.normal import normal_quantile
from sim.numerics.portable import exp, expm1, log
from sim.scenario.language.model import Parameter
from sim.scenario.source.record import Uncertainty
from sim.units import number_text

TINY = 1e-12
"""Below it a gamma quantile is taken from the first term of its series."""


@dataclass(frozen=True, slots=True)
class Marginal:
    """The distribution of one number, in days and per day.

    family and numbers: `fixed` (value), `normal` (mean, sd), `lognormal` (meanlog, sdlog), `gamma` (shape,
    scale), `beta` (a, b, low, high), `uniform` (low, high), `triangular` (low, mode, high), `sample` (the
    values, ascending).
    """

    family: str
    numbers: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean."""
        return self._moments()[0]

    @property
    def sd(self) -> float:
        """The standard deviation."""
        return self._moments()[1]

    def quantile(self, p: float) -> float:
        """The value below which a share p lies, p in (0, 1)."""
        return float(self.quantiles(np.array([p]))[0])

    def quantiles(self, p: Floats) -> Floats:
        """The values below which shares lie. p: float64 [n] in (0, 1); float64 [n]."""
        return _QUANTILES[self.family](p, *self.numbers)

    def _moments(self) -> tuple[float, float]:
        return _MOMENTS[self.family](*self.numbers)


def marginals(parameter: Parameter) -> dict[str, Marginal]:
    """The distribution of each number of an uncertain parameter, by key."""
    drawn = parameter.drawn
    assert drawn is not None
    values = dict(parameter.values)
    if drawn.family == "dirichlet":
        counts = dirichlet_counts(parameter, drawn)
        total = math.fsum(counts.values())
        return {key: _share(count, total) for key, count in counts.items()}
    if drawn.family == "joint_normal":
        sds = [math.sqrt(max(row[i], 0.0)) for i, row in enumerate(drawn.covariance)]
        return {
            key: _normal(value, sd, is_log=key in drawn.log)
            for (key, value), sd in zip(values.items(), sds, strict=True)
        }
    if drawn.family == "empirical":
        return {"": Marginal("sample", tuple(sorted(drawn.sample)))}
    return {"": _OWN[drawn.family](values[""], drawn.arguments)}


def dirichlet_counts(parameter: Parameter, drawn: Uncertainty) -> dict[str, float]:
    """The count of each key; those of `{n}` are shares of n."""
    shares = dict(parameter.values)
    if set(drawn.arguments) == set(shares):
        return {key: drawn.arguments[key] for key in shares}
    return {key: share * drawn.arguments["n"] for key, share in shares.items()}


def check_centres(parameters: tuple[Parameter, ...]) -> None:
    """Raises: ScenarioError naming each parameter whose uncertainty is centred elsewhere."""
    problems = [problem for one in parameters if (problem := off_centre(one)) is not None]
    if problems:
        raise ScenarioError(problems)


def off_centre(parameter: Parameter) -> Problem | None:
    """The problem of an uncertainty centred more than its standard deviation off the value.

    A parameter that is drawn must have none: its value was changed, its uncertainty forgotten.
    """
    drawn = parameter.drawn
    if drawn is None or drawn.centre is None:
        return None
    values = dict(parameter.values)
    for key, (centre, sd) in drawn.centre.items():
        if abs(values[key] - centre) > sd:
            part = f"of `{key}` " if key else ""
            fact = (
                f"the uncertainty {part}is centred on {_short(centre)} with a standard deviation "
                f"of {_short(sd)}, the value is {_short(values[key])}"
            )
            return Problem(parameter.where, fact, "change the uncertainty together with the value")
    return None


def _short(number: float) -> str:
    return number_text(float(f"{number:.4g}"))


# ---------------------------------------------------------------- arguments as written to those of a marginal


def _share(count: float, total: float) -> Marginal:
    """One share of a Dirichlet distribution is a beta."""
    if count in (0.0, total):
        return Marginal("fixed", (count / total,))
    return Marginal("beta", (count, total - count, 0.0, 1.0))


def _normal(value: float, sd: float, *, is_log: bool) -> Marginal:
    if sd == 0.0:
        return Marginal("fixed", (value,))
    return Marginal("lognormal", (log(value), sd)) if is_log else Marginal("normal", (value, sd))


def _beta(value: float, at: Mapping[str, float]) -> Marginal:
    if "a" in at:
        a, b = at["a"], at["b"]
    else:
        mean = at.get("mean", value)
        n = at["n"] if "n" in at else mean * (1.0 - mean) / at["sd"] ** 2 - 1.0
        a, b = mean * n, (1.0 - mean) * n
    return Marginal("beta", (a, b, 0.0, 1.0))


def _gamma(value: float, at: Mapping[str, float]) -> Marginal:
    mean = at.get("mean", value)
    shape = at["shape"] if "shape" in at else (mean / at["sd"]) ** 2
    if "rate" in at:
        return Marginal("gamma", (shape, 1.0 / at["rate"]))
    return Marginal("gamma", (shape, at["scale"] if "scale" in at else mean / shape))


def _lognormal(value: float, at: Mapping[str, float]) -> Marginal:
    variance = math.log1p((at["sd"] / at["mean"]) ** 2) if "sd" in at else at["sigma"] ** 2
    if "meanlog" in at:
        meanlog = at["meanlog"]
    elif "mean" in at:
        meanlog = log(at["mean"]) - variance / 2.0
    else:
        meanlog = log(at.get("median", value))
    return Marginal("lognormal", (meanlog, math.sqrt(variance)))


def _pert(low: float, mode: float, high: float) -> Marginal:
    width = high - low
    return Marginal("beta", (1.0 + 4.0 * (mode - low) / width, 1.0 + 4.0 * (high - mode) / width, low, high))


_OWN: Mapping[str, Callable[[float, Mapping[str, float]], Marginal]] = {
    "beta": _beta,
    "gamma": _gamma,
    "lognormal": _lognormal,
    "normal": lambda value, at: Marginal("normal", (at.get("mean", value), at["sd"])),
    "uniform": lambda _, at: Marginal("uniform", (at["low"], at["high"])),
    "triangular": lambda _, at: Marginal("triangular", (at["low"], at["mode"], at["high"])),
    "pert": lambda _, at: _pert(at["low"], at["mode"], at["high"]),
}

# ---------------------------------------------------------------- quantiles


def scores(p: Floats) -> Floats:
    """Standard normal quantiles, one by one: numpy's functions of arrays depend on their length."""
    return np.array([normal_quantile(float(x)) for x in p.ravel()], dtype=np.float64).reshape(p.shape)


def exponentials(x: Floats) -> Floats:
    """Exponentials, one by one."""
    return np.array([exp(float(y)) for y in x.ravel()], dtype=np.float64).reshape(x.shape)


def log_gammas(p: Floats, shape: float) -> Floats:
    """Logarithms of the quantiles of a gamma variable with scale 1, also where the quantile is too small.

    From scipy's `gammaincinv`, rounded as `_rounded` does.
    """
    first = math.lgamma(shape + 1.0)
    found = scipy.special.gammaincinv(shape, p)
    logs = [
        log(_rounded(y)) if y > TINY else _rounded((log(x) + first) / shape)
        for x, y in zip(p.tolist(), found.tolist(), strict=True)
    ]
    return np.array(logs, dtype=np.float64)


def _beta_quantiles(p: Floats, a: float, b: float, low: float, high: float) -> Floats:
    """From scipy's `betaincinv`, rounded as `_rounded` does."""
    shares = [_rounded(x) for x in scipy.special.betaincinv(a, b, p).tolist()]
    return low + (high - low) * np.array(shares, dtype=np.float64)


def _rounded(x: float) -> float:
    """To twelve digits: the last bits of a special function make no difference between machines."""
    return float(f"{x:.11e}")


def _triangular(p: Floats, low: float, mode: float, high: float) -> Floats:
    rising = low + np.sqrt(p * ((high - low) * (mode - low)))
    falling = high - np.sqrt((1.0 - p) * ((high - low) * (high - mode)))
    return np.where(p * (high - low) < mode - low, rising, falling)


def rows(p: Floats, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Which of n equally probable rows each p in (0, 1) stands for, from 0."""
    return np.minimum((p * n).astype(np.int64), n - 1)


_QUANTILES: Mapping[str, Callable[..., Floats]] = {
    "fixed": lambda p, value: np.full(len(p), value),
    "normal": lambda p, mean, sd: mean + sd * scores(p),
    "lognormal": lambda p, meanlog, sdlog: exponentials(meanlog + sdlog * scores(p)),
    "gamma": lambda p, shape, scale: scale * exponentials(log_gammas(p, shape)),
    "beta": _beta_quantiles,
    "uniform": lambda p, low, high: low + (high - low) * p,
    "triangular": _triangular,
    "sample": lambda p, *values: np.array(values)[rows(p, len(values))],
}

# ---------------------------------------------------------------- means and standard deviations


def _moments_of_lognormal(meanlog: float, sdlog: float) -> tuple[float, float]:
    """exp(m + s^2 / 2), and that times (exp(s^2) - 1)^(1/2)."""
    mean = exp(meanlog + sdlog**2 / 2.0)
    return mean, mean * math.sqrt(expm1(sdlog**2))


def _moments_of_beta(a: float, b: float, low: float, high: float) -> tuple[float, float]:
    mean = a / (a + b)
    return low + (high - low) * mean, (high - low) * math.sqrt(mean * (1.0 - mean) / (a + b + 1.0))


def _moments_of_triangular(low: float, mode: float, high: float) -> tuple[float, float]:
    spread = (high - low) ** 2 + (mode - low) * (mode - high)
    return (low + mode + high) / 3.0, math.sqrt(spread / 18.0)


def _moments_of_sample(*values: float) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in values) / len(values))


_MOMENTS: Mapping[str, Callable[..., tuple[float, float]]] = {
    "fixed": lambda value: (value, 0.0),
    "normal": lambda mean, sd: (mean, sd),
    "lognormal": _moments_of_lognormal,
    "gamma": lambda shape, scale: (shape * scale, math.sqrt(shape) * scale),
    "beta": _moments_of_beta,
    "uniform": lambda low, high: ((low + high) / 2.0, (high - low) / math.sqrt(12.0)),
    "triangular": _moments_of_triangular,
    "sample": _moments_of_sample,
}
