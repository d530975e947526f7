"""A request for a run is checked when it is made, by the command line and by Python alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.engine.run import simulate
from sim.errors import InputError
from sim.pathway.tables import compile_pathway
from sim.runs.run import RunRequest, times

FIRST = Path(__file__).parents[3] / "scenarios" / "first_steps.yaml"

WRONG = [
    ({"seed": -1}, "seed: must be a whole number from 0 to"),
    ({"seed": 2**63}, "seed: must be a whole number from 0 to 9,223,372,036,854,775,807, not"),
    ({"seed": 1.5}, "seed: must be a whole number"),
    ({"replications": 0}, "replications: must be a whole number from 1 to 2,147,483,647, not 0"),
    ({"replications": 2**31}, "replications: must be"),
    ({"workers": -2}, "workers: must be a whole number from 1"),
    ({"workers": "two"}, "workers: must be a whole number"),
    ({"patients": 0}, "patients: must be a whole number from 1"),
    ({"engine": "indepedent"}, "engine: indepedent is none of auto, independent, shared"),
    ({"engine": ""}, "engine:  is none of"),
]
TIMES = [
    ([-5], "at: curves are read after the start, not at -5 days"),
    (["0 days"], "at: curves are read after the start, not at 0 days"),
    ([float("inf")], "at: curves are read"),
    ([float("nan")], "at: curves are read"),
    (["soon"], "at: `soon` is not a time"),
    ([None], "at: None is no time"),
]


@pytest.mark.parametrize(("options", "fact"), WRONG)
def test_a_value_that_a_parameter_cannot_have_is_an_error(options: dict[str, Any], fact: str) -> None:
    with pytest.raises(InputError) as error:
        RunRequest(FIRST, **options)
    assert error.value.fact.startswith(fact)
    for call in (sim.run, lambda file, **given: sim.compare(file, file, **given)):
        with pytest.raises(InputError) as error:
            call(FIRST, **options)
        assert error.value.fact.startswith(fact)


@pytest.mark.parametrize(("at", "fact"), TIMES)
def test_a_time_that_no_curve_has_is_an_error(at: list[Any], fact: str) -> None:
    with pytest.raises(InputError) as error:
        sim.run(FIRST, at=at)
    assert error.value.fact.startswith(fact)


def test_an_engine_of_no_name_never_runs_another() -> None:
    with pytest.raises(InputError, match="did you mean `independent`"):
        simulate(compile_pathway(sim.load(FIRST)), engine="indepedent")


def test_times_and_numbers_are_taken_as_they_are_written() -> None:
    assert times(["1 year", 90]) == (365.25, 90.0)
    assert times("1 year") == (365.25,)
    assert times(90) == (90.0,)
    assert RunRequest(FIRST, replications=np.int64(3)).replications == 3  # type: ignore[arg-type]


def test_the_number_of_patients_replaces_that_of_the_settings() -> None:
    request = RunRequest(FIRST, ("patients.number=7", "horizon=1 years"), patients=5)
    assert request.all_settings == ("horizon=1 years", "patients.number=5")
    assert request.load().patients.number == 5
