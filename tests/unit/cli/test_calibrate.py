"""`allpath calibrate`: what it prints, writes and rejects."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sim import calibrate
from sim.calibration.posterior import sampler_library
from sim.errors import RunError
from sim.scenario import load
from tests.calibration_models import SHARE, targets_text, write_model
from tests.command import error_of, output_of

FIGURES = {
    "second": {"count": 300, "n": 600, "outcome": "second"},
    "reached": {"count": 30, "n": 100, "outcome": "reached", "use": "validation"},
}
COMMAND = ("calibrate", "model.yaml", "--targets", "targets.yaml", "--patients", "2000", "--workers", "1")
LAPLACE = (*COMMAND, "--method", "laplace", "--draws", "200")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path, SHARE, targets_text(FIGURES))
    return tmp_path


def test_what_it_prints(folder: Path) -> None:
    """The parameter that a target reacts to, the one that none does, and the figure held back."""
    printed = " ".join(output_of(*LAPLACE, "--parameters", "p,q", folder=folder).split())
    for text in (
        "1 parameter, 1 figure of published targets, 1 held back (not used)",
        "Figures in their interval: 0 of 1 before, 1 after",
        "Held-back figures in their interval: 0 of 1 before, 1 after",
        "Not identified, no target changes: q; kept at the value of the scenario.",
        "held back, not used",
        "Posterior: normal approximation at the best fit.",
    ):
        assert text in printed


@pytest.mark.parametrize(
    ("count", "n", "texts", "is_in"),
    [
        (300, 600, ["q and p are identified together (correlation -0.9"], False),
        (
            1,
            3,
            [
                "The prior decides, the targets explain less than 10%: q.",
                "Figures in their interval: 1 of 1 before",
            ],
            True,
        ),
    ],
)
def test_one_figure_for_two_parameters(
    folder: Path, count: int, n: int, texts: list[str], is_in: bool
) -> None:
    """A large study decides their product, a small one nothing; figures that stay in their interval have no row."""
    figure = {"reached": {"count": count, "n": n, "outcome": "reached"}}
    more = "calibrate: {p: own, q: {beta: {n: 1000}}}\n" if is_in else "calibrate: {p: own, q: own}\n"
    (folder / "targets.yaml").write_text(targets_text(figure, more=more))
    printed = " ".join(output_of(*LAPLACE, "--draws", "20000", folder=folder).split())
    for text in (*texts, "There are more parameters than figures: the priors decide the rest."):
        assert text in printed
    assert ("Published figures that are or were outside" in printed) != is_in


def test_the_calibrated_scenario_runs_and_draws_its_posterior(folder: Path) -> None:
    printed = output_of(*LAPLACE, "--parameter", "p", "--out", "out.yaml", folder=folder)
    assert printed.endswith("Written to out.yaml\nWritten to out.draws.csv\n")
    scenario = load(folder / "out.yaml")
    (p,) = (one for one in scenario.parameters if one.name == "p")
    assert (p.status, p.source) == ("calibrated", "calibrated to targets.yaml")
    assert p.values[0][1] == pytest.approx(0.49, abs=0.03)
    assert p.drawn is not None
    assert (p.drawn.family, p.drawn.file, len(p.drawn.sample)) == ("empirical", "out.draws.csv", 200)
    words = ("psa", "out.yaml", "--draws", "20", "--patients", "100", "--workers", "1")
    assert "second" in output_of(*words, folder=folder)
    described = " ".join(output_of("describe", "out.yaml", folder=folder).split())
    assert "Calibrated to published results: 1 of 2" in described


def test_a_parameter_that_follows_a_calibrated_one_is_drawn_alone(folder: Path) -> None:
    """None can follow a parameter that is drawn from a table."""
    model = SHARE.replace("{beta: [5, 5]}", "{beta: [5, 5], follows: {p: 0.5}}")
    (folder / "model.yaml").write_text(model)
    output_of(*LAPLACE, "--parameter", "p", "--out", "out.yaml", folder=folder)
    (q,) = (one for one in load(folder / "out.yaml").parameters if one.name == "q")
    assert q.drawn is not None
    assert (q.drawn.family, q.drawn.follows) == ("beta", None)


def test_the_same_command_gives_the_same_bytes(folder: Path) -> None:
    """With the sampler, and with other processes, for which 3,000 patients in 40 runs are enough work."""
    texts = []
    for number, workers in enumerate(("1", "2")):
        words = (*COMMAND[:-3], "3000", "--workers", workers, "--parameter", "p", "--draws", "100")
        words = (*words, "--out", f"{number}.yaml", "--json", f"{number}.json")
        output_of(*words, folder=folder)
        files = (folder / f"{number}.draws.csv", folder / f"{number}.json")
        texts.append([file.read_text() for file in files])
    assert texts[0] == texts[1]


def test_the_page_has_the_figures_the_profiles_and_the_correlations(folder: Path) -> None:
    output_of(*LAPLACE, "--parameter", "p", "--report", "page.html", folder=folder)
    page = (folder / "page.html").read_text()
    for text in ("Published figures", "Profile likelihoods", "Correlations", "T-1 an endpoint: second"):
        assert text in page
    assert "after, held back" in page


def test_json_and_python_have_the_same_numbers(folder: Path) -> None:
    found = json.loads(output_of(*LAPLACE, "--parameter", "p", "--json", "-", folder=folder))
    same = calibrate(
        folder / "model.yaml",
        targets=folder / "targets.yaml",
        parameters="p",
        patients=2000,
        method="laplace",
        draws=200,
        workers=1,
    )
    assert same.as_json()["parameters"] == found["parameters"]
    assert list(same.parameters["name"]) == ["p"]
    assert list(same.targets["used"]) == [True, False]
    assert same.draws.shape == (200, 1)
    assert same.correlation.loc["p", "p"] == pytest.approx(1.0)
    same.report(folder / "python.html")
    assert "Profile likelihoods" in (folder / "python.html").read_text("utf-8")
    assert "Posterior: normal approximation at the best fit." in " ".join(str(same).split())
    same.write(folder / "python.yaml")
    assert (folder / "python.draws.csv").exists()
    assert found["identifiability"]["effective_dimension"] == pytest.approx(0.98, abs=0.02)


def test_priors_are_written_in_the_targets(folder: Path) -> None:
    """Bounds stand for a uniform prior; the best fit stays within them."""
    more = "calibrate: {p: [0.1, 0.4], q: own}\n"
    (folder / "targets.yaml").write_text(targets_text(FIGURES, more=more))
    found = json.loads(output_of(*LAPLACE, "--json", "-", folder=folder))
    (p,) = found["parameters"]
    assert found["not_identified"] == ["q"]
    assert (p["base"], p["prior_low"], p["prior_high"]) == pytest.approx((0.3, 0.1075, 0.3925))
    assert 0.38 < p["best"] < 0.4


WORDS = LAPLACE[1:]
FAULTS = {
    "no parameter": ((), "parameters: none is named", ""),
    "an unknown parameter": (("--parameters", "p,r"), "there is no parameter r", ""),
    "an unknown method": (("--parameter", "p", "--method", "guess"), "guess is none of", ""),
    "nothing that reacts": (("--parameter", "q"), "no target changes with q", ""),
    "few patients": (("--parameter", "p", "--patients", "10"), "must be a whole number from 100", ""),
    "no workers": (("--parameter", "p", "--workers", "0"), "--workers: must be a whole number from 1", ""),
    "an unknown parameter in the targets": ((), "there is no parameter `r`", "calibrate: {r: own}\n"),
    "a prior that is none": ((), "has no distribution", "calibrate: {p: {}}\n"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_clear_error(folder: Path, fault: str) -> None:
    words, fact, more = FAULTS[fault]
    (folder / "targets.yaml").write_text(targets_text(FIGURES, more=more))
    error = error_of(*LAPLACE, *words, "--out", "out.yaml", folder=folder)
    assert fact.removeprefix("parameters: ") in error
    assert not (folder / "out.yaml").exists()
    assert not (folder / "out.draws.csv").exists()


def test_the_calibrated_scenario_is_a_yaml_file(folder: Path) -> None:
    error = error_of(*LAPLACE, "--parameter", "p", "--out", "out", folder=folder)
    assert "out: is no name of a YAML file\n    write out.yaml" in error


def test_without_emcee_the_error_has_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(RunError, match=r"needs emcee\n.*allpath\[calibrate\]', or --method laplace"):
        sampler_library()


def test_no_output_replaces_a_scenario_of_the_targets(folder: Path) -> None:
    text = (folder / "model.yaml").read_text()
    (folder / "layer.yaml").write_text("format: 1\ntitle: A layer\nbased_on: model.yaml\n")
    words = ("calibrate", "layer.yaml", *LAPLACE[2:], "--parameter", "p", "--out", "model.yaml")
    assert "model.yaml: would replace an input" in error_of(*words, folder=folder)
    assert (folder / "model.yaml").read_text() == text


def test_a_vector_and_a_parameter_without_uncertainty_are_errors(folder: Path) -> None:
    model = SHARE.replace("q: {value: 0.5, uncertainty: {beta: [5, 5]}}", "q: {value: 0.5, status: assumed}")
    model = model.replace("$p, out: rest", "$p.a, out: rest").replace(
        "p: {value: 0.3, uncertainty: {beta: [3, 7]}}",
        "p: {value: {a: 0.3, b: 0.7}, uncertainty: {dirichlet: {n: 10}}}",
    )
    (folder / "model.yaml").write_text(model)
    assert "is not one number" in error_of(*LAPLACE, "--parameter", "p", folder=folder)
    assert "has no uncertainty" in error_of(*LAPLACE, "--parameter", "q", folder=folder)
    all_used = {name: {**figure, "use": "calibration"} for name, figure in FIGURES.items()}
    (folder / "targets.yaml").write_text(targets_text(all_used))
    spread = ("--parameter", "q", "--assume-spread", "20%")
    assert "1 parameter, 2 figures" in output_of(*LAPLACE, *spread, folder=folder)


def test_a_scenario_with_a_value_of_its_own_keeps_it(folder: Path) -> None:
    """A layer that changes a parameter does not share it."""
    (folder / "layer.yaml").write_text(
        "format: 1\ntitle: A layer\nbased_on: model.yaml\nchanges: {parameters.p: {value: 0.9}}\n"
    )
    text = targets_text(FIGURES).replace("{model: model.yaml}", "{model: model.yaml, other: layer.yaml}")
    text += "      layered: {count: 50, n: 100, outcome: second, scenario: other}\n"
    (folder / "targets.yaml").write_text(text)
    printed = " ".join(output_of(*LAPLACE, "--parameter", "p", "--full", folder=folder).split())
    assert "p keeps a value of its own in layer." in printed
    found = json.loads(output_of(*LAPLACE, "--parameter", "p", "--json", "-", folder=folder))
    (row,) = (row for row in found["figures"] if row["figure"] == "layered")
    assert row["before"] == row["after"] == pytest.approx(0.9, abs=0.04)
