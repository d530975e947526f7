"""The page of a sweep: what its lines and tables say, and that texts are texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from sim.report.page.parts import Picture

from sim.report.charts.sweep import Line, Point, sweep
from sim.report.page.sweep_page import one_more_section, outcome_sections, page_of_sweep
from sim.runs.request import RunRequest
from sim.runs.sweep import Sweep, carry_out, variations
from tests.simulated import OVERLOAD, QUEUE


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sweep") / "queue.yaml"
    file.write_text(QUEUE)
    return file


def swept(file: Path, *over: str, one_more: bool = False) -> Sweep:
    asked = RunRequest(file, replications=3)
    varied = variations(asked, over, (), one_more=one_more)
    return carry_out(asked, varied, outcomes=(), step=lambda name: None, share=lambda share: None)


def pictures(items: object) -> list[Picture]:
    assert isinstance(items, tuple)
    return [item for item in items if isinstance(item, Picture)]


def test_each_outcome_has_a_line_for_each_value_of_the_second_path(file: Path) -> None:
    over = ("resources.bed.capacity=2,3,4", "horizon=1 years,2 years")
    told = swept(file, *over).table
    sections = list(outcome_sections(told))
    assert len(sections) == len(told["cells"][told["reference"]]["outcomes"])
    for section in sections:
        (picture,) = pictures(section.items)
        lines = [trace for trace in picture.figure.data if trace.mode == "lines+markers"]
        assert [line.name for line in lines] == ["horizon 1 years", "horizon 2 years"]
        assert len(picture.numbers.rows) == len(told["cells"])
    cell = told["cells"]["resources.bed.capacity=3, horizon=1 years"]["outcomes"]
    name = next(iter(cell))
    first = pictures(sections[0].items)[0].figure.data[0]
    at = list(first.x).index(3.0)
    assert first.y[at] == cell[name]["estimate"]
    assert first.y[at] + first.error_y.array[at] == pytest.approx(cell[name]["interval"][1])
    assert first.y[at] - first.error_y.arrayminus[at] == pytest.approx(cell[name]["interval"][0])


@pytest.mark.parametrize(
    ("at", "places", "title"),
    [
        (("0.5", "1"), [0.5, 1.0], "path"),
        (("28 days", "2 years"), [28.0 / 365.25, 2.0], "path, years"),
        (("one", "2"), ["one", "2"], "path"),
    ],
)
def test_values_stand_where_their_size_is(at: tuple[str, str], places: list[object], title: str) -> None:
    line = Line("it", tuple(Point(text, 0.5, None) for text in at))
    figure = sweep([line], over="path", unit="share", is_share=True, as_it_stands=None)
    assert list(figure.data[0].x) == places
    assert figure.layout.xaxis.title.text == title


def test_one_unit_more_is_a_forest_for_each_effect(file: Path) -> None:
    told = swept(file, one_more=True).table
    found = pictures(one_more_section(told).items)
    assert {picture.name for picture in found} <= {"waiting_days", "lost_waiting", "life_years"}
    assert len(found) >= 2
    marks = next(trace for trace in found[0].figure.data if trace.mode == "markers")
    (cell,) = [of for name, of in told["cells"].items() if name != told["reference"]]
    assert marks.x[0] == pytest.approx(-100 * cell["burden"]["waiting_days"]["difference"]["difference"])


def test_the_page_is_whole_and_its_texts_are_texts(file: Path) -> None:
    done = swept(file, "title=a</script><b>,two")
    text = page_of_sweep(done.table, {"command": "allpath sweep <x>"}, is_one_more=False)
    assert text.rstrip().endswith("</html>")
    assert "allpath sweep &lt;x&gt;" in text
    assert "a</script><b>" not in text


def test_the_page_answers_with_no_wait_in_a_queue_that_does_not_settle(tmp_path: Path) -> None:
    file = tmp_path / "over.yaml"
    file.write_text(OVERLOAD)
    told = swept(file, "resources.server.capacity=1,3").table
    text = page_of_sweep(told, {}, is_one_more=False)
    assert '<p class="answer">served: ' in text
    assert f'<p class="caution">Note: {told["notes"][0]}.</p>' in text
