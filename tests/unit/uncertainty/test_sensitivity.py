"""Analyses of parameters: the same bytes however they are cut up, exact zeros, and one distribution an arm."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError, ScenarioError
from sim.uncertainty import study as study_module
from sim.uncertainty.marginals import marginals
from sim.uncertainty.sensitivity import ThresholdSearch, find_threshold, tornado_bars
from sim.uncertainty.sensitivity_results import SensitivityResults, analyse_parameters
from sim.uncertainty.study import SensitivityRequest, Study, study_of
from sim.uncertainty.variance_based import factors_of, simulated_indices
from tests.psa_models import BETTER, RARE, TWO_STATES, request_of, written

UNUSED = "  unused: {value: 2, uncertainty: {lognormal: {sigma: 0.5}}, source: an example, status: assumed}\n"
WITH_UNUSED = TWO_STATES.replace("patients:", f"{UNUSED}patients:")
VECTOR = """\
format: 1
title: Three ways
horizon: 1 year
states: {alive: {}, dead: {}}
parameters:
  ways: {value: {a: 0.5, b: 0.3, c: 0.2}, uncertainty: {dirichlet: {n: 40}}, source: an example, status: assumed}
  pair: {value: {d: 0.4, e: 0.6, f: 0}, uncertainty: {dirichlet: {d: 16, e: 24, f: 0}}, source: an example, status: assumed}
  first: {value: 10 days, uncertainty: {lognormal: {sigma: 0.3}}, source: an example, status: assumed}
  second:
    value: 20 days
    uncertainty: {lognormal: {sigma: 0.3}, follows: {first: 0.8}}
    source: an example
    status: assumed
patients:
  number: 100
  attributes: {way: {categorical: $ways}, other: {categorical: $pair}}
pathway:
  start: here
  stages:
    here:
      state: alive
      events: {death: {after: {exponential: {by: way, a: {mean: $first}, b: {mean: $second}, c: {mean: 1 year}}}, to: gone}}
    gone: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}}
"""


def studied(files: list[Path], *, patients: int = 50, workers: int = 1, **options) -> Study:
    arms = request_of(files, draws=2, patients=patients, workers=workers).arms
    return study_of(SensitivityRequest(arms, **options))


def test_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other numbers of points in a part change no bit."""
    study = studied(written(tmp_path))
    expected = tornado_bars(study), simulated_indices(study, power=2)
    monkeypatch.setattr(study_module, "TOGETHER", 150)
    assert (tornado_bars(study), simulated_indices(study, power=2)) == expected


@pytest.mark.long
def test_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes change no bit."""
    files = written(tmp_path)
    expected = tornado_bars(studied(files))
    monkeypatch.setattr(study_module, "TOGETHER", 100)
    monkeypatch.setattr(study_module, "is_worth_processes", lambda *_: True)
    assert tornado_bars(studied(files, workers=2)) == expected


def test_equal_arms(tmp_path: Path) -> None:
    """Two arms with one pathway: every bar, index and error is exactly 0."""
    study = studied(written(tmp_path, one=TWO_STATES, other=TWO_STATES))
    (bars,) = tornado_bars(study)
    assert {bar.parameter for bar in bars} == {"rate", "price"}
    for bar in bars:
        assert (bar.width, bar.width_error, bar.low.error, bar.high.error) == (0.0, 0.0, 0.0, 0.0)
    (indices,) = simulated_indices(study, power=2)
    assert all((one.first.value, one.total.value) == (0.0, 0.0) for one in indices)
    search = find_threshold(study, "rate")
    assert search.changes == ()
    assert search.without_influence


def test_unused_parameter(tmp_path: Path) -> None:
    """A parameter that stands nowhere has a bar and indices of exactly 0; the others have not."""
    study = studied(written(tmp_path, one=WITH_UNUSED))
    (bars,), (indices,) = tornado_bars(study), simulated_indices(study, power=3)
    assert [bar.parameter for bar in bars if bar.width == 0.0] == ["unused"]
    assert [one.factor for one in indices if one.total.value == 0.0] == ["unused"]


def test_difference_of_the_arms(tmp_path: Path) -> None:
    """The bars of the difference are those of one arm less those of the other, over the same patients."""
    files = written(tmp_path)
    (both,) = tornado_bars(studied(files, parameters=("rate",)))
    ((one,),), ((other,),) = (tornado_bars(studied([file], parameters=("rate",))) for file in files)
    assert both[0].low.difference == pytest.approx(other.low.difference - one.low.difference)
    assert both[0].high.error < one.high.error + other.high.error


def test_each_arm_has_its_own_distribution(tmp_path: Path) -> None:
    """Two arms with one name and two values: each at its own quantile, so the difference moves by both."""
    own = "format: 1\ntitle: Twice the rate\nbased_on: one.yaml\nchanges:\n  parameters.rate.value: 0.8 per year\n"
    files = written(tmp_path, one=TWO_STATES, other=own)
    study = studied(files, parameters=("rate",))
    ((both,),) = tornado_bars(study)
    ((one,),), ((other,),) = (tornado_bars(studied([file], parameters=("rate",))) for file in files)
    assert other.low.value == pytest.approx(2.0 * one.low.value)
    assert both.low.difference == pytest.approx(other.low.difference - one.low.difference)
    with pytest.raises(InputError, match="other gives rate another value than an earlier arm"):
        find_threshold(study, "rate")


def test_vectors_and_coupled_parameters(tmp_path: Path) -> None:
    """A bar for each number, one for a pair of shares; one factor for what depends on each other."""
    study = studied(written(tmp_path, one=VECTOR))
    (bars,) = tornado_bars(study)
    assert [bar.parameter for bar in bars] == ["ways.a", "ways.b", "ways.c", "pair.d", "first", "second"]
    ways = study.first_parameter(("ways", "a"))
    assert bars[0].low.value == marginals(ways)["a"].quantile(0.025)
    factors = factors_of([study.model.arms[0].parameters], study.columns)
    assert list(factors) == ["ways", "pair", "first"]
    assert factors["first"] == (("first", ""), ("second", ""))
    (indices,) = simulated_indices(study, power=2)
    assert [one.factor for one in indices] == list(factors)
    assert indices[1].total.value == 0.0
    some = studied(written(tmp_path, one=VECTOR), parameters=("second",))
    assert list(factors_of([some.model.arms[0].parameters], some.columns)) == ["first"]


def test_ranks(tmp_path: Path) -> None:
    """By the longest bar of a factor; with indices by their total order."""
    file = written(tmp_path, one=VECTOR)
    plain = analyse_parameters(file, patients=200, workers=1)
    widths = dict.fromkeys(plain.factors, 0.0)
    for row in plain.tornado:
        factor = {"second": "first"}.get(row.parameter, row.parameter.split(".")[0])
        widths[factor] = max(widths[factor], row.width)
    assert [row.factor for row in plain.ranks] == sorted(widths, key=lambda name: -widths[name])
    assert np.isnan(plain.ranks[0].total)
    both = analyse_parameters(file, patients=200, sobol=3, workers=1)
    totals = {row.factor: row.total for row in both.variance}
    assert [row.factor for row in both.ranks] == sorted(totals, key=lambda name: -totals[name])


def test_no_change_of_the_best_arm(tmp_path: Path) -> None:
    """Price and rate move the difference, but not its sign."""
    search = find_threshold(studied(written(tmp_path), patients=500), "price")
    assert search.changes == ()
    assert set(search.largest) == {1}
    assert not search.without_influence


def test_three_arms(tmp_path: Path) -> None:
    """A third arm between two others has the largest number in between: two changes."""
    costly = BETTER.replace("base.yaml", "one.yaml").replace("0.7", "0.5")
    texts = {
        "one": TWO_STATES,
        "two": costly + "  pathway.stages.care.cost: {on_entry: 400, per_year: $price}\n",
        "three": costly.replace("[{value: $ratio}]", "[{value: $ratio}, {value: 0.5}]")
        + "  pathway.stages.care.cost: {on_entry: 1400, per_year: $price}\n",
    }
    search = find_threshold(studied(written(tmp_path, **texts), patients=2000), "rate")
    assert isinstance(search, ThresholdSearch)
    assert [(one.below, one.above) for one in search.changes] == _changes(search)
    assert len(search.changes) >= 1
    assert np.all(np.diff([one.value for one in search.changes]) > 0.0)


def _changes(search: ThresholdSearch) -> list[tuple[int, int]]:
    """The changes that the grid shows."""
    best = search.largest
    return [(a, b) for a, b in pairwise(best) if a != b]


def test_a_value_that_breaks_a_rule(tmp_path: Path) -> None:
    """The error names the parameter and the quantile."""
    text = TWO_STATES.replace("utility: 0.8", "utility: $u").replace(
        "  price:",
        "  u: {value: 0.9, uncertainty: {normal: {sd: 0.1}}, source: an example, status: assumed}\n  price:",
    )
    study = studied(written(tmp_path, one=text))
    with pytest.raises(
        ScenarioError, match=r"`u` is 1\.096 at the 97\.5% quantile of `u`; a number here is at most 1"
    ):
        tornado_bars(study)
    with pytest.raises(ScenarioError, match=r"`u` is 1\.\d+ at point \d+ of the design"):
        simulated_indices(study, power=4)


def test_a_family_that_has_no_such_member(tmp_path: Path) -> None:
    """What only the family can reject names the quantile too."""
    text = TWO_STATES.replace(
        "{exponential: {rate: $rate}}", "{lognormal: {median: 1 year, sigma: $s}}"
    ).replace(
        "  price:",
        "  s: {value: 0.5, uncertainty: {normal: {sd: 0.4}}, source: an example, status: assumed}\n  price:",
    )
    with pytest.raises(ScenarioError, match=r"at the 2\.5% quantile of `s`"):
        tornado_bars(studied(written(tmp_path, one=text)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": ("rat",)}, "parameters: there is no parameter rat; did you mean `rate`"),
        ({"parameters": ("fixed",)}, "parameters: fixed has no uncertainty"),
        ({"outcome": "nothing"}, "outcomes: there is no outcome nothing"),
        ({"outcome": "cost_by_year"}, "cost_by_year has no number that parameters are analysed by"),
        ({"threshold": "fixed"}, "threshold: no parameter fixed has an uncertainty"),
        ({"sobol": 1}, "sobol: must be a whole number from 2"),
    ],
)
def test_wrong_options(tmp_path: Path, options: dict[str, object], message: str) -> None:
    """One clear error."""
    fixed = TWO_STATES.replace(
        "  price:", "  fixed: {value: 1, source: an example, status: assumed}\n  price:"
    )
    files = written(tmp_path, base=fixed, better=BETTER)
    with pytest.raises(InputError, match=message):
        analyse_parameters(files, patients=10, workers=1, **options)


def test_an_outcome_that_no_patient_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="outcomes: survival is unknown at the base values"):
        analyse_parameters(written(tmp_path, base=RARE), patients=10, workers=1)
    with pytest.raises(InputError, match="sensitivity: no scenario is given"):
        analyse_parameters([])


def test_parameters_of_one_table_are_one_factor(tmp_path: Path) -> None:
    """They are drawn together; a parameter with draws of its own is another factor."""
    (tmp_path / "draws.csv").write_text("price,unused\n50,1\n150,3\n")
    text = WITH_UNUSED.replace(
        "{gamma: {shape: 9}}", "{empirical: {file: draws.csv, column: price}}"
    ).replace("{lognormal: {sigma: 0.5}}", "{empirical: {file: draws.csv, column: unused}}")
    study = studied(written(tmp_path, one=text))
    factors = factors_of([study.model.arms[0].parameters], study.columns)
    assert factors == {"rate": (("rate", ""),), "price": (("price", ""), ("unused", ""))}


def test_a_parameter_that_is_not_chosen_stays_at_its_base_value(tmp_path: Path) -> None:
    """With the rate fixed, the price explains all of the variance; else the rate explains nearly all."""
    study = studied(written(tmp_path, one=TWO_STATES), parameters=("price",))
    ((index,),) = simulated_indices(study, power=5)
    assert index.factor == "price"
    assert abs(index.total.value - 1.0) < 5.0 * index.total.error < 0.9


def test_one_arm_has_no_threshold(tmp_path: Path) -> None:
    """A preferred arm needs two."""
    with pytest.raises(InputError, match="threshold: one arm has nothing to be preferred to"):
        analyse_parameters(written(tmp_path, base=TWO_STATES), patients=10, threshold="rate", workers=1)


def test_results_without_bars(tmp_path: Path) -> None:
    """A threshold alone simulates no bars and has no ranks."""
    found = analyse_parameters(written(tmp_path), patients=50, threshold="ratio", workers=1)
    assert isinstance(found, SensitivityResults)
    assert (found.tornado, found.ranks, found.variance) == ((), (), ())
    assert len(found.curve) == 9 * 2
