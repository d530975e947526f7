"""Sweeps with a known order: more units never make a wait longer, and longer waits lower survival."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from sim.event_log.log import ASKS
from sim.outcomes.results import Results
from sim.runs.grid import grid
from sim.runs.run import RunRequest
from sim.runs.sweep import run_sweep
from sim.verification.theory.queues import erlang_c
from tests.cohorts import first_of, happened, run, written
from tests.rows import OutcomeRows, limits

TREATMENT = """
    treatment:
      needs: slot
      events: {ready: {after: {exponential: {rate: 1 per day}}, to: dead}}
    dead: {terminal: true}
"""


def centre(servers: int) -> str:
    """M/M/c: 2 patients come each day, each is served for a day in the mean."""
    text = written(
        TREATMENT,
        resources=f"{{slot: {{capacity: {servers}}}}}",
        patients="{arrive: {poisson: 2 per day, for: 1000 days}}",
        horizon="1000 days",
    )
    return text + "outcomes: {wait: {waiting_for: slot}}\n"


def swept(file: Path, over: str, **options: int) -> Results:
    request = RunRequest(file, workers=1, **options)
    return run_sweep(request, request.load(), grid([over], [])).results


def cells_of(results: Results, outcome: str) -> list[OutcomeRows]:
    """The rows of an outcome in each cell, in the order of the sweep."""
    return [OutcomeRows(results, outcome, arm) for arm in results.estimates.present("arm")]


def test_no_patient_waits_longer_for_more_units() -> None:
    """First come first served with the same arrivals and service times: Kiefer and Wolfowitz 1955,
    doi:10.1090/S0002-9947-1955-0066587-3; the workloads, in order, fall with every server, so each wait does."""
    waits = []
    for servers in (3, 4, 5, 6):
        log = run(centre(servers), seed=5).log
        asked = first_of(log, log.does == ASKS)
        waits.append(np.minimum(happened(log, "granted"), log.follow_up) - asked)
    for fewer, more in pairwise(waits):
        assert (more <= fewer).all()
        assert (more < fewer).any()


def test_the_mean_wait_over_a_sweep_of_capacity_is_that_of_erlang(tmp_path: Path) -> None:
    """M/M/c with c = 3, 4, 5 at 2 Erlang; the smallest error that must be caught is 35% at c = 3."""
    file = tmp_path / "queue.yaml"
    file.write_text(centre(3))
    cells = cells_of(swept(file, "resources.slot.capacity=3,4,5", replications=12, seed=3), "wait")
    means = [cell.headline.estimate for cell in cells]
    assert means == sorted(means, reverse=True)
    for servers, cell in zip((3, 4, 5), cells, strict=True):
        expected = erlang_c(servers, 2) / (servers - 2)
        low, high = limits(cell.headline)
        error = (high - low) / 2 / 2.2010 * 5  # Student's 97.5% point with 11 degrees of freedom
        assert abs(cell.headline.estimate - expected) <= error
        assert servers > 3 or error <= 0.35 * expected
    for cell in cells[1:]:
        assert cell.difference().high < 0
        assert cell.difference().variance_ratio > 1


def test_survival_falls_as_the_wait_for_treatment_grows(tmp_path: Path) -> None:
    """A patient who waits w days with hazard h is treated with probability exp(-h w), and safe from then on.

    20,000 patients: an error of 1.8 percentage points is caught.
    """
    stages = """
        waiting: {state: ill, events: {ready: {after: {fixed: 28 days}, to: treated}}}
        treated: {on_entry: [{stop: death}], terminal: true}
        dead: {state: dead, terminal: true}
    """
    file = tmp_path / "waiting.yaml"
    text = written(
        stages,
        number=20000,
        clocks="{death: {after: {exponential: {rate: 0.003 per day}}, to: dead}}",
        on_start="[{start: death}]",
        horizon="1 years",
    )
    file.write_text(text + "outcomes: {survival: {from: start, until: {state: dead}}}\n")
    weeks = (0, 2, 4, 8, 16, 32)
    values = ",".join(f"{7 * n} days" for n in weeks)
    path = "pathway.stages.waiting.events.ready.after.fixed"
    alive = [cell.headline.estimate for cell in cells_of(swept(file, f"{path}={values}"), "survival")]
    assert alive == sorted(alive, reverse=True)
    assert len(set(alive)) == len(weeks)
    for share, n in zip(alive, weeks, strict=True):
        expected = np.exp(-0.003 * 7 * n)
        assert abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / 20000)
