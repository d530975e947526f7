"""Choose the engine, split the work, put the log together."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.engine.arrivals import cohort
from sim.engine.event_log import EventLog, ResourceUse
from sim.errors import Problem, ScenarioError
from sim.pathway.tables import Pathway

ENGINES = ("auto", "independent", "shared")


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gives: the log, the use of resources that can be waited for, the engine's name."""

    log: EventLog
    use: ResourceUse
    engine: str


def simulate(
    pathway: Pathway,
    *,
    seed: int = 1,
    replications: int = 1,
    engine: str = "auto",
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Simulate every patient of a scenario.

    The result depends on nothing but the pathway, the seed and the number of replications.
    progress is called with the share done. workers: threads or processes, default all cores.
    Raises: ScenarioError where the engine cannot run the scenario; RunError where a life cannot go on.
    """
    name = choose_engine(pathway, engine)
    who = cohort(pathway.scenario, seed, replications)
    if not len(who):
        place = pathway.scenario.patients.arrivals.where
        raise ScenarioError(
            [Problem(place, "nobody arrives before the horizon", "raise the rate or the number")]
        )
    workers = workers or os.cpu_count() or 1
    tell = progress or (lambda share: None)
    if name == "independent":
        from sim.engine.independent import simulate_independent

        log = simulate_independent(pathway, who, seed=seed, workers=workers, progress=tell)
        return Result(log, no_use(), name)
    from sim.engine.shared import simulate_shared

    log, use = simulate_shared(pathway, who, seed=seed, workers=workers, progress=tell)
    return Result(log, use, name)


def choose_engine(pathway: Pathway, asked: str) -> str:
    """`auto` is independent wherever nothing is shared.

    Raises: ScenarioError where `independent` is asked for and resources can be waited for.
    """
    shared = pathway.shared_resources
    if asked == "independent" and shared:
        where = next(r.where for r in pathway.scenario.resources if r.name == shared[0])
        fact = f"the independent engine cannot share resources: {', '.join(shared)}"
        raise ScenarioError([Problem(where, fact, "use the engine `shared` or `auto`")])
    if asked == "auto":
        return "shared" if shared else "independent"
    return asked


def no_use() -> ResourceUse:
    """The use of resources where none can be waited for."""
    ints = np.zeros(0, dtype=np.int32)
    return ResourceUse(ints, np.zeros(0), np.zeros(0, dtype=np.int16), ints, ints, ints)
