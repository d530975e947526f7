"""What a command prints by default: whole numbers at every width, groups, differences, costs, what to do next."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from sim.errors import ScenarioError
from sim.outcomes.results import Results
from sim.report.tables.comparison_table import print_comparison
from sim.report.tables.headline_table import print_headline
from sim.report.tables.run_table import print_run
from sim.runs.comparison import arm_sources, run_comparison
from sim.runs.run import Run, RunRequest, run_scenario
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.example_runs import FIRST, SCENARIOS
from tests.shipped import PUBLISHED, SHAPES, SHIPPED
from tests.valued import priced

NUMBER = re.compile(r"[-+]?\d[\d,.]*%?")
WIDTHS = (40, 80)
WIDE = 400


@cache
def run_of(file: Path) -> Run:
    """A few patients of a scenario; as many as arrive where it does not give their number."""
    try:
        return run_scenario(RunRequest(file, patients=40))
    except ScenarioError:
        return run_scenario(RunRequest(file))


def headline(
    results: Results, scenarios: Sequence[Scenario], width: int = 80, outcomes: Sequence[str] = ()
) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_headline(results, scenarios, console, outcomes)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def full(results: Results, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_run(results, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def numbers_in(text: str) -> Counter[str]:
    return Counter(NUMBER.findall(text))


@pytest.mark.parametrize("file", SHAPES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_number_of_a_shipped_scenario_is_whole_at_every_width(file: Path) -> None:
    done = run_of(file)
    for write in (
        lambda width: headline(done.results, [done.scenario], width),
        lambda width: full(done.results, width),
    ):
        wide = numbers_in(write(WIDE))
        for width in WIDTHS:
            missing = wide - numbers_in(write(width))
            assert not missing, f"{width} columns: {missing}"


@pytest.mark.parametrize("file", SHAPES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_run_takes_about_25_lines(file: Path) -> None:
    done = run_of(file)
    assert len(headline(done.results, [done.scenario]).splitlines()) <= 27


def test_a_question_about_a_group_shows_the_groups() -> None:
    done = run_scenario(RunRequest(FIRST, patients=500))
    lines = headline(done.results, [done.scenario]).splitlines()
    assert any(re.search(r"all patients +donor: no +donor: yes", line) for line in lines)
    row = next(line for line in lines if line.startswith("Overall survival at 5 years"))
    shown = [done.results.headline("overall_survival", group=group) for group in ("", "false", "true")]
    assert row.split()[-3:] == [f"{100 * one.estimate:.1f}%" for one in shown if one is not None]


def compared(
    *files: Path, replications: int = 1, patients: int | None = 300, at: tuple[float, ...] = ()
) -> tuple[Results, list[Scenario]]:
    request = RunRequest(files[0], replications=replications, patients=patients, at=at)
    done = run_comparison(arm_sources(list(files), request), at=request.at)
    return done.results, [arm.scenario for arm in done.arms]


ACADEMIC = SCENARIOS / "strategies" / "academic"


def test_a_comparison_has_a_row_for_each_arm_with_the_differences_below() -> None:
    names = ("two_lines_then_transplant", "car_t_withheld_for_cns", "one_line_then_transplant")
    results, scenarios = compared(*(ACADEMIC / f"{name}.yaml" for name in names))
    text = headline(results, scenarios, outcomes=("overall_survival", "infused"))
    lines = text.splitlines()
    assert len(lines) <= 27
    assert not any(name in text for name in names)
    (pair,) = results.differences.where(
        outcome="infused", arm="car_t_withheld_for_cns", group="", measure="share"
    )
    at = next(i for i, line in enumerate(lines) if line.startswith("CAR-T withheld for CNS disease"))
    own = results.headline("infused", arm="car_t_withheld_for_cns")
    assert own is not None
    assert lines[at].split()[-1] == f"{100 * own.estimate:.1f}%"
    assert lines[at + 1].split()[-1] == f"{100 * pair.difference:+.1f}"
    assert lines[at + 2].split()[-3:] == [f"{100 * pair.low:.1f}", "to", f"{100 * pair.high:.1f}"]
    for width in WIDTHS:
        missing = numbers_in(headline(results, scenarios, WIDE)) - numbers_in(
            headline(results, scenarios, width)
        )
        assert not missing, f"{width} columns: {missing}"
    for width in WIDTHS:
        console = Console(file=io.StringIO(), width=width)
        print_comparison(results, scenarios, console)


def test_a_comparison_prints_every_time_asked_for() -> None:
    """The last in the row of the arm, the others below it; not the times of a long grid."""
    names = ("two_lines_then_transplant", "one_line_then_transplant")
    results, scenarios = compared(
        *(ACADEMIC / f"{name}.yaml" for name in names), at=(365.25, 730.5, 5 * 365.25)
    )
    lines = headline(results, scenarios, outcomes=("overall_survival", "infused")).splitlines()
    survival = "overall_survival", "survival"
    for years in (1, 2):
        days = years * 365.25
        first, second = (i for i, line in enumerate(lines) if line.strip().startswith(f"at {years} year"))
        before = results.estimates.find(*survival, arm=names[0], time_days=days)
        pair = results.differences.find(*survival, arm=names[1], time_days=days)
        assert before is not None
        assert pair is not None
        assert lines[first].split()[-1] == f"{100 * before.estimate:.1f}%"
        assert lines[second + 1].split()[-1] == f"{100 * pair.difference:+.1f}"
    default, scenarios = compared(*(ACADEMIC / f"{name}.yaml" for name in names))
    assert "  at " not in headline(default, scenarios)


def test_a_comparison_counts_the_outcomes_that_it_does_not_print() -> None:
    """Those printed are one curve, costs and QALYs; `--full` has a table of each year beside the outcomes."""
    results, scenarios = compared(ACADEMIC / "one_line.yaml", ACADEMIC / "inotuzumab.yaml")
    known = set(results.differences.present("outcome")) - {"cost_by_year"}
    assert f"not in this table: {len(known) - 3} more outcomes" in headline(results, scenarios)
    assert "more outcome" not in headline(results, scenarios, outcomes=("infused",))


def test_follow_up_stands_beside_the_horizon() -> None:
    """Costs, QALYs and life-years count until its end."""
    queue, first = (run_of(file) for file in (SCENARIOS / "examples" / "two_lines_with_a_queue.yaml", FIRST))
    assert (queue.scenario.patients.follow_up, first.scenario.patients.follow_up) == (3 * 365.25, None)
    assert ", horizon 5 years, follow-up 3 years\n" in headline(queue.results, [queue.scenario], WIDE)
    assert "follow-up" not in headline(first.results, [first.scenario], WIDE).splitlines()[1]


def test_where_one_replication_gives_no_interval_more_are_named() -> None:
    done = run_of(SCENARIOS / "examples" / "ward.yaml")
    assert "No intervals: patients share ward_bed, icu_bed; --replications 20 gives one." in " ".join(
        headline(done.results, [done.scenario]).split()
    )


STAGES = """\
    well:
      state: well
      cost: {per_day: $dose}
      events: {dies: {after: {exponential: {mean: 5 years}, hazard_ratios: [{value: $ratio}]}, to: dead}}
    dead: {state: dead, terminal: true}
"""


@pytest.mark.parametrize(
    ("dose", "ratio", "shown"), [(20, 2.0, "dominated"), (20, 0.5, "[1-9][0-9,]+"), (1, 2.0, "[1-9][0-9,]+")]
)
def test_costs_and_qalys_are_columns_with_their_ratio(
    tmp_path: Path, dose: int, ratio: float, shown: str
) -> None:
    economics = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual, threshold: 30000}"
    files = []
    for name, values in (("old", (10, 1.0)), ("new", (dose, ratio))):
        stages = STAGES.replace("$dose", str(values[0])).replace("$ratio", str(values[1]))
        text = priced(
            stages,
            states="{well: {utility: 0.9}, dead: {}}",
            economics=economics,
            number=200,
            horizon="20 years",
        )
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(text.replace("\nhorizon", f"\nlabel: The {name} drug\nhorizon", 1))
    results, scenarios = compared(*files, patients=None)
    lines = headline(results, scenarios).splitlines()
    assert any(re.search(r"Cost \(GBP\) +QALYs +cost per QALY", line) for line in lines)
    row = next(line for line in lines if line.startswith("The new drug"))
    assert re.fullmatch(shown, row.split()[-1])
    note = "cost per QALY: what the cheaper arm saves for each QALY that it loses"
    assert (note in lines) == (dose < 10)
    assert any(re.search(r"[-+]\d\.\d+ +", line) for line in lines)
    assert "mean cost in GBP per patient, discounted by 3.5% a year (annual)" in lines
    assert not any("capacity_cost" in line for line in lines)


def test_the_cost_of_a_service_is_not_in_the_cost_of_a_patient(tmp_path: Path) -> None:
    """Beds are paid for whether somebody lies in them or not; a note says where that cost is."""
    stages = STAGES.replace("$dose", "10").replace("$ratio", "1.0")
    economics = "{currency: GBP, discount: {cost: 0, qaly: 0}, convention: annual}"
    for name, cost in (("one", "{capacity: 2, cost: {per_day_of_capacity: 7}}"), ("two", "{capacity: 2}")):
        text = priced(stages, economics=economics, number=20, horizon="2 years", resources=f"{{bed: {cost}}}")
        (tmp_path / f"{name}.yaml").write_text(text)
    note = "cost contains no capacity_cost: that is of the service, not of a patient"
    for name in ("one", "two"):
        results, scenarios = compared(tmp_path / f"{name}.yaml", tmp_path / f"{name}.yaml", patients=None)
        assert (note in headline(results, scenarios, WIDE)) == (name == "one")


@pytest.mark.parametrize(
    "file", sorted({*SHIPPED, *PUBLISHED} - {FIRST}), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_a_label_is_a_short_title(file: Path) -> None:
    scenario = run_of(file).scenario if file in SHAPES else load(file)
    assert scenario.label and len(scenario.short_title) <= 45
