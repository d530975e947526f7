"""A scenario of which results are known exactly, and these results."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from sim.scenario import load
from sim.scenario.language.model import Scenario

SHARE = 0.01
"""The relevant difference of a share or probability."""
RELATIVE = 0.03
"""The relevant difference of any other number, relative to it."""


@dataclass(frozen=True, slots=True)
class Known:
    """An exact result.

    what: in words. outcome to time: its row in the table of results (time in days); measure "" for the
    headline. relevant: the smallest difference that the comparison must detect.
    """

    what: str
    value: float
    relevant: float
    outcome: str
    measure: str = ""
    part: str = ""
    group: str = ""
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario with exact results.

    text: of the scenario. formula: how the exact results are computed, with its source. replications: of
    the run; the standard errors are over patients with one of them.
    """

    name: str
    text: str
    known: tuple[Known, ...]
    formula: str
    replications: int = 1

    def scenario(self) -> Scenario:
        """The scenario, read and checked as that of any file."""
        with tempfile.TemporaryDirectory(prefix="allpath-") as folder:
            file = Path(folder, "scenario.yaml")
            file.write_text(self.text, encoding="utf-8")
            return load(file)


def scenario_text(
    title: str,
    stages: str,
    *,
    outcomes: Mapping[str, str],
    number: int = 100_000,
    horizon: str = "100000 days",
    patients: str = "",
    **parts: str,
) -> str:
    """The text of a scenario that starts in the first of its stages.

    stages, outcomes: in the scenario language. parts: further top-level keys, and `start` and `on_start`
    of the pathway.
    """
    lines = dedent(stages).strip()
    attributes = parts.pop("attributes", "{}")
    start, on_start = parts.pop("start", lines.partition(":")[0]), parts.pop("on_start", "[]")
    top = {
        "format": "1",
        "title": f'"{title}"',
        "horizon": horizon,
        "states": "{alive: {}, dead: {}}",
        "patients": patients or f"{{number: {number}, attributes: {attributes}}}",
        **parts,
        "outcomes": "{" + ", ".join(f"{name}: {text}" for name, text in outcomes.items()) + "}",
    }
    head = "".join(f"{key}: {text}\n" for key, text in top.items())
    return f"{head}pathway:\n  start: {start}\n  on_start: {on_start}\n  stages:\n{indent(lines, '    ')}\n"


def share(what: str, value: float, outcome: str, *, time: float | None = None, **row: str) -> Known:
    """A share or probability."""
    return Known(what, value, SHARE, outcome, time=time, **row)


def amount(
    what: str, value: float, outcome: str, measure: str = "", *, time: float | None = None, **row: str
) -> Known:
    """A mean, a median or a total."""
    return Known(what, value, RELATIVE * abs(value), outcome, measure, time=time, **row)
