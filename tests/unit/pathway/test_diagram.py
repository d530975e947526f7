"""The diagram: nodes by kind, arrows by what leads along them, labels that nothing can break."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.pathway.diagram import mermaid
from sim.scenario import load

ROOT = Path(__file__).parents[3]
SCENARIO = """\
format: 1
title: 'A "ward" # 1'
horizon: 2 years
states: {alive: {}, dead: {}}
patients: {number: 40, attributes: {grade: 1, sick: true}}
clocks:
  old_age: {after: {exponential: {mean: 9 years}}, to: dead}
  worse:
    in: [ward, home]
    after: {exponential: {mean: 50 days}}
    to: [{when: {stage: home}, to: ward}, {to: stay}]
  cough: {in: [ward], after: {exponential: {mean: 50 days}}, to: stay}
pathway:
  start: triage
  on_start: [{start: [old_age, worse, cough]}]
  stages:
    triage:
      decide:
        - {name: is_sick, when: {sick: true}, to: {ward: 0.9, home: rest}}
        - {when: {any: [{grade: 2}, {grade: {above: 3}}]}, to: ward}
        - {to: home}
    ward:
      label: 'the <b>ward</b> & `bed` #1 "x"'
      state: alive
      needs: bed
      events:
        dose: {every: {fixed: 2 days}, to: stay}
        home:
          after: {exponential: {mean: 20 days}}
          to: {home: {by: sick, true: 0.2, false: 0.3}, stay: rest}
        death: {after: {exponential: {mean: 90 days}}, to: dead}
      while_waiting:
        gives_up: {after: {exponential: {mean: 9 days}}, to: home}
    home: {events: {death: {after: {exponential: {mean: 1 year}}, to: dead}}}
    dead: {state: dead, terminal: true}
resources: {bed: {capacity: 3}}
outcomes: {overall_survival: {from: start, until: {state: dead}}}
"""


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    file = tmp_path / "ward.yaml"
    file.write_text(SCENARIO)
    return [line.strip() for line in mermaid(load(file)).splitlines()]


def test_the_head(lines: list[str]) -> None:
    assert lines[:5] == ["---", 'title: "A \\"ward\\" # 1"', "---", "flowchart TD", 'start(("start"))']


def test_a_node_by_kind(lines: list[str]) -> None:
    assert lines[5:9] == [
        's0{"triage"}',
        's1["the #lt;b#gt;ward#lt;/b#gt; #amp; #96;bed#96; #35;1 #quot;x#quot;<br/>needs bed"]',
        's2["home"]',
        's3(["dead"])',
    ]


def test_a_decision_leads_by_its_rules(lines: list[str]) -> None:
    assert [line for line in lines if line.startswith(("start -", "s0 -"))] == [
        "start --> s0",
        's0 -->|"is_sick: 90%<br/>grade is 2 or grade is above 3"| s1',
        's0 -->|"is_sick: 10%<br/>otherwise"| s2',
    ]


def test_events_lead_on_and_what_stays_is_left_out(lines: list[str]) -> None:
    assert [line for line in lines if line.startswith("s1 --")] == [
        's1 -->|"home<br/>gives_up (waiting)"| s2',
        's1 -->|"death"| s3',
    ]


def test_a_clock_is_dashed_and_only_where_its_rule_can_hold(lines: list[str]) -> None:
    assert [line for line in lines if "-.->" in line] == ["c0 -.-> s3", 's2 -.->|"worse"| s1']
    assert 'c0{{"old_age<br/>from any stage"}}' in lines
    assert not [line for line in lines if "cough" in line or line.startswith("c1{{")]


NODE = r'(?:start\(\("start"\)\)|s\d+(?:\["[^"\n]+"\]|\{"[^"\n]+"\}|\(\["[^"\n]+"\]\))|c\d+\{\{"[^"\n]+"\}\})'
ARROW = r'(?:start|[sc]\d+) (?:-->|-\.->)(?:\|"[^"\n]+"\|)? s\d+'


SHIPPED = sorted(file for file in (ROOT / "scenarios").glob("*.yaml") if file.stem != "sources")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_line_of_a_shipped_scenario_is_a_node_or_an_arrow_between_nodes(file: Path) -> None:
    scenario = load(file)
    lines = [line.strip() for line in mermaid(scenario).splitlines()][4:]
    wrong = [line for line in lines if not re.fullmatch(f"{NODE}|{ARROW}", line)]
    assert wrong == []
    nodes = {re.match(r"\w+", line)[0] for line in lines if re.fullmatch(NODE, line)}  # type: ignore[index]
    arrows = [line for line in lines if re.fullmatch(ARROW, line)]
    assert {end for line in arrows for end in (line.split()[0], line.split()[-1])} == nodes
    assert len(nodes) >= len(scenario.stages) + 1
