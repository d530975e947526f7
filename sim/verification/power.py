"""Whether a simulated value agrees with its reference, and which difference that would have detected."""

from __future__ import annotations

from math import isfinite

from scipy.special import ndtr, ndtri, stdtrit

from sim.verification.battery import Verdict

Z = 3.5
"""Standard errors that agree; a right program fails one comparison in 2,000."""
POWER = 0.9
"""The probability with which a relevant difference must be detected."""
EXACT = 1e-8
"""The relative tolerance of a number without random error: times are rounded to 2^-20 day."""


def errors_that_agree(replications: int) -> float:
    """Standard errors that agree: `Z`, over replications the Student quantile of the same probability."""
    return Z if replications == 1 else -float(stdtrit(replications - 1, ndtr(-Z)))


def detected(tolerance: float, error: float) -> float:
    """The smallest difference that is outside of the tolerance with the probability `POWER`."""
    return tolerance + float(ndtri(POWER)) * error


def judged(
    difference: float, tolerance: float, error: float, relevant: float, *, reason: str = ""
) -> Verdict:
    """The verdict on a simulated value less its reference.

    tolerance: the largest difference that agrees; error: the standard error of the simulated value, both
    nan where unknown. relevant: the smallest difference that must be detected. reason: why they may differ.
    """
    if not isfinite(difference) or (isfinite(tolerance) and abs(difference) > tolerance):
        return Verdict.EXPLAINED if reason else Verdict.FAIL
    return Verdict.PASS if detected(tolerance, error) <= relevant else Verdict.NO_POWER
