"""Every file of the corpus against what stands beside it: its resolved form, or the problems it has."""

from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario

HERE = Path(__file__).parent
VALID = sorted(p.stem for p in HERE.glob("valid/*.yaml") if not p.stem.endswith(".resolved"))
INVALID = sorted(p.stem for p in HERE.glob("invalid/*.yaml"))


def taken_in(path: str) -> Scenario:
    scenario = load(path)
    compile_pathway(scenario)
    return scenario


@pytest.fixture(autouse=True)
def _in_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(VALID) >= 60
    assert len(INVALID) >= 150


@pytest.mark.parametrize("name", VALID)
def test_a_valid_file_resolves_to_the_form_beside_it(name: str) -> None:
    written = taken_in(f"valid/{name}.yaml")
    assert written.text == Path(f"valid/{name}.resolved.yaml").read_text(encoding="utf-8")
    resolved = taken_in(f"valid/{name}.resolved.yaml")
    assert resolved.text == written.text
    assert resolved.digest == written.digest


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_file_is_refused_with_the_message_beside_it(name: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        taken_in(f"invalid/{name}.yaml")
    assert str(refused.value) + "\n" == Path(f"invalid/{name}.txt").read_text(encoding="utf-8")
