"""Every parameter of a clinical scenario says where it comes from, and the sources say what was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped import SCENARIOS, SHIPPED

CLINICAL = [path for path in SHIPPED if path.name != "first_steps.yaml" and path.parent.name != "examples"]
MARKS = {"R", "D", "A", "C-hi", "C-med", "C-lo"}
STATUSES_OF = {
    "R": {"published", "derived", "assumed", "chosen"},
    "D": {"derived", "published", "calibrated", "assumed", "chosen"},
    "C-hi": {"recalled", "calibrated", "assumed", "chosen"},
    "C-med": {"recalled", "calibrated", "assumed", "chosen"},
    "C-lo": {"recalled", "calibrated", "assumed", "chosen"},
    "A": {"calibrated", "assumed", "chosen"},
}
"""A parameter may be weaker than its source, never stronger: the recalled is not published."""


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


SOURCES = read(SCENARIOS / "sources.yaml")


def parameters(path: Path) -> dict[str, dict[str, Any]]:
    """Those that the file declares, and those that its layer changes or adds."""
    file = read(path)
    found = dict(file.get("parameters", {}))
    for layer in ("changes", "add"):
        for key, value in file.get(layer, {}).items():
            first, _, name = key.partition(".")
            if first == "parameters":
                found[name] = value
    return found


@pytest.mark.parametrize("path", CLINICAL, ids=lambda path: path.stem)
def test_each_parameter_names_an_entry_of_the_sources(path: Path) -> None:
    for name, parameter in parameters(path).items():
        assert set(parameter) <= {"value", "uncertainty", "source", "status"}, name
        assert parameter["source"] in SOURCES, f"{name}: no entry {parameter['source']}"
        assert parameter["status"] in {
            "published",
            "derived",
            "digitised",
            "recalled",
            "calibrated",
            "assumed",
            "chosen",
        }, name


@pytest.mark.parametrize("path", CLINICAL, ids=lambda path: path.stem)
def test_no_status_claims_more_than_its_source(path: Path) -> None:
    for name, parameter in parameters(path).items():
        source = SOURCES[parameter["source"]]
        assert parameter["status"] in STATUSES_OF[source["mark"]], name


@pytest.mark.parametrize("path", CLINICAL, ids=lambda path: path.stem)
def test_what_was_read_in_a_sample_is_uncertain(path: Path) -> None:
    """A published proportion without uncertainty would be believed to the last digit."""
    for name, parameter in parameters(path).items():
        value = parameter["value"]
        if parameter["status"] == "published" and isinstance(value, float) and 0 < value < 1:
            assert "uncertainty" in parameter, name


def test_each_source_says_what_was_read_there() -> None:
    for name, source in SOURCES.items():
        assert {"citation", "read", "mark"} <= set(source) <= {"citation", "doi", "read", "mark"}, name
        assert source["mark"] in MARKS, name
        assert len(source["citation"]) > 10, name
        assert len(source["read"]) > 20, name
        assert str(source.get("doi", "10.")).startswith("10."), name


def test_each_source_is_used() -> None:
    used = {p["source"] for path in CLINICAL for p in parameters(path).values()}
    assert set(SOURCES) - used == set()
