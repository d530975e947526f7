"""The spread assumed for parameters without uncertainty."""

import math

import pytest

from sim.errors import ScenarioError
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
        found[name] for name in ("known", "other", "none", "ages", "agent")
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
