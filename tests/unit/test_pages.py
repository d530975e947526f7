"""The documentation is executed: files, fragments, commands and Python run, and print what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import pages

ELSEWHERE = ("verification.md",)
"""Its `allpath verify` takes minutes, and each of its cases is a test of its own."""
PAGES = [one for one in pages.PAGES if one.name not in ELSEWHERE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(pages.DOCS)))
def test_a_page_shows_what_its_commands_print(page: Path) -> None:
    """`make pages` writes the outputs after a change."""
    text = page.read_text("utf-8")
    assert pages.executed(text) == text


def test_a_changed_output_or_a_failing_command_is_found() -> None:
    new = "```console\n$ allpath new a.yaml\n$ allpath run a.yaml --outcome overall_survival\n```\n\n"
    shown = pages.executed(new + "```text\nx\n```\n")
    assert "overall_survival" in shown
    assert shown != new + "```text\nx\n```\n"
    with pytest.raises(AssertionError, match="exit status 2"):
        pages.executed("```console\n$ allpath run missing.yaml\n```\n")


def test_a_fragment_that_is_no_scenario_is_found() -> None:
    file = (
        '```yaml title="a.yaml"\n'
        + (pages.ROOT / "scenarios" / "first_steps.yaml").read_text("utf-8")
        + "```\n"
    )
    right = "```yaml\npatients: {attributes: {donor: {bernoulli: 0.2}}}\n```\n"
    assert pages.executed(file + right) == file + right
    with pytest.raises(Exception, match="donor"):
        pages.executed(file + right.replace("0.2", "1.2"))
