"""The page of a sweep: what its lines and tables show, and that texts are escaped."""

from __future__ import annotations

from math import nan
from pathlib import Path

import pytest

from sim.outcomes.results import Results
from sim.report.charts.marks import Lanes, Mark, Panel
from sim.report.charts.sweep import Line, Point, sweep
from sim.report.page.document import Picture
from sim.report.page.page import sweep_page
from sim.report.page.sweep_page import one_more_section, outcome_sections
from sim.report.tables.sweep_table import raised
from tests.example_runs import OVERLOAD, QUEUE
from tests.unit.report.test_sweep_table import swept


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep")


def of_queue(folder: Path, *over: str, one_more: bool = False) -> Results:
    return swept(folder, QUEUE, over, one_more=one_more, replications=3)


def pictures(items: object) -> list[Picture]:
    assert isinstance(items, tuple)
    return [item for item in items if isinstance(item, Picture)]


def test_each_outcome_has_a_line_for_each_value_of_the_second_path(folder: Path) -> None:
    results = of_queue(folder, "resources.bed.capacity=4,2,3", "horizon=1 years,2 years")
    sections = list(outcome_sections(results))
    outcomes = [one for one in results.reference.outcomes if one.kind not in ("attribute", "burden")]
    assert {one.name for one in outcomes} <= {section.name for section in sections}
    for section in sections:
        (picture,) = pictures(section.items)
        (panel,) = picture.figure.parts
        assert [line.name for line in panel.curves] == ["horizon 1 years", "horizon 2 years"]
        assert len(picture.numbers[0].rows) == len(results.arms)
    cell, name = "resources.bed.capacity=3, horizon=1 years", sections[0].name
    (panel,) = pictures(sections[0].items)[0].figure.parts
    line = panel.curves[0]
    points = [point for point in panel.points if point.name == line.name]
    assert list(line.x) == sorted(line.x), "the line runs from the smallest value to the largest"
    at = list(line.x).index(3.0)
    outcome = results.reference.outcome(name)
    assert outcome is not None
    key = outcome.description.headline
    row = results.estimates.find(name, key.measure, arm=cell, part=key.part, time_days=key.time)
    assert row is not None
    assert line.y[at] == points[at].y == row.estimate
    assert (points[at].low, points[at].high) == (row.low, row.high)


@pytest.mark.parametrize(
    ("at", "places", "title"),
    [
        (("0.5", "1"), [0.5, 1.0], "path"),
        (("28 days", "2 years"), [28.0 / 365.25, 2.0], "path, years"),
        (("one", "2"), [0.0, 1.0], "path"),
    ],
)
def test_values_stand_where_their_size_is(at: tuple[str, str], places: list[float], title: str) -> None:
    line = Line("it", tuple(Point(text, 0.5, nan, nan) for text in at))
    (panel,) = sweep([line], over="path", unit="share", is_share=True, base_case=nan).parts
    assert isinstance(panel, Panel)
    assert list(panel.curves[0].x) == places
    assert panel.x.title == title
    assert len(panel.x.ticks) == 2


def test_one_more_unit_is_a_forest_for_each_effect(folder: Path) -> None:
    results = of_queue(folder, one_more=True)
    found = pictures(one_more_section(results).items)
    assert {picture.name for picture in found} <= {"waiting_days", "lost_waiting", "life_years"}
    assert len(found) >= 2
    (lanes,) = found[0].figure.parts
    assert isinstance(lanes, Lanes)
    (mark,) = [mark for mark in lanes.lanes[0].marks if isinstance(mark, Mark)]
    (cell,) = results.arms[1:]
    assert raised(cell) == ("resources.bed.capacity", "2")
    pairs = results.differences.where(outcome="waiting_days", reference=results.reference.name)
    assert mark.x == pytest.approx(-100 * next(iter(pairs)).difference)


def test_the_page_is_complete_and_its_texts_are_escaped(folder: Path) -> None:
    results = of_queue(folder, "title=a</script><b>,two")
    text = sweep_page(results, {"command": "allpath sweep <x>"}, one_more=False)
    assert text.rstrip().endswith("</html>")
    assert "allpath sweep &lt;x&gt;" in text
    assert "a</script><b>" not in text


def test_a_sweep_without_outcomes_has_no_answer(folder: Path) -> None:
    text = QUEUE[: QUEUE.index("outcomes:")]
    results = swept(folder, text, ["horizon=1 years,2 years"])
    assert '<p class="answer">No outcome is one number.</p>' in sweep_page(results, {}, one_more=False)


def test_the_answer_is_no_wait_in_a_queue_that_does_not_settle(folder: Path) -> None:
    results = swept(folder, OVERLOAD, ["resources.server.capacity=1,3"], replications=3)
    text = sweep_page(results, {}, one_more=False)
    assert '<p class="answer">served: ' in text
    assert f'<p class="caution">Note: {results.notes[0]}.</p>' in text
