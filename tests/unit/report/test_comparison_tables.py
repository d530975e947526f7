"""A comparison in the terminal: every kind of outcome, within 80 columns, the answer first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sim.report.tables.comparison_tables import answer, change, print_comparison

from sim.runs.comparison import Comparison, Source, carry_out
from sim.runs.request import RunRequest
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.simulated import CLINICAL, OVERLOAD
from tests.unit.outcomes.comparison.test_paired import SCENARIO

QUICK = "pathway.stages.ward.events.home.after.exponential.mean=30 days"
SLOW = "pathway.stages.ward.events.home.after.exponential.mean=90 days"


def table(folder: Path, *changes: str, text: str = SCENARIO, replications: int = 1) -> dict[str, Any]:
    file = folder / "ward.yaml"
    file.write_text(text)
    arms = [Source("as_it_is", RunRequest(file, replications=replications))]
    arms += [
        Source(name, RunRequest(file, (setting,), replications=replications))
        for name, setting in zip(("quick", "slow"), changes, strict=False)
    ]
    done = carry_out(arms, at=(365.25, 730.5), step=lambda name: None, share=lambda share: None)
    assert isinstance(done, Comparison)
    return done.table


def printed(told: dict[str, Any], scenarios: Sequence[Scenario] = ()) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    print_comparison(told, scenarios, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("replications", [1, 3])
def test_every_kind_of_outcome_is_told_within_80_columns(tmp_path: Path, replications: int) -> None:
    told = table(tmp_path, QUICK, SLOW, replications=replications)
    lines = printed(told)
    assert max(map(len, lines)) <= 80
    for name in told["outcomes"]:
        assert any(line == name or line.startswith(f"{name}: ") for line in lines), name
    heads = [line.split() for line in lines]
    assert ["A", "B", "B", "-", "A", "unpaired", "gain"] in heads
    assert ["A", "C", "C", "-", "A", "unpaired", "gain"] in heads
    assert not any("…" in line for line in lines)


def test_the_answer_is_the_first_outcome_at_its_last_time_for_each_arm(tmp_path: Path) -> None:
    told = table(tmp_path, QUICK, SLOW)
    sentences = answer(told).split("\n")
    assert len(sentences) == 2
    leaf = told["outcomes"]["survival"]["differences"]["quick"]["at"]["2 years"]
    arm = told["arms"]["quick"]["outcomes"]["survival"]["at"]["2 years"]["estimate"]
    assert sentences[0].startswith(f"Survival 2 years after the start is {100 * arm:.1f}% with quick, ")
    assert f"{100 * leaf['difference']:+.1f} percentage points (95% interval " in sentences[0]


@pytest.mark.parametrize(("replications", "noise"), [(1, "300 simulated patients"), (3, "3 replications")])
def test_beneath_the_answer_stands_what_its_interval_does_not_hold(
    tmp_path: Path, replications: int, noise: str
) -> None:
    """Of the parameters of all arms, each name once."""
    told = table(tmp_path, QUICK, replications=replications)
    clinical = load(CLINICAL)
    fewer = replace(clinical, parameters=clinical.parameters[:-1])
    n = sum(one.status == "assumed" for one in clinical.parameters)
    text = " ".join(" ".join(printed(told, [fewer, clinical])).split())
    said = text.partition(" A 95% interval is what ")[2]
    assert said.startswith(
        f"{noise} leave to chance; it holds nothing of what is not known of the {n} assumed"
    )
    assert text.index("A 95% interval is") < text.index("(the reference)")


def test_what_differs_and_whose_lives_change_stands_above_the_tables(tmp_path: Path) -> None:
    told = table(tmp_path, QUICK)
    text = "\n".join(printed(told))
    assert "What is other in quick" in text
    assert "pathway.stages.ward.events.home.after.exponential.mean: 60 days -> 30 days" in " ".join(
        text.split()
    )
    lives = told["lives"]["quick"]
    assert f"better: {100 * lives['better']['estimate']:.1f}% (" in text
    assert text.index("Whose lives change") < text.index("survival\n")


def test_a_stage_by_another_name_makes_as_many_better_as_worse_and_it_is_said_that_this_is_chance(
    tmp_path: Path,
) -> None:
    """After the first stay at home all luck is named otherwise in a law that is the same: with each of
    the n whose end differs better with probability 1/2, better less worse has the standard error sqrt(n).
    """
    named = tmp_path / "named.yaml"
    named.write_text(SCENARIO.replace("home", "flat"))
    (tmp_path / "ward.yaml").write_text(SCENARIO)
    arms = [Source(name, RunRequest(tmp_path / f"{name}.yaml")) for name in ("ward", "named")]
    done = carry_out(arms, at=(365.25,), step=lambda name: None, share=lambda share: None)
    assert isinstance(done, Comparison)
    better, worse = (done.table["lives"]["named"][kind]["count"] for kind in ("better", "worse"))
    assert better > 20
    assert abs(better - worse) < 5 * (better + worse) ** 0.5
    told = " ".join(" ".join(printed(done.table)).split())
    assert told.index(f"better: {100 * better / 300:.1f}%") < told.index(
        "better against worse also counts chance"
    )


def test_an_arm_against_itself_is_the_same_scenario(tmp_path: Path) -> None:
    text = "\n".join(printed(table(tmp_path, "horizon=3 years")))
    assert "quick is the same scenario as as_it_is" in text
    assert "a difference of 0.0 percentage points" in " ".join(text.split())
    assert "unchanged in everything: 100.0%" in text


def test_where_there_is_no_interval_the_reason_stands_for_it(tmp_path: Path) -> None:
    text = (
        SCENARIO.replace("outcomes:", "resources: {bed: {capacity: 40}}\noutcomes:")
        .replace("      state: ill\n", "      state: ill\n      needs: bed\n")
        .replace("outcomes:\n", "outcomes:\n  wait: {waiting_for: bed}\n")
    )
    lines = printed(table(tmp_path, "resources.bed.capacity=60", text=text))
    told = " ".join(" ".join(lines).split())
    assert "no interval: patients share bed, so one replication tells nothing of its own error" in told
    assert "A 95% interval is" not in told
    assert "served" in told


def test_arms_that_share_resources_and_do_not_differ_in_any_replication(tmp_path: Path) -> None:
    """There are beds for all 300, and for more."""
    text = SCENARIO.replace("outcomes:", "resources: {bed: {capacity: 400}}\noutcomes:").replace(
        "      state: ill\n", "      state: ill\n      needs: bed\n"
    )
    told = table(tmp_path, "resources.bed.capacity=500", text=text, replications=3)
    assert "a difference of 0.0 percentage points (no replication tells the arms apart in this" in answer(
        told
    )


def test_signs() -> None:
    assert (change(0.051, "share"), change(-0.051, "share"), change(0.0, "share")) == ("+5.1", "-5.1", "0.0")
    assert change(400.0, "days") == "+13.1 months"
    assert change(None, "days") == "-"


def test_what_is_nought_as_printed_has_no_sign() -> None:
    assert change(0.0002, "share") == change(-0.0002, "share") == "0.0"
    assert change(0.0002, "share", (0.0001, 0.0003)) == "+0.02"


def test_the_answer_is_no_wait_in_a_queue_that_does_not_settle(tmp_path: Path) -> None:
    told = table(tmp_path, "resources.server.capacity=3", text=OVERLOAD, replications=2)
    served, grows = answer(told).split("\n")
    assert served.startswith("Served is ")
    assert grows.startswith("The queue for server does not settle with as_it_is:")
    text = " ".join(" ".join(printed(told)).split())
    assert "note: with as_it_is, the queue for server does not settle: these are the waits that ended" in text
    assert "Note: with as_it_is, the queue for server does not settle: it grows by " in text
    told["outcomes"].pop("served")
    nothing, again = answer(told).split("\n")
    assert nothing.startswith("There is no outcome that the arms have in common")
    assert again == grows


def test_the_answer_says_nothing_of_queues_that_settle(tmp_path: Path) -> None:
    three = OVERLOAD.replace("capacity: 1", "capacity: 3")
    told = table(tmp_path, "resources.server.capacity=4", text=three, replications=2)
    assert answer(told).startswith("Wait is ")
    assert "settle" not in answer(told)


def part(lines: list[str], name: str) -> str:
    """What is printed of one outcome, in one line."""
    begin = lines.index(name)
    blank = (i for i in range(begin, len(lines)) if not lines[i] and "───" in " ".join(lines[begin:i]))
    return " ".join(" ".join(lines[begin : next(blank)]).split())


def test_where_ends_compete_the_mean_time_is_to_any_of_them_and_says_so(tmp_path: Path) -> None:
    lines = printed(table(tmp_path, QUICK))
    home, survival = part(lines, "home"), part(lines, "survival")
    assert "restricted mean" not in home
    assert "mean to any end: mean days from the start until reaching well or death or 2 years" in home
    assert "restricted mean: mean days from the start until reaching dead or 2 years" in survival


def test_a_hazard_ratio_and_a_distance_say_over_which_time(tmp_path: Path) -> None:
    survival = part(printed(table(tmp_path, QUICK)), "survival")
    assert "hazard ratio over all the time observed " in survival
    assert "distance between the distributions to 2 years (Wasserstein): " in survival


def test_patients_of_all_replications_are_told_from_those_after_the_warm_up(tmp_path: Path) -> None:
    text = OVERLOAD.replace("for: 400 days", "for: 400 days, warm_up: 100 days")
    told = table(tmp_path, "resources.server.capacity=3", text=text, replications=3)
    counted = told["lives"]["quick"]["patients"]
    about = (
        f"3 replications, {told['patients']:,} patients in each arm in all, {counted:,} after the warm-up, "
    )
    assert counted == pytest.approx(0.75 * told["patients"], abs=5 * (600 * 3) ** 0.5)
    assert about in " ".join(printed(told)) + " "
