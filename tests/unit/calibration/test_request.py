"""What a calibration is asked with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sim.calibration.setup import CalibrationRequest
from sim.engine.processes import Cluster
from sim.errors import InputError


class Elsewhere(Cluster):
    """A cluster that is never asked for anything."""

    def in_blocks(
        self,
        work: Callable[[Any, Any], Any],
        whole: Any,
        parts: Iterable[Any],
        *,
        take: Callable[[Any], None],
    ) -> None:
        raise AssertionError("nothing is simulated")


def test_a_cluster_is_a_number_of_workers_too() -> None:
    cluster = Elsewhere()
    assert CalibrationRequest.of("a.yaml", ["b.yaml"], workers=cluster).workers is cluster
    with pytest.raises(InputError, match="workers: must be a whole number from 1"):
        CalibrationRequest.of("a.yaml", ["b.yaml"], workers=0)
