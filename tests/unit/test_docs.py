"""The page on Python is executed, and what it prints is what it shows; the page on pairing is up to date."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "python.md"


def test_the_python_shown_prints_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    blocks = re.findall(
        r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE.read_text("utf-8"), flags=re.DOTALL
    )
    assert len(blocks) == 4
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, PAGE.name, "exec"), names)
        assert printed.getvalue() == shown


def test_the_page_of_pairing_has_every_comparison_and_what_one_of_them_gives() -> None:
    """One is simulated again; `make pairing` writes the page."""
    from benchmarks import pairing

    page = (ROOT / "docs" / "pairing.md").read_text("utf-8")
    shipped = list(pairing.pairs())
    assert len(shipped) >= 28
    for pair in shipped:
        assert f"`{pair.other.relative_to(pairing.SCENARIOS)}`" in page
    assert page.startswith(pairing.HEAD)
    one = next(
        pair for pair in shipped if pair.other.parent.name == "academic" and pair.other.stem == "withheld"
    )
    assert "".join(pairing.lines(one)) in page
