"""Imports go downwards: whoever reads a floor needs to know nothing of those above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SIM = Path(__file__).parents[2] / "sim"
FLOORS = (
    "sim.errors sim.files sim.numerics",
    "sim.units",
    "sim.distributions",
    "sim.scenario.source",
    "sim.scenario.language",
    "sim.scenario.checks",
    "sim.scenario",
    "sim.pathway",
    "sim.event_log.log",
    "sim.engine",
    "sim.event_log",
    "sim.outcomes.estimates sim.outcomes.certainty sim.outcomes.results",
    "sim.outcomes.history",
    "sim.outcomes.survival",
    "sim.outcomes.endpoints",
    "sim.outcomes.queues",
    "sim.outcomes.evaluation sim.outcomes.summary sim.outcomes.curves sim.outcomes.value_distribution",
    "sim.outcomes.comparison",
    "sim.outcomes",
    "sim.economics",
    "sim.formats",
    "sim.runs",
    "sim.uncertainty",
    "sim.calibration",
    "sim.verification",
    "sim.report",
    "sim.frames",
    "sim.psa_frames",
    "sim.sensitivity_frames",
    "sim.calibration_frames",
    "sim.fit_frames",
    "sim.api",
    "sim.explore",
    "sim.cli",
    "sim.__main__",
)
"""From the lowest up; a package stands for what is not named apart, the longest name counts."""
MODULES = sorted(
    ".".join(("sim", *path.relative_to(SIM).with_suffix("").parts)).removesuffix(".__init__")
    for path in SIM.rglob("*.py")
)


def path_of(module: str) -> Path:
    bare = SIM.parent.joinpath(*module.split("."))
    return bare / "__init__.py" if bare.is_dir() else bare.with_suffix(".py")


def imports_of(module: str) -> set[str]:
    """Modules of sim that this one imports, inside functions and for type checkers too."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path_of(module).read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= whole & set(MODULES)
            if node.module in MODULES and not whole <= set(MODULES):
                found.add(node.module)
        waiting.extend(ast.iter_child_nodes(node))
    return found - {module}


def floor(module: str) -> int:
    """The floor of the longest name that the module is, or lies within."""
    named = {name: i for i, names in enumerate(FLOORS) for name in names.split()}
    return named[max((name for name in named if f"{module}.".startswith(f"{name}.")), key=len)]


@pytest.mark.parametrize("module", [m for m in MODULES if m != "sim"])
def test_imports_go_downwards(module: str) -> None:
    upwards = [other for other in imports_of(module) if other != "sim" and floor(other) > floor(module)]
    assert upwards == []


def test_no_module_imports_the_public_names() -> None:
    """`sim/__init__.py` calls `sim.api` on demand; no module of sim imports it."""
    assert imports_of("sim") == {"sim.api"}
    assert [module for module in MODULES if "sim" in imports_of(module)] == []


def test_no_import_leads_back() -> None:
    TopologicalSorter({module: imports_of(module) for module in MODULES}).prepare()


def test_no_import_is_relative() -> None:
    for module in MODULES:
        nodes = ast.walk(ast.parse(path_of(module).read_text("utf-8")))
        assert not [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def test_the_command_starts_without_what_only_a_run_needs() -> None:
    code = "import sys, sim.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numba", "numpy", "pandas", "scipy", "pyarrow", "simpy", "yaml", "rich"}
    assert heavy & set(done.stdout.split()) == set()


def test_check_imports_neither_the_compiler_nor_special_functions() -> None:
    """The whole of numba and scipy.special takes longer to import than a scenario to check."""
    code = (
        "import sys, sim.cli.main as main; sys.argv = ['allpath', 'check', 'scenarios/cn_academic.yaml'];"
        "assert main.run_command() == 0; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numba", "llvmlite", "pandas", "pyarrow", "simpy", "rich", "jinja2", "plotly"}
    assert (heavy | {"scipy.special", "scipy.optimize"}) & set(done.stdout.split()) == set()
