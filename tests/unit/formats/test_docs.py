"""The page on exports is executed: its commands, its Python, and what it shows of a file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.command import output_of, output_of_python

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "export.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands of the page were given."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "scenarios").symlink_to(ROOT / "scenarios")
    for line in "".join(blocks("console")).splitlines():
        output_of(*shlex.split(line.removeprefix("$ allpath ")), folder=folder)
    return folder


def test_the_matrix_shown_is_the_one_written(place: Path) -> None:
    assert blocks("text") == [(place / "model" / "tmat.csv").read_text("utf-8")]


def test_the_python_shown_runs(place: Path) -> None:
    printed = [output_of_python(code, folder=place) for code in blocks("python")]
    assert "True" in printed[0]
    assert "transplant" in printed[1]


def test_the_columns_named_are_there(place: Path) -> None:
    for name in ("patients", "events"):
        header = (place / "tables" / f"{name}.csv").read_text("utf-8").splitlines()[0].replace('"', "")
        listed = re.search(rf"- `{name}`: `([^`]*)`", PAGE)
        assert listed is not None
        words = listed[1].split()
        assert header.split(",")[: len(words)] == words
