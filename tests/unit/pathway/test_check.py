"""The notes of `allpath check`: many of one kind in one line."""

from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.pathway.check import checked, folded


def test_notes_of_one_kind_are_one_line() -> None:
    places = [f"a.yaml:{n}:3: parameters.p{n}: nothing uses this parameter" for n in range(50)]
    stages = [f"the stage `s{n}` cannot be reached" for n in range(3)]
    assert list(folded([stages[0], *places, *stages[1:]])) == [
        *stages,
        f"{places[0]} (and 49 more notes of this kind)",
    ]


def test_one_outcome_is_not_several(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "format: 1\ntitle: T\nhorizon: 1 year\npatients: {number: 10}\n"
        "pathway: {start: a, stages: {a: {terminal: true}}}\noutcomes: {n: {total: {stage: a}}}\n"
    )
    assert checked(file, []).summary.startswith(f"{file}: valid (1 stage, 1 outcome, digest ")
    with pytest.raises(ScenarioError) as error:
        checked(file, ["horizon=5"])
    assert str(error.value).startswith("--set horizon: 5 has no unit\n")
