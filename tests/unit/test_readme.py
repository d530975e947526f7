"""The README is executed: every command it shows runs, and every output it shows is what was printed."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.command import output_of, output_of_python
from tests.makefile import recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FIRST = ROOT / "scenarios" / "first_steps.yaml"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[str]:
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def test_the_scenario_shown_is_the_file() -> None:
    assert blocks("yaml")[0] == FIRST.read_text("utf-8")


def test_the_output_shown_is_what_the_command_prints() -> None:
    shown = next(c for c in commands() if c.startswith("allpath run first_steps.yaml --at"))
    assert blocks("text")[1] == output_of(*shlex.split(shown)[1:], folder=FIRST.parent)


@pytest.mark.long
def test_the_answer_shown_is_what_make_run_prints(tmp_path: Path) -> None:
    page = tmp_path / "case.html"
    words = recipe("run", "allpath")
    told = output_of(*(str(page) if word == "case.html" else word for word in words))
    assert told == f"{blocks('text')[0]}Written to {page}\n"
    assert page.stat().st_size > 1_000_000


def test_the_figure_is_made_by_its_command() -> None:
    assert (
        blocks("mermaid")[0].strip()
        == output_of("describe", "scenarios/first_steps.yaml", "--diagram", "mermaid").strip()
    )


def test_every_command_runs_in_any_folder(tmp_path: Path) -> None:
    """One after another, as the README shows them: the first ones write the files that later ones read."""
    shown = [shlex.split(command)[1:] for command in commands() if command.startswith("allpath ")]
    assert len(shown) >= 6
    assert [words for words in shown if not output_of(*words, folder=tmp_path)] == []


def test_the_python_shown_runs() -> None:
    assert "overall_survival" in output_of_python(blocks("python")[0], folder=FIRST.parent)


def test_every_file_named_exists() -> None:
    for path in re.findall(r"`((?:tests|docs|scenarios|benchmarks)/[\w./]*)`", README):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w./]+)\)", README):
        assert (ROOT / path).exists(), path


def test_make_test_runs_what_is_said_to_show_the_claims_but_the_last() -> None:
    """Each row's first test stands in a folder that pytest goes through unasked, or in none."""
    unasked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    rows = README.split("## Why believe it")[1].split("\n`make test`")[0]
    folders = [re.search(r"tests/\w+", row) for row in rows.splitlines()]
    run = [found[0] in unasked["testpaths"] for found in folders if found is not None]
    assert run == [True] * (len(run) - 1) + [False]
    assert "`make test` runs all of these but the last;" in README


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`?make ([\w-]+)`?", README):
        if target != "are":
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
