"""What a comparison tells, and what it refuses to compare."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.runs.comparison import Comparison, Source, carry_out
from sim.runs.request import RunRequest
from tests.simulated import OVERLOAD

SCENARIO = """\
format: 1
title: A ward
horizon: 3 years
states: {ill: {}, well: {}, dead: {}}
patients:
  number: 300
  attributes: {age: {uniform: [20, 60]}, sex: {categorical: {male: 0.5, female: 0.5}}, grade: 0}
clocks: {other_death: {after: {exponential: {rate: 0.05 per year}}, to: dead}}
pathway:
  start: ward
  on_start: [{start: other_death}]
  stages:
    ward:
      state: ill
      events:
        home:  {after: {exponential: {mean: 60 days}}, do: [{draw: {grade: {categorical: {1: 0.5, 3: 0.5}}}}], to: home}
        death: {after: {exponential: {mean: 200 days}}, to: dead}
    home:
      state: well
      events:
        back:  {after: {exponential: {mean: 1 year}}, to: ward}
        clinic: {every: {fixed: 90 days}, to: stay}
    dead: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}, by: sex}
  home: {from: start, until: {state: well}, competing: {death: {state: dead}}}
  ever_home: {ever: {stage: home}}
  visits: {count: {event: home.clinic}, among: {ever: {stage: home}}}
  grade: {attribute: grade}
  sexes: {attribute: sex}
  well: {occupancy: {state: well}}
  days_well: {time_in: {state: well}}
  road: {funnel: [start, {stage: home}, {event: home.clinic}]}
  and_back: {pathway: [{stage: home}, {stage: ward}]}
"""


def compared(folder: Path, *settings: str, text: str = SCENARIO, **options) -> Comparison:
    """The scenario against itself with other settings."""
    file = folder / "ward.yaml"
    file.write_text(text)
    asked = RunRequest(file, **options)
    other = replace(asked, settings=(*asked.settings, *settings))
    done = carry_out(
        [Source("ward", asked), Source("ward 2", other)],
        at=asked.at,
        step=lambda name: None,
        share=lambda share: None,
    )
    assert isinstance(done, Comparison)
    json.dumps(done.table, allow_nan=False)
    return done


def leaves(told, path=()):
    """Every difference of an entry with its path."""
    if isinstance(told, dict):
        if "difference" in told:
            yield path, told
        for key, value in told.items():
            yield from leaves(value, (*path, key))
    elif isinstance(told, list):
        for i, value in enumerate(told):
            yield from leaves(value, (*path, i))


@pytest.mark.parametrize("replications", [1, 3])
def test_an_arm_against_itself_differs_by_exactly_zero(tmp_path, replications):
    done = compared(tmp_path, replications=replications)
    found = list(leaves(done.table["outcomes"]))
    assert {path[0] for path, _ in found} == set(done.table["arms"]["ward"]["outcomes"])
    known = [leaf for _, leaf in found if leaf["difference"] is not None]
    assert len(known) > 40
    for leaf in known:
        assert leaf["difference"] == 0.0
        assert leaf["standard_error"] in (0.0, None)
        assert leaf["interval"] in ([0.0, 0.0], None)
    assert done.table["outcomes"]["survival"]["differences"]["ward 2"]["standard_error"] == 0.0


def test_arms_are_what_a_run_gives(tmp_path):
    from sim.runs.simulation import Simulation
    from sim.runs.simulation import carry_out as run

    done = compared(tmp_path)
    alone = run(RunRequest(tmp_path / "ward.yaml"), step=lambda name: None, share=lambda share: None)
    assert isinstance(alone, Simulation)
    assert done.table["arms"]["ward"] == alone.summary


def test_the_difference_of_a_share_is_that_of_its_patients(tmp_path):
    change = "pathway.stages.ward.events.home.after.exponential.mean=30 days"
    done = compared(tmp_path, change)
    one, other = (set(np.flatnonzero(ever_home(arm))) for arm in done.arms)
    found = done.table["outcomes"]["ever_home"]["differences"]["ward 2"]
    gained, lost = len(other - one), len(one - other)
    assert gained > 10
    assert found["difference"] == pytest.approx((gained - lost) / 300)
    # the variance of the mean of +1, -1 and 0 (McNemar's, with n - 1)
    mean = (gained - lost) / 300
    assert found["standard_error"] ** 2 == pytest.approx(((gained + lost) / 300 - mean**2) / 299)
    assert found["variance_ratio"] > 1


def ever_home(arm) -> np.ndarray:
    rows = np.flatnonzero(arm.log.stage_to == arm.log.names.stages.index("home"))
    return np.bincount(arm.log.patient_of_row()[rows], minlength=arm.log.n_patients) > 0


def test_quantiles_are_those_of_the_patients(tmp_path):
    done = compared(tmp_path, "pathway.stages.ward.events.home.after.exponential.mean=30 days")
    found = done.table["outcomes"]["days_well"]["differences"]["ward 2"]["quantiles"]
    days = [days_well(arm) for arm in done.arms]
    for level, q in (("25%", 0.25), ("50%", 0.5), ("75%", 0.75)):
        sides = [float(np.quantile(d, q, method="inverted_cdf")) for d in days]
        assert (found[level]["reference"], found[level]["value"]) == pytest.approx(sides)
        assert found[level]["difference"] == pytest.approx(sides[1] - sides[0])
    survival = done.table["outcomes"]["survival"]["differences"]["ward 2"]
    assert survival["quantiles"]["50%"]["difference"] == survival["median"]["difference"]
    assert survival["quantiles"]["50%"]["standard_error"] == survival["median"]["standard_error"]


def days_well(arm) -> np.ndarray:
    home = arm.log.names.stages.index("home")
    found = np.zeros(arm.log.n_patients)
    for i in range(arm.log.n_patients):
        rows = range(arm.log.row_of[i], arm.log.row_of[i + 1])
        moves = [(arm.log.time[r], arm.log.stage_to[r]) for r in rows if arm.log.stage_to[r] >= 0]
        ends = [*(t for t, _ in moves[1:]), arm.log.follow_up[i]]
        found[i] = sum(end - t for (t, stage), end in zip(moves, ends, strict=True) if stage == home)
    return found


def test_a_quantile_that_some_replication_does_not_reach_is_not_told(tmp_path):
    done = compared(
        tmp_path, "pathway.stages.ward.events.home.after.exponential.mean=30 days", replications=3
    )
    found = done.table["outcomes"]["survival"]["differences"]["ward 2"]["quantiles"]
    assert found["25%"]["difference"] is not None
    assert (found["75%"]["value"], found["75%"]["difference"]) == (None, None)


REFUSED = {
    "horizon=4 years": "the horizon is 3 years in the one and 4 years in the other",
    "patients.number=299": "they have 300 and 299 patients in the first replication",
    "patients.follow_up=1 years": "the follow-up is to the horizon in the one and 1 year in the other",
    "patients.attributes.grade=1": "patient 0 starts with grade 0 in the one and 1 in the other",
    "patients.attributes.age={uniform: [20, 61]}": "patient 0 starts with age",
    "outcomes.survival.from={stage: home}": "survival is counted from the start in the one and entering home in",
    "patients.arrive={every: 1 days}": "patient 1 starts on day 0 in the one and 1 in the other",
}


@pytest.mark.parametrize("setting", REFUSED)
def test_what_cannot_be_compared_is_refused_with_the_reason(tmp_path, setting):
    with pytest.raises(InputError) as refused:
        compared(tmp_path, setting)
    assert REFUSED[setting] in refused.value.fact
    assert refused.value.fact.startswith("ward and ward 2 cannot be compared: ")
    assert refused.value.fix


UNRELATED = {
    "a stage that few come to": (
        "      state: well\n      events:\n",
        "      state: well\n      events:\n        away: {chance: 0.05, after: {fixed: 30 days}, to: abroad}\n",
        "    dead: {state: dead, terminal: true}\n",
        "    dead: {state: dead, terminal: true}\n    abroad: {state: well, terminal: true}\n",
    ),
    "a capacity that nobody waits for": (
        "outcomes:\n",
        "resources: {theatre: {capacity: 3}}\noutcomes:\n",
    ),
    "a cost": (
        "{fixed: 90 days}, to: stay}",
        "{fixed: 90 days}, to: stay, cost: 120}",
        "horizon: 3 years\n",
        "horizon: 3 years\neconomics: {currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}\n",
    ),
}


@pytest.mark.parametrize("change", UNRELATED)
def test_whom_a_change_does_not_touch_is_identical(tmp_path, change):
    text = SCENARIO
    for old, new in zip(UNRELATED[change][::2], UNRELATED[change][1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "ward.yaml").write_text(SCENARIO)
    (tmp_path / "other.yaml").write_text(text)
    done = carry_out(
        [Source(name, RunRequest(tmp_path / f"{name}.yaml")) for name in ("ward", "other")],
        at=(365.25,),
        step=lambda name: None,
        share=lambda share: None,
    )
    assert isinstance(done, Comparison)
    one, other = (arm.log for arm in done.arms)
    touched = np.zeros(300, bool)
    if change == "a stage that few come to":
        rows = other.stage_to == other.names.stages.index("abroad")
        touched[other.patient_of_row()[rows]] = True
        assert 0 < touched.sum() < 60
    lives = done.table["lives"]["other"]
    assert lives["unchanged"]["count"] == 300 - touched.sum()
    for i in np.flatnonzero(~touched):
        mine, theirs = (slice(log.row_of[i], log.row_of[i + 1]) for log in (one, other))
        assert one.time[mine].tobytes() == other.time[theirs].tobytes()
    if not touched.any():
        for _, leaf in leaves(done.table["outcomes"]):
            assert leaf["difference"] in (0.0, None)


def test_outcomes_of_one_arm_alone_are_told(tmp_path):
    done = compared(tmp_path, "outcomes.road={funnel: [start, {stage: home}]}")
    assert "road" not in done.table["outcomes"]
    assert done.table["notes"] == ["outcomes not compared, ward 2 defines otherwise than ward: road"]
    assert set(done.table["arms"]["ward 2"]["outcomes"]) == set(done.table["arms"]["ward"]["outcomes"])


def test_where_patients_share_a_resource_one_replication_gives_no_interval(tmp_path):
    text = SCENARIO.replace("outcomes:", "resources: {bed: {capacity: 40}}\noutcomes:").replace(
        "      state: ill\n", "      state: ill\n      needs: bed\n"
    )
    done = compared(tmp_path, "resources.bed.capacity=400", text=text)
    found = done.table["outcomes"]["ever_home"]["differences"]["ward 2"]
    assert found["difference"] > 0
    assert (found["standard_error"], found["interval"], found["independent_interval"]) == (None, None, None)
    assert found["interval_note"].startswith("patients share bed")
    several = compared(tmp_path, "resources.bed.capacity=400", text=text, replications=4)
    found = several.table["outcomes"]["ever_home"]["differences"]["ward 2"]
    assert found["interval_kind"] == "Student, over paired replications"
    assert found["interval"][0] < found["difference"] < found["interval"][1]


def test_waits_in_a_queue_that_does_not_settle_in_either_arm_are_of_no_steady_state(tmp_path):
    """In whichever arm it grows, and with its name."""
    for reference, who in ((1, "ward"), (3, "ward 2")):
        text = OVERLOAD.replace("capacity: 1", f"capacity: {reference}")
        told = compared(
            tmp_path, f"resources.server.capacity={4 - reference}", text=text, replications=2
        ).table
        waits = told["outcomes"]["wait"]["differences"]["ward 2"]
        assert waits["steady_state_note"].startswith(f"with {who}, the queue for server does not settle: ")
        assert "steady_state_note" not in told["outcomes"]["served"]["differences"]["ward 2"]
        (note,) = told["notes"]
        assert note.startswith(f"with {who}, the queue for server does not settle: it grows by ")
