"""The saved layer: it gives the numbers of the page, and its uncertainties are centred on its values."""

from __future__ import annotations

import pytest

import sim
from sim.explore.explorer import Changed, Explorer
from sim.explore.layer import layer
from sim.files import path_from
from sim.uncertainty.marginals import check_centres
from tests.unit.explore.explored import written

MOVED = {
    "first_site.cns.0": 0.27,
    "comes.0": 16.0,
    "p_well.0": 0.52,
    "deaths.0": 0.55,
    "stay.0": 7.5,
    "leaves.0": 55.0,
    "shape.0": 2.0,
}


@pytest.fixture
def saved(tmp_path):
    """An explorer of one scenario, with everything moved, and the layer saved in another folder."""
    file, _ = written(tmp_path)
    explorer = Explorer.of([file], seed=3, settings=["patients.number=150", "parameters.shape.value=5"])
    changed = Changed(MOVED, {"bed.0": 2})
    target = tmp_path / "layers" / "moved.yaml"
    target.parent.mkdir()
    text = layer(
        explorer.scenarios[0],
        explorer.request.settings,
        explorer.changes(changed, 0),
        based_on=path_from(target, file),
        title="Moved",
    )
    target.write_text(text)
    return explorer, changed, target


def test_a_run_of_the_layer_gives_the_numbers_of_the_page(saved):
    explorer, changed, target = saved
    of_layer = sim.run(target, seed=3)
    assert of_layer.scenario.title == "Moved"
    names = [one.name for one in explorer.outcomes]
    found, asked, base = (
        list(map(str, results.estimates))  # nan does not equal itself
        for results in (of_layer.results, explorer.view(changed, names).results, explorer.base.results)
    )
    assert found == asked
    assert found != base


def test_a_gamma_keeps_its_shape_and_a_list_of_values_is_named_in_a_comment(tmp_path):
    file, _ = written(tmp_path)
    text = file.read_text().replace("sd: 0.1 per year", "shape: 16")
    file.write_text(
        text.replace("{normal: {mean: 6 days, sd: 1 days}}", "{empirical: [4 days, 6 days, 8 days]}")
    )
    changes = {"parameters.deaths.value": "0.6 per year", "parameters.stay.value": "7 days"}
    found = layer(sim.load(file), [], changes, based_on=file, title="Moved")
    assert found.startswith("# The uncertainty of stay is that of the base case.\n")
    (tmp_path / "moved.yaml").write_text(found)
    written_as = {
        one.name: (one.text, one.uncertainty) for one in sim.load(tmp_path / "moved.yaml").parameters
    }
    assert written_as["deaths"] == ("0.6 per year", "{gamma: {shape: 16}}")
    assert written_as["stay"] == ("7 days", "{empirical: [4 days, 6 days, 8 days]}")


def test_every_uncertainty_is_centred_on_the_value_of_the_layer(saved):
    """Where it is not, drawing the parameters is an error."""
    *_, target = saved
    scenario = sim.load(target)
    check_centres(scenario.parameters)
    written_as = {one.name: one.uncertainty for one in scenario.parameters}
    assert written_as == {
        "first_site": "{dirichlet: {n: 100}}",
        "comes": "{lognormal: {sigma: 0.3}}",
        "p_well": "{beta: {n: 100}}",
        "deaths": "{gamma: {sd: 0.1 per year}}",
        "stay": "{normal: {sd: 1 days}}",
        "leaves": "{triangular: [35 days, 55 days, 75 days]}",
        "shape": "",
        "share_old": "",
        "always": "",
    }
