"""Headings of results and labels of groups, as every view prints them."""

import pytest

from sim.outcomes.estimates import Differences, Estimates
from sim.outcomes.results import ArmFacts, Results, group_label


def heading(*arms: tuple[str, str]) -> str:
    facts = tuple(
        ArmFacts(f"arm{i}", title, "", 10, 100.0, outcomes=(), label=label)
        for i, (title, label) in enumerate(arms)
    )
    return Results(facts, 1, 1, Estimates.of(()), Differences.of(()), ()).heading


def test_the_heading_is_the_question_or_names_the_arms() -> None:
    today, more = ("The centre today", "today"), ("The centre with a bed more", "one more bed")
    assert heading(today) == "The centre today"
    assert heading(today, more) == "today against one more bed"
    assert heading(today, more, more, more) == "today against 3 alternatives"
    assert heading(today, ("Is a bed more worth it?", "one more")) == "Is a bed more worth it?"


@pytest.mark.parametrize(
    ("group", "label"), [("false", "donor: no"), ("true", "donor: yes"), ("sibling", "donor sibling")]
)
def test_a_group_of_a_yes_or_no_is_labelled_so(group: str, label: str) -> None:
    assert group_label("donor", group) == label
