"""The diagram: nodes by kind, arrows by what leads along them, labels that nothing can break."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.pathway.diagram import mermaid
from sim.scenario import load
from tests.shipped import PUBLISHED, SHAPES

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
    head = [lines[0], lines[1], *lines[3:6]]
    assert head == ["---", 'title: "A \\"ward\\" # 1"', "---", "flowchart TD", 'start(("start"))']
    assert lines[2].startswith("config: {flowchart: {")


def test_a_node_by_kind_with_what_is_told_in_it(lines: list[str]) -> None:
    assert lines[6:10] == [
        's0{{"triage"}}',
        's1["the #lt;b#gt;ward#lt;/b#gt; #amp; #96;bed#96; #35;1 #quot;x#quot;<br/>needs bed"]',
        's2["home<br/>worse, to the #lt;b#gt;ward#lt;/b#gt; #amp; #96;bed#96; #35;1 #quot;x#quot;"]',
        's3(["dead<br/>old_age from any stage"])',
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
    assert not [line for line in lines if "cough" in line]


def chain(tmp_path: Path, stages: int, clock: str, last: str = "{}") -> list[str]:
    """The diagram of stages in a row, the last of them terminal, with one clock."""
    steps = "".join(
        f"    a{i}: {{state: alive, events: {{on: {{after: {{fixed: 1 days}}, to: a{i + 1}}}}}}}\n"
        for i in range(stages - 1)
    )
    file = tmp_path / "chain.yaml"
    file.write_text(f"""\
format: 1
title: A chain
horizon: 2 years
states: {{alive: {{}}, dead: {{}}}}
patients: {{number: 40, attributes: {{grade: 1}}}}
clocks: {{bell: {{{clock}}}}}
pathway:
  start: a0
  on_start: [{{start: bell}}]
  stages:
{steps}    a{stages - 1}: {{state: dead, terminal: true}}
outcomes: {{overall_survival: {{from: start, until: {{state: dead}}}}}}
""")
    return [line.strip() for line in mermaid(load(file)).splitlines()]


@pytest.mark.parametrize(
    ("rings_in", "told"),
    [
        ("[a1, a2]", ['s1 -.->|"bell"| s4', 's2 -.->|"bell"| s4']),
        ("[a0, a1, a2]", ['s4["a4<br/>bell from 3 stages"]']),
    ],
)
def test_a_clock_is_dashed_from_few_stages_and_told_where_it_leads_from_many(
    rings_in: str, told: list[str], tmp_path: Path
) -> None:
    lines = chain(tmp_path, 7, f"in: {rings_in}, after: {{fixed: 9 days}}, to: a4")
    assert [line for line in lines if "bell" in line] == told


def test_a_way_far_ahead_or_back_is_told_where_it_begins(tmp_path: Path) -> None:
    def told(begin: str, end: str) -> list[str]:
        lines = chain(tmp_path, 12, f"in: [{begin}], after: {{fixed: 9 days}}, to: {end}")
        return [line for line in lines if "bell" in line]

    assert told("a1", "a9") == ['s1 -.->|"bell"| s9']
    assert told("a1", "a10") == ['s1["a1<br/>bell, to a10"]']
    assert told("a5", "a5") == ['s5["a5<br/>bell, to a5"]']
    assert told("a5", "a4") == ['s5["a5<br/>bell, to a4"]']


def test_a_stage_where_nobody_can_come_is_left_out() -> None:
    """In the academic setting no CNS disease bars infusion, in the commercial one CNS3 does."""
    told = {
        name: mermaid(load(ROOT / "scenarios" / f"{name}.yaml"))
        for name in ("cn_academic", "uk_us_commercial")
    }
    assert "until the CSF allows infusion" in told["uk_us_commercial"]
    assert "until the CSF allows infusion" not in told["cn_academic"]


NODE = r'(?:start\(\("start"\)\)|s\d+(?:\["[^"\n]+"\]|\{\{"[^"\n]+"\}\}|\(\["[^"\n]+"\]\)))'
ARROW = r'(?:start|s\d+) (?:-->|-\.->)(?:\|"[^"\n]+"\|)? s\d+'


@pytest.mark.parametrize("file", [*SHAPES, *PUBLISHED], ids=lambda file: file.stem)
def test_every_line_of_a_shipped_scenario_is_a_node_or_an_arrow_between_nodes(file: Path) -> None:
    scenario = load(file)
    lines = [line.strip() for line in mermaid(scenario).splitlines()][5:]
    wrong = [line for line in lines if not re.fullmatch(f"{NODE}|{ARROW}", line)]
    assert wrong == []
    nodes = {re.match(r"\w+", line)[0] for line in lines if re.fullmatch(NODE, line)}  # type: ignore[index]
    arrows = [line for line in lines if re.fullmatch(ARROW, line)]
    assert {end for line in arrows for end in (line.split()[0], line.split()[-1])} <= nodes
    assert len(nodes) >= 0.5 * len(scenario.stages)  # some layers reach fewer
    assert len(arrows) <= max(20, 1.5 * len(nodes))  # what fits a page


@pytest.mark.parametrize(
    ("needs", "text"),
    [
        ("bed", "needs bed"),
        ("{resource: bed, units: 2}", "needs 2 of bed"),
        ("{resource: bed, units: {by: sick, true: 2, false: 1}}", "needs units of bed"),
    ],
)
def test_a_stage_shows_how_many_units_it_needs(tmp_path: Path, needs: str, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "format: 1\ntitle: T\nhorizon: 1 year\npatients: {attributes: {sick: true}}\n"
        f"pathway:\n  start: ward\n  stages:\n    ward: {{needs: {needs}, events: {{e: {{after: {{fixed: 7 days}}, to: gone}}}}}}\n"
        "    gone: {terminal: true}\nresources: {bed: {capacity: 3}}\n"
    )
    assert f'["ward<br/>{text}"]' in mermaid(load(file))
