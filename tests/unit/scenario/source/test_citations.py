"""What a file of sources beside a scenario says of each key."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario.source.citations import citations, source_files


def test_citations_come_from_the_files_beside_scenarios(tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    (tmp_path / "sources.yaml").write_text(
        "S-1: {citation: A paper, doi: 10.1056/x}\nA-1: {citation: Assumed}\n"
    )
    (tmp_path / "above" / "sources.yaml").write_text("S-2: {citation: A table}\nother: [1, 2]\n")
    scenarios = [tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "above" / "c.yaml"]
    assert len(source_files(scenarios)) == 2
    assert citations(scenarios) == {"S-1": "A paper, doi:10.1056/x", "A-1": "Assumed", "S-2": "A table"}
    assert citations([tmp_path / "nowhere" / "d.yaml"]) == {}


def test_a_file_of_sources_that_is_no_yaml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("S-1: {citation: [\n")
    with pytest.raises(ScenarioError):
        citations([tmp_path / "a.yaml"])
