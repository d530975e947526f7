"""What pictures are drawn from, against the summary and against the values themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.outcomes.curves import curves, grid
from sim.outcomes.history.state_occupancy import whereabouts
from sim.outcomes.summary import summarise
from sim.outcomes.value_distribution import QUANTILES, ended_waits, grades, stays
from sim.report.page.arms import Arm
from sim.scenario.language import model as m
from tests import hand_made_log as by_hand
from tests.simulated import CLINICAL, FIRST, QUEUE, arm_of, everybody, simulated


@pytest.fixture(scope="module")
def queue(tmp_path_factory) -> Arm:
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return arm_of(simulated(file))


@pytest.mark.parametrize(("file", "name"), [(CLINICAL, "overall_survival"), (CLINICAL, "marrow_relapse")])
@pytest.mark.parametrize("replications", [1, 3])
def test_a_curve_is_the_summary_read_at_many_times(file, name, replications):
    done = simulated(file, "patients.number=300", replications=replications)
    arm = arm_of(done)
    whole, groups = curves(arm.fine, arm.outcome(name))
    entry = done.summary["outcomes"][name]
    assert groups == {}
    assert len(whole.main.time) == len(grid(180.0)) + 1
    told = {"": entry, **entry.get("causes", {})}
    for curve, of in zip([whole.main, *whole.causes], told.values(), strict=True):
        for row in of["at"].values():
            i = int(np.argmin(abs(curve.time - row["days"])))
            assert curve.time[i] == pytest.approx(row["days"], abs=1e-9)
            assert [curve.value[i], curve.low[i], curve.high[i]] == pytest.approx(
                [row["estimate"], *(row["interval"] or (np.nan, np.nan))], nan_ok=True
            )
    assert [curve.value[0] for curve in (whole.main, *whole.causes)] == (
        [0.0] * len(told) if "causes" in entry else [1.0]
    )
    assert whole.n == entry["n"] == whole.main.at_risk[0]


def test_a_curve_for_each_group():
    done = simulated(FIRST, "patients.number=300")
    arm = arm_of(done)
    _, groups = curves(arm.fine, arm.outcome("overall_survival"))
    told = done.summary["outcomes"]["overall_survival"]["groups"]
    assert {key: one.n for key, one in groups.items()} == {key: one["n"] for key, one in told.items()}
    assert groups["true"].main.value[-1] == told["true"]["at"]["180 days"]["estimate"]


def test_where_patients_are_is_what_an_occupancy_outcome_tells(queue):
    """At every time and in every state, with follow-up that ends at different times."""
    history, at = queue.history, [10.0, 60.0, 150.0, 200.0]
    outcomes = tuple(
        by_hand.outcome("occupancy", f"{kind} {name}", place=(kind, name))
        for kind, names in (("state", history.log.names.states), ("stage", history.log.names.stages))
        for name in names
    )
    asked: m.Scenario = replace(queue.scenario, outcomes=outcomes)
    told = summarise(queue.log, queue.use, asked, at=at)["outcomes"]
    for kind in ("state", "stage"):
        found = whereabouts(history, everybody(history), np.array([0.0, *at]), of=kind)
        for name, share in zip(found.names, found.share, strict=True):
            rows = told[f"{kind} {name}"]["at"].values()
            assert list(share[1:]) == pytest.approx([row["estimate"] for row in rows])
            assert list(found.observed[1:]) == [row["n"] for row in rows]


def test_everybody_observed_is_somewhere(queue):
    found = whereabouts(queue.history, queue.about, np.linspace(0.0, 200.0, 50))
    np.testing.assert_allclose(found.share.sum(axis=0), 1.0)


def test_time_in_stages_by_hand():
    stages = [by_hand.stage("a", "x"), by_hand.stage("b", "x"), by_hand.stage("end", "y", terminal=True)]
    of = by_hand.scenario(stages, horizon=100.0)
    patients = [
        by_hand.Patient([by_hand.enters(0, "a"), by_hand.enters(10, "b"), by_hand.enters(40, "end")]),
        by_hand.Patient([by_hand.enters(0, "a"), by_hand.enters(20, "b")]),
        by_hand.Patient([by_hand.enters(0, "a")]),
    ]
    log = by_hand.event_log(of, patients)
    found = stays(Arm("it", of, log, by_hand.no_use(), {}).history, np.arange(3))
    assert [(one.name, one.n, one.cut_off) for one in found] == [("a", 2, 1), ("b", 1, 1)]
    assert found[0].quantiles == pytest.approx([10 + 10 * q for q in QUANTILES])
    assert found[1].quantiles == (30.0,) * len(QUANTILES)


def test_grades_are_shares_of_the_values(queue):
    outcome = queue.outcome("grade")
    found = grades(queue.history, outcome, queue.about)
    assert [share.value for share in found] == ["1", "2", "3"]
    n = queue.summary["outcomes"]["grade"]["n"]
    assert sum(share.count for share in found) == n
    mean = sum(float(share.value) * share.estimate.value for share in found)
    assert mean == pytest.approx(queue.summary["outcomes"]["grade"]["estimate"])
    assert not any(share.estimate.has_interval for share in found)  # they share a bed


def test_a_number_of_many_values_is_no_grade():
    done = arm_of(simulated(CLINICAL, "patients.number=300"))
    outcome = by_hand.outcome("attribute", attribute="age")
    assert grades(done.history, outcome, done.about) == ()


def test_waits_are_those_of_the_outcome(queue):
    days, served = ended_waits(queue.history, queue.outcome("waits"), queue.about)
    told = queue.summary["outcomes"]["waits"]
    assert (len(days), int(served.sum())) == (told["n"], told["served"]["n"])
    assert days.mean() == pytest.approx(told["estimate"])
    assert days[~served].mean() == pytest.approx(told["left"]["estimate"])
    assert told["left"]["n"] > 0
