"""Files of targets: what is read, and one clear error for each fault."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim.calibration.target_values import simulate_figures
from sim.calibration.targets import Kind, Use, read_targets
from sim.errors import ScenarioError

SCENARIO = """\
format: 1
title: Two ends
horizon: 2 years
states: {ill: {}, well: {}, dead: {}}
patients: {number: 2000, attributes: {kind: {categorical: {a: 0.3, b: 0.7}}}}
pathway:
  start: ill
  stages:
    ill:
      state: ill
      events:
        cure: {after: {exponential: {mean: 100 days}}, to: well}
        death: {after: {exponential: {mean: 300 days}}, to: dead}
    well: {state: well, terminal: true}
    dead: {state: dead, terminal: true}
outcomes:
  cured: {ever: {stage: well}}
  cure: {from: start, until: {stage: well}, competing: {death: {stage: dead}}}
  free: {from: start, until: {any: [{stage: well}, {stage: dead}]}}
  kind: {attribute: kind}
  steps: {funnel: [start, {stage: well}]}
"""
TARGETS = """\
format: 1
title: Published
scenarios: {base: base.yaml}
targets:
  A-1:
    population: all
    endpoint: cure
    source: P-1
    figures:
      ever: {count: 30, n: 40, kind: emergent, scenario: base, outcome: cured}
      100 days: {published: 0.5, unit: share, interval: [0.4, 0.6], scenario: base, outcome: cure, at: 100 days}
      free: {published: 2, unit: months, interval: [1, not reached], scenario: base, outcome: free}
  A-2:
    population: all
    endpoint: kind
    source: a note
    use: validation
    figures:
      a: {published: 0.3, n: 10, scenario: base, outcome: kind, category: a}
      well: {published: 0.75, within: 0.2, use: calibration, scenario: base, outcome: steps, step: 2}
      other: {published: 0.1, not_applicable: No outcome corresponds.}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(SCENARIO)
    (tmp_path / "sources.yaml").write_text("P-1: {citation: A paper, doi: 10.1/2}\n")
    return tmp_path


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in TARGETS
    file = folder / "targets.yaml"
    file.write_text(TARGETS.replace(old, new, 1))
    return file


def test_what_a_file_of_targets_says(folder: Path) -> None:
    (found,) = read_targets([written(folder)])
    assert (found.title, found.scenarios) == ("Published", {"base": str(folder / "base.yaml")})
    first, second = found.targets
    assert (first.sources, first.citation) == (("P-1",), "A paper, doi:10.1/2")
    assert (second.sources, second.citation) == (("a note",), "a note")
    ever, at_100, free = first.figures
    assert (ever.published, ever.count, ever.n, ever.kind) == (0.75, 30, 40, Kind.EMERGENT)
    assert (at_100.at, at_100.published, at_100.accepted().rule) == (100.0, 0.5, "printed")
    assert (at_100.unit, free.unit, free.interval) == ("", "months", (1.0, math.inf))
    assert [one.use for one in second.figures] == [Use.VALIDATION, Use.CALIBRATION, Use.VALIDATION]
    assert [one.applies for one in second.figures] == [True, True, False]


def test_the_simulated_value_of_each_kind_of_figure(folder: Path) -> None:
    """Exponential ends that compete: means 100 and 300 days, so that 75% are cured, half of all ends within
    75 ln 2 days. 20,000 patients; five standard errors, the smallest error to catch is 2 points."""
    (file,) = read_targets([written(folder)])
    figures = [figure for target in file.targets for figure in target.applicable]
    expected = {
        "ever": 0.75,
        "100 days": 0.75 * (1 - math.exp(-100 / 75)),
        "free": 75 * math.log(2) / 30.4375,
        "a": 0.3,
        "well": 0.75,
    }
    for figure, value in simulate_figures(figures, patients=20_000, seed=1).items():
        assert value.value == pytest.approx(expected[figure.name], abs=5 * value.error), figure.name
        assert value.error < 0.03


FAULTS = {
    "a standard error of 0": ("interval: [0.4, 0.6]", "error: 0", "`error` is above 0"),
    "a scenario that is not there": (
        "interval: [0.4, 0.6]",
        "compared_with: bse, rounding: 0.1",
        "there is no scenario `bse`",
    ),
    "unknown key of a figure": ("count: 30", "cuont: 30", "a figure of target A-1 has no `cuont`"),
    "count without n": ("count: 30, n: 40", "count: 30", "a count is of `n` patients"),
    "count above n": ("count: 30", "count: 41", "a count is of `n` patients: 41 is more than 40"),
    "an interval beside the number": ("[0.4, 0.6]", "[0.6, 0.7]", "does not hold the published number"),
    "an interval below 0": ("interval: [1, not", "interval: [-1, not", "a time is not negative"),
    "quartiles of 0": (
        "interval: [1, not reached]",
        "n: 9, quartiles: [0, 4]",
        "no spread follows from quartiles",
    ),
    "extremes not reached": (
        *("interval: [1, not reached]", "n: 9, extremes: [1, not reached]"),
        "no spread follows from extremes",
    ),
    "extremes of one patient": ("interval: [1, not reached]", "n: 1, extremes: [1, 4]", "one patient has no"),
    "a tolerance of 0": ("within: 0.2", "within: 0", "a tolerance is above 0"),
    "neither published nor count": (
        "published: 0.5, unit: share, ",
        "",
        "needs `published` or `count`, one of them",
    ),
    "a share above 1": ("published: 0.5", "published: 50", "50 is not a probability"),
    "an interval upside down": ("[0.4, 0.6]", "[0.6, 0.4]", "an interval is a lower and an upper end"),
    "no interval and no n": ("interval: [0.4, 0.6], ", "", "has neither `n` nor `interval`"),
    "a time of 0": ("published: 2, unit", "published: 0, unit", "a time is greater than 0"),
    "no figure": (
        TARGETS[TARGETS.index("      a: {published: 0.3") :],
        "      {}",
        "there is no figure",
    ),
    "neither targets nor priors": (
        TARGETS[TARGETS.index("targets:") :],
        "",
        "has neither `targets` nor `calibrate`",
    ),
    "an unknown unit": ("unit: months", "unit: moons", "`moons`"),
    "an unknown scenario": ("scenario: base, outcome: cured", "scenario: bsae, outcome: cured", "`bsae`"),
    "no scenario": ("scenario: base, outcome: cured", "outcome: cured", "`scenario` is missing"),
    "an unknown use": ("use: validation", "use: validating", "there is no use `validating`"),
    "an unknown kind": ("kind: emergent", "kind: found", "there is no kind `found`"),
    "no source": ("    source: P-1\n", "", "`source` is missing"),
    "a file that is not there": ("base.yaml", "other.yaml", "there is no file"),
    "another format": ("format: 1", "format: 2", "format 2 is unknown"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_error_with_its_place(folder: Path, fault: str) -> None:
    old, new, fact = FAULTS[fault]
    file = written(folder, old, new)
    with pytest.raises(ScenarioError) as error:
        read_targets([file])
    (problem,) = error.value.problems
    assert fact in problem.fact
    assert problem.where.place.line > 0
    assert problem.where.place.file == str(file)


@pytest.mark.parametrize(
    ("old", "new", "fact", "fix"),
    [
        ("outcome: cured", "outcome: cured_", "there is no outcome cured_", "did you mean `cured`?"),
        ("outcome: cure, at: 100 days", "outcome: cure", "outcome cure of", "say `at` which time it was"),
        ("category: a", "category: c", "has no share of c", "it has share of a, share of b"),
        ("step: 2", "step: 3", "has no share of step 3", "share of 2. "),
    ],
)
def test_a_figure_without_a_number_is_an_error(folder: Path, old: str, new: str, fact: str, fix: str) -> None:
    (file,) = read_targets([written(folder, old, new)])
    figures = [figure for target in file.targets for figure in target.applicable]
    with pytest.raises(ScenarioError) as error:
        simulate_figures(figures, patients=100, seed=1)
    (problem,) = error.value.problems
    assert fact in problem.fact
    assert fix in problem.fix
    assert problem.where.place.line > 0


def test_one_target_in_two_files_is_an_error(folder: Path) -> None:
    file, other = written(folder), folder / "other.yaml"
    other.write_text(TARGETS)
    with pytest.raises(ScenarioError, match="there is a target A-1 in"):
        read_targets([file, other])
