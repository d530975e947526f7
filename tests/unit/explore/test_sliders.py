"""Sliders: their ranges against formulas, and what a moved one changes."""

from __future__ import annotations

from math import exp, sqrt

import pytest
from scipy import stats

import sim
from sim.explore.sliders import Controls, changes, controls, settings, sum_to_one
from tests.unit.explore.explored import written


@pytest.fixture
def files(tmp_path):
    return written(tmp_path)


@pytest.fixture
def found(files) -> Controls:
    return controls([sim.load(files[0])])


def slider_of(of: Controls, name: str, key: str = ""):
    return next(one for one in of.sliders if (one.parameter.name, one.key) == (name, key))


RANGES = {
    ("comes", ""): (10 * exp(-1.959964 * 0.3), 10 * exp(1.959964 * 0.3)),
    ("p_well", ""): tuple(stats.beta(60, 40).ppf([0.025, 0.975])),
    ("deaths", ""): tuple(stats.gamma(16, scale=0.1 / 4).ppf([0.025, 0.975])),  # shape (mean / sd)^2
    ("stay", ""): (6 - 1.959964, 6 + 1.959964),
    ("leaves", ""): (
        20 + sqrt(0.025 * 40 * 20),
        60 - sqrt(0.025 * 40 * 20),
    ),  # F = (t - a)^2 / ((b - a)(c - a))
    ("first_site", "cns"): tuple(stats.beta(20, 80).ppf([0.025, 0.975])),  # the margin of a Dirichlet
    ("shape", ""): (2, 6),  # half to double, whole numbers within
    ("share_old", ""): (0.15, 1),
}


@pytest.mark.parametrize(("name", "key"), RANGES)
def test_a_slider_has_the_95_percent_range_in_its_own_unit(found, name, key):
    one = slider_of(found, name, key)
    low, high = RANGES[name, key]
    assert low <= one.low + 1e-9 < low + one.step + 2e-9
    assert high >= one.high - 1e-9 > high - one.step - 2e-9
    assert one.is_stated == (name not in ("shape", "share_old"))


def test_the_value_is_a_position_of_its_slider(found):
    for one in found.sliders:
        positions = (one.value - one.low) / one.step
        assert positions == pytest.approx(round(positions), abs=1e-6)
        assert 2 <= (one.high - one.low) / one.step <= 400


def test_an_uncertainty_that_never_varies_states_no_range(files):
    """Half to double, as without an uncertainty."""
    text = (
        files[0].read_text().replace("{normal: {mean: 6 days, sd: 1 days}}", "{empirical: [6 days, 6 days]}")
    )
    files[0].write_text(text)
    one = slider_of(controls([sim.load(files[0])]), "stay")
    assert (one.low, one.value, one.high, one.is_stated) == (3.0, 6.0, 12.0, False)


def test_what_has_no_slider_is_named(found):
    assert [one.name for one in found.others] == ["always"]
    assert [(one.resource, one.capacity) for one in found.steppers] == [("bed", 1)]


def test_arms_share_a_slider_where_they_agree_and_only_there(files):
    both = controls([sim.load(file) for file in files])
    arms = {(one.id, one.arms) for one in both.sliders if one.parameter.name in ("p_well", "stay")}
    assert arms == {("stay.0.1", (0, 1)), ("p_well.0", (0,)), ("p_well.1", (1,))}
    moved = {"p_well.1": 0.7, "stay.0.1": 7.0}
    assert changes(both, moved, {}, arm=0) == {"parameters.stay.value": "7 days"}
    assert changes(both, moved, {}, arm=1) == {
        "parameters.stay.value": "7 days",
        "parameters.p_well.value": 0.7,
    }


def test_other_parts_of_a_vector_keep_their_proportions():
    parts = {"bm": 0.7, "cns": 0.2, "both": 0.1}
    assert sum_to_one(parts, {"cns": 0.6}) == pytest.approx({"bm": 0.35, "cns": 0.6, "both": 0.05})
    assert sum_to_one(parts, {"bm": 0.9, "cns": 0.6}) == pytest.approx(
        {"bm": 0.9 / 1.6, "cns": 0.6 / 1.6, "both": 0.1 / 1.6}
    )


def test_changes_are_settings_of_the_scenario(files, found):
    moved = {"first_site.cns.0": 0.6, "deaths.0": 0.52, "comes.0": 12.34, "shape.0": 4.0}
    given = settings(changes(found, moved, {"bed.0": 3}, arm=0))
    loaded = sim.load(files[0], settings=given)
    texts = {one.name: one.text for one in loaded.parameters}
    assert (texts["deaths"], texts["comes"], texts["shape"]) == ("0.52 per year", "12.34 days", "4")
    assert texts["first_site"] == "{bm: 0.35, cns: 0.6, both: 0.05}"
    assert loaded.resources[0].capacity == ((0.0, 3),)
