"""Planted faults outside the engine: each makes its test fail."""

from __future__ import annotations

import pytest

from tests.planted_faults.faults import Fault
from tests.planted_faults.plant import Copy
from tests.planted_faults.test_faults import IN_ENGINE, PLAIN

OTHERS = [fault for fault in PLAIN if fault not in IN_ENGINE]


@pytest.mark.long
@pytest.mark.parametrize("fault", OTHERS, ids=lambda fault: fault.name)
def test_a_planted_fault_makes_its_test_fail(fault: Fault, copy: Copy) -> None:
    assert copy.is_caught(fault)
