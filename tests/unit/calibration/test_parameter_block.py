"""The parameters that a fit prints load in a scenario, run, and are drawn together with the fit's covariance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from sim.calibration.fit_results import FitRequest, FitResults, fit_survival
from sim.calibration.fitted_families import FAMILIES
from sim.calibration.survival_data import Columns, Printed
from sim.scenario import load
from tests.survival_examples import write_gehan

SCENARIO = """
format: 1
title: Remission under a fitted distribution
horizon: 3 years
states: {remission: {}, relapse: {}, dead: {}}
patients:
  number: 4000
  attributes: {age: {uniform: [20, 60]}, drug: {categorical: {placebo: 0.5, treated: 0.5}}}
pathway:
  start: remission
  stages:
    remission: {state: remission, events: {relapse: {AFTER, to: relapse}}}
    relapse: {state: relapse, events: {death: {after: {fixed: 1 year}, to: dead}}}
    dead: {state: dead, terminal: true}
outcomes:
  relapse_free: {label: Free of relapse, from: start, until: {stage: relapse}}
"""


def fits(path: Path, *families: str, covariates: tuple[str, ...] = ()) -> FitResults:
    """The fits of a file in weeks."""
    request = FitRequest.of(
        path, columns=Columns(covariates=covariates), printed=Printed(), families=families, unit="weeks"
    )
    return fit_survival(request)


def pasted(results: FitResults, folder: Path, after: str = "") -> Path:
    """A scenario with the printed parameters, and the tables of draws beside it."""
    block = results.strata[0].block
    assert block is not None
    for file, text in results.draws().items():
        (folder / file).write_text(text, "utf-8")
    scenario = folder / "scenario.yaml"
    scenario.write_text(SCENARIO.replace("AFTER", after or block.after) + results.parameters_text(), "utf-8")
    return scenario


def file_with_more_events(path: Path) -> Path:
    """Times that every family fits: 300 Weibull times, some never observed to end."""
    rng = np.random.default_rng(3)
    time = np.where(rng.uniform(size=300) < 0.25, 900.0, 20.0 * rng.weibull(1.6, 300))
    end = np.minimum(time, rng.uniform(30.0, 120.0, 300))
    rows = [f"{t:.3f},{int(t == e)}" for t, e in zip(end, time, strict=True)]
    path.write_text("\n".join(["time,status", *rows]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "normal"])
def test_pasted_parameters_simulate_what_was_fitted(family: str, tmp_path: Path) -> None:
    """Within five standard errors of 4,000 patients: 0.04 at most."""
    results = fits(file_with_more_events(tmp_path / "data.csv"), family)
    fit = results.strata[0].best
    assert fit is not None, results.strata[0].fits[0].reason
    run = sim.run(pasted(results, tmp_path), at=["10 weeks", "30 weeks", "100 weeks"])
    found = run.estimates.query("outcome == 'relapse_free' and measure == 'survival'")
    expected = fit.survival(np.array([10.0, 30.0, 100.0]))
    assert len(found) == 3
    np.testing.assert_array_less(np.abs(found.estimate - expected), 5.0 * found.standard_error + 1e-9)


@pytest.mark.parametrize(
    "family",
    ["gompertz", "generalised_gamma", pytest.param("mixture_cure.generalised_gamma", marks=pytest.mark.long)],
)
def test_draws_have_the_mean_and_covariance_of_the_fit(family: str, tmp_path: Path) -> None:
    """Means within 0.16 and sds within 12% of a standard error, correlations within 0.15 (five of their errors)."""
    results = fits(file_with_more_events(tmp_path / "data.csv"), family)
    fit = results.strata[0].best
    assert fit is not None
    drawn = sim.psa(pasted(results, tmp_path), draws=1000, patients=2).parameters
    columns = drawn.to_numpy()[:, [i for i, name in enumerate(drawn.columns) if name != "draw"]]
    assert columns.shape == (1000, fit.n_parameters)
    for i, scale in enumerate(fit.written_scales):
        p = columns[:, i]
        columns[:, i] = np.log(p) if scale == "log" else np.log(p / (1.0 - p)) if scale == "logit" else p
        if family == "gompertz" and scale == "plain":
            columns[:, i] *= 7.0  # per week
    error = np.sqrt(np.diag(fit.written_covariance))
    np.testing.assert_allclose(columns.std(axis=0) / error, 1.0, atol=0.12)
    correlation = fit.written_covariance / np.outer(error, error)
    np.testing.assert_allclose(np.corrcoef(columns.T), correlation, atol=0.15)
    assert np.abs(correlation - np.eye(len(correlation))).max() > 0.4  # what independent draws would miss


def test_a_number_becomes_a_ratio_per_unit(tmp_path: Path) -> None:
    """Centred near its mean; the pasted scenario has the log ratio of the fit."""
    rng = np.random.default_rng(4)
    age = rng.integers(20, 60, 300)
    times = rng.exponential(30.0 * np.exp(-0.03 * (age - 40)))
    rows = [f"{time:.4f},1,{years}" for time, years in zip(times, age, strict=True)]
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join(["time,status,age", *rows]) + "\n", "utf-8")
    results = fits(path, "exponential", covariates=("age",))
    block = results.strata[0].block
    assert block is not None
    centre = float(f"{age.mean():.2g}")
    text = f"hazard_ratios: [{{per: age, centre: {centre:g}, log: $cohort.log_ratio_age}}]"
    assert text in block.after
    scenario = load(pasted(results, tmp_path))
    (event,) = scenario.stages[0].events
    (ratio,) = event.after.hazard_ratios
    assert ratio.value == pytest.approx(0.03, abs=0.02)


def test_covariates_become_ratios_of_the_language(tmp_path: Path) -> None:
    """The simulated groups have the fitted curves."""
    results = fits(write_gehan(tmp_path / "gehan.csv"), "weibull", covariates=("drug",))
    fit = results.strata[0].best
    assert fit is not None
    block = results.strata[0].block
    assert block is not None
    assert "hazard_ratios: [{when: {drug: placebo}, log: $gehan.log_ratio_drug_placebo}]" in block.after
    path = pasted(results, tmp_path)
    text = path.read_text("utf-8")
    for drug, covariate in (("placebo", 1.0), ("treated", 0.0)):
        only = "{placebo: 1, treated: 0}" if drug == "placebo" else "{placebo: 0, treated: 1}"
        path.write_text(text.replace("{placebo: 0.5, treated: 0.5}", only), "utf-8")
        run = sim.run(path, at=["10 weeks"])
        found = run.estimates.query("measure == 'survival'").iloc[0]
        reached = (10.0 / fit.values["scale"]) ** fit.values["shape"]
        expected = np.exp(-reached * np.exp(covariate * fit.coefficients[0]))
        assert abs(found.estimate - expected) < 5.0 * found.standard_error
