"""Draws of parameters: what they depend on, and what is an error."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim.errors import ScenarioError
from sim.numerics.philox import uniform
from sim.pathway.rows import name_key
from sim.uncertainty.marginals import marginals
from sim.uncertainty.parameter_draws import at_quantile, columns, draw_parameters, quantile_columns
from tests.parameters import read_parameters

LINES = [
    "p: {value: 0.8, uncertainty: {beta: {n: 50}}}",
    "stay: {value: 14 days, uncertainty: {lognormal: {sigma: 0.2}}}",
    "rate: {value: 2 per year, uncertainty: {gamma: {sd: 0.5 per year}}}",
    "fixed: {value: 3}",
    "site: {value: {bm: 0.6, cns: 0.3, both: 0.1}, uncertainty: {dirichlet: {n: 40}}}",
    "fit: {value: {shape: 1.2, scale: 300 days}, uncertainty: {normal: {covariance: [[0.01, 0.02], [0.02, 0.09]], log: [shape, scale]}}}",
    "hr: {value: 0.5, uncertainty: {lognormal: {sigma: 0.3}, follows: {stay: -0.6}}}",
    "cost: {value: 900, uncertainty: {triangular: [700, 900, 1200]}, status: assumed}",
]  # fmt: skip
PARAMETERS = read_parameters("\n".join(LINES))
COLUMNS = columns(PARAMETERS)
TABLE = "a,b\n0,0\n1,100\n2,200\n3,300\n"


def test_what_is_drawn() -> None:
    assert (
        *(("p", ""), ("stay", ""), ("rate", ""), ("site", "bm"), ("site", "cns"), ("site", "both")),
        *(("fit", "shape"), ("fit", "scale"), ("hr", ""), ("cost", "")),
    ) == COLUMNS
    assert draw_parameters(PARAMETERS, seed=3, draws=range(5)).shape == (5, 10)
    assert draw_parameters(PARAMETERS, seed=3, draws=[]).shape == (0, 10)
    assert draw_parameters((), seed=3, draws=range(2)).shape == (2, 0)


def test_a_draw_is_the_same_alone_and_among_others() -> None:
    """To the bit: numpy's functions of arrays may differ with the position in an array, so none is used."""
    found = draw_parameters(PARAMETERS, seed=3, draws=range(200))
    for d in (0, 1, 17, 199):
        alone = draw_parameters(PARAMETERS, seed=3, draws=[d])
        assert alone[0].tobytes() == found[d].tobytes()
    backwards = draw_parameters(PARAMETERS, seed=3, draws=np.arange(200)[::-1])
    assert backwards[::-1].tobytes() == found.tobytes()


def test_other_parameters_do_not_matter() -> None:
    """Each parameter alone (with what it follows), in another order, and with one more in front."""
    found = draw_parameters(PARAMETERS, seed=3, draws=range(50))
    others = read_parameters("\n".join(["new: {value: 1, uncertainty: {normal: {sd: 1}}}", *LINES[::-1]]))
    drawn = draw_parameters(others, seed=3, draws=range(50))
    for i, column in enumerate(COLUMNS):
        assert drawn[:, columns(others).index(column)].tobytes() == found[:, i].tobytes()
    for line in LINES[:3]:
        one = read_parameters(line)
        i = COLUMNS.index(columns(one)[0])
        assert draw_parameters(one, seed=3, draws=range(50)).tobytes() == found[:, i].tobytes()


def test_seed_number_and_name_make_a_draw() -> None:
    """Philox with key (seed, 0), counter (0, draw, hash of the name, 0), as section Chance of the reference."""
    found = draw_parameters(PARAMETERS, seed=3, draws=range(20))
    for name, column in (("stay", ("stay", "")), ("p", ("p", ""))):
        u = np.array([uniform(3, 0, -1, name_key(name), d) for d in range(20)])
        (one,) = (one for one in PARAMETERS if one.name == column[0])
        assert found[:, COLUMNS.index(column)].tolist() == marginals(one)[""].quantiles(u).tolist()
    other = draw_parameters(PARAMETERS, seed=4, draws=range(20))
    assert not (found == other).any()
    assert len(np.unique(found)) == found.size


def test_the_shares_of_a_dirichlet_sum_to_1() -> None:
    lines = "p: {value: {a: 0.98, b: 0.02, c: 0}, uncertainty: {dirichlet: {a: 0.00049, b: 0.00001, c: 0}}}"
    found = draw_parameters(read_parameters(lines), seed=1, draws=range(500))
    assert found.sum(axis=1) == pytest.approx(1, rel=1e-15)
    assert (found[:, 2] == 0).all()
    assert np.isfinite(found).all()


def test_columns_of_one_table_share_the_row(tmp_path: Path) -> None:
    """Uniform over rows; the rows of a table with another name are others."""
    for name in ("draws.csv", "other.csv"):
        (tmp_path / name).write_text(TABLE)
    lines = [
        f"{name}: {{value: {value}, uncertainty: {{empirical: {{file: {file}, column: {column}}}}}}}"
        for name, value, file, column in (
            ("x", 1.5, "draws.csv", "a"),
            ("y", 150, "draws.csv", "b"),
            ("z", 1.5, "other.csv", "a"),
        )
    ]
    parameters = read_parameters("\n".join(lines), file=str(tmp_path / "f"))
    x, y, z = draw_parameters(parameters, seed=5, draws=range(4000)).T
    assert (y == 100 * x).all()
    assert abs(np.corrcoef(x, z)[0, 1]) < 5 / np.sqrt(4000)
    # 4 equal cells: a share off by 0.035 is found, five standard errors of 4000 draws
    shares = np.bincount(x.astype(int), minlength=4) / 4000
    assert abs(shares - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 4000)
    one = draw_parameters(parameters[1:2], seed=5, draws=range(4000))
    assert (one[:, 0] == y).all()
    u = np.random.default_rng(1).uniform(size=(50, 3))
    designed = quantile_columns(parameters, u)
    assert (designed[:, 0] == np.floor(4 * u[:, 0])).all()
    assert (designed[:, 1] == 100 * designed[:, 0]).all()


def test_a_design_on_the_unit_cube() -> None:
    """Quantiles column by column; a follower's score is rho z + (1 - rho^2)^(1/2) of its own."""
    u = np.random.default_rng(2).uniform(size=(40, len(COLUMNS)))
    found = dict(zip(COLUMNS, quantile_columns(PARAMETERS, u).T, strict=True))
    own = dict(zip(COLUMNS, u.T, strict=True))
    assert found["p", ""] == pytest.approx(stats.beta(40, 10).ppf(own["p", ""]))
    z = -0.6 * stats.norm.ppf(own["stay", ""]) + 0.8 * stats.norm.ppf(own["hr", ""])
    assert found["hr", ""] == pytest.approx(0.5 * np.exp(0.3 * z))
    gammas = [stats.gamma(n).ppf(own["site", key]) for key, n in (("bm", 24), ("cns", 12), ("both", 4))]
    assert found["site", "cns"] == pytest.approx(gammas[1] / sum(gammas))
    shape, scale = stats.norm.ppf(own["fit", "shape"]), stats.norm.ppf(own["fit", "scale"])
    assert found["fit", "shape"] == pytest.approx(1.2 * np.exp(0.1 * shape))
    assert found["fit", "scale"] == pytest.approx(300 * np.exp(0.2 * shape + np.sqrt(0.05) * scale))


def test_one_number_at_a_quantile() -> None:
    by_name = {one.name: one for one in PARAMETERS}
    assert at_quantile(by_name["p"], 0.975)[""] == pytest.approx(stats.beta(40, 10).ppf(0.975))
    site = at_quantile(by_name["site"], 0.025, "cns")
    low = stats.beta(12, 28).ppf(0.025)
    assert site == pytest.approx({"bm": 6 / 7 * (1 - low), "cns": low, "both": 1 / 7 * (1 - low)})
    assert list(site) == ["bm", "cns", "both"]
    fit = at_quantile(by_name["fit"], 0.975, "scale")
    assert fit == pytest.approx({"shape": 1.2, "scale": 300 * np.exp(0.3 * stats.norm.ppf(0.975))})


def test_an_uncertainty_left_behind_is_an_error() -> None:
    parameters = read_parameters("p: {value: 0.5, uncertainty: {beta: [95, 131]}}\nq: {value: 0.4}")
    with pytest.raises(ScenarioError, match=r"parameters\.p: the uncertainty is centred on 0\.4204"):
        draw_parameters(parameters, seed=1, draws=range(2))


def test_a_draw_beyond_all_numbers_is_named() -> None:
    parameters = read_parameters("p: {value: 1, uncertainty: {lognormal: {sigma: 1000}}}")
    with pytest.raises(ScenarioError, match=r"parameters\.p: draw \d+ is beyond what numbers can hold"):
        draw_parameters(parameters, seed=1, draws=range(100, 120))


def test_nothing_is_clipped() -> None:
    """A normal around a probability gives values below 0: what uses them reports it."""
    parameters = read_parameters("p: {value: 0.1, uncertainty: {normal: {sd: 0.2}}}")
    found = draw_parameters(parameters, seed=1, draws=range(1000))
    # of 1000 draws 309 are expected below 0, give or take 15
    assert abs((found < 0).mean() - stats.norm.cdf(-0.5)) < 5 * 0.0146
