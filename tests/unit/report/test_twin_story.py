"""A patient's two lives: what they share, where they part, and what stands beside what."""

from __future__ import annotations

import io

from rich.console import Console

from sim.outcomes.evaluation import Arm
from sim.report.text.twin_story import print_twin_story, twin_story
from tests import example_logs as by_hand
from tests.example_logs import Patient, Row, enters, stays

STAGES = [by_hand.stage("a", "ill"), by_hand.stage("b", "well"), by_hand.stage("dead", "dead", terminal=True)]


def arm(name: str, rows: list[Row]) -> Arm:
    of = by_hand.scenario(STAGES, attributes=[by_hand.number("grade")])
    log = by_hand.event_log(of, [Patient(rows)], events=["a.next", "b.check"])
    return Arm(name, of, log, by_hand.no_use(), 1, 1)


ONE = [enters(0, "a"), enters(5, "b", grade=2), enters(50, "dead")]
OTHER = [enters(0, "a"), enters(5, "b", grade=2), stays(30, "b.check"), enters(50, "a"), enters(70, "dead")]


def printed(one: list[Row], other: list[Row]) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    print_twin_story(arm("now", one), arm("then", other), 0, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_what_both_lives_have_is_told_once() -> None:
    told = twin_story(arm("now", ONE), arm("then", OTHER), 0)
    assert [line.time for line in told.common] == [0, 5]
    assert [line.time for line in told.reference] == [50, 50]
    assert [line.time for line in told.arm] == [30, 50, 70, 70]
    assert told.differs_in == "what happens"
    assert told.names == ("now", "then")


def test_lines_of_one_time_stand_beside_each_other() -> None:
    lines = printed(ONE, OTHER)
    assert lines[0] == "now and then"
    assert "The two trajectories diverge here, in what happens." in lines
    after = lines[lines.index("The two trajectories diverge here, in what happens.") :]
    days = [line.split()[0] for line in after if line[:4].strip().replace(",", "").isdigit()]
    assert days == ["30", "50", "50", "70", "70"]
    (row,) = [line for line in after if line.strip().startswith("30")]
    assert row.split(maxsplit=1)[1].startswith("check: stays in b")
    both = next(line for line in after if line.strip().startswith("50"))
    assert "leaves b, enters" in both
    assert max(map(len, lines)) <= 80


def test_two_lives_that_are_one() -> None:
    lines = printed(ONE, ONE)
    assert lines[-1] == "The two trajectories are identical."
    assert any("the end, 50 days after the start" in line for line in lines)
    assert not any("part" in line for line in lines)
