"""Many variants of one scenario, each simulated once, as the replications of one log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.engine.arrivals import Cohort, cohort
from sim.engine.compiled_engine import simulate_block
from sim.engine.log_writer import SimulatedPatients, event_log
from sim.engine.run import Result, choose_engine, no_use
from sim.pathway.tables import Pathway


def simulate_variants(variants: Sequence[tuple[Pathway, int]], *, seed: int) -> Result:
    """Simulate each variant in the replication beside it; in the log they are numbered from 0.

    variants: pathways that differ in numbers alone, each with the replication that its random numbers are
    those of. One thread simulates all.
    Raises: RunError where a patient's path cannot continue.
    """
    engine = choose_engine(variants[0][0], "auto")
    whos = [cohort(pathway.scenario, seed, [replication]) for pathway, replication in variants]
    everyone = _numbered(whos)
    names = variants[0][0].names
    pathways = [pathway for pathway, _ in variants]
    if engine == "independent":
        done = [simulate_block((pathway, seed), who) for pathway, who in zip(pathways, whos, strict=True)]
        return Result(event_log(names, everyone, done), no_use(), engine)
    from sim.engine.simpy_engine import SimpyEngine
    from sim.engine.simpy_replications import resource_use

    found = [SimpyEngine(pathway, who, seed).run() for pathway, who in zip(pathways, whos, strict=True)]
    patients: list[SimulatedPatients] = [simulated for simulated, _ in found]
    use = resource_use(range(len(found)), [rows for _, rows in found])
    return Result(event_log(names, everyone, patients), use, engine)


def _numbered(whos: Sequence[Cohort]) -> Cohort:
    """All cohorts as one, that of each variant with its number as the replication."""
    parts = [replace(who, replication=np.full(len(who), number, np.int32)) for number, who in enumerate(whos)]
    return Cohort(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("replication", "number", "begins", "follow_up")
        )
    )
