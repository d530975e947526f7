"""The columns that the page on exports names are those of the files. `test_pages.py` executes the page."""

from __future__ import annotations

import re
from pathlib import Path

from tests.command import output_of

ROOT = Path(__file__).parents[3]


def test_the_columns_named_are_there(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "export.md").read_text("utf-8")
    first = str(ROOT / "scenarios" / "first_steps.yaml")
    output_of("run", first, "--patients", "50", "--out", "run", folder=tmp_path)
    output_of("export", "run", "--to", "csv", "--out", "tables", folder=tmp_path)
    for name in ("patients", "events"):
        header = (tmp_path / "tables" / f"{name}.csv").read_text("utf-8").splitlines()[0].replace('"', "")
        listed = re.search(rf"- `{name}`: `([^`]*)`", page)
        assert listed is not None
        words = listed[1].split()
        assert header.split(",")[: len(words)] == words
