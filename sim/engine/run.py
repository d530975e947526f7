"""Choose the engine, split the work, put the log together."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf

import numpy as np

from sim.engine.arrivals import Cohort, cohorts, expected_arrivals
from sim.engine.processes import Workers, run_module
from sim.errors import InputError, Problem, ScenarioError, did_you_mean
from sim.event_log.log import EventLog, ResourceUse
from sim.numerics.compilation import IS_COMPILED
from sim.numerics.linking import NOTES, cache_folder, is_kept
from sim.pathway.tables import Pathway
from sim.scenario.language.model import Scenario

BATCH = 2**16
"""Patients in a batch: enough that the work around it costs little, few enough for any memory."""
ENGINES = ("auto", "independent", "shared")
MOST_IN_REPLICATION = 200_000_000
"""Patients in one replication."""
MOST_DRAWN = 5 * MOST_IN_REPLICATION
"""Arrival times drawn for one replication; a second of CPU draws some 20 million."""
MOST_IN_ALL = 100_000_000_000
"""Patients in all replications: a day of computing or more."""
BYTES_PER_PATIENT = 0.56 * 2**10
"""Peak memory of a simulated patient whose log is kept.

Measured on scenarios/first_steps.yaml: the resident memory of `simulate` grows by 0.56 KiB a patient with
400,000 patients in one batch; on benchmarks/r8.yaml, where more happens to a patient, by 0.77 KiB.
"""

COMPILED = {
    "independent": "sim.engine.compiled_engine.simulate_patients",
    "shared": "sim.engine.simpy_engine.advance",
    "rare_times": "sim.engine.rare_words.rare_value",
    "from_table": "sim.engine.prevalent_patients.begin_from_table",
}
"""The compiled function of each engine, and of each of `Pathway.units`."""
IS_COMPILING = "ALLPATH_IS_COMPILING"
"""Set in the process that compiles the kernel."""


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
    replications: int | range = 1,
    engine: str = "auto",
    workers: Workers = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Simulate every patient of a scenario.

    The result depends on nothing but the pathway, the seed and the number of replications.
    replications: their number, or which. progress is called with the share done. workers: see `in_parts`.
    Raises: ScenarioError where the engine cannot run the scenario; InputError where the run is too large;
    RunError where a patient's path cannot continue.
    """
    whole: list[Result] = []
    simulate_in_batches(
        pathway,
        seed=seed,
        replications=replications,
        engine=engine,
        workers=workers,
        at_least=inf,
        take=lambda _, result: whole.append(result),
        progress=progress,
    )
    return whole[0]


def simulate_in_batches(
    pathway: Pathway,
    *,
    seed: int,
    replications: int | range,
    engine: str,
    workers: Workers,
    take: Callable[[range, Result], None],
    at_least: float,
    progress: Callable[[float], None] | None = None,
) -> None:
    """The same, some replications at a time, so that no more than these are ever in memory.

    at_least: patients in a batch, where there are so many. take is called with each batch in order:
    which replications these are, and what `simulate` gives of them.
    """
    name = choose_engine(pathway, engine)
    wanted = range(replications) if isinstance(replications, int) else replications
    check_size(pathway.scenario, len(wanted), at_least=at_least)
    ensure_compiled((name, *pathway.units))
    begun: deque[range] = deque()

    def tell(share: float) -> None:
        if progress is not None:
            progress((begun[0].start - wanted.start + share * len(begun[0])) / len(wanted))

    def took(log: EventLog, use: ResourceUse) -> None:
        take(begun.popleft(), Result(log, use, name))

    def each() -> Iterator[Cohort]:
        for which, who in cohorts(pathway.scenario, seed, wanted, at_least=at_least):
            if not len(who):
                place = pathway.scenario.patients.arrivals.where
                fix = "raise the rate or the number"
                raise ScenarioError([Problem(place, "nobody arrives before the horizon", fix)])
            begun.append(which)
            yield who

    if name == "independent":
        from sim.engine.compiled_engine import simulate_independent

        for who in each():
            took(simulate_independent(pathway, who, seed=seed, workers=workers, progress=tell), no_use())
    else:
        from sim.engine.simpy_replications import simulate_shared

        simulate_shared(pathway, each(), seed=seed, workers=workers, take=took, progress=tell)


def check_size(scenario: Scenario, replications: int, *, at_least: float) -> None:
    """Check the expected size of a run before anything is simulated.

    at_least: patients in a batch, as in `simulate_in_batches`.
    Raises: InputError where the run has more patients than can be simulated, or a batch of them needs
    more memory than the machine has.
    """
    patients, drawn = expected_arrivals(scenario)
    total = patients * replications
    fix = "lower the rate, the number or the horizon"
    if patients > MOST_IN_REPLICATION:
        fact = f"about {patients:.3g} patients are expected in a replication"
        raise InputError(
            f"the run is too large: {fact}; at most {MOST_IN_REPLICATION:,} can be simulated", fix
        )
    if drawn > MOST_DRAWN:
        fact = (
            f"about {drawn:.3g} arrival times would be drawn at the highest rate for {patients:.3g} patients"
        )
        raise InputError(f"the run is too large: {fact}; at most {MOST_DRAWN:,}", "lower the highest rate")
    if total > MOST_IN_ALL:
        fact = f"about {total:.3g} patients are expected in {replications:,} replications"
        raise InputError(f"the run is too large: {fact}; at most {MOST_IN_ALL:,}", fix)
    together = min(total, at_least + patients)
    needed, memory = together * BYTES_PER_PATIENT, machine_memory()
    if needed > memory:
        fact = f"about {needed / 2**30:,.1f} GiB are needed for the log of {together:,.0f} patients"
        if at_least < inf:
            fix += ", or simulate fewer patients in each of more replications"
        raise InputError(f"the run is too large: {fact}, and this machine has {memory / 2**30:,.1f} GiB", fix)


def machine_memory() -> float:
    """Bytes of memory of this machine; inf where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return inf


def kept() -> list[str]:
    """Which of COMPILED are on disk."""
    return [name for name, function in COMPILED.items() if is_kept(function)]


def _missing(names: Sequence[str]) -> list[str]:
    return [name for name in names if not is_kept(COMPILED[name])]


def ensure_compiled(names: Sequence[str]) -> None:
    """Compile functions, by their names in `COMPILED`, in a process of its own, which a signal can end.

    Those on disk are left out. Of the processes that share the folder one compiles, and the others wait.
    Where code cannot be kept on disk, or the other process fails, this one compiles when it gets there.
    """
    folder = cache_folder() if IS_COMPILED and IS_COMPILING not in os.environ else None
    if folder is None or not _missing(names):
        return
    with (folder / ".lock").open("w") as lock:
        with suppress(ImportError):  # on Windows there is none: several processes may compile
            from fcntl import LOCK_EX, flock

            flock(lock, LOCK_EX)
        missing = _missing(names)
        if missing:
            NOTES.warning("compiling the kernel (once, about 20 seconds) ...")
            run_module("sim.engine.precompile", "--child", *missing)


def choose_engine(pathway: Pathway, asked: str) -> str:
    """`auto` is independent wherever nothing is shared.

    Raises: InputError for a name that is none of ENGINES; ScenarioError where `independent` is asked
    for and resources can be waited for.
    """
    if asked not in ENGINES:
        raise InputError(f"engine: {asked} is none of {', '.join(ENGINES)}", did_you_mean(asked, ENGINES))
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
