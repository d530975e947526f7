"""Tests fail where they should: one planted fault here, every third one in `make test-long`, all with `make faults`.

Faults outside the engine have a file of their own, so that two workers share the faults.
"""

from __future__ import annotations

import pytest

from tests.planted_faults.faults import FAULTS, Fault
from tests.planted_faults.plant import ROOT, Copy, planted

PLAIN = [fault for fault in FAULTS if not fault.is_compiled][::3]
"""Every third one of those whose tests run as ordinary Python, without compiling the kernel."""
IN_ENGINE = [fault for fault in PLAIN if fault.file.startswith("sim/engine/")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_can_be_planted(fault: Fault) -> None:
    source = (ROOT / fault.file).read_text("utf-8")
    changed = planted(fault, source)
    assert changed != source
    compile(changed, fault.file, "exec")
    file, _, name = fault.test.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text("utf-8") or not name


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=() if fault is IN_ENGINE[0] else pytest.mark.long)
        for fault in IN_ENGINE
    ],
)
def test_a_planted_fault_makes_its_test_fail(fault: Fault, copy: Copy) -> None:
    assert copy.is_caught(fault)


@pytest.mark.long
def test_without_a_fault_no_test_fails(copy: Copy) -> None:
    assert copy.fail_anyway(PLAIN) == []
