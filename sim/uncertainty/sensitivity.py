"""One-way analyses of arms: tornado diagrams, and where the preferred arm changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.errors import InputError, did_you_mean
from sim.event_log.log import Floats
from sim.runs.run import QUIET, Progress
from sim.scenario.language.drawn import Column
from sim.scenario.language.model import Parameter
from sim.uncertainty.marginals import dirichlet_counts, marginals
from sim.uncertainty.model import ArmModel
from sim.uncertainty.one_way import Bar, BarEnd, Change, preference_changes, value_error
from sim.uncertainty.parameter_draws import at_quantile, with_number
from sim.uncertainty.study import Points, Study, at_points, base_values, evaluated, standard_errors

ENDS = (0.025, 0.975)
"""The quantiles of a parameter between which it varies."""
GRID = 9
"""Values of a parameter between which a change of the preferred arm is searched for."""


# ---------------------------------------------------------------- tornado


def tornado_bars(study: Study, *, progress: Progress = QUIET) -> list[list[Bar]]:
    """The bars of every number that varies, for each of the study's `pairs`; not sorted.

    A number of a vector is named `NAME.KEY`. Where arms give a parameter different values, each has its own
    distribution at the same quantile. Raises: ScenarioError naming the parameter and the quantile where a
    value breaks a rule; RunError as `Model.evaluate`.
    """
    numbers = [column for column in study.columns if _has_a_bar(study, column)]
    points = _ends_of(study, numbers)
    parts = at_points(simulate_ends, study, points, together=2, progress=progress)
    found = np.concatenate(parts) if parts else np.empty((0, len(study.pairs), 5))
    bars: list[list[Bar]] = []
    for pair in range(len(study.pairs)):
        own = []
        for column, (low, low_error, high, high_error, width) in zip(numbers, found[:, pair], strict=True):
            marginal = marginals(study.first_parameter(column))[column[1]]
            at_low = BarEnd(marginal.quantile(ENDS[0]), float(low), float(low_error))
            at_high = BarEnd(marginal.quantile(ENDS[1]), float(high), float(high_error))
            own.append(Bar(name_of(column), at_low, at_high, float(width)))
        bars.append(own)
    return bars


def name_of(column: Column) -> str:
    """`NAME`, or `NAME.KEY` for a number of a vector."""
    return f"{column[0]}.{column[1]}" if column[1] else column[0]


def simulate_ends(study: Study, part: Points) -> Floats:
    """The ends of bars as paired differences from base: float64 [n_bars, n_pairs, 5].

    part: two points for each bar. The five: difference and standard error at the low end, those at the
    high end, and the standard error of the high end less the low end.
    """
    estimates, influences = evaluated(study.model, part)
    base, own = study.contrasts(study.estimates), study.contrasts(study.influences)
    found = np.empty((len(estimates) // 2, len(base), 5))
    for bar, i in enumerate(range(0, len(estimates), 2)):
        moved = [study.contrasts(one) - own for one in influences[i : i + 2]]
        for end in range(2):
            found[bar, :, 2 * end] = study.contrasts(estimates[i + end]) - base
            found[bar, :, 2 * end + 1] = standard_errors(moved[end])
        found[bar, :, 4] = standard_errors(moved[1] - moved[0])
    return found


def _has_a_bar(study: Study, column: Column) -> bool:
    """Whether a number varies, and is not the complement of the one before it."""
    name, key = column
    for parameter in (study.parameter(arm, name) for arm in study.model.arms):
        if parameter is None or key not in dict(parameter.values):
            continue
        if marginals(parameter)[key].family == "fixed":
            continue
        if parameter.drawn is not None and parameter.drawn.family == "dirichlet":
            counts = dirichlet_counts(parameter, parameter.drawn)
            shares = [one for one, count in counts.items() if count > 0.0]
            if len(shares) == 2 and key == shares[1]:
                continue
        return True
    return False


def _ends_of(study: Study, numbers: Sequence[Column]) -> Points:
    """Two points for each number: at its low and at its high quantile, all others at base."""
    n = 2 * len(numbers)
    values = []
    for arm in study.model.arms:
        own = base_values(arm, n)
        for i, (name, key) in enumerate(numbers):
            parameter = study.parameter(arm, name)
            if parameter is None or (name, key) not in own:
                continue
            for end, p in enumerate(ENDS):
                for other, value in at_quantile(parameter, p, key).items():
                    own[name, other][2 * i + end] = value
        values.append(own)
    places = [f"at the {100 * p:g}% quantile of `{name_of(one)}`" for one in numbers for p in ENDS]
    return Points(tuple(places), tuple(values))


# ---------------------------------------------------------------- threshold


@dataclass(frozen=True, slots=True)
class ChangeOfArm:
    """A value of a parameter at which the arm with the largest number changes.

    error: the standard error of the value by simulation, nan without slope. below, above: indices of the
    arms with the largest number on either side.
    """

    value: float
    error: float
    below: int
    above: int


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdSearch:
    """Where along a parameter the arm with the largest number changes.

    grid: float64 [n]; estimates: float64 [n, n_arms] there. largest: indices of the arms that have the
    largest number at each value of the grid, the first of equal ones. n_runs: of all arms.
    """

    parameter: Parameter
    key: str
    grid: Floats
    estimates: Floats
    changes: tuple[ChangeOfArm, ...]
    n_runs: int

    @property
    def name(self) -> str:
        """`NAME`, or `NAME.KEY` for a number of a vector."""
        return name_of((self.parameter.name, self.key))

    @property
    def largest(self) -> list[int]:
        """The index of the arm with the largest number at each value of the grid."""
        return [int(i) for i in np.argmax(self.estimates, axis=1)]

    @property
    def without_influence(self) -> bool:
        """Whether the arms differ by the same at all values of the grid."""
        between = self.estimates - self.estimates[:, :1]
        return bool(np.all(between == between[0]))


def find_threshold(study: Study, name: str, *, progress: Progress = QUIET) -> ThresholdSearch:
    """Search the 95% range of a parameter for values at which the arm with the largest number changes.

    All values are simulated with the same patients and random numbers: root finding by Brent's method
    (see `preference_changes`) between neighbours on an even grid. name: `NAME`, or `NAME.KEY` of a vector.
    Raises: InputError for one arm, for no such number, and where arms give it different values.
    """
    if len(study.model.arms) < 2:
        raise InputError("threshold: one arm has nothing to be preferred to", "name two or more")
    column, parameter = _number_called(study, name)
    low, high = (marginals(parameter)[column[1]].quantile(p) for p in ENDS)
    runs = _RunsAlong(study, column)
    grid = np.linspace(low, high, GRID)
    runs.simulate(grid.tolist(), progress)
    changes = preference_changes(lambda value: runs.at(value)[0], grid.tolist())
    found = [_with_error(change, runs, low, high) for change in changes]
    estimates = np.stack([runs.at(value)[0] for value in grid.tolist()])
    return ThresholdSearch(parameter, column[1], grid, estimates, tuple(found), len(runs.known))


def _with_error(change: Change, runs: _RunsAlong, low: float, high: float) -> ChangeOfArm:
    def difference(value: float) -> tuple[float, float]:
        estimates, influences = runs.at(value)
        pair = [change.above, change.below]
        (error,) = standard_errors(np.diff(influences[pair], axis=0))
        return float(estimates[change.below] - estimates[change.above]), float(error)

    error = value_error(difference, change.value, low, high)
    return ChangeOfArm(change.value, error, change.below, change.above)


class _RunsAlong:
    """The arms at values of one number, each simulated once."""

    def __init__(self, study: Study, column: Column) -> None:
        self.study, self.column = study, column
        self.known: dict[float, tuple[Floats, Floats]] = {}

    def at(self, value: float) -> tuple[Floats, Floats]:
        """Estimates [n_arms] and influences [n_arms, n_patients]."""
        if value not in self.known:
            self.simulate([value], QUIET)
        return self.known[value]

    def simulate(self, values: Sequence[float], progress: Progress) -> None:
        """Simulate these values."""
        points = Points(
            tuple(f"where `{name_of(self.column)}` is {value:.6g}" for value in values),
            tuple(self._values(arm, values) for arm in self.study.model.arms),
        )
        parts = at_points(simulate_points, self.study, points, progress=progress)
        found = [pair for estimates, influences in parts for pair in zip(estimates, influences, strict=True)]
        self.known |= dict(zip(values, found, strict=True))

    def _values(self, arm: ArmModel, values: Sequence[float]) -> dict[Column, Floats]:
        own, (name, key) = base_values(arm, len(values)), self.column
        parameter = self.study.parameter(arm, name)
        if parameter is not None:
            for i, value in enumerate(values):
                for other, changed in with_number(parameter, value, key).items():
                    own[name, other][i] = changed
        return own


def simulate_points(study: Study, part: Points) -> tuple[Floats, Floats]:
    """Estimates and influences of the arms at these points; see `evaluated`."""
    return evaluated(study.model, part)


def _number_called(study: Study, name: str) -> tuple[Column, Parameter]:
    known = {name_of(column): column for column in study.columns}
    if name not in known:
        keys = [one for one in known if one.startswith(f"{name}.")]
        fix = f"name one of its numbers: {', '.join(keys)}" if keys else did_you_mean(name, known)
        raise InputError(
            f"threshold: no parameter {name} has an uncertainty of one number", fix or "see `describe`"
        )
    column = known[name]
    first = study.first_parameter(column)
    for arm in study.model.arms:
        other = study.parameter(arm, first.name)
        if other is not None and (other.values, other.drawn) != (first.values, first.drawn):
            fact = f"threshold: {arm.name} gives {first.name} another value than an earlier arm"
            raise InputError(fact, "give it one value and uncertainty in all arms")
    return column, first
