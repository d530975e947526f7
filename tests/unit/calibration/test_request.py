"""What a calibration is asked with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.calibration.calibration_model import CalibrationModel
from sim.calibration.setup import CalibrationRequest, model_of
from sim.engine.processes import Cluster
from sim.errors import InputError, RunError, ScenarioError
from tests.calibration_models import SHARE, targets_text, write_model


class Elsewhere(Cluster):
    """A cluster that is never asked for anything."""

    def in_blocks(
        self,
        work: Callable[[Any, Any], Any],
        whole: Any,
        parts: Iterable[Any],
        *,
        take: Callable[[Any], None],
    ) -> None:
        raise AssertionError("nothing is simulated")


def test_a_cluster_is_a_number_of_workers_too() -> None:
    cluster = Elsewhere()
    assert CalibrationRequest.of("a.yaml", ["b.yaml"], workers=cluster).workers is cluster
    with pytest.raises(InputError, match="workers: must be a whole number from 1"):
        CalibrationRequest.of("a.yaml", ["b.yaml"], workers=0)


FIGURES: dict[str, dict[str, Any]] = {"second": {"count": 300, "n": 600, "outcome": "second"}}


def model(
    folder: Path,
    *names: str,
    text: str = SHARE,
    figures: dict[str, dict[str, Any]] = FIGURES,
) -> CalibrationModel:
    """The figures as functions of these parameters."""
    scenario, targets = write_model(folder, text, targets_text(figures))
    return model_of(CalibrationRequest.of(scenario, [targets], parameters=names, patients=100, workers=1))[0]


def test_no_file_of_targets_is_an_error() -> None:
    with pytest.raises(InputError, match="targets: no file of targets is given; name one with --targets"):
        CalibrationRequest.of("a.yaml", [])


def test_a_prior_that_is_a_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        model(tmp_path, "p", text=SHARE.replace("{beta: [3, 7]}", "{empirical: [0.2, 0.3, 0.4]}"))
    assert error.value.fact == "parameters: p is drawn from a list or a table"
    assert error.value.fix == "give it a prior under `calibrate`"


def test_a_calibrated_parameter_that_follows_another_is_independent_of_it(tmp_path: Path) -> None:
    """Of one that is calibrated too it stays dependent."""
    text = SHARE.replace("{beta: [5, 5]}", "{beta: [5, 5], follows: {p: 0.5}}")
    figures = {"reached": {"count": 30, "n": 100, "outcome": "reached"}}
    for names, follows in ((("q",), None), (("p", "q"), ("p", 0.5))):
        drawn = model(tmp_path, *names, text=text, figures=figures).parameters[-1].drawn
        assert drawn is not None
        assert drawn.follows == follows


def test_figures_that_are_all_held_back_calibrate_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="targets: all figures are held back; leave out `use: validation`"):
        model(tmp_path, "p", figures={"second": {**FIGURES["second"], "use": "validation"}})


def test_a_difference_of_scenarios_calibrates_nothing(tmp_path: Path) -> None:
    figure = {"published": 0.1, "error": 0.02, "outcome": "second", "compared_with": "model"}
    with pytest.raises(ScenarioError) as error:
        model(tmp_path, "p", figures={"second": figure})
    (problem,) = error.value.problems
    assert problem.fact == "parameters are calibrated to shares and median times of single runs"
    assert problem.fix == "leave out `measure` and `compared_with`"
    assert problem.where.place.line == 10


def test_a_figure_of_patients_whom_nobody_is_among_is_an_error(tmp_path: Path) -> None:
    """With p = 0 nobody reaches the second stage, among whom the figure counts."""
    text = SHARE.replace(
        "{ever: {stage: reached}}", "{ever: {stage: reached}, among: {ever: {stage: second}}}"
    )
    figures = {"reached": {"count": 30, "n": 100, "outcome": "reached"}}
    one = model(tmp_path, "p", text=text, figures=figures)
    assert one.simulate(np.array([[0.5]]), held_back=True).patients[0, 0] > 30
    with pytest.raises(
        RunError, match=r"nobody reaches the outcome reached of .*\n    simulate more patients"
    ):
        one.simulate(np.array([[1e-9]]), held_back=True)


def test_a_scenario_of_held_back_figures_is_simulated_when_they_are_asked_for(tmp_path: Path) -> None:
    """It does not have the parameter q, and its p is the calibrated one."""
    other = SHARE.replace("  q: {value: 0.5, uncertainty: {beta: [5, 5]}}\n", "").replace("$q", "0.5")
    (tmp_path / "other.yaml").write_text(other)
    held = {"count": 30, "n": 100, "outcome": "reached", "use": "validation"}
    text = targets_text({**FIGURES, "reached": held}).replace("model.yaml", "model.yaml, other: other.yaml")
    before, last = text[: text.rindex("scenario: model")], text[text.rindex("scenario: model") :]
    scenario, targets = write_model(tmp_path, SHARE, before + last.replace("model", "other"))
    request = CalibrationRequest.of(scenario, [targets], parameters=["p", "q"], patients=1000, workers=1)
    one = model_of(request)[0]
    points = np.array([[0.8, 0.1]])
    assert np.isnan(one.simulate(points).estimates[0]).tolist() == [False, True]
    found = one.simulate(points, held_back=True).estimates[0]
    assert found == pytest.approx([0.8, 0.4], abs=5.0 * (0.25 / 1000) ** 0.5)
