"""Published results of models against the simulated ones: files of targets, see `sim.calibration.targets`.

A simulated value agrees if it lies within `power.Z` standard errors, its own and the published one together,
plus half a unit of the last digit printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite, nan
from pathlib import Path

from sim import units
from sim.calibration.targets import Figure, TargetFile
from sim.engine.processes import Workers
from sim.errors import Problem, ScenarioError, did_you_mean
from sim.outcomes.estimates import DifferenceRow, EstimateRow, IncrementalRow
from sim.outcomes.results import MEDIAN, NORMAL_975, Key, Results
from sim.outcomes.summary import DEFAULT_TIMES
from sim.runs.comparison import request_source, run_comparison
from sim.runs.run import QUIET, Progress, RunRequest, run_scenario
from sim.verification.battery import Verdict
from sim.verification.power import Z, detected, errors_that_agree, judged

INCREMENTAL = "incremental"
"""The outcome of a figure that is a cost per QALY gained, its measure `icer`."""
ALONE = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A published figure beside the simulated value, in the unit of the figure.

    error: standard error of the simulated value; nan where there is none. tolerance: the largest
    difference that agrees, nan where there is no error.
    """

    figure: Figure
    simulated: float
    error: float
    tolerance: float

    @property
    def relevant(self) -> float:
        """The smallest difference that the comparison must detect."""
        return self.figure.detects * abs(self.figure.published)

    @property
    def detected(self) -> float:
        """The smallest difference that the comparison detects, as a share of the published figure."""
        return detected(self.tolerance, self.error) / abs(self.figure.published)

    @property
    def verdict(self) -> Verdict:
        """Whether they agree; explained where they differ and the figure says why."""
        difference = self.simulated - self.figure.published
        return judged(difference, self.tolerance, self.error, self.relevant, reason=self.figure.miss)


def compare_with_published(
    file: TargetFile,
    *,
    seed: int = 1,
    settings: Sequence[str] = (),
    workers: Workers = None,
    progress: Progress = QUIET,
) -> tuple[Agreement, ...]:
    """Every figure of a file that applies beside its simulated value.

    Scenarios that a figure compares are simulated with the same patients. settings: of every scenario.
    Raises: ScenarioError where a scenario is wrong or has no number for a figure; RunError.
    """
    figures = [figure for target in file.targets for figure in target.applicable]
    request = RunRequest(
        Path(file.file), tuple(settings), seed=seed, replications=file.replications, workers=workers
    )
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        groups.setdefault(figure.compared_with or _reference_of(figure.scenario, figures), []).append(figure)
    found: dict[Figure, Agreement] = {}
    for number, (reference, own) in enumerate(groups.items()):
        results = _simulated(request, reference, own, progress.part(number, len(groups)))
        found |= {figure: agreement(figure, *_value_of(figure, results), file.replications) for figure in own}
    return tuple(found[figure] for figure in figures)


def agreement(figure: Figure, simulated: float, error: float, replications: int = 1) -> Agreement:
    """A figure beside a simulated value and its standard error, over replications if there are several."""
    if figure.within is not None and figure.interval is None:
        published_error, slack = 0.0, figure.within * abs(figure.published)
    else:
        interval = figure.accepted()
        published_error = (interval.high - interval.low - figure.rounding) / (2 * NORMAL_975)
        slack = figure.rounding / 2
    tolerance = hypot(errors_that_agree(replications) * error, Z * published_error) + slack
    return Agreement(figure, simulated, error, tolerance)


def _reference_of(scenario: str, figures: Sequence[Figure]) -> str:
    """The reference of the comparison that simulates a scenario; itself where none does."""
    pairs = [(figure.scenario, figure.compared_with) for figure in figures if figure.compared_with]
    return next((reference for pair in pairs if scenario in pair for reference in pair[1:]), scenario)


def _simulated(request: RunRequest, reference: str, figures: Sequence[Figure], progress: Progress) -> Results:
    """The results of the run, or of the comparison with the reference, that these figures are read from."""
    at = tuple(sorted({figure.at for figure in figures if figure.at is not None})) or DEFAULT_TIMES
    files = dict.fromkeys([reference, *(figure.scenario for figure in figures)])
    requests = [replace(request, file=Path(file), at=at) for file in files]
    if len(requests) == 1:
        return run_scenario(requests[0], progress=progress).results
    sources = [request_source(one.file.stem, one) for one in requests]
    return run_comparison(sources, at=at, progress=progress).results


def _value_of(figure: Figure, results: Results) -> tuple[float, float]:
    """The simulated value of a figure and its standard error, in the unit of the figure."""
    arm = Path(figure.scenario).stem if len(results.arms) > 1 else ALONE
    if figure.outcome == INCREMENTAL:
        ratio = results.incremental.find("reference", arm)
        if ratio is None:
            raise _no_number(figure, "is compared with nothing")
        return ratio.icer, _error_of_ratio(ratio)
    key = _key_of(figure, results, arm)
    table = results.differences if figure.compared_with else results.estimates
    row = table.find(
        *(figure.outcome, key.measure), arm=arm, group=figure.group, part=key.part, time_days=key.time
    )
    if row is None:
        raise _no_number(figure, f"has no {key.measure} of {figure.outcome}")
    return _in_unit_of(figure, row)


def _key_of(figure: Figure, results: Results, arm: str) -> Key:
    """Which number of its outcome a figure is: its measure, else a median of a time, else the headline."""
    if figure.measure:
        return Key(figure.measure, figure.category, figure.at)
    row = results.headline(figure.outcome, arm=arm, group=figure.group)
    if row is None:
        known = [outcome.name for outcome in results.reference.outcomes]
        raise _no_number(figure, f"has no outcome {figure.outcome}", did_you_mean(figure.outcome, known))
    if figure.unit and figure.at is None:
        return Key(MEDIAN)
    return Key(row.measure, figure.category or row.part, figure.at)


def _in_unit_of(figure: Figure, row: EstimateRow | DifferenceRow) -> tuple[float, float]:
    value = row.difference if isinstance(row, DifferenceRow) else row.estimate
    error = standard_error(row)
    if not figure.unit:
        return value, error
    scale = units.days(f"1 {row.unit}") / units.days(f"1 {figure.unit}")
    return value * scale, error * scale


def standard_error(row: EstimateRow | DifferenceRow) -> float:
    """The standard error of a number, from its interval where it has no other."""
    if isfinite(row.standard_error) or not row.has_interval:
        return row.standard_error
    return (row.high - row.low) / (2 * NORMAL_975)


def _error_of_ratio(row: IncrementalRow) -> float:
    """From the longer half of its confidence set; nan where that is not an interval."""
    if row.confidence_set != "interval":
        return nan
    return max(row.high - row.icer, row.icer - row.low) / NORMAL_975


def _no_number(figure: Figure, fact: str, fix: str = "") -> ScenarioError:
    fix = fix or "`allpath run FILE --full` prints every number"
    return ScenarioError([Problem(figure.where, f"{Path(figure.scenario).name} {fact}", fix)])
