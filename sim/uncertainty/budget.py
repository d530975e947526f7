"""How many draws of the parameters, and how many patients in each, for a wished precision.

Source: O'Hagan, Stevenson and Madan 2007, doi:10.1002/hec.1199, who fix the number of runs; here each
draw and each simulated patient has a cost, and the layout may be nested or crossed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import floor, sqrt

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975
from sim.uncertainty.variance import FEWEST_FOR_LIMITS, VarianceComponents, noise_added

_N_CANDIDATES = 20_000
_RANGE = 1e6
_DENSITY = float(np.exp(-(NORMAL_975**2) / 2.0) / np.sqrt(2.0 * np.pi))
_QUANTILE = 0.025 * 0.975 / _DENSITY**2
"""n x the variance of the 2.5% quantile of a standard normal sample: p (1 - p) / density^2, 7.1."""


class Target(StrEnum):
    """Which standard error is to be reached."""

    MEAN = "the mean"
    LIMITS = "each limit of the parameter interval"


@dataclass(frozen=True, slots=True)
class Costs:
    """Computing time of a draw without its patients, and of one patient in one draw, both in seconds."""

    draw: float
    patient: float


@dataclass(frozen=True, slots=True)
class Split:
    """Numbers of draws and of patients in each. error: expected standard error. seconds: of computing."""

    target: Target
    n_draws: int
    n_patients: int
    error: float
    seconds: float

    def sentence(self, unit: str = "") -> str:
        """The advice as one sentence. unit: of the error, e.g. `QALYs`."""
        error = f"{self.error:.3g} {unit}".rstrip()
        return (
            f"For a standard error of {error} of {self.target.value}, {self.n_draws:,} draws with "
            f"{self.n_patients:,} patients each take the least time, about {self.seconds:,.3g} seconds."
        )


def expected_error(components: VarianceComponents, *, target: Target, n_draws: int, n_patients: int) -> float:
    """The standard error that numbers of draws and patients give, for an about normal distribution."""
    per_draw, shared = _variances(components, target, np.array([float(n_patients)]))
    return sqrt(float(per_draw[0]) / n_draws + float(shared[0]))


def cheapest_split(
    components: VarianceComponents, error: float, *, costs: Costs, target: Target = Target.MEAN
) -> Split:
    """The split of least computing time that reaches a wished standard error.

    With M patients a draw, the squared error is v(M) / D + Q / M, with Q the variance between patients
    that all draws share (0 for fresh patients). So D = v(M) / (error^2 - Q / M), and the time
    D (draw + M patient) has one minimum over M, found to 0.1% of M. For the mean and fresh patients it is
    M = sqrt(patient variance x draw / (parameter variance x patient)), whatever the error wished.

    components: from a first analysis. error: in the units of the number. Raises ValueError for an error
    that is not above 0, and for limits of a parameter interval without parameter variance.
    """
    if not error > 0.0:
        raise ValueError(f"the wished standard error must be above 0; it is {error:g}")
    if target is Target.LIMITS and not components.parameter.variance > 0.0:
        raise ValueError("no parameter uncertainty was found; the parameter interval has no width")
    shared_variance = max(components.patient.variance, 0.0) if components.is_crossed else 0.0
    fewest = max(2.0, floor(shared_variance / error**2) + 1.0)
    patients: Floats = np.unique(
        np.round(np.geomspace(fewest, fewest * _RANGE, _N_CANDIDATES, dtype=np.float64))
    )
    per_draw, shared = _variances(components, target, patients)
    least = FEWEST_FOR_LIMITS if target is Target.LIMITS else 2
    draws = np.maximum(np.ceil(per_draw / (error**2 - shared)), least)
    seconds = draws * (costs.draw + costs.patient * patients)
    best = int(np.argmin(seconds))
    n_draws, n_patients = int(draws[best]), int(patients[best])
    reached = expected_error(components, target=target, n_draws=n_draws, n_patients=n_patients)
    return Split(target, n_draws, n_patients, reached, float(seconds[best]))


def _variances(components: VarianceComponents, target: Target, patients: Floats) -> tuple[Floats, Floats]:
    """The parts of the squared error that are divided by the number of draws, and that are not."""
    parameter = max(components.parameter.variance, 0.0)
    patient = max(components.patient.variance, 0.0)
    if components.interaction is None:
        own, shared = patient, 0.0
    else:
        own, shared = max(components.interaction.variance, 0.0), patient
    noise: Floats = own / patients
    between: Floats = parameter + noise
    if target is Target.MEAN:
        return between, shared / patients
    share = noise / between
    return between * (_QUANTILE * (1.0 - share) + noise_added(share)), shared / patients
