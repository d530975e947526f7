"""The page of validation holds: its rows are all there are, say what was published, and come out again.

A smaller run with another seed must agree with each value of the page within five standard errors, and lie on the side of
the accepted interval that the page says, within the same. With 10,000 patients a share of some 2,000 of them has a standard
error of 1%: a rate applied twice, or one of another group of patients, is found where it moves a share by more than some 5
points. A reader of the page that takes the wrong limit would fail.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml

from sim.calibration.setup import CalibrationRequest, calibrated_parameters
from sim.calibration.target_values import Simulated
from sim.calibration.targets import Figure, Kind, Use, read_targets
from sim.scenario import load
from tests.published.calibration import FILES, FOLDER, figures, simulated, target_files, targets
from tests.published.extraction import Printed, entries, printed
from tests.published.validation import COLUMNS, DIRECTIONS, PATIENTS, Row, endpoint

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
SMALL = {"patients": 10_000, "seed": 12}
ERRORS = 5
LIST = {
    *(f"CA-{n}" for n in (*range(1, 16), *range(20, 40), *range(50, 55), *range(60, 67))),
    *(f"PR-{n}" for n in range(1, 8)),
    *(f"CC-{n}" for n in range(1, 18)),
    *(f"W-{n}" for n in (1, 3, 7)),
}
"""Every target there is."""


@cache
def page() -> dict[tuple[str, str], tuple[str, ...]]:
    """(id, endpoint): cells of its row, of all tables with the columns of a comparison."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split(" | "))
        if len(cells) == len(COLUMNS) and re.fullmatch(r"(CA|PR|CC|W)-\d+", cells[0]):
            found[cells[0], cells[2]] = cells
    return found


def key(figure: Figure) -> tuple[str, str]:
    (target,) = (one for one in targets() if one.id == figure.target)
    return figure.target, endpoint(target, figure)


def printed_value(figure: Figure) -> float:
    """The simulated value of the page, in the unit of the figure."""
    value = float(re.match(r"[\d.]+", page()[key(figure)][8]).group())  # type: ignore[union-attr]
    return value if figure.unit else value / 100


def name(figure: Figure) -> str:
    return f"{figure.target}-{figure.name}"


def test_the_list_is_whole() -> None:
    assert {target.id for target in targets()} == LIST
    assert {*FILES, FOLDER / "assumed.yaml", FOLDER / "sources.yaml"} == set(FOLDER.glob("*.yaml"))


def test_every_assumed_parameter_has_a_prior() -> None:
    """One that is calibrated in the scenario is drawn from a table, which is no prior."""
    (assumed,) = read_targets([FOLDER / "assumed.yaml"])
    request = CalibrationRequest.of(FOLDER.parent / "cn_academic.yaml", [FOLDER / "assumed.yaml"])
    found = calibrated_parameters(request, load(request.scenario), [assumed])
    assert [one.name for one in found] == list(assumed.calibrate)


def test_whole_courses_and_nothing_else_are_held_back() -> None:
    assert all((figure.use is Use.VALIDATION) == figure.target.startswith("W-") for figure in figures())


def test_every_row_of_the_page_is_a_figure_and_every_figure_a_row() -> None:
    assert set(page()) == {key(figure) for figure in figures()}


def test_directions_are_those_of_the_published_results() -> None:
    found = {figure.label: figure for figure in figures()}
    for more, less in DIRECTIONS:
        assert found[more].published > found[less].published
        assert found[more].unit == found[less].unit


def test_what_cannot_be_compared_stands_on_the_page_with_its_reason() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for target in targets():
        for figure in target.figures:
            if not figure.applies:
                assert f"| {target.id} | {target.population} | {endpoint(target, figure)} |" in text
                assert figure.not_applicable in text


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.id)
def test_page_says_what_was_published(target) -> None:
    for figure in target.applicable:
        nobody = Row(target, figure, Simulated(0.0, 0.0, 0.0, 1), 0.0).cells()
        cells = page()[key(figure)]
        assert cells[:7] + cells[10:] == nobody[:7] + nobody[10:]


def is_printed(value: float, unit: str, one: Printed) -> bool:
    return (one.unit.removesuffix("s") == unit.removesuffix("s")) and (
        one.agrees(value) or math.isclose(one.number, value)
    )


@pytest.mark.parametrize(
    ("target", "figure"),
    [(target, figure) for target in targets() if target.id.startswith("CA-") for figure in target.figures],
    ids=lambda one: one.name if isinstance(one, Figure) else one.id,
)
def test_published_number_is_that_of_the_second_extraction(target, figure: Figure) -> None:
    there = [one for source in target.sources for one in printed()[source].values()]
    numbers = (
        [(figure.published, figure.unit)] if figure.count is None else [(figure.count, ""), (figure.n, "")]
    )
    for pair in (figure.quartiles, figure.extremes, figure.interval):
        numbers += [(value, figure.unit) for value in pair or () if math.isfinite(value)]
    for value, unit in numbers:
        assert any(is_printed(value, unit, one) for one in there), f"{value:g} {unit}"


@pytest.mark.parametrize("figure", figures(), ids=name)
def test_small_run_agrees_with_the_page(figure: Figure) -> None:
    found = simulated(figure, **SMALL)
    assert found.n >= 50
    rounding = 0.0005 if not figure.unit else 0.005 * printed_value(figure)
    if math.isinf(found.high):  # a median whose upper bound is not reached
        assert printed_value(figure) > found.low
        return
    error = math.hypot(found.error, found.error * math.sqrt(SMALL["patients"] / PATIENTS))
    assert abs(found.value - printed_value(figure)) <= ERRORS * error + rounding


@pytest.mark.parametrize("figure", figures(), ids=name)
def test_small_run_is_in_or_out_as_the_page_says(figure: Figure) -> None:
    found, accepted = simulated(figure, **SMALL), figure.accepted()
    apart = ERRORS * (found.error if math.isfinite(found.high) else (found.value - found.low) / 1.96)
    if page()[key(figure)][9] == "in":
        assert accepted.low - apart <= found.value <= accepted.high + apart
    else:
        assert found.value <= accepted.low + apart or found.value >= accepted.high - apart


@pytest.mark.parametrize("figure", figures(), ids=name)
def test_a_miss_has_its_reason_and_only_a_miss(figure: Figure) -> None:
    assert bool(figure.miss) == (page()[key(figure)][9] == "**out**")
    assert figure.kind in tuple(Kind)


def test_at_least_85_percent_of_the_applicable_targets_are_in() -> None:
    """Of the targets, with every figure in; and of the figures."""
    parts = [figure for figure in figures() if figure.target.startswith("CA-")]
    out = [figure for figure in parts if page()[key(figure)][9] != "in"]
    ids = {figure.target for figure in parts}
    assert len(ids - {figure.target for figure in out}) / len(ids) >= 0.85
    assert 1 - len(out) / len(parts) >= 0.85


def test_every_outcome_of_a_scenario_of_targets_is_compared() -> None:
    """A scenario declares what its figures need: an outcome without one was forgotten."""
    files = {str(Path(file)) for one in target_files() for file in one.scenarios.values()}
    assert {str(path) for path in (FOLDER / "runs").glob("*.yaml")} == files
    for file in files:
        measured = {figure.outcome for figure in figures() if figure.scenario == file}
        assert {outcome.name for outcome in load(file).outcomes} == measured, file


def test_each_citation_is_that_of_the_second_extraction() -> None:
    cited = yaml.safe_load((FOLDER / "sources.yaml").read_text("utf-8"))
    used = {source for target in targets() if target.id.startswith("CA-") for source in target.sources}
    assert set(cited) == used
    for source, entry in cited.items():
        assert entry == cited_in_extraction(source), source


def cited_in_extraction(source: str) -> dict[str, str]:
    """Citation and DOI of an entry; of a pooled one, of what it was pooled from."""
    entry = entries()[source]
    parts = [entries()[one] for one in entry["from"]] if entry["citation"] == "pooled" else [entry]
    if len(parts) == 1:
        return {key: parts[0][key] for key in ("citation", "doi") if key in parts[0]}
    dois = [f", doi:{part['doi']}" if "doi" in part else "" for part in parts]
    each = [part["citation"] + doi for part, doi in zip(parts, dois, strict=True)]
    return {"citation": "; ".join(dict.fromkeys(each))}


def test_wilson_interval_of_a_published_count_is_the_one_the_source_printed() -> None:
    """Qi 2022 printed 75.3 to 94.1% for 42 of 48."""
    found = Figure(target="", name="", published=42 / 48, n=48).accepted()
    assert (round(100 * found.low, 1), round(100 * found.high, 1)) == (75.3, 94.1)


def test_interval_of_an_exponential_median_covers_as_often_as_it_says() -> None:
    """In 95% of samples of 100; the smallest error to catch is 2 points, five standard errors of 4,000 samples are 1.7."""
    medians = np.median(np.random.default_rng(3).exponential(1.0, size=(4000, 100)), axis=1)
    held = [
        Figure(target="", name="", published=float(m), unit="months", n=100).accepted().holds(math.log(2))
        for m in medians
    ]
    assert abs(np.mean(held) - 0.95) < 0.02
