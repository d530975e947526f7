"""The uncertainty of a parameter: its forms, its centre and its standard deviation."""

import math

import pytest
from scipy import stats

from sim.errors import Problems, Where
from sim.scenario.source import tree, uncertainty

MEAN = 3 * math.exp(0.5**2 / 2)
"""Of a lognormal with median 3 and sigma 0.5."""


def read(written: str, value: str = "0.4") -> tuple[uncertainty.Uncertainty | None, list[str]]:
    problems = Problems()
    node = tree.read_text(written, "f")
    found = uncertainty.read(node, tree.read_text(value, "f"), Where(node.place, "u"), problems)
    return found, [f"{one.fact} | {one.fix}" for one in problems.found]


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("{beta: [3, 5]}", stats.beta(3, 5)),
        ("{beta: {a: 3, b: 5}}", stats.beta(3, 5)),
        ("{normal: {mean: -1, sd: 2}}", stats.norm(-1, 2)),
        ("{gamma: {shape: 3, scale: 2}}", stats.gamma(3, scale=2)),
        ("{gamma: {shape: 3, rate: 0.5}}", stats.gamma(3, scale=2)),
        ("{gamma: {shape: 3, mean: 6}}", stats.gamma(3, scale=2)),
        ("{uniform: [1, 4]}", stats.uniform(1, 3)),
        ("{triangular: [1, 2, 4]}", stats.triang(1 / 3, 1, 3)),
    ],
)
def test_mean_and_standard_deviation(written: str, reference: stats.rv_continuous) -> None:
    found, problems = read(written)
    assert problems == []
    assert found is not None and found.centre is not None
    centre, sd = found.centre[""]
    assert centre == pytest.approx(reference.mean(), rel=1e-12)
    assert sd == pytest.approx(reference.std(), rel=1e-12)


@pytest.mark.parametrize(
    "written",
    [
        "{lognormal: {median: 3, sigma: 0.5}}",
        "{lognormal: {median: 3, sdlog: 0.5}}",
        "{lognormal: {meanlog: 1.0986122886681098, sigma: 0.5}}",  # log 3
        f"{{lognormal: {{mean: {MEAN}, sigma: 0.5}}}}",
        f"{{lognormal: {{mean: {MEAN}, sd: {MEAN * math.sqrt(math.expm1(0.25))}}}}}",
    ],
)
def test_the_centre_of_a_lognormal_is_its_median(written: str) -> None:
    found, problems = read(written)
    reference = stats.lognorm(0.5, scale=3)
    assert problems == []
    assert found is not None and found.centre is not None
    assert found.centre[""] == pytest.approx((reference.median(), reference.std()), rel=1e-12)


def test_mean_and_standard_deviation_of_a_pert() -> None:
    """A beta on [low, high] with shapes 1 + 4 (mode - low)/(high - low), 1 + 4 (high - mode)/..."""
    found, _ = read("{pert: [1, 2, 5]}")
    reference = stats.beta(2, 4, loc=1, scale=4)
    assert found is not None and found.centre is not None
    assert found.centre[""] == pytest.approx((reference.mean(), reference.std()), rel=1e-12)


def test_mean_and_standard_deviation_of_a_dirichlet() -> None:
    found, _ = read("{dirichlet: {x: 3, y: 5, z: 2}}", "{x: 0.3, y: 0.5, z: 0.2}")
    reference = stats.dirichlet([3, 5, 2])
    assert found is not None and found.centre is not None
    assert [one for one, _ in found.centre.values()] == pytest.approx(reference.mean())
    assert [sd**2 for _, sd in found.centre.values()] == pytest.approx(reference.var())


@pytest.mark.parametrize(
    ("written", "value", "arguments"),
    [
        ("{beta: {n: 333}}", "0.8", {"n": 333}),
        ("{lognormal: {sigma: 0.2}}", "14 days", {"sigma": 0.2}),
        ("{lognormal: {sdlog: 0.2}}", "1.1 per year", {"sigma": 0.2}),
        ("{normal: {sd: 2 weeks}}", "3 months", {"sd": 14}),
        ("{gamma: {sd: 0.1 per hour}}", "1 per day", {"sd": 0.1 * 24}),
        ("{gamma: {shape: 4}}", "3", {"shape": 4}),
        ("{dirichlet: {n: 162}}", "{bm: 0.862, cns: 0.088, both: 0.05}", {"n": 162}),
        ("{dirichlet: {n: 3, m: 4}}", "{n: 0.5, m: 0.5}", {"n": 3, "m": 4}),
    ],
)
def test_a_form_is_read_in_days_and_per_day(written: str, value: str, arguments: dict[str, float]) -> None:
    found, problems = read(written, value)
    assert problems == []
    assert found is not None
    assert found.arguments == arguments
    assert (found.centre is None) is (set(arguments) != {"n", "m"})


def test_a_correlation() -> None:
    found, _ = read("{normal: {sd: 1}, follows: {other: -0.5}}")
    assert found is not None
    assert found.follows == ("other", -0.5)


@pytest.mark.parametrize(
    ("written", "value", "problem"),
    [
        ("[1, 2]", "0.4", "is not a mapping | write it as `{beta: {n: 50}}`"),
        ("{norml: {sd: 1}}", "1", "`norml` is not the distribution of a parameter | did you mean `normal`?"),
        ("{beta: {nn: 4}}", "0.4", "beta has no argument `nn` | did you mean `n`?"),
        ("{beta: 4}", "0.4", "4 is not a beta | beta takes [a, b] or {n} or {mean, sd}"),
        ("{beta: {a: 4}}", "0.4", "{a: 4} is not a beta | beta takes [a, b] or {n} or {mean, sd}"),
        ("{beta: [1]}", "0.4", "has 1 numbers | beta takes [a, b]"),
        ("{beta: {n: 0}}", "0.4", "n is 0 | it is more than 0"),
        ("{beta: {n: -3}}", "0.4", "n is -3 | it is more than 0"),
        ("{beta: {n: many}}", "0.4", "n: `many` is not a number | write a number"),
        ("{beta: {n: 9}}", "1", "a beta cannot be centred on the value | the value lies between 0 and 1"),
        ("{beta: {n: 9}}", "3 days", "a beta cannot be centred on the value | the value lies between 0 and 1"),
        ("{beta: {mean: 0.5, sd: 0.5}}", "0.4", "no beta has this mean and standard deviation | the mean lies in (0, 1), sd^2 below mean x (1 - mean)"),
        ("{lognormal: {sigma: 0.2}}", "0", "a lognormal cannot be centred on the value | the value is more than 0"),
        ("{lognormal: {sigma: 0.2, sdlog: 0.2}}", "1", "{sigma: 0.2, sdlog: 0.2} is not a lognormal | lognormal takes {sigma} or {median, sigma} or {mean, sigma} or {mean, sd} or {meanlog, sigma}"),
        ("{lognormal: {meanlog: 2, sigma: 0.2}}", "1 days", "`meanlog` depends on the unit of time | give the mean or the median"),
        ("{lognormal: {median: 1, sigma: 1e9}}", "1", "the distribution is too wide | sigma is a number like 0.2"),
        ("{lognormal: {median: -1, sigma: 1}}", "1", "median is -1 | it is more than 0"),
        ("{normal: {sd: 4}}", "3 days", "sd: 4 has no unit | write `4 days` (or minutes, hours, weeks, months, years)"),
        ("{uniform: [4, 2]}", "3", "the bounds are not in order | write [low, high] from low to high"),
        ("{triangular: [1, 5, 4]}", "3", "the bounds are not in order | write [low, mode, high] from low to high"),
        ("{pert: [2, 2, 2]}", "2", "the bounds are not in order | write [low, mode, high] from low to high"),
        ("{normal: {sd: 1}}", "own", "the value `own` is not a number, time or rate | only these are uncertain"),
        ("{beta: {n: 9}}", "{a: 0.5, b: 0.5}", "the value is a vector, beta is for one number | use `dirichlet`"),
        ("{dirichlet: {n: 9}}", "0.4", "the value is not a vector, and a dirichlet is for one | a vector is a mapping such as `{bm: 0.9, cns: 0.1}`"),
        ("{dirichlet: {n: 9}}", "{a: 0.5, b: 0.4}", "the parts of the value sum to 0.9 | they sum to 1"),
        ("{dirichlet: {n: 9}}", "{a: 1, b: 0}", "b is 0 | each part of a dirichlet is more than 0"),
        ("{dirichlet: {n: 9}}", "{a: 0.4, b: rest}", "b: `rest` is not a number | write a number"),
        ("{dirichlet: {a: 9, c: 1}}", "{a: 0.5, b: 0.5}", "`b` is missing in the dirichlet | write {n: 100}, or a count for each key"),
        ("{dirichlet: {n: 9}, follows: {q: 0.1}}", "{a: 0.5, b: 0.5}", "a vector follows no other parameter | leave `follows` out"),
    ],
)  # fmt: skip
def test_what_is_refused(written: str, value: str, problem: str) -> None:
    found, problems = read(written, value)
    assert found is None
    assert problems == [problem]


@pytest.mark.parametrize(
    ("written", "fact"),
    [
        ("{}", "has no distribution"),
        ("{follows: {q: 0.4}}", "has no distribution"),
        ("{beta: {n: 1}, normal: {sd: 1}}", "has 2 distributions"),
    ],
)
def test_one_distribution_is_due(written: str, fact: str) -> None:
    found, (problem,) = read(written)
    assert found is None
    assert problem.startswith(f"{fact} | write one of beta, lognormal")
