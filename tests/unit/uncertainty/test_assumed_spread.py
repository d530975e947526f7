"""The spread assumed for parameters without uncertainty."""

import math
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario import load
from sim.scenario.checks.draws import uses
from sim.uncertainty.assumed_spread import gaps, with_assumed_spread
from sim.uncertainty.marginals import marginals
from tests.parameters import read_parameters

LINES = """
known: {value: 0.4, uncertainty: {beta: {n: 9}}, status: assumed}
other: {value: 0.4, status: published}
p: {value: 0.4, status: assumed}
stay: {value: 2 weeks, status: assumed}
rate: {value: 0.3 per year, status: assumed}
cost: {value: 900, status: assumed}
loss: {value: -20, status: assumed}
none: {value: 0, status: assumed}
site: {value: {bm: 0.6, cns: 0.3, both: 0.1, other: 0}, status: assumed}
fit: {value: {shape: 1.2, scale: 300 days, shift: -2}, status: assumed}
ages: {value: [18, 35, 65], status: assumed}
agent: {value: own, status: assumed}
same: {value: $known, status: assumed}
"""


def test_the_gaps() -> None:
    found = [one.name for one in gaps(read_parameters(LINES))]
    assert found == ["p", "stay", "rate", "cost", "loss", "none", "site", "fit", "ages"]


@pytest.mark.parametrize("spread", [0.05, 0.2])
def test_the_standard_deviation_is_the_spread_times_the_value(spread: float) -> None:
    before = read_parameters(LINES)
    after = with_assumed_spread(before, spread)
    found = {one.name: one for one in after}
    assert [one for one, other in zip(after, before, strict=True) if one is other] == [
        found[name] for name in ("known", "other", "none", "ages", "agent", "same")
    ]
    for name in ("p", "stay", "rate", "cost", "loss"):
        one = found[name]
        ((_, value),) = one.values
        marginal = marginals(one)[""]
        assert marginal.sd == pytest.approx(spread * abs(value))
        centre = marginal.quantile(0.5) if marginal.family == "lognormal" else marginal.mean
        assert centre == pytest.approx(value)
        assert one.uncertainty == f"assumed spread {spread}"
    assert marginals(found["p"])[""].family == "beta"
    fit = marginals(found["fit"])
    assert [fit[key].sd for key in fit] == pytest.approx([spread * x for x in (1.2, 300, 2)])
    assert [fit[key].quantile(0.5) for key in fit] == pytest.approx([1.2, 300, -2])


def test_shares_have_the_spread_on_average() -> None:
    """sum of m (sd / m)^2 = (k - 1) / (n + 1), from sd^2 = m (1 - m) / (n + 1)."""
    (one,) = (one for one in with_assumed_spread(read_parameters(LINES), 0.2) if one.name == "site")
    found = marginals(one)
    assert [part.mean for part in found.values()] == pytest.approx([0.6, 0.3, 0.1, 0])
    squares = math.fsum(part.sd**2 / part.mean for part in found.values() if part.mean > 0)
    assert math.sqrt(squares) == pytest.approx(0.2)


def test_a_spread_that_no_beta_has() -> None:
    """The largest is ((1 - p) / p)^(1/2), of a probability that is 0 or 1."""
    parameters = read_parameters("p: {value: 0.97, status: assumed}\nq: {value: 0.1, status: assumed}")
    with pytest.raises(ScenarioError) as failed:
        with_assumed_spread(parameters, 0.2)
    assert str(failed.value) == (
        "f:3:14: parameters.p: `p` = 0.97 cannot have a spread of 20%\n"
        "    give it an uncertainty of its own, or assume a spread below 17.5%"
    )
    with_assumed_spread(parameters, 0.175)
    shares = read_parameters("p: {value: {a: 0.5, b: 0.5}, status: assumed}")
    with pytest.raises(ScenarioError, match="assume a spread below 100%"):
        with_assumed_spread(shares, 1.0)


@pytest.mark.parametrize(
    ("value", "places", "family"),
    [
        ("0.85", {"Ratio.value"}, "lognormal"),
        ("0.85", {"StageCost.per_day"}, "lognormal"),
        ("0.85", {"Probability.value"}, "beta"),
        ("0.85", {"Ratio.value", "Probability.value"}, "beta"),
        ("0.85", {"Distribution.arguments"}, "beta"),
        ("0.85", set(), None),
        ("1", {"Ratio.value"}, "lognormal"),
        ("1", {"Entries.parts"}, None),
        ("1", {"State.utility"}, None),
        ("3", {"Test.value"}, None),
        ("30000", {"Economics.threshold"}, None),
        ("30000", {"Event.cost"}, "lognormal"),
        ("2", {"Resource.capacity"}, None),
    ],
)
def test_the_use_of_a_number_decides(value: str, places: set[str], family: str | None) -> None:
    """In the last place no number can be drawn."""
    parameters = read_parameters(f"p: {{value: {value}, status: assumed}}")
    (found,) = with_assumed_spread(parameters, 0.2, uses={"p": places})
    assert (found.drawn.family if found.drawn else None) == family


def test_the_uses_of_parameters(tmp_path: Path) -> None:
    file = tmp_path / "ward.yaml"
    file.write_text(
        "format: 1\ntitle: A ward\nhorizon: 1 year\nstates: {ill: {utility: $u}, dead: {utility: 0}}\n"
        "economics: {currency: GBP, discount: {cost: 0.03, qaly: 0.03}, convention: annual}\n"
        "parameters: {u: {value: 0.7}, hr: {value: 0.8}, p: {value: 0.6}, age: {value: 60}, other: {value: $p}}\n"
        "patients: {attributes: {age: {triangular: [18, 40, 75]}}}\n"
        "pathway:\n  start: ward\n  stages:\n    ward:\n      state: ill\n      events:\n"
        "        leave:\n"
        "          after: {exponential: {mean: 9 days}, hazard_ratios: [{when: {age: {above: $age}}, value: $hr}]}\n"
        "          to: {died: $p, ward: rest}\n"
        "        death: {chance: $other, after: {fixed: 9 days}, to: died}\n"
        "    died: {state: dead, terminal: true}\n"
    )
    assert uses(load(file, keep={"u", "hr", "p", "age"})) == {
        "u": {"State.utility"},
        "hr": {"Ratio.value"},
        "p": {"Entries.parts", "Probability.value"},
        "age": {"Test.value"},
    }
