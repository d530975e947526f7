"""The page of a sensitivity analysis: its bars are the rows of the tornado."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.report.charts.marks import Bar, Lanes
from sim.report.page.sensitivity_page import sensitivity_page, tornado_pictures
from sim.uncertainty.sensitivity_results import analyse_parameters
from tests.psa_models import written
from tests.unit.report.test_page import Outline


def test_bars_are_the_rows_of_the_tornado(tmp_path: Path) -> None:
    """Base plus the differences at both ends, in the order of the tornado; the page is whole."""
    results = analyse_parameters(written(tmp_path), patients=100, at="2 years", workers=1)
    (picture,) = tornado_pictures(results)
    (lanes,) = picture.figure.parts
    assert isinstance(lanes, Lanes)
    assert [lane.label.split(":")[0] for lane in lanes.lanes] == [row.parameter for row in results.tornado]
    base = lanes.rule
    assert base == pytest.approx(results.study.contrasts(results.study.estimates)[0])
    assert base is not None
    for lane, row in zip(lanes.lanes, results.tornado, strict=True):
        low, high = (mark for mark in lane.marks if isinstance(mark, Bar))
        assert {low.begin, low.end} == {base, base + row.low_difference}
        assert {high.begin, high.end} == {base, base + row.high_difference}
    text = sensitivity_page(results, {"command": "allpath sensitivity <a>"})
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert "allpath sensitivity &lt;a&gt;" in text
    assert "The same with a lower rate less Alive or dead" in text


def test_a_threshold_alone_has_no_bars(tmp_path: Path) -> None:
    files = written(tmp_path)
    results = analyse_parameters(files, patients=50, at="2 years", threshold="ratio", workers=1)
    assert list(tornado_pictures(results)) == []
    assert "The preferred arm changes where ratio is" in sensitivity_page(results, {})
