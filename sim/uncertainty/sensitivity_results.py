"""The results of a sensitivity analysis: bars, thresholds, indices of variance, and ranks by these."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np

from sim.errors import InputError
from sim.event_log.log import Floats
from sim.outcomes.results import time_in_prose
from sim.runs.run import QUIET, Progress, RunOptions
from sim.scenario.language.drawn import Column
from sim.scenario.language.model import Parameter
from sim.uncertainty.one_way import Bar, rank_factors, tornado
from sim.uncertainty.psa import arm_requests
from sim.uncertainty.results import records
from sim.uncertainty.sensitivity import ThresholdSearch, find_threshold, name_of, tornado_bars
from sim.uncertainty.sobol import Index, SobolIndices
from sim.uncertainty.study import SensitivityRequest, Study, study_of
from sim.uncertainty.variance_based import factors_of, simulated_indices
from sim.units import days, per_day


class BarRow(NamedTuple):
    """What one number of a parameter does to the result, from its 2.5% to its 97.5% quantile.

    reference: "" where the result is the number of `arm` itself, else it is the difference from this arm.
    base_value, low_value, high_value: of the parameter, in `unit` as the scenario writes it. low_difference,
    high_difference: the result there less the result at base; errors: paired standard errors, nan where
    patients share resources. width: from the least to the greatest of both ends and base; width_error: the
    standard error of the high less the low end. visible: whether the bar exceeds its simulation error.
    """

    arm: str
    reference: str
    parameter: str
    unit: str
    base_value: float
    low_value: float
    high_value: float
    low_difference: float
    low_error: float
    high_difference: float
    high_error: float
    width: float
    width_error: float
    visible: bool


class IndexRow(NamedTuple):
    """Sobol indices of a factor: shares of the variance of the result, with standard errors.

    first: removed by knowledge of the factor alone. total: left if all others are known.
    """

    arm: str
    reference: str
    factor: str
    first: float
    first_error: float
    total: float
    total_error: float


class GivenRow(NamedTuple):
    """The share of the variance that is removed by knowledge of a factor, from the draws of `psa --out`."""

    arm: str
    reference: str
    factor: str
    first: float
    first_error: float


class RankRow(NamedTuple):
    """A factor with its rank by each measure, 1 for the most important; nan where it was not analysed.

    A factor is a parameter, a vector, or several that depend on one another, under the first of their names.
    given: from the draws of a probabilistic analysis. width: by its longest bar.
    """

    arm: str
    reference: str
    factor: str
    total: float
    first: float
    given: float
    width: float


class ThresholdRow(NamedTuple):
    """A value of a parameter at which the arm with the largest number changes; error: of the simulation."""

    parameter: str
    unit: str
    value: float
    error: float
    below: str
    above: str


class CurveRow(NamedTuple):
    """The number of an arm at a value of the parameter of a threshold analysis."""

    parameter: str
    unit: str
    value: float
    arm: str
    estimate: float


@dataclass(frozen=True)
class SensitivityResults:
    """The results of an analysis. The pairs of each table are those of the study.

    bars, indices, given: of each pair, empty where none were asked for. search: None without threshold.
    """

    study: Study
    bars: Sequence[Sequence[Bar]] = ()
    indices: Sequence[Sequence[SobolIndices]] = ()
    given: Sequence[Mapping[str, Index]] = ()
    search: ThresholdSearch | None = None

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The label of each arm by its name; the name itself where labels are equal."""
        found = {arm.name: arm.label for arm in self.study.model.arms}
        count = Counter(found.values())
        return {name: label if count[label] == 1 else name for name, label in found.items()}

    @property
    def number(self) -> str:
        """The number that is analysed, in words."""
        measure = self.study.measure
        words = [measure.outcome.replace("_", " "), measure.part.replace("_", " ")]
        if measure.measure == "restricted_mean":
            words.append("restricted mean")
        if not np.isnan(measure.time):
            words.append(f"at {time_in_prose(measure.time)}")
        return " ".join(filter(None, words))

    @cached_property
    def tornado(self) -> tuple[BarRow, ...]:
        """The bars of each pair by decreasing width."""
        return tuple(
            self._bar_row(pair, bar)
            for pair, bars in zip(self.study.pairs, self.bars, strict=False)
            for bar in tornado(bars)
        )

    def _bar_row(self, pair: tuple[str, str], bar: Bar) -> BarRow:
        parameter, key = self._numbers[bar.parameter]
        unit = unit_of_number(parameter, key)
        base, low, high = (
            in_unit(value, unit) for value in (dict(parameter.values)[key], bar.low.value, bar.high.value)
        )
        ends = (bar.low.difference, bar.low.error, bar.high.difference, bar.high.error)
        return BarRow(
            *pair, bar.parameter, unit, base, low, high, *ends, bar.width, bar.width_error, bar.is_visible
        )

    @cached_property
    def _numbers(self) -> dict[str, tuple[Parameter, str]]:
        """The parameter and key of each number that varies, by name."""
        return {
            name_of(column): (self.study.first_parameter(column), column[1]) for column in self.study.columns
        }

    @cached_property
    def factors(self) -> Mapping[str, tuple[Column, ...]]:
        """The numbers of each factor."""
        return factors_of([arm.parameters for arm in self.study.model.arms], self.study.columns)

    @cached_property
    def variance(self) -> tuple[IndexRow, ...]:
        """The Sobol indices of each pair by decreasing total order."""
        rows = [
            IndexRow(*pair, one.factor, one.first.value, one.first.error, one.total.value, one.total.error)
            for pair, own in zip(self.study.pairs, self.indices, strict=False)
            for one in sorted(own, key=lambda one: -one.total.value)
        ]
        return tuple(rows)

    @cached_property
    def given_data(self) -> tuple[GivenRow, ...]:
        """The indices from given draws of each pair, the largest first."""
        rows = [
            GivenRow(*pair, factor, index.value, index.error)
            for pair, own in zip(self.study.pairs, self.given, strict=False)
            for factor, index in sorted(own.items(), key=lambda item: -item[1].value)
        ]
        return tuple(rows)

    @cached_property
    def ranks(self) -> tuple[RankRow, ...]:
        """The factors of each pair, by the first measure that there is, in the order of the columns."""
        found: list[RankRow] = []
        for number, pair in enumerate(self.study.pairs):
            measures = self._measures(number)
            found.extend(
                RankRow(*pair, row.factor, *(row.ranks.get(one, nan) for one in RankRow._fields[3:]))
                for row in (rank_factors(list(self.factors), measures) if measures else ())
            )
        return tuple(found)

    def _measures(self, number: int) -> dict[str, Floats]:
        """What ranks the factors of a pair: float64 [n_factors] each."""
        measures = {}
        if self.indices:
            measures["total"] = np.array([one.total.value for one in self.indices[number]])
            measures["first"] = np.array([one.first.value for one in self.indices[number]])
        if self.given:
            measures["given"] = np.array([self.given[number][name].value for name in self.factors])
        if self.bars:
            width = {bar.parameter: bar.width for bar in self.bars[number]}
            longest = [
                max((width.get(name_of(column), 0.0) for column in own), default=0.0)
                for own in self.factors.values()
            ]
            measures["width"] = np.array(longest)
        return measures

    @cached_property
    def thresholds(self) -> tuple[ThresholdRow, ...]:
        """The values at which the arm with the largest number changes, increasing."""
        if self.search is None:
            return ()
        unit, names = self.search_unit, [arm.name for arm in self.study.model.arms]
        return tuple(
            ThresholdRow(
                self.search.name,
                unit,
                in_unit(one.value, unit),
                in_unit(one.error, unit),
                names[one.below],
                names[one.above],
            )
            for one in self.search.changes
        )

    @property
    def search_unit(self) -> str:
        """The unit of the parameter of the threshold analysis."""
        return unit_of_number(self.search.parameter, self.search.key) if self.search is not None else ""

    @cached_property
    def curve(self) -> tuple[CurveRow, ...]:
        """The numbers of the arms at the values between which a threshold was searched for."""
        if self.search is None:
            return ()
        unit = self.search_unit
        return tuple(
            CurveRow(self.search.name, unit, in_unit(float(value), unit), arm.name, float(estimate))
            for value, row in zip(self.search.grid, self.search.estimates, strict=True)
            for arm, estimate in zip(self.study.model.arms, row, strict=True)
        )

    def as_json(self) -> dict[str, Any]:
        """The results ready for JSON."""
        (measure,) = records([self.study.measure])
        measure["time_days"] = measure.pop("time")
        return {
            "analysis": "sensitivity",
            "arms": [{"name": one.name, "label": one.label} for one in self.study.model.arms],
            "patients": self.study.model.n_patients,
            "seed": self.study.request.seed,
            "measure": measure,
            "base": [
                {"arm": one.name, "estimate": float(value)}
                for one, value in zip(self.study.model.arms, self.study.estimates, strict=True)
            ],
            "tornado": records(self.tornado),
            "variance": records(self.variance),
            "given_data": records(self.given_data),
            "ranks": records(self.ranks),
            "thresholds": records(self.thresholds),
            "curve": records(self.curve),
        }


def unit_of_number(parameter: Parameter, key: str) -> str:
    """The unit of a number of a parameter as the scenario writes it: "", `months`, `per year`."""
    keys = [one for one, _ in parameter.values]
    return parameter.units[keys.index(key)]


def in_unit(value: float, unit: str) -> float:
    """A value in days or per day, in the unit that the scenario writes."""
    if not unit:
        return value
    return value / (per_day(f"1 {unit}") if unit.startswith("per ") else days(f"1 {unit}"))


def analyse_parameters(
    arms: Sequence[str | os.PathLike[str]],
    *,
    outcome: str | None = None,
    parameters: Sequence[str] = (),
    assume_spread: float | None = None,
    threshold: str | None = None,
    sobol: int | None = None,
    draws: str | os.PathLike[str] | None = None,
    progress: Progress = QUIET,
    **options: Unpack[RunOptions],
) -> SensitivityResults:
    """Carry out a sensitivity analysis of scenario files, as `allpath sensitivity` does.

    draws: a folder that `allpath psa --out` has written. A threshold or draws alone simulate no bars.
    Raises: InputError and ScenarioError where the input is wrong, RunError where a run failed.
    """
    if not arms:
        raise InputError("sensitivity: no scenario is given", "give one or more")
    requests = arm_requests(arms, **options)
    progress.step("load")
    study = study_of(SensitivityRequest(requests, outcome or "", tuple(parameters), assume_spread))
    given = [] if draws is None else _indices_of_draws(study, Path(draws))
    search = None if threshold is None else find_threshold(study, threshold, progress=progress)
    if sobol is None and (threshold is not None or draws is not None):
        return SensitivityResults(study, given=given, search=search)
    bars = tornado_bars(study, progress=progress)
    indices = [] if sobol is None else simulated_indices(study, power=sobol, progress=progress)
    return SensitivityResults(study, bars, indices, given, search)


def _indices_of_draws(study: Study, folder: Path) -> list[Mapping[str, Index]]:
    from sim.uncertainty.draws_indices import indices_of_draws

    return indices_of_draws(study, folder)
