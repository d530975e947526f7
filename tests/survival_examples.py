"""Public survival data for tests, as observations and as CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.calibration.observations import Floats, Observations

PLACEBO = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
SIX_MP = (6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35)
"""Weeks of remission; negative: censored. Freireich et al. 1963, Blood 21:699-716; Gehan 1965,
doi:10.1093/biomet/52.1-2.203."""
MAINTAINED = (9, 13, -13, 18, 23, -28, 31, 34, -45, 48, -161)
NOT_MAINTAINED = (5, 5, 8, 8, 12, -16, 23, 27, 30, 33, 43, 45)
"""Weeks of remission in acute myeloid leukaemia. Miller 1997, Survival Analysis, p. 49 (R: survival::aml)."""


def observations(
    time: object, is_event: object, *, entry: object = None, covariates: object = None
) -> Observations:
    """Exact and right-censored times."""
    at, seen = np.asarray(time, dtype=float), np.asarray(is_event, dtype=bool)
    begin = np.zeros(len(at)) if entry is None else np.asarray(entry, dtype=float)
    matrix = np.zeros((len(at), 0)) if covariates is None else np.asarray(covariates, dtype=float)
    return Observations(begin, at, np.where(seen, at, np.inf), np.ones(len(at)), matrix)


def signed(values: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Times and whether the event was seen, of numbers that are negative where censored."""
    numbers = np.array(values, dtype=float)
    return np.abs(numbers), numbers > 0.0


def of_signed(*groups: tuple[int, ...], covariates: object = None) -> Observations:
    """The observations of these groups together."""
    time, seen = signed(tuple(value for group in groups for value in group))
    return observations(time, seen, covariates=covariates)


def write_gehan(path: Path) -> Path:
    """The Gehan data as a CSV with the columns time, status and drug."""
    rows = [
        f"{abs(t)},{int(t > 0)},{drug}" for drug, ts in (("6-MP", SIX_MP), ("placebo", PLACEBO)) for t in ts
    ]
    path.write_text("\n".join(["time,status,drug", *rows]) + "\n", "utf-8")
    return path
