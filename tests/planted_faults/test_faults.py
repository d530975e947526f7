"""That tests fail where they should: a few planted faults here, all of them with `make faults`."""

from __future__ import annotations

import pytest

from tests.planted_faults.faults import FAULTS, Fault
from tests.planted_faults.plant import ROOT, fail_anyway, is_caught, planted

FEW = [
    fault
    for fault in FAULTS
    if fault.name
    in (
        "of two events in one moment the last",
        "times are not rounded to the grid",
        "what has lasted is forgotten",
    )
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_can_be_planted(fault: Fault) -> None:
    source = (ROOT / fault.file).read_text("utf-8")
    changed = planted(fault, source)
    assert changed != source
    compile(changed, fault.file, "exec")
    file, _, name = fault.test.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text("utf-8") or not name


@pytest.mark.parametrize("fault", FEW, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    assert is_caught(fault)


def test_without_a_fault_nothing_fails() -> None:
    assert fail_anyway(FEW) == []
