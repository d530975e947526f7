"""The page of fits: its pictures, tables, notes and the parameters."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pytest
import yaml

from sim.calibration.fit_results import FitRequest, FitResults, fit_survival
from sim.calibration.survival_data import Columns, Printed
from sim.report.page.fit_page import fit_page, fitted_incidence
from tests.survival_examples import write_gehan
from tests.unit.report.test_page import Outline


def fitted(path: Path, families: list[str], **columns: str | tuple[str, ...]) -> FitResults:
    request = FitRequest.of(
        path,
        columns=Columns(**columns),
        printed=Printed(),
        families=families,
        unit="weeks",  # type: ignore[arg-type]
    )
    return fit_survival(request)


def competing(path: Path) -> Path:
    """Two exponential causes with rates 0.04 and 0.02, followed for 60 weeks."""
    rng = np.random.default_rng(8)
    first, second = rng.exponential(25.0, 400), rng.exponential(50.0, 400)
    end = np.minimum(np.minimum(first, second), 60.0)
    rows = [
        f"{t:.4f},{int(t < 60.0)},{'' if t >= 60.0 else 'relapse' if a < b else 'death'}"
        for t, a, b in zip(end, first, second, strict=True)
    ]
    path.write_text("\n".join(["time,status,cause", *rows]) + "\n", "utf-8")
    return path


def test_one_event(tmp_path: Path) -> None:
    """The first picture stands in the answer; the parameters keep their lines."""
    results = fitted(write_gehan(tmp_path / "gehan.csv"), ["weibull", "lognormal", "normal"])
    page = fit_page(results, {"command": "allpath fit gehan.csv"})
    assert page.index('id="answer"') < page.index("Fit and observation") < page.index('id="fits-0"')
    assert "lognormal has the lowest AIC (234.79) of 2 families." in page
    for number in ("42", "30 events", "mean tends to 0", "67% of the horizon of 70 weeks is extrapolated"):
        assert number in page
    assert "Hazard per week" in page
    assert results.parameters_text().splitlines()[2] in page.splitlines()
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert "allpath fit gehan.csv" in page


def test_groups_have_sections(tmp_path: Path) -> None:
    page = fit_page(fitted(write_gehan(tmp_path / "gehan.csv"), ["weibull"], by="drug"), {})
    assert "Fit and observation, drug 6-MP" in page
    assert "drug placebo: weibull: AIC " in page
    assert "(steps) and the fitted family." in page


def test_curves_of_a_fit_with_covariates_are_means(tmp_path: Path) -> None:
    page = fit_page(fitted(write_gehan(tmp_path / "gehan.csv"), ["weibull"], covariates=("drug",)), {})
    assert "means over the patients&#39; covariates" in page


def test_causes_have_cumulative_incidences(tmp_path: Path) -> None:
    """Under constant hazards a and b the incidence of the first is a / (a + b) (1 - exp(-(a + b) t))."""
    results = fitted(competing(tmp_path / "c.csv"), ["exponential"])
    page = fit_page(results, {})
    assert "Cumulative incidence of the causes" in page
    assert "relapse, exponential" in page
    rates = {one.stratum.event: one.fits[0].values["rate"] for one in results.strata}
    assert rates == pytest.approx({"relapse": 0.04, "death": 0.02}, rel=0.25)
    time, both = np.linspace(0.0, 60.0, 121), sum(rates.values())
    for name, value in fitted_incidence(results.strata, time):
        rate = rates[name.split(",")[0]]
        np.testing.assert_allclose(value, rate / both * -np.expm1(-both * time), atol=1e-5)


def test_the_parameters_to_paste_keep_their_lines(tmp_path: Path) -> None:
    """As YAML: the style of the page shows the line breaks and the indentation that the text has."""
    results = fitted(write_gehan(tmp_path / "gehan.csv"), ["weibull"])
    page = fit_page(results, {"command": "allpath fit gehan.csv"})
    assert 'id="paste"' in page
    assert "#paste .beneath { white-space: pre;" in page
    text = page.split('id="paste"')[1].split('class="beneath">')[1].split("</span>")[0]
    parameters = yaml.safe_load(html.unescape(f"parameters:\n{text}"))["parameters"]
    assert all(set(one) >= {"value", "uncertainty", "source", "status"} for one in parameters.values())
