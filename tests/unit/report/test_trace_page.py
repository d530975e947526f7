"""The page of one patient: pathways end and diverge on the days of the log, and every line of the story is there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sim.outcomes.evaluation import Arm
from sim.report.charts.marks import Lanes, Mark
from sim.report.page.arms import PageArm
from sim.report.page.page import trace_page
from sim.report.page.patient_pictures import patient_picture
from tests import example_logs as by_hand
from tests.example_logs import Patient, Row, enters, stays
from tests.unit.report.test_page import Outline

STAGES = [by_hand.stage("a", "ill"), by_hand.stage("b", "well"), by_hand.stage("dead", "dead", terminal=True)]
ONE = [enters(0, "a"), enters(5, "b", grade=2), enters(50, "dead")]
OTHER = [enters(0, "a"), enters(5, "b", grade=2), stays(30, "b.check"), enters(50, "a"), enters(70, "dead")]


def arm(name: str, rows: list[Row]) -> Arm:
    of = by_hand.scenario(STAGES, attributes=[by_hand.number("grade")])
    return Arm(
        name, of, by_hand.event_log(of, [Patient(rows)], events=["a.next", "b.check"]), by_hand.no_use(), 1, 1
    )


def marks(arms: Sequence[Arm], name: str) -> dict[str, float]:
    """The day of each mark of this name, by lane."""
    (lanes,) = patient_picture([PageArm.of(arm, arm.name, 1000.0) for arm in arms], 0).figure.parts
    assert isinstance(lanes, Lanes)
    return {
        lane.label: mark.x
        for lane in lanes.lanes
        for mark in lane.marks
        if isinstance(mark, Mark) and mark.name == name
    }


def test_two_pathways_are_marked_where_they_diverge_and_end() -> None:
    arms = [arm("now", ONE), arm("then", OTHER)]
    assert marks(arms, "paths diverge") == {"0, now": 50, "0, then": 30}
    assert marks(arms, "end") == {"0, now": 50, "0, then": 70}


def test_one_pathway_has_one_lane() -> None:
    assert marks([arm("now", ONE)], "end") == {"0": 50}


def text_of(*arms: Arm) -> str:
    text = trace_page(arms, 0, {"command": "allpath trace <it>"})
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert outline.elements["figure"] == 1
    assert "allpath trace &lt;it&gt;" in text
    return text


def rows_of(text: str, caption: str) -> int:
    return text.split(f"<caption>{caption}")[1].split("</table>")[0].count("<tr>") - 1


def test_the_page_of_two_pathways_has_every_line_of_both() -> None:
    """Two rows are common; from there on days 30, 50 and 70 and the two ends, the first of which stands on a day that has a line."""
    text = text_of(arm("now", ONE), arm("then", OTHER))
    assert "The two pathways diverge on day 30, in what happens." in text
    assert "now: the end, 50 days after the start" in text
    assert rows_of(text, "What both pathways have") == 2
    assert rows_of(text, "From the divergence, in what happens") == 5


@pytest.mark.parametrize(("n", "caption"), [(1, "What happens"), (2, "Both pathways")])
def test_equal_pathways_have_one_table(n: int, caption: str) -> None:
    text = text_of(*[arm(name, ONE) for name in ("now", "then")][:n])
    assert rows_of(text, caption) == len(ONE) + 1
    assert "the end, 50 days after the start" in text.split('<p class="answer">')[1].split("</p>")[0]
