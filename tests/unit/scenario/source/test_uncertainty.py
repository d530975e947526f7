"""The uncertainty of a parameter: its forms, its centre and its standard deviation."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim.errors import Problems, Where
from sim.scenario.source import joint_uncertainty, tree, uncertainty

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
        ("{dirichlet: {n: 9}}", "{a: 1, b: 0}", "b is 0 | write a count for each key: 0 keeps a share at 0, a prior count (0.5, 1) lets it vary"),
        ("{dirichlet: {n: 0}}", "{a: 0.5, b: 0.5}", "n is 0 | write a count for each key: 0 keeps a share at 0, a prior count (0.5, 1) lets it vary"),
        ("{dirichlet: {a: 2, b: -1}}", "{a: 0.5, b: 0.5}", "b: -1 is negative | it is 0 or more here"),
        ("{dirichlet: {a: 0, b: 0}}", "{a: 0.5, b: 0.5}", "all counts are 0 | count at least one"),
        ("{normal: {sd: 1}}", "{a: 0.5, b: 0.5}", "the value is a vector, normal is for one number | use `dirichlet`, or write its `covariance`"),
        ("{normal: {covariance: [[1]]}}", "0.5", "the value is not a vector, and a covariance is for one | a vector is a mapping such as `{shape: 1.2, scale: 300 days}`"),
        ("{normal: {log: [a]}}", "{a: 1}", "`covariance` is missing | write {covariance: [[0.04, 0.01], [0.01, 0.09]], log: [KEY]}"),
        ("{normal: {covariance: [[1]], sd: 1}}", "{a: 1}", "a joint normal has no argument `sd` | write {covariance: [[0.04, 0.01], [0.01, 0.09]], log: [KEY]}"),
        ("{normal: {covariance: [[1, 0]]}}", "{a: 1}", "the covariance is not a list of 1 rows of 1 numbers: the value has 1 key | write a row and a column for each key, in the order of the value"),
        ("{normal: {covariance: [[1, 0], [0]]}}", "{a: 1, b: 2}", "the covariance is not a list of 2 rows of 2 numbers: the value has 2 keys | write a row and a column for each key, in the order of the value"),
        ("{normal: {covariance: [[1, x], [0, 1]]}}", "{a: 1, b: 2}", "covariance: `x` is not a number | write a number"),
        ("{normal: {covariance: [[1, 0.1], [0.2, 1]]}}", "{a: 1, b: 2}", "row 1 of the covariance has 0.1 in column 2, row 2 has 0.2 in column 1 | a covariance is symmetric"),
        ("{normal: {covariance: [[1, 2], [2, 1]]}}", "{a: 1, b: 2}", "the covariance is not positive semi-definite | no variance is negative, no correlation beyond 1; write a rounded matrix with more digits"),
        ("{normal: {covariance: [[0, 1], [1, 1]]}}", "{a: 1, b: 2}", "the covariance is not positive semi-definite | no variance is negative, no correlation beyond 1; write a rounded matrix with more digits"),
        ("{normal: {covariance: [[-1]]}}", "{a: 1}", "the covariance is not positive semi-definite | no variance is negative, no correlation beyond 1; write a rounded matrix with more digits"),
        ("{normal: {covariance: [[1]], log: [b]}}", "{a: 1}", "log: the value has no key `b` | its keys are a"),
        ("{normal: {covariance: [[1]], log: a}}", "{a: 1}", "`log` is not a list | write the keys whose logarithm is normal: `log: [shape]`"),
        ("{normal: {covariance: [[1]], log: [a]}}", "{a: 0 days}", "a is 0 days and has no logarithm | leave it out of `log`, or make it positive"),
        ("{normal: {covariance: [[1]]}}", "{a: own}", "a is `own`, no number, time or rate | only these are uncertain"),
        ("{normal: {covariance: [[1]]}, follows: {q: 0.1}}", "{a: 1}", "a vector follows no other parameter | leave `follows` out"),
        ("{empirical: 4}", "4", "4 is not an empirical distribution | write [0.7, 0.8, 0.85] or {file: draws.csv, column: NAME}"),
        ("{empirical: [4]}", "4", "an empirical distribution has at least 2 values | write all of them"),
        ("{empirical: [4 days, 5]}", "4 days", "value 2: 5 has no unit | write `5 days` (or minutes, hours, weeks, months, years)"),
        ("{empirical: {file: f.csv}}", "4", "`column` is missing | write {file: draws.csv, column: NAME}"),
        ("{empirical: {file: f.csv, column: x}}", "4 days", "`unit` is missing | write {file: draws.csv, column: NAME, unit: days}"),
        ("{empirical: {file: f.csv, column: x, unit: days}}", "4", "a plain number has no unit | write {file: draws.csv, column: NAME}"),
        ("{empirical: {file: f.csv, colum: x}}", "4", "empirical has no argument `colum` | did you mean `column`?"),
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


TABLE = "x,stay,hazard\n0.25,2,3\n0.5,4,1\n0.75,9,2\n"


@pytest.fixture
def _in_a_folder_with_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "draws.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_in_a_folder_with_a_table")
@pytest.mark.parametrize(
    ("written", "value", "sample", "file"),
    [
        ("{empirical: {file: draws.csv, column: x}}", "0.5", (0.25, 0.5, 0.75), "draws.csv"),
        ("{empirical: {file: draws.csv, column: stay, unit: weeks}}", "5 weeks", (14, 28, 63), "draws.csv"),
        ("{empirical: {file: draws.csv, column: hazard, unit: years}}", "2 per year", (3 / 365.25, 1 / 365.25, 2 / 365.25), "draws.csv"),
        ("{empirical: [2 days, 1 week]}", "1 week", (2, 7), ""),
    ],
)  # fmt: skip
def test_an_empirical_distribution(written: str, value: str, sample: tuple[float, ...], file: str) -> None:
    found, problems = read(written, value)
    assert problems == []
    assert found is not None and found.centre is not None
    assert (found.sample, found.file) == (pytest.approx(sample), file)
    mean = sum(sample) / len(sample)
    assert found.centre[""] == pytest.approx(
        (mean, math.sqrt(sum((x - mean) ** 2 for x in sample) / len(sample)))
    )


@pytest.mark.usefixtures("_in_a_folder_with_a_table")
@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{file: draws.csv, column: y}", "draws.csv has no column `y` | these are x, stay, hazard"),
        ("{file: none.csv, column: x}", "the table none.csv cannot be read: no such file or directory | its path is seen from the scenario's file"),
    ],
)  # fmt: skip
def test_a_table_without_the_numbers(written: str, problem: str) -> None:
    assert read(f"{{empirical: {written}}}") == (None, [problem])
    found, problems = read("{empirical: {file: draws.csv, column: x}, follows: {q: 0.1}}")
    assert (found, problems) == (None, ["a table follows no other parameter | leave `follows` out"])


@pytest.mark.usefixtures("_in_a_folder_with_a_table")
def test_a_cell_that_is_no_number() -> None:
    Path("draws.csv").write_text("x\n1\ntwo\n")
    _, problems = read("{empirical: {file: draws.csv, column: x}}")
    assert problems == ["line 3 of draws.csv: `two` is not a number | write plain digits"]


def test_a_covariance_is_in_the_units_of_the_value() -> None:
    """Weeks^2 and weeks per year; that of a logarithm has no unit."""
    found, problems = read(
        "{normal: {covariance: [[4, 0.5, 0.1], [0.5, 1, 0.2], [0.1, 0.2, 0.04]], log: [c]}}",
        "{a: 3 weeks, b: 2 per year, c: 9 months}",
    )
    assert problems == []
    assert found is not None
    week, year = 7.0, 1 / 365.25
    assert found.log == ("c",)
    assert np.array(found.covariance) == pytest.approx(
        np.array(
            [
                [4 * week * week, 0.5 * week * year, 0.1 * week],
                [0.5 * week * year, year * year, 0.2 * year],
                [0.1 * week, 0.2 * year, 0.04],
            ]
        )
    )


@pytest.mark.parametrize(
    "matrix",
    [
        [[4, 2, 1], [2, 3, 0.5], [1, 0.5, 2]],
        [[1, 1], [1, 1]],
        [[0, 0], [0, 2]],
        [[1, 2, 3], [2, 4, 6], [3, 6, 10]],
        [[1e-12, 2e-9], [2e-9, 1e-5]],
    ],
)
def test_a_cholesky_factor(matrix: list[list[float]]) -> None:
    lower = np.array(joint_uncertainty.cholesky(matrix))
    assert lower @ lower.T == pytest.approx(np.array(matrix), rel=1e-12)
    assert np.triu(lower, 1) == pytest.approx(0)
