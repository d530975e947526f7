"""The notebooks run, and show what their cells print now."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests import notebooks


@pytest.mark.long
@pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # of the libraries that start the notebook's process
def test_a_notebook_shows_what_its_cells_print(path: Path) -> None:
    """`make docs` writes the outputs after a change."""
    shown = notebooks.texts(nbformat.read(path, as_version=4))
    assert len(shown) >= 3
    assert notebooks.texts(notebooks.executed(path)) == shown
