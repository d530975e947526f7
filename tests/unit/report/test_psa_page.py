"""The page of a probabilistic analysis: its pictures and tables have the numbers of the results."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest

from sim.report.charts.drawing import chart_html
from sim.report.charts.marks import Bar, Lanes, Panel
from sim.report.charts.style import number_axis
from sim.report.charts.uncertainty import (
    FRONTIER,
    UNKNOWN,
    Acceptability,
    Cloud,
    Swing,
    Worth,
    acceptability,
    information,
    plane,
    tornado,
    worth_bars,
)
from sim.report.page import psa_pictures
from sim.report.page.psa_page import answer, heading, psa_page
from sim.report.tables import psa_table
from sim.report.tables.number_format import share
from sim.uncertainty.draw_summaries import convergence, survival_curves
from sim.uncertainty.psa import Design
from sim.uncertainty.results import PsaResults
from tests.psa_models import BETTER, RARE, TWO_STATES, UNPRICED, analysed, written
from tests.unit.report.test_page import Outline


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> PsaResults:
    """Two arms, 60 draws of 40 patients."""
    return PsaResults(analysed(written(tmp_path_factory.mktemp("psa")), draws=60, patients=40))


@pytest.fixture(scope="module")
def text(results: PsaResults) -> str:
    return psa_page(results, {"command": "allpath psa <a> <b>", "seed": 1})


def panel(picture) -> Panel:
    assert picture is not None
    (found,) = picture.figure.parts
    assert isinstance(found, Panel)
    return found


def test_page_is_whole_and_fetches_nothing(text: str) -> None:
    """Every element is closed, every id is unique, texts are escaped; parameters and provenance are there."""
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert [name for name, n in Counter(outline.ids).items() if n > 1] == []
    assert [one for one in outline.fetched if not one.startswith("data:")] == []
    assert "allpath psa &lt;a&gt; &lt;b&gt;" in text
    for name in ("answer", "decision", "information", "convergence", "outcomes", "parameters", "provenance"):
        assert f'id="{name}"' in text


def test_answer_has_the_parameter_interval_first(results: PsaResults, text: str) -> None:
    """The difference with its interval by the parameters, before anything about the simulation."""
    row = next(
        row
        for row in results.estimates
        if row.reference and row.measure == "survival" and row.time_days > 1800
    )
    first = answer(results).splitlines()[0]
    assert f"a difference of +{100 * row.mean:.1f} percentage points" in first
    assert f"({100 * row.low:.1f} to {100 * row.high:.1f}, 95% interval of the parameters)" in first
    assert text.index("95% interval of the parameters") < text.index("60 draws of 3 parameters")


def test_parameters_are_listed_with_mean_and_limits(text: str) -> None:
    """The gamma of shape 4 and mean 0.4 a year: 95% from 0.109 to 0.877 (scipy.stats.gamma)."""
    assert "mean 0.4 per year, 95% 0.109 to 0.877 per year" in text


def test_fan_has_a_panel_for_each_arm(results: PsaResults) -> None:
    """It starts at 1 and holds the median of every arm; the table has its numbers."""
    picture = psa_pictures.survival_picture(results)
    assert picture is not None
    assert [part.title for part in picture.figure.parts] == [arm.label for arm in results.psa.model.arms]
    for number, part in enumerate(picture.figure.parts):
        assert isinstance(part, Panel)
        *_, own = part.curves
        assert own.y[0] == 1.0
        *wides, narrow = part.areas
        assert [area.interval_of for area in wides] == [
            curve.name for curve in picture.figure.parts[0].curves
        ][::-1]
        (wide,) = (area for area in wides if area.opacity)
        assert wide.interval_of == own.name
        assert (wide.low <= narrow.low).all()
        assert (narrow.high <= wide.high).all()
        assert picture.numbers[0].rows[-1][1 + number].text == share(float(own.y[-1]))


def test_curves_of_the_decision_are_its_rows(results: PsaResults) -> None:
    """Probabilities of being best and the frontier, over thresholds; the table has the same."""
    picture = psa_pictures.decision_picture(results)
    found = panel(picture)
    *_, first, second = found.curves
    own = [row for row in results.decision if row.arm == "base"]
    assert first.x.tolist() == [row.threshold for row in own]
    assert first.y == pytest.approx([row.probability_best for row in own], nan_ok=True)
    assert np.nan_to_num(first.y + second.y, nan=1.0) == pytest.approx(1.0)
    assert picture is not None
    cells = [str(row[1]).removesuffix(" *") for row in picture.numbers[0].rows]
    assert cells == [share(row.probability_best) for row in own]
    starred = [str(row[1]).endswith("*") for row in picture.numbers[0].rows]
    assert starred == [row.frontier for row in own]


def test_value_of_information_is_that_of_the_results(results: PsaResults) -> None:
    """EVPI over thresholds."""
    curve = panel(psa_pictures.evpi_picture(results)).curves[0]
    rows = [row for row in results.value_of_information if not row.parameters]
    assert curve.y == pytest.approx([row.evpi for row in rows], nan_ok=True)


def test_without_economics_the_decision_is_over_times(tmp_path: Path) -> None:
    """No plane; the probability of being best over the times that are asked for, its EVPI a probability."""
    better = UNPRICED.replace("title: Alive", "title: Better, alive").replace("0.4 per year", "0.3 per year")
    results = PsaResults(analysed(written(tmp_path, base=UNPRICED, better=better), draws=60, patients=40))
    assert psa_pictures.plane_picture(results) is None
    found = panel(psa_pictures.decision_picture(results))
    assert len(found.curves[-1].x) == 3
    assert "cost" not in psa_page(results, {}).partition("<main")[2].partition("</main")[0]


def test_one_arm_has_no_decision(tmp_path: Path) -> None:
    """The page of a single arm has its survival and the mean over the draws."""
    results = PsaResults(analysed(written(tmp_path)[:1], draws=20, patients=20))
    text = psa_page(results, {})
    assert 'id="decision"' not in text
    assert answer(results).startswith("Survival at 5 years: ")
    assert 'id="convergence"' in text


def test_the_caption_and_the_notes_depend_on_the_design_and_the_number_of_draws(results: PsaResults) -> None:
    """The same patients in all draws have an error that no band shows; 1,000 draws are enough to publish."""
    shared = "All draws have the same patients: the error by these is not in the band."
    few = "60 draws are fewer than a publication needs (1,000 or more)."
    for design, draws in ((Design.FRESH, 60), (Design.SAME, 1000)):
        request = replace(results.psa.request, design=design, draws=draws)
        found = PsaResults(replace(results.psa, request=request))
        picture = psa_pictures.convergence_picture(found)
        assert picture is not None
        assert picture.caption.endswith(shared) == (design is Design.SAME)
        assert (few in psa_table.caveats(found)) == (draws == 60)


def test_a_survival_that_no_draw_has_is_a_dash(tmp_path: Path) -> None:
    """Nobody reaches the ward: no curve, no running mean, and a dash in place of a number."""
    other = RARE.replace("title: Alive", "title: Other, alive")
    results = PsaResults(analysed(written(tmp_path, base=RARE, other=other), draws=45, patients=10))
    (table,) = psa_table.outcome_tables(results).values()
    cells = [cell for row in table.rows for cell in row[1:]]
    assert {str(getattr(cell, "text", cell)) for cell in cells} == {"-"}
    assert np.isnan([row.median for row in survival_curves(results)]).all()
    assert psa_pictures.convergence_picture(results) is None
    notes = list(psa_table.caveats(results))
    assert "survival is unknown in 45 draws, which are left out" in notes
    assert answer(results) == (
        "Survival at 5 years is unknown in an arm: no two draws have patients whom it is about."
    )
    page = psa_page(results, {})
    assert "45 draws of 1 parameter, 10 patients" in page
    assert 'id="survival"' not in page


def test_outcomes_without_survival_or_headline_have_no_fan_and_no_first_sentence(tmp_path: Path) -> None:
    funnel = UNPRICED.replace(
        "survival: {from: start, until: {state: dead}}", "way: {funnel: [start, {state: dead}]}"
    )
    results = PsaResults(analysed(written(tmp_path, base=funnel), draws=12, patients=10))
    assert psa_pictures.survival_picture(results) is None
    assert answer(results) == ""
    assert 'id="survival"' not in psa_page(results, {})


def test_a_question_is_the_heading_and_three_arms_have_no_difference_in_the_answer(tmp_path: Path) -> None:
    texts = {"base": TWO_STATES, "better": BETTER, "best": BETTER.replace("0.7", "0.5")}
    texts["best"] = texts["best"].replace("The same with a lower rate", "What does the lowest rate save?")
    results = PsaResults(analysed(written(tmp_path, **texts), draws=45, patients=10))
    assert heading(results.psa.model.arms) == "What does the lowest rate save?"
    assert "a difference of" not in answer(results)
    assert "is best with probability" in answer(results)


def test_arms_with_different_numbers_of_known_draws_have_dashes_in_the_running_table(tmp_path: Path) -> None:
    """Survival after a year is unknown in the draws in which nobody lives so long: more of them in one arm."""
    late = UNPRICED.replace("to: gone}}}", "to: gone}, later: {after: {fixed: 1 year}, to: ward}}}").replace(
        "    gone:", RARE[RARE.index("    ward:") : RARE.index("    gone:")] + "    gone:"
    )
    late = late.replace("{from: start,", "{from: {stage: ward},")
    rates = {"base": 0.1, "better": 0.5, "worse": 2.0}
    texts = {name: late.replace("0.4 per year", f"{rate} per year") for name, rate in rates.items()}
    results = PsaResults(analysed(written(tmp_path, **texts), draws=60, patients=2))
    counts = Counter(row.arm for row in convergence(results))
    assert counts["worse"] < counts["better"]
    unknown = int(np.isnan(results.psa.estimates[:, :, 0]).any(axis=1).sum())
    assert results.notes == (f"A decision needs survival in every draw; in {unknown} it is unknown.",)
    assert results.decision == ()
    picture = psa_pictures.convergence_picture(results)
    assert picture is not None
    texts_of = [[str(getattr(cell, "text", cell)) for cell in row[1:]] for row in picture.numbers[0].rows]
    assert "-" in [row[1] for row in texts_of]
    assert "-" not in [row[0] for row in texts_of]


# ---------------------------------------------------------------- charts of given numbers


def test_unknown_steps_are_grey_from_the_last_known_to_the_next() -> None:
    """A key explains the grey; nothing is drawn there."""
    steps = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    known = np.array([0.9, nan, nan, 0.4, 0.3])
    frontier = np.array([True, True, False, False, False])
    arms = [Acceptability("a", known, frontier), Acceptability("b", 1.0 - known, ~frontier)]
    chart = acceptability(arms, steps=steps, x=number_axis(steps.tolist(), "Threshold"))
    (drawn,) = chart.parts
    assert isinstance(drawn, Panel)
    assert [area.x.tolist() for area in drawn.areas] == [[0.0, 3.0]]
    assert [key.name for key in chart.legend] == ["a", "b", FRONTIER, UNKNOWN]
    assert np.isnan(drawn.curves[0].y).tolist() == [False, True, True, True, True]
    assert len(drawn.points) == 6
    assert "NaN" not in chart_html(chart)
    assert "nan" not in chart_html(chart)


def test_no_value_is_known() -> None:
    """The whole chart is grey."""
    steps = np.array([0.0, 1.0])
    none = np.full(2, nan)
    chart = information(none, none, steps=steps, x=number_axis([1.0], "Threshold"), unit="GBP")
    (drawn,) = chart.parts
    assert isinstance(drawn, Panel)
    assert [area.x.tolist() for area in drawn.areas] == [[0.0, 1.0]]
    assert "nan" not in chart_html(chart)


def test_plane_has_a_dot_for_each_draw_and_its_mean() -> None:
    """Dots where the draws are, in thousandths of the axes; the mean is a symbol."""
    cloud = Cloud("new", np.array([0.0, 1.0, 2.0]), np.array([0.0, 100.0, 50.0]))
    chart = plane([cloud], reference="old", currency="GBP", threshold=100.0)
    (drawn,) = chart.parts
    assert isinstance(drawn, Panel)
    assert (drawn.points[0].x, drawn.points[0].y) == (1.0, 50.0)
    html = chart_html(chart)
    assert html.count("h0") == 3
    assert "M500 0h0" in html, "1 of 2 QALYs, at the largest cost"
    assert [key.name for key in chart.legend] == ["new, mean of the draws", "100 GBP per QALY"]
    without = plane([cloud], reference="old", currency="GBP", threshold=nan)
    assert [key.name for key in without.legend] == ["new, mean of the draws"]


def test_tornado_bars_run_from_base_to_the_results() -> None:
    """Each end of a parameter in its own half of the lane, so that ends on one side do not hide each other."""
    swing = Swing("rate", "0.1", "0.4", at_low=0.7, at_high=0.4, low_error=0.01, high_error=nan, printed="x")
    chart = tornado(
        [swing, replace(swing, name="price", at_low=0.5, at_high=0.5)], base=0.5, title="Survival"
    )
    (drawn,) = chart.parts
    assert isinstance(drawn, Lanes)
    assert drawn.rule == 0.5
    low, high = (mark for mark in drawn.lanes[0].marks if isinstance(mark, Bar))
    assert [(one.begin, one.end) for one in (low, high)] == [(0.5, 0.7), (0.4, 0.5)]
    assert low.top + low.height < high.top
    assert drawn.lanes[0].label == "rate: 0.1 to 0.4"
    assert len(drawn.lanes[0].marks) == 3, "no whisker where the error is unknown"


def test_worth_bars_have_intervals_from_0() -> None:
    """A bar to the value; its interval does not go below 0."""
    (drawn,) = worth_bars([Worth("rate", 2.0, 2.0, "2 (2)")], unit="GBP").parts
    assert isinstance(drawn, Lanes)
    bar, line = drawn.lanes[0].marks
    assert (bar.begin, bar.end) == (0.0, 2.0)
    assert (line.begin, line.end) == (0.0, pytest.approx(5.92, abs=0.001))
