"""The scenarios that allpath comes with; `scenarios/targets` has published results beside them."""

from __future__ import annotations

from pathlib import Path

SCENARIOS = Path(__file__).parents[1] / "scenarios"
TARGETS = SCENARIOS / "targets"
SHIPPED = sorted(
    path for path in SCENARIOS.rglob("*.yaml") if path.name != "sources.yaml" and TARGETS not in path.parents
)
