"""What `sim` imports is what pyproject.toml declares, and the files with versions agree with it."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["dependencies"])}


def imported_modules() -> set[str]:
    """The first part of the name of every module that a file of `sim` imports."""
    found: set[str] = set()
    for path in (ROOT / "sim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - {"sim"} - sys.stdlib_module_names


def pinned(file: str) -> dict[str, str]:
    """The version of each package in a file of `name==version` lines."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text("utf-8").splitlines())
    pairs = (line.split("==") for line in lines if line)
    return {canonicalize_name(name): version for name, version in pairs}


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    packages = packages_distributions()
    imported = {canonicalize_name(packages.get(module, [module])[0]) for module in imported_modules()}
    names = ("calibrate", "cluster", "explore", "xlsx")
    optional = (PROJECT["optional-dependencies"][name] for name in names)
    extras = {canonicalize_name(Requirement(text).name) for texts in optional for text in texts}
    assert imported == set(DECLARED) | extras


def test_the_lowest_versions_are_the_lower_bounds() -> None:
    bounds = {
        name: [s.version for s in requirement.specifier if s.operator == ">="]
        for name, requirement in DECLARED.items()
    }
    assert bounds == {name: [version] for name, version in pinned("requirements-lowest.txt").items()}


def test_the_lock_satisfies_what_is_declared_extras_included() -> None:
    locked = pinned("requirements.lock")
    extras = [Requirement(text) for texts in PROJECT["optional-dependencies"].values() for text in texts]
    for requirement in (*DECLARED.values(), *extras):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement
