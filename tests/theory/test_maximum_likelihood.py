"""Maximum likelihood on public data against closed forms, other code and lifelines.

The references come from formulas written here or from scipy.stats, at optima found without derivatives to
1e-12 of the log likelihood, which is about 1e-6 standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import lifelines
import numpy as np
import pytest
from scipy import optimize, stats

from sim.calibration.fitted_families import FAMILIES
from sim.calibration.maximum_likelihood import derivatives, maximum
from sim.calibration.observations import Observations
from sim.calibration.survival_fit import HAZARD_RATIOS, TIME_RATIOS, Fit, fit_family
from tests.survival_examples import MAINTAINED, NOT_MAINTAINED, PLACEBO, SIX_MP, observations, of_signed

DATA = {
    "gehan": of_signed(SIX_MP, PLACEBO),
    "6-MP": of_signed(SIX_MP),
    "placebo": of_signed(PLACEBO),
    "aml": of_signed(MAINTAINED, NOT_MAINTAINED),
}
TREATED = [[1.0]] * len(SIX_MP) + [[0.0]] * len(PLACEBO)


def parts(data: Observations) -> tuple[np.ndarray, np.ndarray]:
    """Times, and whether the event was seen."""
    return data.low, np.isfinite(data.high)


def best(cost: Callable[[np.ndarray], float], start: list[float]) -> optimize.OptimizeResult:
    """The minimum without derivatives, restarted until it stays."""
    options = {"xatol": 1e-11, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
    found = optimize.minimize(cost, start, method="Nelder-Mead", options=options)
    for _ in range(3):
        found = optimize.minimize(cost, found.x, method="Nelder-Mead", options=options)
    return found


@pytest.mark.parametrize("name", DATA)
def test_exponential(name: str) -> None:
    """Events over time, with standard error rate / sqrt(events)."""
    time, seen = parts(DATA[name])
    fit = fit_family("exponential", DATA[name])
    rate = seen.sum() / time.sum()
    assert fit.values["rate"] == pytest.approx(rate, rel=1e-7)
    assert fit.parameters[0].standard_error == pytest.approx(rate / math.sqrt(seen.sum()), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(seen.sum() * (math.log(rate) - 1.0), rel=1e-12)
    assert fit.aic == pytest.approx(2.0 - 2.0 * fit.log_likelihood)
    assert fit.bic == pytest.approx(math.log(len(time)) - 2.0 * fit.log_likelihood)


@pytest.mark.parametrize("name", DATA)
def test_weibull(name: str) -> None:
    """The root of the profile score; the covariance from the second derivatives in closed form."""
    time, seen = parts(DATA[name])
    d = seen.sum()

    def score(k: float) -> float:
        powers = time**k
        return d / k + np.log(time[seen]).sum() - d * (powers * np.log(time)).sum() / powers.sum()

    shape = optimize.brentq(score, 0.05, 20.0, xtol=1e-14)
    scale = ((time**shape).sum() / d) ** (1.0 / shape)
    fit = fit_family("weibull", DATA[name])
    assert fit.values == pytest.approx({"shape": shape, "scale": scale}, rel=1e-7)
    z = (time / scale) ** shape
    log_likelihood = (np.log(shape / scale) + (shape - 1.0) * np.log(time[seen] / scale)).sum() - z.sum()
    assert fit.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)
    # of (log shape, log scale): d2 l, with w = shape log(t / scale)
    w = shape * np.log(time / scale)
    own = -(w[seen].sum() - (z * (w + w**2)).sum())
    crossed = -(-d * shape + shape * (z * (1.0 + w)).sum())
    other = shape**2 * z.sum()
    covariance = np.linalg.inv([[own, crossed], [crossed, other]])
    np.testing.assert_allclose(fit.written_covariance, covariance, rtol=1e-5)
    ph = fit_family("weibull_ph", DATA[name])
    assert ph.values["scale"] == pytest.approx(scale**-shape, rel=1e-6)
    assert ph.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)


class GeneralisedGamma:
    """mu + sigma / Q log(Q^2 G) is the log of the time, G of scipy's gamma with shape 1 / Q^2."""

    def __init__(self, mu: float, log_sigma: float, q: float) -> None:
        self.mu, self.power, self.q = mu, q / math.exp(log_sigma), q
        self.gamma = stats.gamma(1.0 / q**2)

    def value(self, time: np.ndarray) -> np.ndarray:
        return np.exp(self.power * (np.log(time) - self.mu)) / self.q**2

    def logpdf(self, time: np.ndarray) -> np.ndarray:
        g = self.value(time)
        return self.gamma.logpdf(g) + np.log(g * abs(self.power) / time)

    def logsf(self, time: np.ndarray) -> np.ndarray:
        g = self.value(time)
        return self.gamma.logsf(g) if self.q > 0.0 else self.gamma.logcdf(g)


def pair(first: float, second: float) -> list[float]:
    """Both parameters from their logarithms."""
    return [math.exp(first), math.exp(second)]


OTHERS: dict[str, tuple[Callable[..., object], list[float], Callable[..., list[float]]]] = {
    "lognormal": (
        lambda m, s: stats.lognorm(math.exp(s), scale=math.exp(m)),
        [2.5, 0.0],
        lambda m, s: [m, math.exp(s)],
    ),
    "loglogistic": (lambda k, a: stats.fisk(math.exp(k), scale=math.exp(a)), [0.3, 2.5], pair),
    "gamma": (lambda k, r: stats.gamma(math.exp(k), scale=math.exp(-r)), [0.3, -2.5], pair),
    "generalised_gamma": (GeneralisedGamma, [2.5, 0.0, 0.5], lambda m, s, q: [m, math.exp(s), q]),
}
"""For each family scipy's distribution, a start, and the arguments of the language."""


@pytest.mark.parametrize("family", OTHERS)
@pytest.mark.parametrize("name", ["gehan", "placebo", "aml"])
def test_families_of_scipy(name: str, family: str) -> None:
    time, seen = parts(DATA[name])
    made, start, own = OTHERS[family]

    def cost(place: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            of = made(*place)
            value = -(of.logpdf(time[seen]).sum() + of.logsf(time[~seen]).sum())  # type: ignore[attr-defined]
        return value if math.isfinite(value) else 1e300

    reference = best(cost, start)
    check(fit_family(family, DATA[name]), reference, own(*reference.x))


def check(fit: Fit, reference: optimize.OptimizeResult, values: list[float]) -> None:
    """To 1e-5 of an estimate or of its standard error, and to 1e-8 of the log likelihood."""
    assert not fit.reason
    assert fit.log_likelihood == pytest.approx(-reference.fun, abs=1e-8)
    for one, value in zip(fit.parameters, values, strict=True):
        assert abs(one.value - value) < 1e-5 * max(abs(value), one.standard_error), one.name


@pytest.mark.parametrize("name", DATA)
def test_gompertz(name: str) -> None:
    """The rate in closed form for each shape, the shape by bounded search on the profile likelihood."""
    time, seen = parts(DATA[name])
    d = seen.sum()

    def rate(shape: float) -> float:
        reached = np.expm1(shape * time) / shape if abs(shape) > 1e-12 else time
        return d / reached.sum()

    def cost(shape: float) -> float:
        return -(d * math.log(rate(shape)) + shape * time[seen].sum() - d)

    found = optimize.minimize_scalar(cost, bounds=(-0.3, 0.3), method="bounded", options={"xatol": 1e-12})
    fit = fit_family("gompertz", DATA[name])
    shape = fit.parameters[0]
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-9)
    assert abs(shape.value - found.x) < 1e-4 * shape.standard_error
    assert fit.values["rate"] == pytest.approx(rate(found.x), rel=1e-4)


@pytest.mark.parametrize("name", ["gehan", "6-MP"])
def test_mixture_cure(name: str) -> None:
    """Boag's likelihood, written out."""
    time, seen = parts(DATA[name])

    def cost(place: np.ndarray) -> float:
        cured, k, a = 1.0 / (1.0 + math.exp(-place[0])), math.exp(place[1]), math.exp(place[2])
        z = (time / a) ** k
        with np.errstate(all="ignore"):
            density = (1.0 - cured) * k / a * (time / a) ** (k - 1.0) * np.exp(-z)
            value = -(np.log(density[seen]).sum() + np.log(cured + (1.0 - cured) * np.exp(-z[~seen])).sum())
        return value if math.isfinite(value) else 1e300

    reference = best(cost, [0.0, 0.5, 2.5])
    level, k, a = reference.x
    fit = fit_family("mixture_cure.weibull", DATA[name])
    check(fit, reference, [1.0 / (1.0 + math.exp(-level)), math.exp(k), math.exp(a)])


def test_generalised_f() -> None:
    """log T = mu + sigma / delta log F, as in Prentice 1975, with the F distribution of scipy."""
    time, seen = parts(DATA["gehan"])

    def cost(place: np.ndarray) -> float:
        mu, sigma, q, p = place[0], math.exp(place[1]), place[2], math.exp(place[3])
        delta = math.sqrt(q**2 + 2.0 * p)
        s1, s2 = 2.0 / (q**2 + 2.0 * p + q * delta), 2.0 / (q**2 + 2.0 * p - q * delta)
        power = delta / sigma
        f = np.exp(power * (np.log(time) - mu))
        of = stats.f(2.0 * s1, 2.0 * s2)
        with np.errstate(all="ignore"):
            log_density = of.logpdf(f) + np.log(f * power / time)
            value = -(log_density[seen].sum() + of.logsf(f)[~seen].sum())
        return value if math.isfinite(value) else 1e300

    reference = best(cost, [2.4, -0.2, -0.2, 0.5])
    mu, s, q, p = reference.x
    fit = fit_family("generalised_f", DATA["gehan"])
    assert fit.log_likelihood == pytest.approx(-reference.fun, abs=1e-7)
    for one, value in zip(fit.parameters, [mu, math.exp(s), q, math.exp(p)], strict=True):
        assert abs(one.value - value) < 1e-3 * one.standard_error, one.name


def test_royston_parmar() -> None:
    """The spline with its basis written out, one inner knot at the median event."""
    time, seen = parts(DATA["gehan"])
    x = np.log(time)
    low, middle, high = np.quantile(np.log(time[seen]), [0.0, 0.5, 1.0])
    share = (high - middle) / (high - low)

    def basis(power: int) -> np.ndarray:
        corner = [np.maximum(x - knot, 0.0) ** power for knot in (middle, low, high)]
        return corner[0] - share * corner[1] - (1.0 - share) * corner[2]

    def cost(g: np.ndarray) -> float:
        s, slope = g[0] + g[1] * x + g[2] * basis(3), g[1] + 3.0 * g[2] * basis(2)
        if not (slope[seen] > 0.0).all():
            return 1e300
        return float(np.exp(s).sum() - (s + np.log(slope) - x)[seen].sum())

    reference = best(cost, [-3.0, 1.0, 0.0])
    fit = fit_family("royston_parmar", DATA["gehan"])
    assert dict(fit.family.fixed)["knots"] == pytest.approx([low, middle, high])
    check(fit, reference, reference.x.tolist())


def test_piecewise_exponential() -> None:
    """In each piece events over time at risk."""
    time, seen = parts(DATA["gehan"])
    fit = fit_family("piecewise_exponential", DATA["gehan"])
    begins = dict(fit.family.fixed)["begins"]
    for begin, end, one in zip(begins, [*begins[1:], np.inf], fit.parameters, strict=True):
        events = (seen & (time > begin) & (time <= end)).sum()
        spent = np.clip(time - begin, 0.0, end - begin).sum()
        assert one.value == pytest.approx(events / spent, rel=1e-7)
        assert one.standard_error == pytest.approx(one.value / math.sqrt(events), rel=1e-5)


# ---------------------------------------------------------------- lifelines


@pytest.mark.parametrize("name", ["gehan", "aml"])
def test_lifelines(name: str) -> None:
    """lifelines stops about 1e-6 from the optimum."""
    time, seen = parts(DATA[name])
    pairs = {
        "weibull": (lifelines.WeibullFitter(), {"shape": "rho_", "scale": "lambda_"}),
        "lognormal": (lifelines.LogNormalFitter(), {"meanlog": "mu_", "sdlog": "sigma_"}),
        "loglogistic": (lifelines.LogLogisticFitter(), {"shape": "beta_", "scale": "alpha_"}),
    }
    for family, (fitter, names) in pairs.items():
        fitter.fit(time, seen)
        fit = fit_family(family, DATA[name])
        assert fit.log_likelihood == pytest.approx(fitter.log_likelihood_, abs=1e-6)
        assert fit.aic == pytest.approx(fitter.AIC_, abs=1e-5)
        errors = fitter.summary["se(coef)"]
        for one in fit.parameters:
            theirs = names[one.name]
            assert one.value == pytest.approx(getattr(fitter, theirs), rel=1e-4)
            assert one.standard_error == pytest.approx(errors[theirs], rel=1e-3)


def test_lifelines_with_late_entry_and_intervals() -> None:
    rng = np.random.default_rng(1)
    time = 30.0 * rng.weibull(1.5, 300)
    entry = rng.uniform(0.0, 25.0, 300)
    seen = rng.uniform(size=300) < 0.8
    kept = time > entry
    data = observations(time[kept], seen[kept], entry=entry[kept])
    theirs = lifelines.WeibullFitter().fit(time[kept], seen[kept], entry=entry[kept])
    fit = fit_family("weibull", data)
    assert fit.values == pytest.approx({"shape": theirs.rho_, "scale": theirs.lambda_}, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-5)

    low = np.floor(time / 5.0) * 5.0
    high = np.where(seen, low + 5.0, np.inf)
    nothing = np.zeros((300, 0))
    within = Observations(np.zeros(300), np.where(seen, low, time), high, np.ones(300), nothing)
    theirs = lifelines.WeibullFitter().fit_interval_censoring(within.low, within.high)
    fit = fit_family("weibull", within)
    assert fit.values == pytest.approx({"shape": theirs.rho_, "scale": theirs.lambda_}, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-5)


def test_covariates() -> None:
    """Of a Weibull a hazard ratio is a time ratio to the power -shape; lifelines fits the time ratio."""
    import pandas as pd

    data = of_signed(SIX_MP, PLACEBO, covariates=TREATED)
    time, seen = parts(data)
    ratios = {
        effect: fit_family("weibull", data, covariates=["treated"], effect=effect)
        for effect in (HAZARD_RATIOS, TIME_RATIOS)
    }
    one, other = ratios[HAZARD_RATIOS], ratios[TIME_RATIOS]
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)
    assert one.coefficients[0] == pytest.approx(-other.coefficients[0] * other.values["shape"], rel=1e-6)
    frame = pd.DataFrame({"time": time, "seen": seen, "treated": data.covariates[:, 0]})
    theirs = lifelines.WeibullAFTFitter().fit(frame, "time", "seen")
    assert other.coefficients[0] == pytest.approx(theirs.params_["lambda_", "treated"], rel=1e-4)
    assert other.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-6)
    assert other.parameters[-1].standard_error == pytest.approx(
        theirs.summary.loc[("lambda_", "treated"), "se(coef)"], rel=1e-3
    )


# ---------------------------------------------------------------- the search


def test_derivatives_are_exact_for_polynomials_of_degree_four() -> None:
    def function(x: np.ndarray) -> float:
        return float(x[0] ** 4 - 2.0 * x[0] ** 2 * x[1] + 3.0 * x[1] ** 2 + x[0])

    gradient, hessian = derivatives(function, np.array([1.5, -0.5]), np.array([0.1, 0.2]))
    np.testing.assert_allclose(
        gradient, [4.0 * 1.5**3 - 4.0 * 1.5 * -0.5 + 1.0, -2.0 * 1.5**2 - 3.0], rtol=1e-10
    )
    np.testing.assert_allclose(hessian, [[12.0 * 1.5**2 + 2.0, -6.0], [-6.0, 6.0]], rtol=1e-9)


def test_a_likelihood_without_a_maximum_has_its_reason() -> None:
    flat = maximum(lambda x: -float(x[0] ** 2), [np.zeros(2)])
    assert "do not determine" in flat.reason
    rising = maximum(lambda x: float(-np.exp(-x[0])), [np.zeros(1)])
    assert rising.reason
    nowhere = maximum(lambda x: math.nan, [np.zeros(1)])
    assert nowhere.reason == "the likelihood is 0 at every start"


@pytest.mark.parametrize("family", [name for name in FAMILIES if not name.startswith("mixture_cure.g")])
def test_another_unit_of_time_changes_nothing_else(family: str) -> None:
    """Every density is divided by the factor, so that the log likelihood changes by -events x log(factor)."""
    rng, factor = np.random.default_rng(3), 365.25
    time = np.where(rng.uniform(size=300) < 0.25, 900.0, 20.0 * rng.weibull(1.6, 300))
    stop = rng.uniform(30.0, 120.0, 300)
    end, seen = np.minimum(time, stop), time <= stop
    one = fit_family(family, observations(end, seen))
    other = fit_family(family, observations(factor * end, seen))
    assert bool(one.reason) == bool(other.reason)
    if not one.reason:
        moved = one.log_likelihood - seen.sum() * math.log(factor)
        assert other.log_likelihood == pytest.approx(moved, abs=1e-5)
        assert other.median == pytest.approx(factor * one.median, rel=1e-4)
