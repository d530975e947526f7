"""A distribution loads only what it needs: the process that compiles the kernel loads no part of SciPy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_an_exponential_loads_no_part_of_scipy() -> None:
    code = "import sys, sim.engine.precompile; from sim.distributions import leaf; leaf('exponential', {'rate': 0.1}); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert {"scipy.special", "scipy.integrate", "scipy.optimize"} & set(done.stdout.split()) == set()
