"""The scenarios that allpath comes with; `scenarios/targets` has published results beside them."""

from __future__ import annotations

from pathlib import Path

SCENARIOS = Path(__file__).parents[1] / "scenarios"
TARGETS = SCENARIOS / "targets"
MODELS = SCENARIOS / "published"
RESULTS = sorted((MODELS / "results").glob("*.yaml"))
"""Published results of the models, files of targets."""
PUBLISHED = sorted(
    path for path in MODELS.rglob("*.yaml") if path.name != "sources.yaml" and path not in RESULTS
)
"""The published models, each of which tests/published_models compares with its results."""
SHIPPED = sorted(
    path
    for path in SCENARIOS.rglob("*.yaml")
    if path.name != "sources.yaml" and TARGETS not in path.parents and MODELS not in path.parents
)
"""The clinical scenarios and the examples. The published models have tests and a page of their own."""

OF_ONE_SHAPE = {"commercial", "populations", "structural"}
SHAPES = [path for path in SHIPPED if path.parent.name not in OF_ONE_SHAPE]
"""Without the folders in which only values are other than in one of these: what is printed has the same rows."""
