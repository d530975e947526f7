"""A state that no stage has is noted: an outcome about it would count nobody, and print survival of 100%."""

from __future__ import annotations

from pathlib import Path

from sim import load, run

FIRST = Path(__file__).parents[4] / "scenarios" / "first_steps.yaml"
NOTE = "no stage has the state `dead`"


def test_a_state_that_no_stage_has_is_noted_before_and_after_a_run(tmp_path: Path) -> None:
    forgotten = tmp_path / "forgotten.yaml"
    forgotten.write_text(FIRST.read_text("utf-8").replace("{state: dead, terminal", "{terminal"), "utf-8")
    assert [note for note in load(forgotten).notes if note.startswith(NOTE)]
    assert [note for note in run(forgotten, patients=10).results.arms[0].notes if note.startswith(NOTE)]
    assert not [note for note in load(FIRST).notes if "no stage has" in note]
