"""The expected value of perfect information, on all parameters, on some, and for a population.

EVPI is the mean over the draws of the largest benefit minus the largest mean benefit. EVPPI of a group of
parameters is the same with the expected benefit given the group (doi:10.1177/0272989X12458348).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from sim.economics.discounting import YEAR, Discount
from sim.errors import InputError
from sim.event_log.log import Floats
from sim.uncertainty.benefit import Benefit, Estimate
from sim.uncertainty.decision import decide
from sim.uncertainty.regression import DrawRegression, training_best


@dataclass(frozen=True, slots=True)
class InformationRow:
    """The value of knowing parameters at a threshold, for one patient.

    parameters: name of the parameter or group; "" for all, where `evpi` has the value. The other of
    `evpi` and `evppi` is nan.
    """

    threshold: float
    parameters: str
    evpi: float
    evppi: float
    standard_error: float
    note: str = ""


def evppi(benefit: Benefit, regression: DrawRegression) -> Estimate:
    """Expected value of perfect information on the parameters of `regression`.

    The regression chooses an arm for each draw, from the parameters of the draw and a fit to the other
    draws. The value is the mean benefit of these choices minus that of the arm that is best on average in
    the other draws (doi:10.1214/15-AOS1384). It is 0 on average for a parameter without influence, where
    the mean of the largest fitted value is positive. A poor fit makes it too small, never too large. The
    error of the inner simulation is independent of the parameters: it enters the standard error, not
    the value. A negative estimate is returned as 0.
    """
    values = benefit.values
    rows = np.arange(len(values))
    chosen = np.argmax(regression.predict(values - values[:, [benefit.best]]), axis=1)
    gains = values[rows, chosen] - values[rows, training_best(values)]
    error = float(np.std(gains, ddof=1)) / sqrt(len(gains))
    note = "" if np.any(gains) else "no value of the parameters changes the decision"
    return Estimate(max(float(np.mean(gains)), 0.0), error, note)


def value_of_information(
    benefits: list[Benefit], *, parameters: Floats, groups: Mapping[str, tuple[int, ...]]
) -> list[InformationRow]:
    """EVPI, and EVPPI of each group, at the threshold of each of `benefits`.

    parameters: float64 [n_draws, n_columns]. groups: the columns of each single parameter or named group.

    Raises: InputError where benefit and parameters have different numbers of draws.
    """
    for benefit in benefits:
        if len(benefit.values) != len(parameters):
            raise InputError(
                f"{len(benefit.values)} draws have a benefit and {len(parameters)} have parameters",
                "give both for the same draws",
            )
    whole = DrawRegression.on(parameters)
    parts = {name: DrawRegression.on(parameters[:, list(columns)]) for name, columns in groups.items()}
    rows = []
    for benefit in benefits:
        found = decide(benefit, whole).evpi
        rows.append(InformationRow(benefit.threshold, "", found.value, nan, found.standard_error, found.note))
        for name, regression in parts.items():
            found = evppi(benefit, regression)
            rows.append(
                InformationRow(benefit.threshold, name, nan, found.value, found.standard_error, found.note)
            )
    return rows


def discounted_patients(patients_per_year: float, years: float, *, discount: Discount) -> float:
    """Patients who face the decision from now to `years`, evenly over time, each discounted to now.

    The population value of information is this number times the value for one patient
    (doi:10.1177/0272989X07312724), and so is its standard error.
    """
    return patients_per_year / YEAR * discount.until(years * YEAR)
