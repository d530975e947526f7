"""A copy of the sources for all faults that a worker plants."""

from __future__ import annotations

import pytest

from tests.planted_faults.plant import Copy


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("sources"))
