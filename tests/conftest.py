"""Settings for all tests.

Hypothesis has no deadline and a fixed seed, so that no test is flaky. With several workers the kernel is
compiled once before they start, and the files that take longest go first.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import Phase, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one test is one thread: the workers share the cores
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("unshrunk", settings.get_profile("steady"), phases=(Phase.explicit, Phase.generate))
settings.load_profile("steady")

LONGEST = (
    "tests/theory/test_calibration.py",
    "tests/planted_faults/test_faults.py",
    "tests/planted_faults/test_other_faults.py",
    "tests/published/test_strategies.py",
    "tests/published_models/test_models.py",
    "tests/properties/test_two_engines.py",
    "tests/theory/test_modifiers.py",
)
"""Files that take long and have few tests, the longest first."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the kernel into the cache once; otherwise every worker would compile it."""
    is_controller = not hasattr(session.config, "workerinput")
    if is_controller and session.config.getoption("numprocesses", None):
        subprocess.run([sys.executable, "-m", "sim.engine.precompile"], check=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that take longest first, so that the workers end at about the same time."""
    order = {file: i for i, file in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))
