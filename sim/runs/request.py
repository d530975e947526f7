"""A request for a run, checked once for the command line and for Python."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from sim.engine.run import ENGINES
from sim.errors import InputError, did_you_mean
from sim.outcomes.summary import DEFAULT_TIMES
from sim.scenario import load
from sim.scenario.language.model import Outcome, Scenario
from sim.units import days

Time: TypeAlias = str | float
"""A time as `2 years`, or a number of days."""

LARGEST = 2**31 - 1
"""Replications, patients and their numbers are 32-bit integers in the event log."""
NUMBER = "patients.number"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request for a run.

    file: of the scenario. settings: `PATH=VALUE` each. workers: None for all cores. at: days at which
    curves are read. scenario: the scenario, where it is loaded already. patients: their number, None
    for that of the scenario.
    Raises: InputError, naming the parameter, for a value that it cannot have.
    """

    file: Path
    settings: tuple[str, ...] = ()
    seed: int = 1
    replications: int = 1
    engine: str = "auto"
    workers: int | None = None
    at: tuple[float, ...] = DEFAULT_TIMES
    scenario: Scenario | None = None
    patients: int | None = None

    def __post_init__(self) -> None:
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_whole("replications", self.replications, 1, LARGEST)
        if self.workers is not None:
            check_whole("workers", self.workers, 1, LARGEST)
        if self.patients is not None:
            check_whole("patients", self.patients, 1, LARGEST)
        check_word("engine", self.engine, ENGINES)
        for time in self.at:
            if not 0.0 < time < inf:
                raise InputError(
                    f"at: curves are read after the start, not at {time:g} days", "give a time > 0"
                )
        if self.scenario is not None and (self.settings or self.patients is not None):
            fact = f"{self.scenario.file}: the scenario is loaded, its settings and patients are fixed"
            raise InputError(fact, "use load(file, settings=[...]), or give the file")

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The settings, the number of patients as the last of them."""
        if self.patients is None:
            return self.settings
        others = [setting for setting in self.settings if setting.partition("=")[0].strip() != NUMBER]
        return (*others, f"{NUMBER}={self.patients}")

    def load(self) -> Scenario:
        """The scenario. Raises: ScenarioError where it is wrong."""
        return self.scenario or load(self.file, settings=self.all_settings)


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Raises: InputError for a parameter that is no whole number from low to high."""
    try:
        if low <= operator.index(value) <= high:
            return
    except TypeError:
        pass
    raise InputError(f"{name}: must be a whole number from {low} to {high:,}, not {value}")


def check_word(name: str, word: str | None, known: Iterable[str]) -> None:
    """Raises: InputError for a parameter that is none of these words, with the nearest of them."""
    known = list(known)
    if word is not None and word not in known:
        raise InputError(f"{name}: {word} is none of {', '.join(known)}", did_you_mean(str(word), known))


def times(at: Sequence[Time] | Time) -> tuple[float, ...]:
    """Times in days, none for the usual ones. Raises: InputError for a text that is no time."""
    listed = [at] if isinstance(at, str | float | int) else list(at)
    return tuple(time_in_days("at", time) for time in listed) or DEFAULT_TIMES


def time_in_days(name: str, time: Time) -> float:
    """The time of a parameter in days. Raises: InputError for a text that is no time."""
    try:
        return days(time) if isinstance(time, str) else float(time)
    except InputError as error:
        raise InputError(f"{name}: {error.fact}", error.fix) from error
    except (TypeError, ValueError):
        raise InputError(f"{name}: {time!r} is no time", "give days, or a text as `2 years`") from None


def texts(values: Iterable[str] | str) -> tuple[str, ...]:
    """Texts of a parameter; one text is taken as a list of one."""
    return (values,) if isinstance(values, str) else tuple(values)


def outcome_called(name: str, scenario: Scenario, *, parameter: str) -> Outcome:
    """The outcome of this name. Raises: InputError where there is none, naming the nearest, or all."""
    found = {outcome.name: outcome for outcome in scenario.outcomes}
    if name not in found and scenario.economics is not None:
        from sim.economics import endpoints

        found |= {one: endpoints.outcome_called(one) for one in endpoints.economic_outcomes(scenario)}
    if name not in found:
        fix = did_you_mean(name, found) or f"the outcomes are {', '.join(found)}"
        raise InputError(f"{parameter}: there is no outcome {name}", fix)
    return found[name]


def check_outcomes(names: Sequence[str], scenario: Scenario) -> None:
    """Raises: InputError for the name of an outcome that the scenario does not have."""
    for name in names:
        outcome_called(name, scenario, parameter="outcomes")
