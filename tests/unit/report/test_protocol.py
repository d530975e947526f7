"""The description of a scenario: every word of the language has its phrase, with means and medians."""

from __future__ import annotations

import io
from pathlib import Path
from textwrap import dedent, indent

import pytest
from rich.console import Console

from sim.outcomes.results import event_in_words
from sim.pathway.tables import compile_pathway
from sim.report.text import phrases
from sim.report.text.protocol import Section, parameter_lines, print_protocol, protocol
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.parameters import read_parameters

ROOT = Path(__file__).parents[3]
FRAME = """\
format: 1
title: A ward
horizon: 2 years
states: {{alive: {{}}, dead: {{}}}}
patients:
  number: 40
  attributes:
    age: {{normal: {{mean: 50, sd: 10}}}}
    sex: {{categorical: {{female: 0.4, male: rest}}}}
    grade: 1
    csf: {{one_of: [cns1, cns2], start: cns1}}
clocks:
  old_age: {{after: {{fixed: 1 years}}, to: home}}
pathway:
  start: ward
  on_start: [{{start: old_age, stamp: came}}]
  stages:
    ward:
      state: alive
      events:
{event}
    home: {{events: {{death: {{after: {{fixed: 9 days}}, to: dead}}}}}}
    dead: {{state: dead, terminal: true}}
outcomes: {{survival: {{from: start, until: {{state: dead}}}}}}
"""


def scenario_of(text: str, folder: Path) -> Scenario:
    file = folder / "ward.yaml"
    file.write_text(text)
    return load(file)


def ward(event: str, folder: Path) -> list[str]:
    """What is told of a stage with this one event, each line as far in as it stands."""
    scenario = scenario_of(FRAME.format(event=indent(dedent(event).strip(), " " * 8)), folder)
    section = next(s for s in protocol(compile_pathway(scenario)) if s.heading == "ward")
    assert section.lines[0].text == "state alive"
    return ["  " * line.level + line.text for line in section.lines[1:]]


# ---------------------------------------------------------------- distributions


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("{fixed: 3.5 days}", "3.5 days"),
        ("{exponential: {mean: 90 days}}", "exponential, mean 90 days (mean 90 days, median 2.05 months)"),
        (
            "{lognormal: {median: 35 days, sigma: 0.4}}",
            "lognormal, median 35 days, sdlog 0.4 (mean 37.9 days, median 35 days)",
        ),
        ("{uniform: [2 days, 28 days]}", "uniform, 2 days, 28 days (mean 15 days, median 15 days)"),
        (
            "{gompertz: {rate: 0.01 per year, shape: -0.1 per year}}",
            "gompertz, rate 0.01 per year, shape -0.1 per year (no finite mean, median never reached)",
        ),
        (
            "{mixture_cure: {cured: 0.35, of: {exponential: {rate: 1 per year}}}}",
            "never for 35%, else exponential, rate 1 per year (mean 1 year, median 8.32 months)",
        ),
        (
            "{categorical: {1 days: 0.8, 2 days: rest}}",
            "1 day: 80%, 2 days: 20% (mean 1.2 days, median 1 day)",
        ),
        (
            "{piecewise_exponential: {0 days: 1 per day, 100 days: 0 per day}}",
            "piecewise exponential, 0 days 1 per day, 100 days 0 per year "
            "(no finite mean, median 16.6 hours)",
        ),
        ("{attribute: age, unit: hours}", "the attribute age, in hours"),
        (
            "{weibull: {shape: 0.8, risk: {100 days: 0.045}}}",
            "weibull, shape 0.8, risk (100 days 0.045) (mean 14.5 years, median 8.12 years)",
        ),
    ],
)
def test_a_distribution_with_its_mean_and_median(distribution: str, expected: str, tmp_path: Path) -> None:
    assert ward(f"it: {{after: {distribution}, to: dead}}", tmp_path) == [
        f"it: after {expected}",
        "  to dead",
    ]


def test_a_distribution_that_depends_on_the_patient_has_a_line_for_each(tmp_path: Path) -> None:
    distribution = """
    it:
      after:
        - {when: {grade: 2}, value: {exponential: {mean: {by: sex, female: 10 days, rest: 20 days}}}}
        - {value: {fixed: 3 days}}
      to: dead
    """
    assert ward(distribution, tmp_path) == [
        "it: after depending on the patient:",
        "    where grade is 2, where sex is female: exponential, mean 10 days "
        "(mean 10 days, median 6.93 days)",
        "    where grade is 2, where sex is any other: exponential, mean 20 days "
        "(mean 20 days, median 13.9 days)",
        "    otherwise: 3 days",
        "  to dead",
    ]


def test_modifiers_stand_below_their_distribution_in_the_order_in_which_they_act(tmp_path: Path) -> None:
    distribution = """
    it:
      after:
        exponential: {mean: 10 days}
        plus: 1 days
        not_before: {came: 7 days}
        between: [1 days, 60 days]
        hazard_ratios:
          - {value: 0.7}
          - {when: {grade: 2}, log: 0.6931471805599453, from: 2 days, until: 9 days, since: came}
          - {per: age, centre: 40, value: 1.01}
          - {per: age, above: 40, value: 1.02, wane: [0 days, 30 days]}
        already: since.came
        time_ratios: [{value: 2}]
      to: dead
    """
    assert ward(distribution, tmp_path) == [
        "it: after exponential, mean 10 days (mean 10 days, median 6.93 days)",
        "    time multiplied by 2",
        "    conditional on the elapsed time: the time since came",
        "    hazard multiplied by 0.7",
        "    hazard multiplied by 2 where grade is 2 from 2 days until 9 days after came",
        "    hazard multiplied by 1.01 to the power of (age - 40)",
        "    hazard multiplied by 1.02 to the power of (age - 40), at least 0, waning from the beginning "
        "to 30 days",
        "    truncated to between 1 day and 60 days",
        "    plus 1 day",
        "    not before 7 days after came",
        "  to dead",
    ]


@pytest.mark.parametrize(
    ("distribution", "lines"),
    [
        (
            "{exponential: {mean: 10 days}, already: 3 days}",
            [
                "it: after exponential, mean 10 days (mean 10 days, median 6.93 days)",
                "    conditional on an elapsed time of 3 days",
            ],
        ),
        (
            "{exponential: {mean: 10 days}, already: current_age}",
            [
                "it: after exponential, mean 10 days (mean 10 days, median 6.93 days)",
                "    conditional on the elapsed time: the current age",
            ],
        ),
        (
            "{life_table: {rows: {50: 0.1, 51: 0.2, 52: closed}}, already: current_age}",
            [
                "it: after life table from age 50 to 52",
                "    conditional on the elapsed time: the current age",
            ],
        ),
        (
            "{categorical: {2 days: 0.5, 4 days: 0.5}, odds_ratios: [{when: {sex: male}, of: [2 days], value: 3}]}",
            ["it: after 2 days: 50%, 4 days: 50%, odds multiplied by 3 for 2 days where sex is male"],
        ),
    ],
)
def test_elapsed_times_life_tables_and_odds(distribution: str, lines: list[str], tmp_path: Path) -> None:
    """A list of times with odds ratios has no single mean."""
    assert ward(f"it: {{after: {distribution}, to: dead}}", tmp_path) == [*lines, "  to dead"]


# ---------------------------------------------------------------- events


def test_an_event_says_when_it_can_happen_what_it_does_and_where_it_leads(tmp_path: Path) -> None:
    event = """
    it:
      every: {fixed: 7 days}
      chance: 0.2
      odds_ratios: [{when: {sex: male}, value: 3}]
      when: {any: [{grade: 2}, {grade: 3, csf: cns1}]}
      do:
        - {add: {grade: 1}, copy: {grade: age}, set: {csf: cns1}, stamp: dose}
        - {when: {grade: {above: 5}}, stop: old_age}
        - draw:
            csf: {categorical: {by: sex, male: {cns1: 0.3, unchanged: rest}, rest: {cns2: 1}}}
            grade: {uniform: [0, 3], follows: {age: 0.5}}
      to:
        - {name: worse, when: {none: [{grade: {at_most: 2}}]}, to: {dead: 0.25, stay: rest}}
        - {when: {grade: {in: [4, 5]}}, to: stay}
        - {to: home}
    again: {after: {fixed: 9 days}, do: [{reassess: it}, {start: old_age}], to: home}
    """
    assert ward(event, tmp_path) == [
        "it: every 7 days",
        "  happens with probability 20%, odds multiplied by 3 where sex is male",
        "  only where (grade is 2 or (grade is 3 and csf is cns1))",
        "  add 1 to grade; set grade to the value of age; set csf to cns1; stamp dose",
        "  where grade is above 5: stop old_age",
        "  draw csf: depending on the patient:",
        "    where sex is male: cns1: 30%, unchanged: 70%",
        "    where sex is any other: cns2: 100%",
        "  draw grade: uniform, 0, 3 (mean 1.5, median 1.5)",
        "    correlated with age: 0.5",
        "  by the first rule that applies:",
        "    worse: where not (grade is at most 2), to dead: 25%, stay: 75%",
        "    where grade is one of 4, 5, stays",
        "    otherwise, to home",
        "again: after 9 days",
        "  reassess it",
        "  start old_age",
        "  to home",
    ]


# ---------------------------------------------------------------- the whole


WHOLE = """\
format: 1
title: Beds
horizon: 2 years
states: {alive: {}, dead: {}}
patients:
  arrive: {poisson: {0 days: 2 per day, 30 days: 3 per day}, for: 1 years, warm_up: 10 days}
  follow_up: 6 months
  attributes: {sick: {bernoulli: $p_sick}, grade: 1, score: {normal: {mean: 1, sd: 10}}}
parameters:
  p_sick: {value: 0.4, uncertainty: {beta: {n: 50}}, source: S-1, status: published}
  stay: {value: 4 days, source: A-1, status: assumed}
  guess: {value: 9 days}
clocks:
  old_age: {in: [ward], after: {fixed: 1 years}, to: dead}
  flood: {after: {fixed: 2 weeks}, to: dead}
  cough: {in: [ward], after: {fixed: 2 weeks}, to: stay}
pathway:
  start: triage
  on_start: [{start: [old_age, flood, cough]}]
  stages:
    triage: {decide: [{name: is_sick, when: {sick: true}, to: ward}, {to: hall}]}
    ward:
      label: Ward of the hospital
      state: alive
      needs: [{when: {grade: 1}, resource: bed}]
      while_waiting: {gives_up: {after: {fixed: $guess}, to: dead}}
    hall: {state: alive, events: {ready: {after: {fixed: $stay}, to: ward}}}
    dead: {state: dead, terminal: true}
resources:
  bed: {capacity: {0 days: 3, 1 years: 4}}
  nurse: {capacity: 2, queue: {by: grade, first: highest}, open: {monday: [8 hours, 17.5 hours], friday: [0 hours, 24 hours]}}
never: [{stage: hall, when: {sick: true}}]
outcomes:
  survival: {label: Alive, from: start, until: {state: dead}, by: sick}
  beds: {waiting_for: bed}
  long: {waiting_for: bed, above: 3 days}
  grade_there: {attribute: grade, at: {stage: ward}}
  grade_last: {attribute: grade}
  road: {pathway: [{stage: hall}, {stage: ward, within: 2 months}]}
  seen: {from: start, until: {state: dead}, censor: {stage: hall}}
"""


def sections(text: str, folder: Path) -> dict[str, list[str]]:
    told: tuple[Section, ...] = protocol(compile_pathway(scenario_of(text, folder)))
    return {s.heading: ["  " * line.level + line.text for line in s.lines] for s in told}


def test_the_sections_of_a_protocol(tmp_path: Path) -> None:
    found = sections(WHOLE, tmp_path)
    assert found == {
        "Patients": [
            "Patients, arriving at random, 2 per day, 3 per day from 30 days for 1 year",
            "patients who start in the first 10 days are excluded from outcomes",
            "followed up 6 months after the start, at most to the horizon, 2 years",
            "start in triage",
            "at the start:",
            "  start old_age, flood, cough",
            "sick: true: 40%",
            "grade: 1 at the start",
            "score: normal, mean 1, sd 10 (mean 1, median 1)",
        ],
        "triage": [
            "decision, takes no time",
            "by the first rule that applies:",
            "  is_sick: where sick is true, to ward",
            "  otherwise, to hall",
        ],
        "ward: Ward of the hospital": [
            "state alive; needs bed where grade is 1",
            "gives_up: while waiting, after 9 days",
            "  to dead",
            "ends by the clocks old_age, flood",
        ],
        "hall": ["state alive", "ready: after 4 days", "  to ward"],
        "dead": ["terminal; state dead"],
        "Clocks, which continue from stage to stage": [
            "old_age: after 1 year",
            "  to dead",
            "  can happen in ward",
            "flood: after 14 days",
            "  to dead",
            "cough: after 14 days",
            "  stays",
            "  can happen in ward",
        ],
        "Resources": [
            "bed: capacity 3, 4 from 1 year, first come, first served",
            "nurse: capacity 2, open on monday from 8 to 17.5 hours, friday, highest grade first",
        ],
        "Events that must not happen": ["entering hall where sick is true"],
        "Outcomes": [
            "survival: Alive (time to event): from the start until reaching dead, by sick",
            "beds (waiting for): bed",
            "long (waiting for): bed, the proportion of waits above 3 days",
            "grade_there (attribute): grade just after entering ward",
            "grade_last (attribute): grade at the end",
            "road (pathway): entering hall, then entering ward within 2 months",
            "seen (time to event): from the start until reaching dead, censored at entering hall",
        ],
        "Sources of the numbers": [
            "Assumed, without uncertainty, so that no draw varies them: 1 of 3",
            "  stay = 4 days [A-1]",
            "Without a status: 1 of 3",
            "  guess = 9 days [no source]",
            "Published: 1 of 3",
            "  p_sick = 0.4, uncertainty {beta: {n: 50}}: mean 0.4, 95% 0.27 to 0.538 [S-1]",
        ],
    }


@pytest.mark.parametrize(
    ("arrive", "told"),
    [
        ("{every: 2 days, for: 1 years}", "one every 2 days for 1 year"),
        ("{days: [3 days, 5 days, 300 days]}", "arriving on 3 given days, first on day 3"),
    ],
)
def test_arrivals(arrive: str, told: str, tmp_path: Path) -> None:
    line = next(one for one in WHOLE.splitlines() if one.startswith("  arrive"))
    text = WHOLE.replace(line, f"  arrive: {arrive}")
    assert sections(text, tmp_path)["Patients"][0] == f"Patients, {told}"


def test_patients_of_a_table_a_bed_that_is_held_and_an_outcome_of_some_patients(tmp_path: Path) -> None:
    """The rows and columns of the table; the release of the resource; whom an outcome is about."""
    (tmp_path / "cohort.csv").write_text("age,grade\n50,1\n60,2\n")
    text = FRAME.format(event="        it: {after: {fixed: 9 days}, to: home}")
    text = text.replace("  number: 40\n", "  from_file: cohort.csv\n")
    text = text.replace("      state: alive\n", "      state: alive\n      needs: bed\n")
    text = text.replace(
        "{state: dead}}}\n", "{state: dead}}, old: {ever: {stage: home}, among: {grade: {at_least: 2}}}}\n"
    )
    text += "resources: {bed: {capacity: 3, release: when_next_granted}}\n"
    found = sections(text, tmp_path)
    assert "from a table of 2 rows with age, grade" in found["Patients"]
    assert found["Resources"] == [
        "bed: capacity 3, first come, first served, held until the next resource is granted"
    ]
    assert found["Outcomes"][1] == (
        "old (ever): entering home, among patients with grade is at least 2 at the start"
    )


def test_costs_and_utilities_are_told_with_what_they_belong_to(tmp_path: Path) -> None:
    economics = (
        "economics: {currency: GBP, discount: {cost: 0.035, qaly: 0}, convention: annual, threshold: 30000}"
    )
    text = FRAME.format(
        event="        it: {after: {fixed: 9 days}, to: home, cost: {drug: {by: sex, male: 90000, rest: 0.5}}, qaly: -0.02}"
    )
    text = text.replace(
        "states: {alive: {}, dead: {}}", f"{economics}\nstates: {{alive: {{utility: 0.8}}, dead: {{}}}}"
    )
    text = text.replace("state: alive\n", "state: alive\n      cost: {on_entry: 100, per_day: 12.345}\n", 1)
    assert sections(text, tmp_path)["Costs and utilities"] == [
        "in GBP; discounted as (1 + r)^-t, costs by 3.5% and health by 0% a year",
        "cost-effectiveness threshold: 30,000 per QALY",
        "utility of alive: 0.8",
        "cost of ward: 100 on entry",
        "cost of ward: 12.35 per day",
        "cost of ward.it: drug (by sex: male 90,000, otherwise 0.5) each time",
        "QALYs of ward.it: -0.02 each time",
    ]
    without = sections(text.replace(", threshold: 30000", ""), tmp_path)["Costs and utilities"]
    assert without[1] == "utility of alive: 0.8"


def test_layers_tell_what_they_changed(tmp_path: Path) -> None:
    (tmp_path / "below.yaml").write_text(WHOLE)
    layer = (
        "format: 1\ntitle: More beds\nbased_on: below.yaml\nchanges: {parameters.stay.value: 2 days}\n"
        "add: {outcomes.deaths: {ever: {state: dead}}}\nremove: [never]\n"
    )
    changes = sections(layer, tmp_path)["Changes by layers"]
    assert changes[0] == f"by {tmp_path / 'ward.yaml'}:"
    assert changes[1:] == [
        "  parameters.stay.value: 4 days -> 2 days",
        "  outcomes.deaths: added {ever: {state: dead}}",
        "  never: removed [{stage: hall, when: {sick: true}}]",
    ]


def test_lines_are_wrapped_and_nothing_trails(tmp_path: Path) -> None:
    scenario = scenario_of(WHOLE, tmp_path)
    page = io.StringIO()
    print_protocol(compile_pathway(scenario), Console(file=page, width=40))
    lines = page.getvalue().splitlines()
    assert lines[0] == "Beds"
    assert [line for line in lines if line != line.rstrip()] == []
    assert max(map(len, lines[2:])) <= 40
    assert "  by the first rule that applies:" in lines


def test_a_definition_stands_once_and_is_told_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "named.yaml"
    file.write_text("""\
format: 1
title: Names
horizon: 2 years
states: {ill: {}, dead: {}}
patients: {number: 40, attributes: {grade: 1, age: 60}}
conditions:
  old: {age: {at_least: 60}}
  frail: {any: [old, {grade: 3}]}
  nobody: {any: []}
pathway:
  start: ward
  stages:
    ward:
      state: ill
      events:
        death: {when: {none: [frail]}, after: {fixed: 9 days}, to: dead}
        help: {when: [old, {grade: 1}], after: {fixed: 9 days}, to: [{when: nobody, to: ward}, {to: dead}]}
    dead: {state: dead, terminal: true}
never: [{stage: ward, when: nobody}]
outcomes: {overall_survival: {from: start, until: {state: dead}}}
""")
    scenario = load(file)
    told = {
        section.heading: [line.text for line in section.lines]
        for section in protocol(compile_pathway(scenario))
    }
    assert told["Definitions"] == ["old: age is at least 60", "frail: (old or grade is 3)", "nobody: never"]
    assert {"only where not frail", "only where old and grade is 1", "where nobody, to ward"} <= set(
        told["ward"]
    )
    assert told["Events that must not happen"] == ["entering ward where nobody"]

    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(scenario.text)
    again = load(resolved)
    assert again.digest == scenario.digest
    assert again.stages == scenario.stages
    assert "Definitions" not in {section.heading for section in protocol(compile_pathway(again))}
    assert event_in_words(again.never[0]) == event_in_words(scenario.never[0]) == "entering ward where never"


@pytest.mark.parametrize("file", ["scenarios/uk_us_commercial.yaml", "benchmarks/q8.yaml"])
def test_all_stages_and_parameters_of_a_shipped_scenario_are_told(file: str) -> None:
    scenario = load(ROOT / file)
    told = protocol(compile_pathway(scenario))
    headings = {section.heading.split(":")[0] for section in told}
    assert headings >= {stage.name for stage in scenario.stages}
    lines = [line.text for section in told for line in section.lines]
    for parameter in scenario.parameters:
        assert any(line.startswith(f"{parameter.name} = ") for line in lines)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (0.0, "0 days"),
        (1.0, "1 day"),
        (60.0, "60 days"),
        (365.25, "1 year"),
        (6.9 * 365.25 / 12, "6.9 months"),
        (0.25, "6 hours"),
        (0.02, "28.8 minutes"),
        (47.07, "47.1 days"),
        (1000.5, "2.74 years"),
    ],
)
def test_a_time_is_told_in_a_unit_that_suits_it(days: float, told: str) -> None:
    assert phrases.time(days) == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "p: {value: 14 months, uncertainty: {lognormal: {sigma: 0.2}}, status: assumed}",
            "p = 14 months, uncertainty {lognormal: {sigma: 0.2}}: mean 14.3 months, 95% 9.46 to 20.7 months [no source]",
        ),
        (
            "p: {value: 24 per year, uncertainty: {normal: {sd: 1 per year}}}",
            "p = 24 per year, uncertainty {normal: {sd: 1 per year}}: mean 24 per year, 95% 22 to 26 per year [no source]",
        ),
        (
            "p: {value: {a: 0.75, b: 0.25}, uncertainty: {dirichlet: {a: 3, b: 1}}}",
            "p = {a: 0.75, b: 0.25}, uncertainty {dirichlet: {a: 3, b: 1}}: a mean 0.75, 95% 0.292 to 0.992; "
            "b mean 0.25, 95% 0.0084 to 0.708 [no source]",
        ),
    ],
)
def test_a_distribution_is_told_in_the_unit_of_its_value(line: str, told: str) -> None:
    """Quantiles: 14 exp(-+1.96 x 0.2), 24 -+ 1.96, and of beta(3, 1) p^(1/3)."""
    _, found = parameter_lines(read_parameters(line))
    assert found.text == told


def test_assumed_parameters_without_uncertainty_come_first() -> None:
    """A name is no number: it has no uncertainty to miss."""
    lines = (
        "known: {value: 1, uncertainty: {normal: {sd: 1}}, status: assumed}\n"
        "agent: {value: own, status: assumed}\n"
        "gap: {value: 2, status: assumed}\n"
        "read: {value: 3, status: published}"
    )
    headings = [line.text for line in parameter_lines(read_parameters(lines)) if line.level == 0]
    assert headings == [
        "Assumed, without uncertainty, so that no draw varies them: 1 of 4",
        "Assumed: 2 of 4",
        "Published: 1 of 4",
    ]
