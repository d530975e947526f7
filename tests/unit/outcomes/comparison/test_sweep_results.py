"""The cells of a sweep: whether they have the same patients, and their differences from the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.outcomes.comparison.sweep_results import (
    evaluate_cell,
    headline_difference,
    headline_differences,
    without_log,
)
from sim.outcomes.estimates import DifferenceRow, Differences
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.runs.grid import grid
from sim.runs.run import RunRequest
from sim.runs.sweep import run_sweep
from sim.scenario.language import model as m
from tests import example_logs as by_hand
from tests.example_logs import Patient, enters, happens, outcome
from tests.rows import OutcomeRows, limits

STAGES = [by_hand.stage("a", "ill"), by_hand.stage("dead", "dead", terminal=True)]
OS = outcome("time_to_event", "survival", begin=happens("start"), until=happens("state", "dead"))
DIED = outcome("ever", "died", event=happens("state", "dead"))
CSF = by_hand.category("csf", "clear", "cells")
NAMES = ("cell", "reference")


def arm(
    days: list[float],
    csf: m.Attribute = CSF,
    *,
    start: str = "cells",
    replications: int = 1,
    outcomes: tuple[m.Outcome, ...] = (OS, DIED),
    **settings: float,
) -> Arm:
    """Patients who die after these days (0: alive at the end), in each replication; the last has `start`."""
    scenario = by_hand.scenario(STAGES, attributes=[csf], outcomes=outcomes, **settings)
    patients = [
        Patient(
            [enters(0, "a"), *([enters(day, "dead")] if day else [])],
            {"csf": start if i == len(days) - 1 else csf.categories[0]},
            replication=replication,
        )
        for replication in range(replications)
        for i, day in enumerate(days)
    ]
    log = by_hand.event_log(scenario, patients)
    return Arm("", scenario, log, by_hand.no_use(), 1, replications)


def differences(reference: Arm, other: Arm) -> Differences:
    """The differences of the headlines of survival (at a year) and of the share who died."""
    cells = (evaluate_cell(one, at=(365.25,)) for one in (reference, other))
    return Differences.of(headline_differences(*cells, names=NAMES))


def difference(reference: Arm, other: Arm, name: str = "died") -> DifferenceRow:
    (row,) = differences(reference, other).where(outcome=name)
    return row


BASE = [100.0, 200.0, 300.0, 0.0, 0.0, 500.0, 600.0]
LATER = [100.0, 200.0, 0.0, 0.0, 0.0, 500.0, 600.0]


def test_cells_with_the_same_patients_are_paired():
    row = difference(arm(BASE), arm(LATER))
    assert (row.arm, row.reference, row.measure, row.unit) == ("cell", "reference", "share", "share")
    assert row.difference == pytest.approx(-1 / 7)
    assert limits(row) is not None
    assert row.standard_error**2 == pytest.approx((1 / 7 - 1 / 49) / 6), "one of seven patients differs"
    assert row.method == "Student, over paired patients"
    assert row.note == "only about 1 patient differs between the arms: the interval may be too narrow"


RENAMED = by_hand.category("csf", "clear", "blasts")
SWAPPED = by_hand.category("csf", "cells", "clear")
OTHER_PATIENTS = "its patients are not those of the reference (csf): several replications give one"


def test_cells_whose_categories_differ_in_name_alone_are_not_paired():
    """The codes of the attribute are the same in both, its categories are not."""
    reference, renamed = arm(BASE), arm(LATER, RENAMED, start="blasts")
    assert np.array_equal(reference.log.at_start, renamed.log.at_start)
    row = difference(reference, renamed)
    assert row.difference == pytest.approx(-1 / 7)
    assert np.isnan([row.standard_error, row.low, row.high, row.independent_low, row.variance_ratio]).all()
    assert (row.method, row.note) == ("", OTHER_PATIENTS)
    assert {one.note for one in differences(reference, renamed)} == {OTHER_PATIENTS}


def test_cells_whose_categories_differ_in_code_alone_are_paired():
    """The categories of each patient are the same in both, their codes are not."""
    swapped = arm(LATER, SWAPPED, start="cells")
    swapped.log.at_start[:, 0] = 1.0 - arm(BASE).log.at_start[:, 0]
    assert differences(arm(BASE), swapped).records() == differences(arm(BASE), arm(LATER)).records()
    assert limits(difference(arm(BASE), swapped)) is not None


def test_cells_with_other_values_are_not_paired():
    assert difference(arm(BASE), arm(LATER, start="clear")).note == OTHER_PATIENTS
    other = arm(LATER)
    later = replace(other, log=replace(other.log, begins=other.log.begins + 1.0))
    assert difference(arm(BASE), later).note == OTHER_PATIENTS.replace("csf", "arrivals")


def test_an_attribute_that_one_cell_lacks_does_not_matter():
    more = by_hand.category("more", "x", "y")
    assert limits(difference(arm(BASE), arm(LATER, more, start="y"))) is not None


def test_cells_with_other_patients_are_compared_over_replications():
    row = difference(arm(BASE, replications=3), arm(LATER, RENAMED, start="blasts", replications=3))
    assert row.difference == pytest.approx(-1 / 7)
    assert (row.method, row.note) == (
        "",
        "every replication differs by the same amount, so there is no interval",
    )
    same = difference(arm(BASE, replications=3), arm(BASE, RENAMED, start="blasts", replications=3))
    assert (same.difference, limits(same)) == (0.0, (0.0, 0.0))
    assert same.note == "no replication differs between the arms"


@pytest.mark.parametrize(
    ("settings", "what"),
    [({"horizon": 900.0}, "horizon is 1000 days"), ({"follow_up": 700.0}, "follow-up is to the horizon")],
)
def test_cells_observed_for_another_time_have_no_difference(settings, what):
    row = difference(arm(BASE), arm(LATER, **settings))
    assert not row.is_known
    assert row.note.startswith(f"the {what} in the reference and ")


def test_outcomes_that_the_cell_does_not_share_have_no_difference():
    other = outcome("ever", "died", event=happens("start"))
    without, different = arm(LATER, outcomes=(OS,)), arm(LATER, outcomes=(OS, other))
    assert not difference(arm(BASE), without).is_known
    assert difference(arm(BASE), without).note == "this cell does not have it"
    assert not difference(arm(BASE), different).is_known
    assert difference(arm(BASE), different).note == "this cell defines it differently"
    assert limits(difference(arm(BASE), different, "survival")) is not None


def test_chosen_outcomes_and_the_burden_of_waiting():
    cells = [evaluate_cell(one, at=(365.25,)) for one in (arm(BASE), arm(LATER))]
    every = Differences.of(headline_differences(*cells, names=NAMES))
    assert every.present("outcome") == ("survival", "died", "waiting_days", "lost_waiting", "life_years")
    chosen = Differences.of(headline_differences(*cells, names=NAMES, outcomes=("died",)))
    assert chosen.present("outcome") == ("died", "waiting_days", "lost_waiting", "life_years")
    (years,) = chosen.where(outcome="life_years")
    assert years.difference == pytest.approx(700 / 7 / 365.25)


def test_two_cells_are_compared_over_replications_without_their_logs():
    """As with `without_log`, as between the best cell of a sweep and the others."""
    cells = [without_log(evaluate_cell(arm(days, replications=2), at=(365.25,))) for days in (BASE, LATER)]
    (row,) = headline_difference(*cells, "died", names=("cell", "best"))
    assert (row.arm, row.reference, row.difference) == ("cell", "best", pytest.approx(-1 / 7))
    longer = replace(cells[1], window={**cells[1].window, "horizon": "9 years"})
    (row,) = headline_difference(cells[0], longer, "died", names=("cell", "best"))
    assert not row.is_known
    assert row.note.startswith("the horizon is ")


# ---------------------------------------------------------------- a sweep of a scenario

SCENARIO = """\
format: 1
title: Two sites
horizon: 1 years
states: {ill: {}, dead: {}}
patients:
  number: 300
  attributes: {site: {categorical: {marrow: 0.5, cns: 0.5}}}
pathway:
  start: ward
  stages:
    ward: {state: ill, events: {death: {after: {exponential: {mean: 1 years}}, to: dead}}}
    dead: {state: dead, terminal: true}
outcomes: {survival: {from: start, until: {state: dead}}}
"""
MEAN = "pathway.stages.ward.events.death.after.exponential.mean"


def swept(folder: Path, *cells: str, replications: int = 1) -> Results:
    file = folder / "sites.yaml"
    file.write_text(SCENARIO)
    request = RunRequest(file, replications=replications, at=(180.0,), workers=1)
    return run_sweep(request, request.load(), grid([], list(cells))).results


def test_a_sweep_notes_that_a_renamed_category_makes_other_patients(tmp_path):
    """The patients have the same codes, but sites with other names."""
    renamed = "patients.attributes.site={categorical: {marrow: 0.5, testis: 0.5}}"
    found = swept(tmp_path, renamed, f"{MEAN}=2 years")
    row = OutcomeRows(found, "survival", renamed).difference()
    assert (row.difference, limits(row)) == (0.0, None)
    assert row.note == "its patients are not those of the reference (site): several replications give one"
    slower = OutcomeRows(found, "survival", f"{MEAN}=2 years").difference()
    assert slower.low > 0
    assert slower.note == ""
