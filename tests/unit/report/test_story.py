"""A patient's story: each kind of row in words, what changed, how it ends."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sim.engine.run import simulate
from sim.event_log.log import WAITS_FOR
from sim.pathway.tables import compile_pathway
from sim.report.text.story import Line, Story, print_story, story
from sim.scenario import load
from sim.scenario.language import model as m
from tests import example_logs as hand

ROOT = Path(__file__).parents[3]
EVENTS = ("a.next", "a.dose", "ward.gives_up", "ward.home", "clock.old_age")


def ward() -> m.Scenario:
    need = m.Need(None, "bed", hand.HERE)
    stages = [
        hand.stage("a", "sick"),
        hand.stage("choice", decision=True),
        replace(hand.stage("ward", "sick", needs=[need]), label="Ward of the hospital"),
        replace(hand.stage("home", "well"), label="Home"),
        hand.stage("dead", "dead", terminal=True),
    ]
    attributes = [hand.number("grade"), hand.yes_no("fit"), hand.category("csf", "cns1", "cns2")]
    scenario = hand.scenario(stages, attributes=attributes, resources=[hand.resource("bed")])
    old_age = m.Event(
        "old_age",
        m.Distribution("fixed", {"value": 1.0}, hand.HERE),
        False,
        None,
        None,
        (),
        m.Goto("dead", hand.HERE),
        False,
        None,
        None,
        None,
        hand.HERE,
    )
    return replace(scenario, clocks=(old_age,))


def told(rows: Sequence[hand.Row], *others: hand.Patient, index: int = 0, **fields: object) -> Story:
    scenario = ward()
    patients = [hand.Patient(rows, **fields), *others]  # type: ignore[arg-type]
    log = hand.event_log(scenario, patients, events=EVENTS, rules=("fits",), stamps=("dosed",))
    return story(log, scenario, index)


def test_a_life_through_a_wait_that_ends_with_a_grant() -> None:
    found = told(
        [
            hand.enters(0, "a"),
            hand.stays(2, "a.dose", grade=2.0, csf="cns2", dosed=2.0),
            hand.enters(10.5, "choice", "a.next"),
            hand.asks(10.5, "ward", "decide", bed=WAITS_FOR),
            hand.granted(14, "ward", grade=3.0),
            hand.enters(20, "home", "ward.home", fit=True),
        ],
        start={"fit": False, "grade": 0.5},
    )
    assert found.at_start == "grade 0.5, fit: no, csf cns1"
    assert found.lines == (
        Line(0, "enters a", "state sick"),
        Line(2, "dose: stays in a", "grade 0.5 -> 2; csf cns1 -> cns2; stamps dosed"),
        Line(10.5, "next: after 10.5 days leaves a, enters choice"),
        Line(10.5, "decision choice: waits for bed to enter ward (Ward of the hospital)"),
        Line(
            14,
            "resources granted after 3.5 days: enters ward (Ward of the hospital)",
            "grade 2 -> 3",
        ),
        Line(20, "home: after 6 days leaves ward, enters home", "fit: no -> yes; state sick -> well"),
    )
    assert found.end == Line(1000, "end of follow-up, in home")


def test_a_wait_that_ends_without_a_grant() -> None:
    found = told(
        [
            hand.enters(0, "a"),
            hand.asks(5, "ward", bed=WAITS_FOR),
            hand.stays(6, "a.dose", grade=1.0),
            hand.leaves(8.25, "ward"),
            hand.enters(8.25, "dead", "ward.gives_up"),
        ]
    )
    assert [line.text for line in found.lines[1:]] == [
        "next: after 5 days leaves a, waits for bed to enter ward (Ward of the hospital)",
        "dose: continues to wait",
        "leaves the queue for ward (Ward of the hospital) after 3.2 days",
        "gives_up: enters dead",
    ]
    assert found.end == Line(8.25, "the end, 8.2 days after the start")


def test_what_is_waited_for_is_what_the_patient_needs_and_lacks(tmp_path: Path) -> None:
    """Of three needs one is only of the fit, who alone waits for it; nobody else's wait is told so."""
    file = tmp_path / "ward.yaml"
    file.write_text("""\
format: 1
title: Needs that differ
horizon: 9 days
states: {sick: {}, dead: {}}
patients: {number: 12, attributes: {fit: {bernoulli: 0.5}}}
pathway:
  start: ward
  stages:
    ward:
      state: sick
      needs: [bed, {when: {fit: true}, resource: nurse}]
      events: {death: {after: {fixed: 20 days}, to: dead}}
    dead: {state: dead, terminal: true}
resources: {bed: {capacity: 1, open: [tuesday]}, nurse: {capacity: 1}}
""")
    scenario = load(file)
    log = simulate(compile_pathway(scenario), seed=1).log
    told = {index: story(log, scenario, index) for index in range(12)}
    needs = {one.at_start: one.lines[0].text for one in told.values()}
    assert needs == {
        "fit: no": "waits for bed to enter ward",
        "fit: yes": "waits for bed and nurse to enter ward",
    }


def test_who_still_waits_at_the_horizon() -> None:
    for last in ([], [hand.stays(900, "a.dose")]):
        found = told([hand.asks(0, "ward", bed=WAITS_FOR), *last])
        assert found.lines[0].text == "waits for bed to enter ward (Ward of the hospital)"
        assert found.end == Line(1000, "end of follow-up, waiting for ward (Ward of the hospital)")


def test_who_stays_to_the_horizon() -> None:
    found = told([hand.enters(0, "a"), hand.stays(2, "a.dose")])
    assert found.end.text == "end of follow-up, in a"


def test_clocks_and_rules_are_named() -> None:
    found = told([hand.enters(0, "a"), hand.enters(730.5, "dead", "clock.old_age", rule="fits")])
    assert found.lines[-1].text == "clock old_age: after 2 years leaves a, enters dead, by the rule fits"


def test_a_stay_of_minutes_is_less_than_a_tenth_of_a_day() -> None:
    found = told([hand.enters(0, "a"), hand.enters(0.02, "home")])
    assert "after less than 0.1 days leaves a, enters home" in found.lines[-1].text


def test_what_is_changed_back_at_once_is_not_told() -> None:
    scenario = ward()
    log = hand.event_log(scenario, [hand.Patient([hand.enters(0, "a")])], events=EVENTS)
    there_and_back = replace(
        log,
        change_of=hand.np.array([0, 3]),
        change_what=hand.np.array([0, 0, 2], hand.np.int16),
        change_value=hand.np.array([4.0, 0.0, 1.0]),
    )
    assert story(there_and_back, scenario, 0).lines[0].changes == "csf cns1 -> cns2; state sick"


def test_the_patient_is_named_as_the_log_numbers_it() -> None:
    here = [hand.enters(0, "a")]
    second = hand.Patient(here, replication=1, begins=12.25)
    assert told(here).patient == "Patient 0"
    assert told(here, second, index=1).patient == (
        "Patient 0 of replication 1, who starts on day 12.2 of the calendar"
    )
    assert told(here, hand.Patient(here, start={"fit": True}), index=1).at_start == (
        "grade 0, fit: yes, csf cns1"
    )


def test_print_dates_a_moment_once() -> None:
    scenario = ward()
    rows = [
        hand.enters(0, "a"),
        hand.enters(730.5, "choice", "a.next"),
        hand.enters(730.5, "home", "decide", csf="cns2"),
    ]
    log = hand.event_log(scenario, [hand.Patient(rows)], events=EVENTS)
    page = io.StringIO()
    print_story(log, scenario, 0, Console(file=page, width=80))
    assert page.getvalue() == (
        "By hand\n"
        "Patient 0\n"
        "At the start: grade 0, fit: no, csf cns1\n"
        "\n"
        "    day 0  0.00 years  enters a\n"
        "                       state sick\n"
        "day 730.5  2.00 years  next: after 2 years leaves a, enters choice\n"
        "                       decision choice: enters home\n"
        "                       csf cns1 -> cns2; state sick -> well\n"
        "day 1,000  2.74 years  end of follow-up, in home\n"
    )


@pytest.mark.parametrize("file", ["scenarios/populations/cns_combined.yaml", "benchmarks/q8.yaml"])
def test_every_patient_of_a_shipped_scenario_has_a_story(file: str) -> None:
    settings = ["patients.number=100"] if "q8" not in file else ["patients.arrive.for=200 days"]
    scenario = load(ROOT / file, settings=settings)
    log = simulate(compile_pathway(scenario)).log
    for index in range(log.n_patients):
        found = story(log, scenario, index)
        assert len(found.lines) == log.row_of[index + 1] - log.row_of[index]
        assert found.end.time == log.ends[index]


def test_the_wait_of_a_patient_on_the_list_of_day_0_counts_from_the_asking(tmp_path: Path) -> None:
    """One slot, 7 days each: who has waited 30 days is second, and is served after 37."""
    (tmp_path / "today.csv").write_text("waiting_for,days_waiting\nsurgery,40\nsurgery,30\n")
    file = tmp_path / "a.yaml"
    file.write_text(
        "format: 1\ntitle: T\nhorizon: 60 days\npatients: {number: 2, from_file: today.csv}\n"
        "pathway:\n  start: surgery\n  stages:\n"
        "    surgery: {needs: slot, events: {done: {after: {fixed: 7 days}, to: gone}}}\n"
        "    gone: {terminal: true}\nresources: {slot: {capacity: 1}}\n"
    )
    scenario = load(file)
    log = simulate(compile_pathway(scenario), seed=1).log
    texts = [line.text for line in story(log, scenario, 1).lines]
    assert "waits for slot to enter surgery, for 30 days already" in texts
    assert any(text.startswith("resources granted after 37 days") for text in texts)
