"""Patients reconstructed from a curve have the medians, hazard ratio and events of those behind it."""

from __future__ import annotations

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2

from sim.calibration.digitised_curve import PseudoData, reconstruct
from sim.calibration.observations import Floats
from sim.errors import InputError
from tests.survival_examples import PLACEBO, SIX_MP, signed


def printed(
    time: Floats, seen: Floats, *, width: float, every: float, seed: int
) -> tuple[list[tuple[float, float]], list[tuple[float, int]]]:
    """A figure as a person digitises it: 150 points, off by up to half a pixel, survival to three digits.

    width: of the axis of time, 600 pixels; the axis of survival has 300. every: of the numbers at risk.
    """
    rng = np.random.default_rng(seed)
    fitter = lifelines.KaplanMeierFitter().fit(time, seen)
    at = np.linspace(0.0, float(time.max()), 151)
    level = fitter.survival_function_at_times(at).to_numpy()
    at[1:] += rng.uniform(-0.5, 0.5, 150) * width / 600.0
    noisy = np.clip(level + rng.uniform(-0.5, 0.5, 151) / 300.0, 0.0, 1.0).round(3)
    noisy[0] = 1.0
    at_risk = [(float(t), int((time >= t).sum())) for t in np.arange(0.0, time.max(), every)]
    return sorted(zip(at.tolist(), noisy.tolist(), strict=True)), at_risk


def hazard_ratio(groups: list[tuple[Floats, Floats]]) -> float:
    """Cox's, of the second group against the first; ties by Efron."""
    frames = [
        pd.DataFrame({"time": np.round(time, 1), "seen": seen, "group": float(i)})
        for i, (time, seen) in enumerate(groups)
    ]
    fitted = lifelines.CoxPHFitter().fit(pd.concat(frames), "time", "seen")
    return float(np.exp(fitted.params_["group"]))


def median(time: Floats, seen: Floats) -> float:
    return float(lifelines.KaplanMeierFitter().fit(time, seen).median_survival_time_)


def breast_cancer() -> list[tuple[Floats, Floats]]:
    """Days free of recurrence without and with hormonal therapy, 686 women.

    German Breast Cancer Study Group, Schumacher et al. 1994, doi:10.1200/JCO.1994.12.10.2086; from lifelines.
    """
    table = load_gbsg2()
    groups = [table[table.horTh == level] for level in ("no", "yes")]
    return [(one.time.to_numpy(float), one.cens.to_numpy(float)) for one in groups]


def made_again(
    groups: list[tuple[Floats, Floats]], *, every: float, digits: int
) -> list[tuple[Floats, Floats]]:
    """The groups after the figure; digits: to which times were recorded, and so are rounded."""
    width = max(float(time.max()) for time, _ in groups)
    found = []
    for seed, (time, seen) in enumerate(groups):
        curve, at_risk = printed(time, seen, width=width, every=every, seed=seed)
        made = reconstruct(curve, at_risk)
        assert len(made.time) == len(time)
        assert abs(made.is_event.sum() - seen.sum()) <= 0.02 * len(time)
        found.append((np.round(made.time, digits), made.is_event.astype(float)))
    return found


def test_hazard_ratio_and_medians_within_two_percent() -> None:
    """Of 686 patients with numbers at risk every half year; half of them censored."""
    groups = breast_cancer()
    found = made_again(groups, every=182.625, digits=0)
    assert hazard_ratio(found) == pytest.approx(hazard_ratio(groups), rel=0.02)
    for mine, theirs in zip(found, groups, strict=True):
        assert median(*mine) == pytest.approx(median(*theirs), rel=0.02)


def test_forty_two_patients_come_out_within_four_percent() -> None:
    """The Gehan data in weeks: their medians exactly; where in five weeks 12 are censored is not in the figure."""
    groups = [signed(PLACEBO), signed(SIX_MP)]
    found = made_again(groups, every=5.0, digits=0)
    assert hazard_ratio(found) == pytest.approx(hazard_ratio(groups), rel=0.04)
    assert [median(*one) for one in found] == [8.0, 23.0]


def test_the_numbers_at_risk_come_out() -> None:
    time, seen = breast_cancer()[1]
    curve, at_risk = printed(time, seen, width=2700.0, every=182.625, seed=0)
    made = reconstruct(curve, at_risk)
    off = [abs(int((made.time >= at).sum()) - n) for at, n in at_risk]
    assert max(off) <= 2, off


def test_without_later_numbers_the_events_decide_how_many_are_censored() -> None:
    time, seen = breast_cancer()[1]
    curve, at_risk = printed(time, seen, width=2700.0, every=182.625, seed=0)
    few = reconstruct(curve, at_risk[:1], events=int(seen.sum()))
    none = reconstruct(curve, at_risk[:1])
    assert abs(few.is_event.sum() - seen.sum()) <= 2
    assert none.is_event.sum() > few.is_event.sum()
    assert isinstance(none, PseudoData)


@pytest.mark.parametrize(
    ("curve", "at_risk", "message"),
    [
        ([(0.0, 1.0), (5.0, 80.0)], [(0.0, 9)], "survival 80 at time 5 is not between 0 and 1"),
        ([(0.0, 1.0), (5.0, 1.0), (6.0, 1.0)], [(0.0, 9)], "the curve has no step"),
        ([(-1.0, 1.0), (5.0, 0.5)], [(0.0, 9)], "begins at time -1"),
        ([(0.0, 1.0), (5.0, 0.8), (6.0, 0.5)], [(1.0, 9)], "do not begin at time 0"),
        ([(0.0, 1.0), (5.0, 0.8), (6.0, 0.5)], [(0.0, 9), (2.0, 12)], "rises from 9 at 0 to 12 at 2"),
        ([(0.0, 1.0), (5.0, 0.8), (6.0, 0.5)], [(0.0, 0)], "nobody is at risk"),
    ],
)
def test_impossible_curves_are_errors(
    curve: list[tuple[float, float]], at_risk: list[tuple[float, int]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        reconstruct(curve, at_risk)
