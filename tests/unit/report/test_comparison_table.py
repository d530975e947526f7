"""A comparison in the terminal: every kind of outcome, within 80 columns, the answer first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sim.outcomes.comparison.paired import compare
from sim.outcomes.results import Results
from sim.report.tables.comparison_table import answer, print_comparison
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.example_runs import CLINICAL, OVERLOAD, WARD, arm_of, simulated

QUICK = "pathway.stages.ward.events.home.after.exponential.mean=30 days"
SLOW = "pathway.stages.ward.events.home.after.exponential.mean=90 days"
NAMES = ("as_it_is", "quick", "slow")
AT = (365.25, 730.5)


def results_of(folder: Path, *changes: str, text: str = WARD, replications: int = 1) -> Results:
    """A comparison of a scenario with the same after each change."""
    file = folder / "ward.yaml"
    file.write_text(text)
    runs = [simulated(file, replications=replications)]
    runs += [simulated(file, change, replications=replications) for change in changes]
    return compare([arm_of(run, name) for name, run in zip(NAMES, runs, strict=False)], at=AT)


def printed(results: Results, scenarios: Sequence[Scenario] = ()) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    print_comparison(results, scenarios, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def in_one_line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("replications", [1, 3])
def test_every_kind_of_outcome_is_printed_within_80_columns(tmp_path: Path, replications: int) -> None:
    results = results_of(tmp_path, QUICK, SLOW, replications=replications)
    lines = printed(results)
    assert max(map(len, lines)) <= 80
    for name in results.differences.present("outcome"):
        assert any(line == name or line.startswith(f"{name}: ") for line in lines), name
    heads = [line.split() for line in lines]
    assert ["A", "B", "B", "-", "A", "unpaired", "gain"] in heads
    assert ["A", "C", "C", "-", "A", "unpaired", "gain"] in heads
    assert not any("…" in line for line in lines)


def test_the_answer_is_the_first_outcome_at_its_last_time_for_each_arm(tmp_path: Path) -> None:
    results = results_of(tmp_path, QUICK, SLOW)
    sentences = answer(results).split("\n")
    assert len(sentences) == 2
    difference = results.differences.find("survival", "survival", arm="quick", time_days=730.5)
    arm = results.estimates.find("survival", "survival", arm="quick", time_days=730.5)
    assert difference is not None
    assert arm is not None
    assert sentences[0].startswith(
        f"Survival 2 years after the start is {100 * arm.estimate:.1f}% with quick, "
    )
    assert f"{100 * difference.difference:+.1f} percentage points (95% interval " in sentences[0]


@pytest.mark.parametrize(("replications", "noise"), [(1, "300 simulated patients"), (3, "3 replications")])
def test_below_the_answer_stands_what_its_interval_covers(
    tmp_path: Path, replications: int, noise: str
) -> None:
    """Of the parameters of all arms, each name once."""
    results = results_of(tmp_path, QUICK, replications=replications)
    clinical = load(CLINICAL)
    fewer = replace(clinical, parameters=clinical.parameters[:-1])
    n = sum(one.status == "assumed" for one in clinical.parameters)
    text = in_one_line(printed(results, [fewer, clinical]))
    rest = text.partition(" Simulation only: a 95% interval covers ")[2]
    assert rest.startswith(
        f"the random error of {noise}, not the uncertainty of the parameters "
        f"({n} of {len(clinical.parameters)} are assumed)."
    )
    assert text.index("a 95% interval covers") < text.index("(the reference)")


def test_what_differs_stands_above_the_outcomes_and_patient_changes_below(tmp_path: Path) -> None:
    results = results_of(tmp_path, QUICK)
    lines = printed(results)
    text = in_one_line(lines)
    assert "What differs with quick" in text
    assert "pathway.stages.ward.events.home.after.exponential.mean: 60 days -> 30 days" in text
    share = results.estimates.find("patient_changes", "share", arm="quick", part="better")
    count = results.estimates.find("patient_changes", "count", arm="quick", part="better")
    assert share is not None
    assert count is not None
    row = next(line for line in lines if line.startswith("better "))
    assert row.split()[1:3] == [f"{count.estimate:.0f}", f"{100 * share.estimate:.1f}%"]
    assert lines.index("What differs with quick") < lines.index("survival")
    assert lines.index("survival") < lines.index("Patients whose outcome changes with quick")


def test_a_stage_of_another_name_makes_as_many_better_as_worse_and_the_text_calls_it_chance(
    tmp_path: Path,
) -> None:
    """After the first stay at home all random numbers have other names in the same distribution: each of the
    n patients with another end is better with probability 1/2, so better less worse has standard error sqrt(n).
    """
    for name, text in (("ward", WARD), ("named", WARD.replace("home", "flat"))):
        (tmp_path / f"{name}.yaml").write_text(text)
    arms = [arm_of(simulated(tmp_path / f"{name}.yaml"), name) for name in ("ward", "named")]
    results = compare(arms, at=(365.25,))
    rows = results.estimates.where(outcome="patient_changes", arm="named", measure="count")
    counts = {row.part: row.estimate for row in rows}
    better, worse = counts["better"], counts["worse"]
    assert better > 20
    assert abs(better - worse) < 5 * (better + worse) ** 0.5
    assert "better and worse alone also count chance" in in_one_line(printed(results))


def test_thirty_changes_are_printed_and_the_others_counted(tmp_path: Path) -> None:
    results = results_of(tmp_path, QUICK)
    reference, arm = results.arms
    changes = tuple((f"parameters.p{i}.value", "1", "2") for i in range(33))
    lines = printed(replace(results, arms=(reference, replace(arm, changes=changes))))
    assert [line for line in lines if line.startswith("  parameters.p")] == [
        f"  parameters.p{i}.value: 1 -> 2" for i in range(30)
    ]
    assert "  and 3 more" in lines


def test_an_arm_against_itself_is_the_same_scenario(tmp_path: Path) -> None:
    lines = printed(results_of(tmp_path, "horizon=3 years"))
    assert "quick is the same scenario as as_it_is" in lines
    assert "a difference of 0.0 percentage points" in in_one_line(lines)
    assert next(line for line in lines if line.startswith("unchanged ")).split()[2] == "100.0%"


def test_a_missing_interval_has_its_reason(tmp_path: Path) -> None:
    text = (
        WARD.replace("outcomes:", "resources: {bed: {capacity: 40}}\noutcomes:")
        .replace("      state: ill\n", "      state: ill\n      needs: bed\n")
        .replace("outcomes:\n", "outcomes:\n  wait: {waiting_for: bed}\n")
    )
    results = results_of(tmp_path, "resources.bed.capacity=60", text=text)
    shown = in_one_line(printed(results))
    assert "no interval: patients share bed: an interval needs several replications" in shown
    assert "a 95% interval covers" not in shown
    assert "served" in shown


def test_arms_that_share_resources_and_do_not_differ_in_any_replication(tmp_path: Path) -> None:
    """There are beds for all 300, and for more."""
    text = WARD.replace("outcomes:", "resources: {bed: {capacity: 400}}\noutcomes:").replace(
        "      state: ill\n", "      state: ill\n      needs: bed\n"
    )
    results = results_of(tmp_path, "resources.bed.capacity=500", text=text, replications=3)
    assert "a difference of 0.0 percentage points (no replication differs between the arms" in answer(results)


def test_the_answer_is_no_wait_in_a_queue_that_does_not_settle(tmp_path: Path) -> None:
    results = results_of(tmp_path, "resources.server.capacity=3", text=OVERLOAD, replications=2)
    served, grows = answer(results).split("\n")
    assert served.startswith("Served is ")
    assert grows.startswith("The queue for server does not settle")
    text = in_one_line(printed(results))
    assert "with as_it_is, the queue for server does not settle: these waits are of no steady state" in text
    assert "Note: with as_it_is, the queue for server does not settle: it grows by " in text
    only_waits = replace(results, differences=results.differences.where(outcome="wait"))
    nothing, again = answer(only_waits).split("\n")
    assert nothing.startswith("No outcome is known")
    assert again == grows


def test_the_answer_does_not_mention_queues_that_settle(tmp_path: Path) -> None:
    three = OVERLOAD.replace("capacity: 1", "capacity: 3")
    results = results_of(tmp_path, "resources.server.capacity=4", text=three, replications=2)
    assert answer(results).startswith("Wait is ")
    assert "settle" not in answer(results)


def part(lines: list[str], name: str) -> str:
    """What is printed of one outcome before the next table, in one line."""
    begin = lines.index(name)
    blank = (i for i in range(begin, len(lines)) if not lines[i] and "───" in " ".join(lines[begin:i]))
    return in_one_line(lines[begin : next(blank)])


def test_where_ends_compete_the_mean_time_is_to_any_of_them(tmp_path: Path) -> None:
    lines = printed(results_of(tmp_path, QUICK))
    home, survival = part(lines, "home"), part(lines, "survival")
    assert "restricted mean" not in home
    assert "mean to any end: mean days from the start until reaching well or death or 2 years" in home
    assert "restricted mean: mean days from the start until reaching dead or 2 years" in survival
    assert "cause-specific hazard ratio" in home
    assert "home: death" in lines


def test_a_hazard_ratio_and_a_distance_give_their_time(tmp_path: Path) -> None:
    survival = part(printed(results_of(tmp_path, QUICK)), "survival")
    assert "hazard ratio over all the time observed " in survival
    assert "distance between the distributions to 2 years (Wasserstein): " in survival


def test_groups_have_tables_of_their_own(tmp_path: Path) -> None:
    results = results_of(tmp_path, QUICK)
    male = part(printed(results), "survival where sex is male")
    row = results.differences.find("survival", "survival", arm="quick", group="male", time_days=730.5)
    assert row is not None
    assert "2 years " in male
    assert f"{100 * row.difference:+.1f}" in male


def test_patients_of_all_replications_and_those_after_the_warm_up_are_counted(tmp_path: Path) -> None:
    text = OVERLOAD.replace("for: 400 days", "for: 400 days, warm_up: 100 days")
    results = results_of(tmp_path, "resources.server.capacity=3", text=text, replications=3)
    row = results.estimates.find("patient_changes", "share", arm="quick", part="unchanged")
    assert row is not None
    n = results.reference.patients
    about = f"3 replications, {n:,} patients in each arm in all, {row.n:,.0f} after the warm-up, "
    assert row.n == pytest.approx(0.75 * n, abs=5 * (600 * 3) ** 0.5)
    assert about in " ".join(printed(results)) + " "
