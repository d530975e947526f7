"""The fuzz of `make fuzz` runs, and finds a fault where there is one."""

import sys
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import mutate

FIRST_STEPS = mutate.ROOT / "scenarios" / "first_steps.yaml"


def test_a_short_fuzz_finds_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["mutate", "--minutes", "0.03", "--keep", str(tmp_path / "kept")])
    assert mutate.main() == 0


def test_changes_change_a_file() -> None:
    original = FIRST_STEPS.read_text(encoding="utf-8")
    assert len({mutate.changed(FIRST_STEPS, Random(seed)) for seed in range(20)} - {original}) > 15


def test_another_exception_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    read = partial(mutate.describe, FIRST_STEPS)
    assert mutate.fault_of(read) == ""
    monkeypatch.setattr(mutate, "compile_pathway", lambda _: 1 / 0)
    assert "ZeroDivisionError" in mutate.fault_of(read)
