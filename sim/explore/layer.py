"""What a user changed as a scenario file: a layer over the file that was explored."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import log1p, sqrt
from pathlib import Path

from sim import units
from sim.scenario.language.model import Scenario
from sim.scenario.source.inheritance import SET
from sim.scenario.source.record import Parameter, Uncertainty
from sim.scenario.source.tree import Plain, plain, read_text, write

SHIFTED = {"uniform": ("low", "high"), "triangular": ("low", "mode", "high"), "pert": ("low", "mode", "high")}
"""Families that have no form around a value; they are shifted."""


def layer(
    scenario: Scenario,
    settings: Sequence[str],
    changes: Mapping[str, Plain],
    *,
    based_on: Path | str,
    title: str,
) -> str:
    """The text of the layer.

    settings: `PATH=VALUE`, those with which the scenario was loaded. changes: path and value. An
    uncertainty with a centre of its own is centred on the changed value; a list of values cannot be, which
    a comment says.
    """
    found: dict[str, Plain] = {}
    for setting in settings:
        path, _, text = setting.partition("=")
        found[path.strip()] = plain(read_text(text, f"{SET} {path}"))
    found |= changes
    notes = ""
    for parameter in scenario.parameters:
        path = f"parameters.{parameter.name}"
        if f"{path}.value" in changes and parameter.drawn is not None and parameter.drawn.centre is not None:
            if parameter.drawn.family == "empirical":
                notes += f"# The uncertainty of {parameter.name} is that of the base case.\n"
            else:
                found[f"{path}.uncertainty"] = centred(parameter, changes[f"{path}.value"])
    return notes + write({"format": 1, "title": title, "based_on": os.fspath(based_on), "changes": found})


def centred(parameter: Parameter, value: Plain) -> Plain:
    """The uncertainty of a parameter that has a centre of its own, with its width, centred on a value."""
    drawn, raw = parameter.drawn, plain(read_text(parameter.uncertainty, parameter.name))
    assert drawn is not None
    assert isinstance(raw, dict)
    if drawn.family == "dirichlet":
        form: Plain = {"n": sum(drawn.arguments.values())}
    elif drawn.family in SHIFTED:
        form = _shifted(drawn, value)
    else:
        form = _width(drawn, raw[drawn.family])
    return {**raw, drawn.family: form}


def _width(found: Uncertainty, raw: Plain) -> Plain:
    """The form of a family that is centred on the value. raw: the arguments as written."""
    at = found.arguments
    if found.family == "beta":
        mean = at.get("mean", 0.0)
        return {"n": at["a"] + at["b"] if "a" in at else mean * (1 - mean) / at["sd"] ** 2 - 1}
    if found.family == "lognormal":
        return {"sigma": at["sigma"] if "sigma" in at else sqrt(log1p((at["sd"] / at["mean"]) ** 2))}
    if "shape" in at:
        return {"shape": at["shape"]}
    assert isinstance(raw, dict)
    return {"sd": raw["sd"]}


def _shifted(found: Uncertainty, value: object) -> Plain:
    """The ends, and the mode, moved by as much as the mean has to move."""
    assert found.centre is not None
    kind = units.kind(value)
    read = {"time": units.days, "rate": units.per_day}.get(kind, units.number)
    write_out = {"time": units.time_text, "rate": units.rate_text}.get(kind, float)
    by = read(value) - found.centre[""][0]
    return [write_out(found.arguments[name] + by) for name in SHIFTED[found.family]]
