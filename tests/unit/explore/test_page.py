"""The Streamlit page without a browser: sliders, steppers, search, saving, errors."""

from __future__ import annotations

import contextlib
import json
import sys

import pytest
from streamlit.testing.v1 import AppTest

import sim
from sim.explore import page
from sim.explore.start import SCRIPT
from tests.unit.explore.explored import written


def opened(folder, monkeypatch, **options) -> AppTest:
    """The page of both scenarios."""
    return opened_of(written(folder), monkeypatch, **options)


def opened_of(paths, monkeypatch, **options) -> AppTest:
    """The page of scenario files."""
    files = list(map(str, paths))
    arguments = json.dumps({"files": files, "command": ["allpath", "explore", *files], **options})
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), arguments])
    app = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert not app.exception
    return app


@pytest.fixture
def app(tmp_path, monkeypatch) -> AppTest:
    return opened(tmp_path, monkeypatch)


def slider(app: AppTest, label: str):
    return next(one for one in app.slider if one.label == label)


def test_a_slider_changes_the_scenario_and_the_button_changes_it_back(app):
    slider(app, "stay").set_value(7.5).run()
    assert app.session_state.changed.values == {"stay.0.1": 7.5}
    slider(app, "stay").set_value(6.0).run()
    assert not app.session_state.changed
    slider(app, "stay").set_value(7.5).run()
    app.number_input[0].set_value(2).run()
    assert app.session_state.changed.capacities == {"bed.0.1": 2}
    next(one for one in app.button if one.label == "Back to the base case").click().run()
    assert not app.session_state.changed
    assert (slider(app, "stay").value, app.number_input[0].value) == (6.0, 1)
    assert not app.exception


def test_sliders_are_grouped_by_status_and_source(app, monkeypatch):
    monkeypatch.setattr(page, "FEW", 3)
    app.run()
    assert [one.label for one in app.sidebar.selectbox] == ["Status", "Source"]
    assert app.sidebar.selectbox[0].options == [
        "Assumed (4)",
        "Derived from published results (3)",
        "Published (4)",
    ]
    app.sidebar.selectbox[0].set_value("published").run()
    assert app.sidebar.selectbox[1].options == ["S-1 (4)"]
    labels = [one.label.replace("\\", "") for one in app.sidebar.slider]
    assert labels == ["first site: bm", "first site: cns", "first site: both", "comes"]


def test_a_pinned_slider_stands_above_the_results_and_keeps_its_value(app):
    slider(app, "stay").set_value(7.5).run()
    app.sidebar.multiselect[0].set_value(["stay.0.1"]).run()
    assert [(one.label, one.value) for one in app.main.slider] == [("stay", 7.5)]
    assert "stay" not in [one.label for one in app.sidebar.slider]


def test_the_layer_is_saved_where_the_user_says(app, tmp_path):
    slider(app, "stay").set_value(7.5).run()
    app.text_input[0].set_value("Longer stays")
    app.text_input[1].set_value(str(tmp_path / "longer.yaml"))
    next(one for one in app.button if one.label == "Save as a layer file").click().run()
    assert [one.value.startswith("Written to") for one in app.success] == [True]
    saved = sim.load(tmp_path / "longer.yaml")
    assert saved.title == "Longer stays"
    assert next(one.text for one in saved.parameters if one.name == "stay") == "7.5 days"


def test_no_input_is_replaced_by_a_layer(app, tmp_path):
    slider(app, "stay").set_value(7.5).run()
    app.text_input[1].set_value(str(tmp_path / "ward.yaml"))
    next(one for one in app.button if one.label == "Save as a layer file").click().run()
    assert "would replace an input" in app.error[0].value
    assert not app.success


def test_a_wrong_scenario_is_an_error_above_the_base_case(app):
    app.session_state.changed = page.Changed({"share_old.0.1": 1.5}, {})
    app.run()
    assert "1.5 is not a probability" in app.error[0].value
    assert not app.exception


def test_scenarios_that_cannot_be_compared_are_an_error(tmp_path, monkeypatch):
    _, other = written(tmp_path)
    other.write_text(other.read_text().replace("changes: {", "changes: {patients.number: 150, "))
    with contextlib.chdir(tmp_path):
        files = ["ward.yaml", "well.yaml"]
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), json.dumps({"files": files, "command": []})])
        app = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert not app.exception
    assert len(app.error) == 1


BARE = """\
format: 1
title: Nothing to move
horizon: 1 year
states: {alive: {}, dead: {}}
patients: {number: 20}
pathway:
  start: home
  stages:
    home: {state: alive, events: {death: {after: {exponential: {mean: 1 year}}, to: gone}}}
    gone: {state: dead, terminal: true}
outcomes: {dead: {ever: {state: dead}}}
"""


def test_a_scenario_without_parameters_curves_and_resources(tmp_path, monkeypatch):
    """The table of outcomes and the layer file remain."""
    (tmp_path / "bare.yaml").write_text(BARE)
    app = opened_of([tmp_path / "bare.yaml"], monkeypatch)
    captions = [one.value for one in app.sidebar.caption]
    assert captions == ["The scenario declares no parameters that are numbers."]
    assert not app.subheader
    assert not app.main.selectbox
    assert [one.label for one in app.text_input] == ["Title", "File"]


def test_arms_with_other_capacities_have_a_stepper_each(tmp_path, monkeypatch):
    """Its label names the arm; set back to its capacity it is no change."""
    ward, well = written(tmp_path)
    text = ward.read_text().replace("  always: {value: 1, status: assumed}\n", "")
    ward.write_text(text.replace("chance: $always, ", ""))
    well.write_text(well.read_text().replace("changes: {", "changes: {resources.bed.capacity: 3, "))
    app = opened_of([ward, well], monkeypatch)
    assert [one.label for one in app.number_input] == [
        "bed, units (A ward with one bed)",
        "bed, units (Well more often)",
    ]
    assert not [one.value for one in app.sidebar.caption if "Without a slider" in one.value]
    app.number_input[1].set_value(4).run()
    assert app.session_state.changed.capacities == {"bed.1": 4}
    app.number_input[1].set_value(3).run()
    assert not app.session_state.changed


def test_a_capacity_that_changes_has_no_stepper(tmp_path, monkeypatch):
    app = opened(tmp_path, monkeypatch, settings=["resources.bed.capacity={0 days: 1, 1 years: 2}"])
    assert len(app.number_input) == 0
    assert app.subheader[0].value == "Waits and resources"
