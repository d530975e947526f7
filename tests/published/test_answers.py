"""An answer is as sure as its least sure kind of uncertainty allows; and the page says what is simulated."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cohorts import sizes
from tests.published import answers
from tests.published.answers import QUESTIONS, Effect, Range

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
GAIN, LOSS, EITHER = Range(5, 4, 6), Range(-5, -6, -4), Range(1, -2, 4)
SURE = Effect(GAIN, GAIN, GAIN, "one choice", "another choice")


def test_an_effect_of_one_direction_is_a_gain_or_a_loss() -> None:
    question = QUESTIONS[0]
    assert answers.verdict(question, SURE).startswith(question.gains)
    assert answers.verdict(question, Effect(LOSS, LOSS, LOSS, "", "")).startswith(question.loses)


@pytest.mark.parametrize("kind", ["structure", "parameters"])
def test_an_effect_of_either_direction_is_undetermined(kind: str) -> None:
    effect = replace(SURE, **{kind: EITHER})  # type: ignore[arg-type]
    assert answers.verdict(QUESTIONS[0], effect).startswith("Undetermined")


def test_the_ends_of_a_structural_range_are_named() -> None:
    said = answers.verdict(QUESTIONS[0], replace(SURE, structure=EITHER))
    assert "a loss (one choice)" in said
    assert "a gain (another choice)" in said


def test_an_answer_has_two_sentences_and_three_ranges() -> None:
    said = answers.answer(QUESTIONS[1], SURE).partition("** ")[2]
    assert len(re.findall(r"[.](?: |$)", said)) == 2
    assert said.count("+4.0 to +6.0") == 3


def test_the_two_products_add_up_to_the_second_line() -> None:
    """To the rounding of three numbers."""
    (line,) = (
        one for one in PAGE.read_text("utf-8").splitlines() if one.startswith(f"- **{QUESTIONS[1].text}")
    )
    whole, donor, cd22 = map(float, re.findall(r"(?:by|adds|another) ([-+]\d+\.\d)", line))
    assert abs(whole - donor - cd22) < 0.2


@pytest.mark.parametrize("number", sizes(4000, long=20_000))
def test_the_page_answers_what_is_simulated(number: int) -> None:
    """Within five standard errors of a difference in which a third of the patients change, 0.58."""
    printed = re.findall(r"by ([-+][\d.]+) points \(simulation", PAGE.read_text("utf-8"))
    assert len(printed) == len(QUESTIONS)
    for question, text in zip(QUESTIONS, printed, strict=True):
        found = answers.difference(
            answers.strategy("academic", answers.REFERENCE),
            answers.strategy("academic", question.arm),
            number,
            answers.COMBINED_IN_ADULTS,
        )
        assert abs(float(text) - found.estimate) < 5 * 58 / number**0.5
