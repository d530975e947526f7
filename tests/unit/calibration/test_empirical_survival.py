"""What the data show without a family, against lifelines and by hand."""

from __future__ import annotations

import lifelines
import numpy as np
import pytest

from sim.calibration.empirical_survival import at_risk, incidence_curves, observed_curve, piece_hazard
from tests.survival_examples import PLACEBO, SIX_MP, observations, of_signed, signed


def test_kaplan_meier_with_late_entry() -> None:
    rng = np.random.default_rng(2)
    time, entry = rng.exponential(20.0, 120), np.where(np.arange(120) < 60, 0.0, rng.uniform(0.0, 10.0, 120))
    kept = time > entry
    time, entry, seen = time[kept], entry[kept], (rng.uniform(size=120) < 0.7)[kept]
    theirs = lifelines.KaplanMeierFitter().fit(time, seen, entry=entry)
    found, _ = observed_curve(observations(time, seen, entry=entry))
    expected = theirs.survival_function_at_times(found.time).to_numpy()
    np.testing.assert_allclose(found.value, expected, rtol=1e-10)


def test_limits_are_log_log() -> None:
    time, seen = signed(SIX_MP)
    theirs = lifelines.KaplanMeierFitter().fit(time, seen).confidence_interval_
    found, _ = observed_curve(of_signed(SIX_MP))
    index = np.searchsorted(theirs.index.to_numpy(), found.time, side="right") - 1
    np.testing.assert_allclose(found.low[1:], theirs.iloc[index[1:], 0], rtol=1e-6)
    np.testing.assert_allclose(found.high[1:], theirs.iloc[index[1:], 1], rtol=1e-6)


def test_at_risk_counts_late_entries_from_their_entry() -> None:
    data = observations([5.0, 7.0, 9.0], [1, 0, 1], entry=[0.0, 0.0, 6.0])
    assert at_risk(data, np.array([0.0, 5.0, 6.0, 6.5, 9.0, 9.5])).tolist() == [2, 2, 1, 2, 1, 0]


def test_incidence_against_lifelines() -> None:
    rng = np.random.default_rng(5)
    first, second, stop = rng.exponential(20.0, 150), rng.exponential(40.0, 150), rng.uniform(10.0, 60.0, 150)
    end = np.minimum(np.minimum(first, second), stop)
    causes = [observations(end, first <= end), observations(end, second <= end)]
    event = np.where(first <= end, 1, np.where(second <= end, 2, 0))
    for cause, found in zip((1, 2), incidence_curves(causes), strict=True):
        theirs = lifelines.AalenJohansenFitter(calculate_variance=False).fit(
            end, event, event_of_interest=cause
        )
        table = theirs.cumulative_density_.iloc[:, 0]
        index = np.searchsorted(table.index.to_numpy(), found.time, side="right") - 1
        np.testing.assert_allclose(found.value, table.to_numpy()[index], atol=1e-10)


def test_hazard_in_pieces_adds_up() -> None:
    """Events are rate x time at risk, in all and in each piece."""
    time, seen = signed(PLACEBO)
    pieces = piece_hazard(of_signed(PLACEBO))
    spent = [
        np.clip(time - a, 0.0, b - a).sum() for a, b in zip(pieces.borders, pieces.borders[1:], strict=False)
    ]
    events = pieces.rate * np.array(spent)
    assert events.sum() == pytest.approx(seen.sum())
    np.testing.assert_allclose(events, np.round(events), atol=1e-9)
    assert (pieces.low < pieces.rate).all()
    assert (pieces.rate < pieces.high).all()
