"""Sequential stopping: more patients, or replications, until a 95% interval is narrow enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, isnan
from typing import Any, Generic, TypeAlias, TypeVar

from sim.engine.processes import Workers
from sim.errors import InputError, RunError
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import Results
from sim.pathway.tables import compile_pathway
from sim.runs.comparison import ArmSource, Comparison, run_comparison
from sim.runs.run import QUIET, Progress, Run, RunRequest, outcome_called, run_scenario, time_in_days
from sim.scenario.language.model import Scenario

MOST_PATIENTS = 5_000_000
"""In one run: as many as fit into the memory of an ordinary machine."""
MOST_REPLICATIONS = 20_000
FEWEST_REPLICATIONS = 10
"""With fewer the width of an interval predicts too little of the number that is needed."""
SAFETY = 1.1
"""A standard error is itself an estimate: so much more is simulated than it predicts."""

FORM = "write OUTCOME=HALF-WIDTH, OUTCOME@TIME=HALF-WIDTH, as `overall_survival@2 years=0.005`"
UNOBSERVED = "no patient is observed for so long, or the limit is not reached"
CURVE_NUMBERS = ("median", "restricted_mean")
SHARES = ("time_to_event", "occupancy", "ever", "funnel", "pathway")
"""Outcomes between 0 and 1."""

T = TypeVar("T", Run, Comparison)
Row: TypeAlias = EstimateRow | DifferenceRow


@dataclass(frozen=True, slots=True)
class Target:
    """The half-width that an interval is to have, in the outcome's unit (times: days).

    at: the time at which the outcome is read (days), `median` or `restricted_mean`, None for its
    headline.
    """

    text: str
    outcome: str
    at: float | str | None
    half_width: float


@dataclass(frozen=True, slots=True)
class StoppingResult(Generic[T]):
    """The run or comparison whose interval is narrow enough.

    size: its patients or replications, as `unit` says. rounds: how often it was simulated.
    """

    done: T
    target: Target
    half_width: float
    size: int
    unit: str
    rounds: int

    @property
    def values(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "asked": self.target.text,
            "half_width": self.half_width,
            self.unit: self.size,
            "rounds": self.rounds,
        }

    @property
    def sentence(self) -> str:
        """The same in words."""
        rounds = "one round" if self.rounds == 1 else f"{self.rounds} rounds"
        took = f"took {self.size:,} {self.unit} in {rounds}"
        return f"{self.target.text}: {took}, half-width {self.half_width:.3g}"


def target_of(text: str, scenario: Scenario) -> Target:
    """A target as `overall_survival@2 years=0.005`. Raises: InputError for a text that is none."""
    head, sign, width = text.rpartition("=")
    name, _, when = (part.strip() for part in head.partition("@"))
    if not sign or not name:
        raise InputError(f"until_precision: {text} is no target", FORM)
    outcome = outcome_called(name, scenario, parameter="until_precision")
    if when and outcome.kind not in ("time_to_event", "occupancy"):
        raise InputError(f"until_precision: {name} is not read at a time", f"write {name}=HALF-WIDTH")
    at = when if when in CURVE_NUMBERS else (time_in_days("until_precision", when) if when else None)
    if at == 0.0:
        raise InputError("until_precision: curves are read after the start, not at 0 days", FORM)
    half_width = _half_width(width.strip())
    is_share = (outcome.kind in SHARES or outcome.above is not None) and at not in CURVE_NUMBERS
    if is_share and (width.strip()[-1].isalpha() or half_width >= 0.5):
        fix = "write a number below 0.5, as 0.005 for half a percentage point"
        raise InputError(f"until_precision: {name} is a share, {width.strip()} is no half-width of one", fix)
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


def run_until(
    text: str, request: RunRequest, scenario: Scenario, *, keep_log: bool = False, progress: Progress = QUIET
) -> StoppingResult[Run]:
    """Simulate a scenario until the interval of an outcome has the half-width that `text` names.

    scenario: that of the request. Raises: as `run_scenario`, and as `_until`.
    """
    target = target_of(text, scenario)
    request = replace(request, at=_with_time(request.at, target))

    def simulate(grow: Grow) -> tuple[Run, list[Row]]:
        grown, own = grow(request, scenario)
        run = run_scenario(grown, own, keep_log=keep_log, progress=progress)
        return run, _rows(run.results, target, compared=False)

    return _until(target, request, [(request, scenario)], simulate)


def compare_until(
    text: str,
    sources: Sequence[ArmSource],
    *,
    at: Sequence[float],
    workers: Workers = None,
    progress: Progress = QUIET,
) -> StoppingResult[Comparison]:
    """Compare until the interval of the difference of an outcome is narrow enough in every arm.

    Raises: as `run_comparison`, and as `_until`; InputError where an arm has been simulated already.
    """
    requests = [one.origin for one in sources if isinstance(one.origin, RunRequest)]
    if len(requests) < len(sources):
        name = next(one.name for one in sources if not isinstance(one.origin, RunRequest))
        raise InputError(f"until_precision: {name} is a saved run, with its patients", "name its file")
    target = target_of(text, sources[0].scenario)
    times = _with_time(tuple(at), target)

    def simulate(grow: Grow) -> tuple[Comparison, list[Row]]:
        arms = []
        for source, request in zip(sources, requests, strict=True):
            grown, scenario = grow(request, source.scenario)
            is_same = scenario is source.scenario
            pathway = source.pathway if is_same else compile_pathway(scenario)
            arms.append(ArmSource(source.name, pathway, grown))
        done = run_comparison(arms, at=times, workers=workers, progress=progress)
        rows = _rows(done.results, target, compared=True)
        if not rows:
            raise InputError(f"until_precision: the arms do not have {target.outcome} in common", FORM)
        return done, rows

    pairs = [(request, source.scenario) for request, source in zip(requests, sources, strict=True)]
    return _until(target, requests[0], pairs, simulate)


Grow: TypeAlias = Callable[[RunRequest, Scenario], tuple[RunRequest, Scenario]]
"""Enlarges a request; gives its scenario too."""


def _until(
    target: Target,
    request: RunRequest,
    arms: Sequence[tuple[RunRequest, Scenario]],
    simulate: Callable[[Grow], tuple[T, list[Row]]],
) -> StoppingResult[T]:
    """Simulate, then with more patients or replications, until the interval is narrow enough.

    Replications grow where patients share resources or arrive over time, and where several are asked
    for; else patients. simulate: gives the results and the rows of the target.
    Raises: RunError where there is no interval, or one of no steady state, or where it takes too many;
    InputError where a loaded scenario needs more patients.
    """
    by_replications = request.replications > 1 or any(_needs_replications(one) for _, one in arms)
    loaded = [one.file for one, _ in arms if one.scenario is not None]
    if loaded and not by_replications:
        raise InputError(f"until_precision: {loaded[0]} is loaded, its patients are fixed", "give its file")
    number = arms[0][1].patients.number
    assert by_replications or number is not None
    size = max(request.replications, FEWEST_REPLICATIONS) if by_replications else int(number or 0)
    most, unit = (MOST_REPLICATIONS, "replications") if by_replications else (MOST_PATIENTS, "patients")

    def grow(one: RunRequest, scenario: Scenario) -> tuple[RunRequest, Scenario]:
        if by_replications:
            return replace(one, replications=size), scenario
        grown = replace(one, patients=size)
        return grown, scenario if scenario.patients.number == size else grown.load()

    for rounds in range(1, 100):
        done, rows = simulate(grow)
        if not rows:
            raise RunError(f"until_precision={target.text}: there is no interval ({UNOBSERVED})")
        half = max(_half_width_of(row, target) for row in rows)
        if half == 0.0:
            why = rows[0].note or "all patients are alike in this"
            raise RunError(f"until_precision={target.text}: there is no interval to be narrow ({why})")
        if half <= target.half_width:
            result = StoppingResult(done, target, half, size, unit, rounds)
            return replace(result, done=replace(done, results=replace(done.results, precision=result.values)))
        wanted = max(ceil(size * (half / target.half_width) ** 2 * SAFETY), size + 1)
        if wanted > most:
            raise RunError(
                f"until_precision={target.text}: {size:,} {unit} give a half-width of {half:.3g}; it would "
                f"take about {wanted:,}, more than {most:,}\n    ask for a wider interval"
            )
        size = wanted
    raise RunError(f"until_precision={target.text}: is not reached in a hundred rounds")


def _needs_replications(scenario: Scenario) -> bool:
    return scenario.patients.number is None or bool(scenario.shared)


def _with_time(at: tuple[float, ...], target: Target) -> tuple[float, ...]:
    """The times at which curves are read, that of the target among them."""
    if isinstance(target.at, float) and target.at not in at:
        return tuple(sorted((*at, target.at)))
    return at


def _rows(results: Results, target: Target, *, compared: bool) -> list[Row]:
    """The rows of the target: one, or one for each arm against the reference."""
    facts = results.reference.outcome(target.outcome)
    assert facts is not None
    headline = facts.description.headline
    measure = target.at if isinstance(target.at, str) else headline.measure
    is_curve_number = measure in CURVE_NUMBERS
    labels: dict[str, Any] = {"outcome": target.outcome, "measure": measure, "group": ""}
    labels["part"] = "" if is_curve_number else headline.part
    if not is_curve_number:
        labels["time_days"] = headline.time if target.at is None else target.at
    table = results.differences if compared else results.estimates
    return list(table.where(**labels))


def _half_width_of(row: Row, target: Target) -> float:
    """Half the width of an interval. Raises: RunError where there is none, or one of no steady state."""
    if "does not settle" in row.note:
        raise RunError(
            f"until_precision={target.text}: {row.note}\n"
            "    ask for the precision of another outcome, or give the resource a capacity that settles"
        )
    if isnan(row.low) or isnan(row.high):
        why = row.note or UNOBSERVED
        raise RunError(f"until_precision={target.text}: there is no interval ({why})")
    return (row.high - row.low) / 2
