"""A comparison from its scenario files to its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.outcomes import comparison
from sim.outcomes.comparability import Arm
from sim.outcomes.happenings import broken_never
from sim.outcomes.wording import happening
from sim.simulation import Asked, BrokenRun, Forbidden, Share, Step, live


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: the arms, the first of them the reference, and the table of plain values."""

    arms: tuple[Arm, ...]
    table: dict[str, Any]
    seconds: dict[str, float]


def carry_out(asked: Sequence[Asked], *, step: Step, share: Share) -> Comparison | BrokenRun:
    """Simulate every arm and compare, unless something happened that its scenario forbids.

    Raises: ScenarioError where a scenario is wrong, Refused where the arms cannot be compared,
    RunError where a run failed.
    """
    arms: list[Arm] = []
    seconds: dict[str, float] = {}
    for name, one in zip(arm_names([one.file for one in asked]), asked, strict=True):
        scenario, result, spent = live(one, step=step, share=share)
        broken = broken_never(result.log, result.use, scenario)
        if broken is not None:
            return BrokenRun(scenario, result, Forbidden(broken[0], happening(broken[1])))
        arms.append(Arm(name, scenario, result.log, result.use, one.seed, one.replications))
        seconds = {part: seconds.get(part, 0.0) + spent[part] for part in spent}
    step("outcomes")
    began = perf_counter()
    table = comparison.compare(arms, at=asked[0].at)
    return Comparison(tuple(arms), table, seconds | {"outcomes": perf_counter() - began})


def arm_names(files: Sequence[Path]) -> list[str]:
    """The files' names without ending; of equal ones all but the first are numbered."""
    names: list[str] = []
    for file in files:
        name, number = file.stem or str(file), 1
        while name in names:
            number += 1
            name = f"{file.stem} {number}"
        names.append(name)
    return names
