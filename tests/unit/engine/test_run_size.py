"""The size of a run is estimated before it, and a run that is too large is an error at once."""

from __future__ import annotations

import tracemalloc
from math import inf
from time import perf_counter

import numpy as np
import pytest

import sim.engine.run
from sim.engine.arrivals import cohort, expected_arrivals
from sim.engine.run import BATCH, check_size
from sim.errors import InputError
from tests.cohorts import compiled, read, run, written

STAGES = """
ward: {state: ill, events: {done: {after: {exponential: {mean: 20 days}}, to: died}}}
died: {state: dead, terminal: true}
"""
RATES = "{0 days: 2 per day, 100 days: 0 per day, 200 days: 5 per day}"


def text(patients: str, *, horizon: str = "100 days") -> str:
    return written(STAGES, patients=patients, horizon=horizon)


@pytest.mark.parametrize(
    ("patients", "replications", "fact"),
    [
        ("{arrive: {poisson: 1e9 per day, for: 10 years}}", 1, "about 3.65e+12 patients are expected"),
        ("{arrive: {every: 1e-6 days, for: 10 years}}", 1, "about 3.65e+09 patients are expected"),
        ("{number: 1000000000}", 1, "about 1e+09 patients are expected in a replication"),
        ("{number: 1000000}", 10_000_000, "about 1e+13 patients are expected in 10,000,000 replications"),
        (
            "{arrive: {poisson: {0 days: 1e9 per day, 0.001 days: 1 per day}, for: 10 years}}",
            1,
            "about 3.65e+12 arrival times would be drawn at the highest rate",
        ),
    ],
)
def test_a_run_of_too_many_patients_is_an_error_at_once(patients: str, replications: int, fact: str) -> None:
    began = perf_counter()
    with pytest.raises(InputError) as found:
        run(text(patients, horizon="10 years"), replications=replications)
    assert perf_counter() - began < 1.0
    assert fact in found.value.fact
    assert "lower the " in found.value.fix


def test_a_log_larger_than_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.engine.run, "machine_memory", lambda: 8.0 * 2**30)
    scenario = compiled(text("{number: 100000000}")).scenario
    with pytest.raises(InputError, match=r"53\.4 GiB are needed .* 100,000,000 patients, .* has 8\.0 GiB"):
        check_size(scenario, 1, at_least=inf)
    many = compiled(text("{number: 1000000}")).scenario
    with pytest.raises(InputError, match="100,000,000 patients"):
        check_size(many, 100, at_least=inf)
    check_size(many, 100, at_least=BATCH)


def test_the_expected_number_is_the_mean_of_what_arrives() -> None:
    scenario = read(text(f"{{arrive: {{poisson: {RATES}, for: 400 days}}}}", horizon="500 days"))
    assert expected_arrivals(scenario) == (1200.0, 2000.0)
    n = len(cohort(scenario, 1, range(100)))
    assert abs(n - 120_000) < 5 * np.sqrt(120_000)


@pytest.mark.parametrize(
    ("patients", "expected"),
    [
        ("{number: 7}", 7),
        ("{number: 7, arrive: {every: 2 days}}", 7),
        ("{number: 700, arrive: {every: 2 days}}", 50),
        ("{number: 2, arrive: {days: [5 days, 1.5 days, 7 days]}}", 2),
        ("{number: 30, arrive: {poisson: 2 per day}}", 30),
        ("{number: 3000, arrive: {poisson: 2 per day}}", 200),
    ],
)
def test_a_number_bounds_what_is_expected(patients: str, expected: int) -> None:
    assert expected_arrivals(read(text(patients)))[0] == expected


@pytest.mark.parametrize("arrive", ["{every: 1 days}", "{poisson: 1 per day}"])
def test_a_number_beyond_the_horizon_takes_no_memory(arrive: str) -> None:
    scenario = read(text(f"{{number: 1000000000, arrive: {arrive}}}"))
    tracemalloc.start()
    try:
        who = cohort(scenario, 1, range(1))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 50 <= len(who) <= 150
    assert peak < 2**20
