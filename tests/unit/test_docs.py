"""The pages of docs that show Python are executed, and what they print is what they show."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if "```python" in page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_shown_prints_what_is_shown(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    blocks = re.findall(
        r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", page.read_text("utf-8"), flags=re.DOTALL
    )
    assert blocks
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, page.name, "exec"), names)
        assert printed.getvalue() == shown


def test_the_page_of_pairing_has_every_comparison_and_what_one_of_them_gives() -> None:
    """One is simulated again; `make pairing` writes the page."""
    from benchmarks import pairing

    page = (ROOT / "docs" / "pairing.md").read_text("utf-8")
    shipped = list(pairing.comparisons())
    assert len(shipped) >= 18
    for _, strategy in shipped:
        assert f"`{strategy.relative_to(pairing.SCENARIOS / 'strategies')}`" in page
    assert page.startswith(pairing.HEAD)
    setting, strategy = next(
        (a, b) for a, b in shipped if b.parent.name == "academic" and b.stem == "withheld"
    )
    assert "".join(pairing.lines(setting, strategy)) in page


def test_there_are_such_pages() -> None:
    assert "python.md" in [page.name for page in PAGES]
