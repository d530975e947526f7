"""Compile the kernel ahead of the first run: `python -m sim.engine.precompile`, silent."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sim.engine.arrivals import cohort
from sim.engine.compiled_engine import simulate_block
from sim.engine.kernel import addresses
from sim.engine.log_writer import new_buffer
from sim.engine.processes import end_when
from sim.engine.run import COMPILED, IS_COMPILING, simulate
from sim.errors import Place, Where
from sim.pathway.tables import compile_pathway
from sim.scenario.language.model import (
    Arrivals,
    Distribution,
    Event,
    Goto,
    Need,
    Patients,
    Resource,
    Scenario,
    Stage,
    State,
)

HERE = Where(Place("warm-up"), "")


def smallest(*, shares: bool) -> Scenario:
    """One treatment that ends, for three patients; where it shares, one may have it at a time."""
    time = Distribution("exponential", {"rate": 0.1}, HERE)
    ends = Event("ends", time, False, None, None, (), Goto("over", HERE), False, None, None, None, HERE)
    needs = (Need(None, "bed", HERE),) if shares else ()
    treated = Stage("treated", "", "alive", False, None, None, needs, (), (ends,), (), None, HERE)
    over = Stage("over", "", "over", True, None, None, (), (), (), (), None, HERE)
    bed = Resource("bed", ((0.0, 1),), None, "on_leaving", None, None, None, HERE)
    kind, rates = ("poisson", ((0.0, 1.0),)) if shares else ("together", ())
    arrivals = Arrivals(kind, rates, None, (), None, 0.0, HERE)
    return Scenario(
        title="Warm-up",
        horizon=1000.0,
        states=(State("alive", "", None), State("over", "", None)),
        economics=None,
        patients=Patients(3, arrivals, None, (), None),
        clocks=(),
        start="treated",
        on_start=(),
        stages=(treated, over),
        resources=(bed,) if shares else (),
        never=(),
        outcomes=(),
    )


def precompile(names: Sequence[str]) -> None:
    """Compile functions, by their names in `run.COMPILED`: whatever a run compiles is on disk after it.

    Engines are run on the smallest scenarios. In this thread: the memory of another grows in small steps,
    which takes as long as a fifth of the work.
    """
    for name in names:
        pathway = compile_pathway(smallest(shares=name == "shared"))
        if name == "independent":
            simulate_block((pathway, 1), cohort(pathway.scenario, 1, [0]))
        elif name == "shared":
            simulate(pathway, workers=1)
        else:
            addresses((name,), pathway.tables, new_buffer(rows=1, changes=1))


if __name__ == "__main__":
    os.environ[IS_COMPILING] = "1"
    if sys.argv[1:2] == ["--child"]:
        end_when(sys.stdin.buffer.read)
        precompile(sys.argv[2:])
    else:
        precompile(tuple(COMPILED))
