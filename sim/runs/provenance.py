"""What a run was made with: versions, processor, command, times and memory."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim.scenario.language.model import Scenario

PARTS = ("numpy", "numba", "simpy", "scipy", "pandas", "pyarrow")


def allpath_version() -> str:
    """The version installed, or what says that there is none (a bare copy of the sources)."""
    try:
        return version("allpath")
    except PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """The versions that a result may depend on."""
    return {
        "allpath": allpath_version(),
        "python": platform.python_version(),
        **{part: version(part) for part in PARTS},
    }


def processor() -> str:
    """The processor's name, as the system names it."""
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_mib() -> float | None:
    """The most memory this process has held so far, MiB; None where the system does not count it.

    On Linux the memory that the parent process held before is left out.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 2**10, 1)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def provenance(
    scenario: Scenario, *, run: Mapping[str, Any], command: Sequence[str], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """The record of a run, ready for JSON.

    run: seed, replications, engine, workers, at_days, patients. seconds: how long each part took.
    """
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": processor(),
        "command": list(command),
        **run,
        "scenario": scenario.file,
        "digest": scenario.digest,
        "parameters": {
            p.name: {
                "value": p.text,
                "uncertainty": p.uncertainty,
                "source": p.source,
                "status": p.status,
            }
            for p in scenario.parameters
        },
        "changes": [{"layer": c.layer, "path": c.path, "old": c.old, "new": c.new} for c in scenario.changes],
        "notes": list(scenario.notes),
        "seconds": {part: round(spent, 4) for part, spent in seconds.items()},
        "peak_mib": peak_mib(),
    }


def fit_facts(command: Sequence[str]) -> dict[str, object]:
    """How a page without a simulation was made, as names and values."""
    facts = page_facts(command, seed=1, replications=1)
    return {key: facts[key] for key in ("command", "versions", "processor")}


def page_facts(command: Sequence[str], *, seed: int, replications: int) -> dict[str, object]:
    """How the page of a run was made, as names and values."""
    return {
        "command": shlex.join(command),
        "seed": seed,
        "replications": replications,
        "versions": ", ".join(f"{part} {number}" for part, number in versions().items()),
        "processor": processor(),
    }
