"""List the packages, with scenarios/ as `sim.shipped_scenarios`; everything else is in pyproject.toml."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["sim", "sim.*"]), "sim.shipped_scenarios"],
    package_dir={"sim.shipped_scenarios": "scenarios"},
)
