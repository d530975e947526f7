"""`allpath fit`: what it prints, writes and rejects."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import yaml

import sim
from tests.command import error_of, output_of
from tests.survival_examples import write_gehan


def test_terminal_and_files(tmp_path: Path) -> None:
    """The printed parameters are those of the file, in lines that are not broken."""
    write_gehan(tmp_path / "gehan.csv")
    command = (
        "fit",
        "gehan.csv",
        "--unit",
        "weeks",
        "--family",
        "weibull",
        "--family",
        "mixture_cure.weibull",
    )
    printed = output_of(
        *command, "--out", "p.yaml", "--json", "r.json", "--report", "r.html", folder=tmp_path
    )
    text = " ".join(printed.split())
    for words in (
        "42 observations, 30 events",
        "the last event is at 23 weeks: 67% of the horizon of 70 weeks is extrapolated",
        "families within 4 of the lowest AIC differ at 70 weeks",
        "mixture_cure.weibull is improper: 17% never have the event (a fraction is cured)",
        "Written to p.yaml",
        "Written to gehan_draws.csv",
    ):
        assert words in text
    written = (tmp_path / "p.yaml").read_text("utf-8")
    assert written in printed
    parameters = yaml.safe_load(written)["parameters"]
    assert set(parameters) == {"gehan_cured", "gehan_shape", "gehan_scale"}
    assert parameters["gehan_scale"]["value"].endswith(" weeks")
    assert len((tmp_path / "gehan_draws.csv").read_text("utf-8").splitlines()) == 1001
    results = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert [row["family"] for row in results["fits"]] == ["mixture_cure.weibull", "weibull"]
    assert results["parameters"] == written


def test_a_family_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    write_gehan(tmp_path / "gehan.csv")
    printed = output_of(
        "fit", "gehan.csv", "--by", "drug", "--family", "weibull", "--family", "normal", folder=tmp_path
    )
    assert "drug 6-MP: 21 observations, 9 events" in printed
    assert "drug placebo: 21 observations, 21 events" in printed
    assert "mean tends to 0: the density falls from the start" in printed
    assert "gehan_drug_6_mp:" in printed


def test_a_horizon_within_the_data_is_not_extrapolated(tmp_path: Path) -> None:
    """A family that fails has its reason alone."""
    write_gehan(tmp_path / "gehan.csv")
    words = ("fit", "gehan.csv", "--by", "drug", "--unit", "weeks", "--horizon", "10 weeks", "--json", "-")
    printed = output_of(*words, "--family", "weibull", "--family", "normal", folder=tmp_path)
    assert "extrapolated" not in printed
    fits = {(row["group"], row["family"]): row for row in json.loads(printed)["fits"]}
    fitted = fits["drug 6-MP", "weibull"]
    values = {one["name"]: one["value"] for one in fitted["parameters"]}
    expected = math.exp(-((10.0 / values["scale"]) ** values["shape"]))
    assert fitted["survival_at_horizon"] == pytest.approx(expected)
    (failed,) = (row for row in fits.values() if row["failed"])
    assert failed["family"] == "normal"
    assert "aic" not in failed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--family", "wiebull"], "--family: there is no family `wiebull`\n    did you mean `weibull`?"),
        (["--family", "uniform"], "--family: uniform is not fitted: its limits are"),
        (["--unit", "fortnight"], "--unit: `fortnight` is not a unit of time"),
        (["--horizon", "10"], "--horizon: 10 has no unit"),
        (["--horizon", "0 days"], "--horizon: a horizon of 0 compares nothing"),
        (["--effect", "odds"], "--effect: there is no effect `odds`"),
        (["--knots", "0"], "--knots: 0 is not between 1 and 5"),
        (["--time", "tme"], "gehan.csv has no column `tme`\n    did you mean `time`?"),
        (["--out", "gehan.csv"], "gehan.csv: would replace an input"),
        (["--patients", "20"], "gehan.csv has no column `survival`"),
    ],
)
def test_wrong_options(options: list[str], message: str, tmp_path: Path) -> None:
    write_gehan(tmp_path / "gehan.csv")
    assert message in error_of("fit", "gehan.csv", *options, folder=tmp_path)


def test_nothing_to_fit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,status\n5,0\n6,0\n", "utf-8")
    assert "a.csv has no event: all 2 times are censored" in error_of("fit", "a.csv", folder=tmp_path)
    assert "b.csv is no file" in error_of("fit", "b.csv", folder=tmp_path)


CURED = "time,status\n" + "".join(f"{time},1\n" for time in range(1, 20)) + "100,0\n" * 20


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ("a_draws.csv", ["--name", "a", "--out", "o.yaml"], "a_draws.csv: would replace an input"),
        ("a.csv", ["--out", "a_draws.csv"], "a_draws.csv: is no name of a YAML file"),
        ("a.csv", ["--out", "o.yaml", "--json", "a_draws.csv"], "a_draws.csv: two outputs have this name"),
    ],
)
def test_draws_replace_nothing(data: str, options: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / data).write_text(CURED, "utf-8")
    error = error_of("fit", data, "--family", "mixture_cure.weibull", *options, folder=tmp_path)
    assert message in error
    assert [file.name for file in tmp_path.iterdir()] == [data]
    assert (tmp_path / data).read_text("utf-8") == CURED


def test_nothing_is_written_where_nothing_is_fitted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,status\n5,1\n", "utf-8")
    words = ("fit", "a.csv", "--family", "weibull")
    reason = "no family could be fitted (weibull: 2 parameters need at least 2 events, the data have 1)"
    assert reason in error_of(*words, "--out", "o.yaml", folder=tmp_path)
    assert not (tmp_path / "o.yaml").exists()
    assert "parameters:" not in output_of(*words, "--report", "page.html", folder=tmp_path)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "No family could be fitted." in page
    assert "Covariance of the estimates" not in page


def test_two_groups_with_one_parameter_name_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,status,arm\n5,1,A-1\n6,1,A-1\n7,1,a 1\n8,1,a 1\n", "utf-8")
    error = error_of("fit", "a.csv", "--by", "arm", "--out", "o.yaml", folder=tmp_path)
    assert "`arm A-1` and `arm a 1` both give the parameter name a_arm_a_1" in error


def test_one_event_fits_one_parameter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,status\n5,1\n6,0\n", "utf-8")
    printed = output_of("fit", "a.csv", folder=tmp_path)
    assert "2 parameters need at least 2 events, the data have 1" in " ".join(printed.split())
    assert "value: {rate: 0.0909091 per day}" in printed
    found = json.loads(output_of("fit", "a.csv", "--json", "-", folder=tmp_path))
    assert found["parameters"] in printed


def test_python(tmp_path: Path) -> None:
    """The same numbers; the parameters are written with their draws."""
    found = sim.fit(write_gehan(tmp_path / "gehan.csv"), unit="weeks", families=["exponential", "weibull"])
    assert found.fits.family.tolist() == ["exponential", "weibull"]
    assert found.estimates.query("family == 'exponential'").value.iloc[0] == pytest.approx(30 / 541)
    found.write(tmp_path / "p.yaml")
    assert (tmp_path / "p.yaml").read_text("utf-8") == found.parameters
    found.report(tmp_path / "page.html")
    assert "Fits to gehan.csv" in (tmp_path / "page.html").read_text("utf-8")
    assert "exponential" in str(found)
