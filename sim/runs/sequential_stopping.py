"""Simulating until an interval is as narrow as asked for: more patients, or more replications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, isnan
from typing import Any, Generic, TypeAlias, TypeVar

from sim.errors import InputError, RunError
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import Results
from sim.runs import comparison, simulation
from sim.runs.comparison import Comparison, Source
from sim.runs.request import RunRequest, outcome_called, time_in_days
from sim.runs.simulation import BrokenRun, Share, Simulation, Step
from sim.scenario.language.model import Scenario

MOST_PATIENTS = 5_000_000
"""In one run: what fits into the memory of an ordinary machine."""
MOST_REPLICATIONS = 20_000
FEWEST_REPLICATIONS = 10
"""With fewer an interval says too little of how many it would take."""
SAFETY = 1.1
"""A standard error is itself an estimate: so much more than it asks for."""

FORM = "write OUTCOME=HALF-WIDTH, OUTCOME@TIME=HALF-WIDTH, as `overall_survival@2 years=0.005`"
CURVE_NUMBERS = ("median", "restricted_mean")
SHARES = ("time_to_event", "occupancy", "ever", "funnel", "pathway")
"""Outcomes between 0 and 1."""

T = TypeVar("T")
Row: TypeAlias = EstimateRow | DifferenceRow
Resize = Callable[[RunRequest], RunRequest]
"""Makes what is asked larger."""


@dataclass(frozen=True, slots=True)
class Target:
    """How narrow an interval is to be: half its width, in the outcome's unit (times: days).

    at: the time the outcome is read at (days), `median` or `restricted_mean`, None for its headline.
    """

    text: str
    outcome: str
    at: float | str | None
    half_width: float


@dataclass(frozen=True, slots=True)
class Reached(Generic[T]):
    """What was simulated when the interval was narrow enough, and what it took.

    size: how many patients (or replications, as `of` says); rounds: how often it was simulated.
    """

    done: T
    target: Target
    half_width: float
    size: int
    of: str
    rounds: int

    @property
    def told(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "asked": self.target.text,
            "half_width": self.half_width,
            self.of: self.size,
            "rounds": self.rounds,
        }

    @property
    def in_words(self) -> str:
        rounds = "one round" if self.rounds == 1 else f"{self.rounds} rounds"
        return (
            f"{self.target.text}: took {self.size:,} {self.of} in {rounds}, half-width {self.half_width:.3g}"
        )


def target_of(text: str, scenario: Scenario) -> Target:
    """A target as `overall_survival@2 years=0.005`. Raises: InputError for what is none."""
    head, sign, width = text.rpartition("=")
    name, _, when = (part.strip() for part in head.partition("@"))
    if not sign or not name:
        raise InputError(f"until_precision: {text} is no target", FORM)
    of = outcome_called(name, scenario, parameter="until_precision")
    if when and of.kind not in ("time_to_event", "occupancy"):
        raise InputError(f"until_precision: {name} is not read at a time", f"write {name}=HALF-WIDTH")
    at = when if when in CURVE_NUMBERS else (time_in_days("until_precision", when) if when else None)
    if at == 0.0:
        raise InputError("until_precision: curves are read after the start, not at 0 days", FORM)
    half_width = _half_width(width.strip())
    is_share = (of.kind in SHARES or of.above is not None) and at not in CURVE_NUMBERS
    if is_share and (width.strip()[-1].isalpha() or half_width >= 0.5):
        fix = "write a number below 0.5, as 0.005 for half a percentage point"
        raise InputError(f"until_precision: {name} is a share, and {width.strip()} no half-width of one", fix)
    return Target(text, name, at, half_width)


def _half_width(text: str) -> float:
    """A number, or a time in days."""
    try:
        value = float(text)
    except ValueError:
        value = time_in_days("until_precision", text)
    if not value > 0.0:
        raise InputError(f"until_precision: a half-width is above 0, not {text}", FORM)
    return value


def with_time(asked: RunRequest, target: Target) -> RunRequest:
    """The same, with the target's time among those at which curves are read."""
    if isinstance(target.at, float) and target.at not in asked.at:
        return replace(asked, at=tuple(sorted((*asked.at, target.at))))
    return asked


# ---------------------------------------------------------------- until it is reached


def until(
    target: Target,
    asked: RunRequest,
    arms: Sequence[RunRequest],
    carry_out: Callable[[Resize], tuple[T, list[Row]]],
) -> Reached[T]:
    """Simulate as asked, then with more, until the interval is narrow enough.

    arms: what is simulated; patients are added, or replications where patients share resources or
    arrive for a time, and where replications were asked for. carry_out is told how to make an arm of
    the size to try; it gives what came of it, and the entries of the target's outcome (one for each
    arm against the reference), none where something forbidden happened, which ends it.
    Raises: RunError where there is no interval, or one of no steady state, or where it would take too
    many; InputError where more patients are wanted of a scenario that was loaded.
    """
    scenarios = [_scenario(arm) for arm in arms]
    grows = asked.replications > 1 or any(_needs_replications(scenario) for scenario in scenarios)
    loaded = [arm.file for arm in arms if arm.scenario is not None]
    if loaded and not grows:
        raise InputError(
            f"until_precision: {loaded[0]} has been loaded, and gets no more patients", "give its file"
        )
    size = max(asked.replications, FEWEST_REPLICATIONS) if grows else _patients(scenarios[0])
    most, of = (MOST_REPLICATIONS, "replications") if grows else (MOST_PATIENTS, "patients")
    for rounds in range(1, 100):
        done, rows = carry_out(partial(_sized, size=size, grows=grows))
        half = max((_half_width_of(row, target) for row in rows), default=0.0)
        if rows and half == 0.0:
            why = rows[0].note or "all patients are alike in this"
            raise RunError(f"until_precision {target.text}: there is no interval to be narrow ({why})")
        if half <= target.half_width:
            return Reached(done, target, half, size, of, rounds)
        wanted = max(ceil(size * (half / target.half_width) ** 2 * SAFETY), size + 1)
        if wanted > most:
            now = f"{size:,} {of} give a half-width of {half:.3g}"
            raise RunError(
                f"until_precision {target.text}: {now}; it would take about {wanted:,}, "
                f"more than {most:,}\n    ask for a wider interval"
            )
        size = wanted
    raise RunError(f"until_precision {target.text}: is not reached in a hundred rounds")


def _scenario(asked: RunRequest) -> Scenario:
    return asked.load()


def _needs_replications(scenario: Scenario) -> bool:
    return scenario.patients.number is None or bool(scenario.shared)


def _patients(scenario: Scenario) -> int:
    assert scenario.patients.number is not None
    return scenario.patients.number


def _sized(asked: RunRequest, *, size: int, grows: bool) -> RunRequest:
    if grows:
        return replace(asked, replications=size)
    return replace(asked, patients=size)


def _rows(results: Results, target: Target, *, compared: bool) -> list[Row]:
    """The rows that the target is about: one, or one for each arm against the reference."""
    facts = results.reference.outcome(target.outcome)
    assert facts is not None
    headline = facts.description.headline
    measure = target.at if isinstance(target.at, str) else headline.measure
    labels: dict[str, Any] = {
        "outcome": target.outcome,
        "measure": measure,
        "group": "",
        "part": "" if measure in CURVE_NUMBERS else headline.part,
    }
    if measure not in CURVE_NUMBERS:
        labels["time_days"] = headline.time if target.at is None else target.at
    table = results.differences if compared else results.estimates
    return list(table.where(**labels))


def _half_width_of(row: Row, target: Target) -> float:
    """Half the width of the interval that the target is about.

    Raises: RunError where there is none, or where it is one of no steady state.
    """
    if "does not settle" in row.note:
        raise RunError(
            f"until_precision {target.text}: {row.note}\n"
            "    ask for the precision of another outcome, or give the resource a capacity that settles"
        )
    if isnan(row.low) or isnan(row.high):
        why = row.note or "no patient is observed for so long, or the limit is not reached"
        raise RunError(f"until_precision {target.text}: there is no interval ({why})")
    return (row.high - row.low) / 2


# ---------------------------------------------------------------- a run, a comparison


def run_until(text: str, asked: RunRequest, *, step: Step, share: Share) -> Reached[Simulation | BrokenRun]:
    """Simulate a cohort until an outcome's interval is as narrow as `text` says."""
    target = target_of(text, _scenario(asked))
    asked = with_time(asked, target)

    def carry_out(resize: Resize) -> tuple[Simulation | BrokenRun, list[Row]]:
        done = simulation.carry_out(resize(asked), step=step, share=share)
        return done, [] if isinstance(done, BrokenRun) else _rows(done.results, target, compared=False)

    return until(target, asked, [asked], carry_out)


def compare_until(
    text: str, of: Sequence[Source], asked: RunRequest, *, step: Step, share: Share
) -> Reached[Comparison | BrokenRun]:
    """Compare until the interval of an outcome's difference is as narrow as `text` says, in every arm.

    Raises: InputError where an arm has been simulated already.
    """
    files = [source.of for source in of if isinstance(source.of, RunRequest)]
    if len(files) < len(of):
        name = next(source.name for source in of if not isinstance(source.of, RunRequest))
        raise InputError(
            f"until_precision: {name} is a saved run, and gets no more patients", "name its file"
        )
    target = target_of(text, _scenario(files[0]))
    first = with_time(replace(asked, replications=files[0].replications), target)

    def carry_out(resize: Resize) -> tuple[Comparison | BrokenRun, list[Row]]:
        arms = [replace(source, of=resize(one)) for source, one in zip(of, files, strict=True)]
        done = comparison.carry_out(arms, at=first.at, step=step, share=share)
        if isinstance(done, BrokenRun):
            return done, []
        rows = _rows(done.results, target, compared=True)
        if not rows:
            raise InputError(f"until_precision: the arms do not have {target.outcome} in common", FORM)
        return done, rows

    reached = until(target, first, files, carry_out)
    if isinstance(reached.done, Comparison):
        results = replace(reached.done.results, precision=reached.told)
        return replace(reached, done=replace(reached.done, results=results))
    return reached
