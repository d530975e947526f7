"""What the page draws: the arms with the changes, and the base case behind them."""

from __future__ import annotations

import re

import pytest

import sim
from sim.errors import InputError
from sim.explore import drawing
from sim.explore.explorer import PATIENTS, Changed, Explorer
from sim.outcomes.results import Results
from tests.unit.explore.explored import written

CHANGED = Changed({"stay.0.1": 7.5}, {"bed.0.1": 2})


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    return Explorer.of(written(tmp_path_factory.mktemp("explored")), command=["allpath", "explore"], seed=2)


def rows(results: Results, outcome: str | None = None) -> list[str]:
    """Texts, since nan does not equal itself."""
    return [str(row) for row in results.estimates if outcome in (None, row.outcome)]


def curves_of(html: str) -> list[str]:
    return re.findall(r'<path class="curve" d="([^"]*)" fill="none" stroke="([^"]*)"', html)


def test_a_view_is_the_comparison_with_the_same_settings(explorer):
    given = ["parameters.stay.value=7.5 days", "resources.bed.capacity=2"]
    asked = sim.compare(*explorer.files, seed=2, settings=given).results
    every = {one.name for one in explorer.scenarios[0].outcomes}
    assert rows(explorer.view(CHANGED, every).results) == rows(asked)
    few = explorer.view(CHANGED, ["survival"]).results
    assert rows(few, "survival") == rows(asked, "survival")
    assert explorer.view(Changed({}, {}), []) is explorer.base


def test_the_same_patients_are_simulated(explorer):
    before, now = explorer.base.arms[0].log, explorer.view(CHANGED, []).arms[0].log
    assert before.begins.tolist() == now.begins.tolist()


def test_the_curves_of_the_base_case_stay_in_grey(explorer):
    outcome, now = explorer.outcomes[0], explorer.view(CHANGED, ["survival"])
    base = curves_of(drawing.curve(explorer.base, explorer.base, outcome))
    changed = curves_of(drawing.curve(explorer.base, now, outcome))
    grey = "#8A8A8A"
    assert [path for path, _ in changed[:2]] == [path for path, _ in base]
    assert [colour for _, colour in changed[:2]] == [grey, grey]
    assert grey not in [colour for _, colour in [*base, *changed[2:]]]
    assert [path for path, _ in changed[2:]] != [path for path, _ in base]


def test_the_headline_table_has_the_base_case_below_each_number(explorer):
    names = drawing.headline_outcomes(explorer.base)
    assert names == ["survival", "out_of_ward", "waits"]
    now = explorer.view(Changed({"stay.0.1": 6.1}, {}), names)
    assert "base case" not in drawing.headline(explorer.base, explorer.base, names=names)
    html = drawing.headline(explorer.base, now, names=names)
    assert html.count("base case") == 2 * len(names)


def test_queues_and_waits_have_the_base_case_beside_them(explorer):
    html = drawing.waits(explorer.base, explorer.view(CHANGED, []))
    assert "base case: waiting" in html
    assert html.count('<th scope="col">base case</th>') == 2
    assert "bed, wait" in html


def test_one_arm_has_its_own_table(explorer):
    alone = Explorer.of(explorer.files[:1])
    now = alone.view(Changed({"stay.0": 7.5}, {}), ["survival"])
    html = drawing.headline(alone.base, now, names=drawing.headline_outcomes(alone.base))
    assert "base case" in html


def test_a_parameter_that_stands_outside_the_pathway_has_the_results_of_a_run(tmp_path):
    """The length of follow-up: the scenario is compiled anew for it."""
    file, _ = written(tmp_path)
    text = file.read_text().replace("  always:", "  length: {value: 200 days, status: assumed}\n  always:")
    file.write_text(text.replace("  number: 200\n", "  number: 200\n  follow_up: $length\n"))
    explorer = Explorer.of([file], replications=2, seed=2)
    found = explorer.view(Changed({"length.0": 100.0}, {}), ["survival"]).results
    asked = sim.run(file, seed=2, replications=2, settings=["parameters.length.value=100 days"]).results
    assert rows(found, "survival") == rows(asked, "survival")
    assert "2 replications, 400 simulated patients, seed 2" in drawing.head(explorer)


def test_a_file_that_is_set_is_an_error(explorer, tmp_path):
    (tmp_path / "more.yaml").write_text("format: 1\n")
    with pytest.raises(InputError, match="the explorer cannot save a layer of a file that is set"):
        Explorer.of(explorer.files, settings=[str(tmp_path / "more.yaml")])


def test_the_page_of_the_comparison_names_the_changes(explorer):
    page = explorer.page(CHANGED)
    assert "<!doctype html>" in page
    assert "--set=parameters.stay.value=7.5 days" in page


def test_changes_are_listed_with_the_base_case(explorer):
    html = drawing.changes(explorer, CHANGED)
    assert re.findall(r"<td>(.*?)</td>", html) == ["6 days", "7.5 days", "1", "2"]


def test_a_larger_cohort_is_made_smaller_unless_a_number_is_asked_for(tmp_path):
    file, _ = written(tmp_path)
    text = file.read_text().replace("number: 200", "number: 20000").replace("arrive: {every: 2 days}", "")
    file.write_text(text.replace("horizon: 2 years", "horizon: 1 days"))
    assert Explorer.of([file]).base.results.reference.patients == PATIENTS
    assert Explorer.of([file], patients=6000).base.results.reference.patients == 6000
