"""Queues with a closed form, as scenarios: the exact values of each, and those of a run.

`make theory-long` runs each until every 95% interval is within 1% of its value, fails where one is off
by more than four standard errors, and writes `docs/queues.md`.
Time is in days. Formulas: L. Kleinrock, Queueing Systems I, 1975; birth and death processes are
solved as such, so that abandonment and bounded queues need no formula of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from math import factorial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sim.engine.run import simulate
from sim.outcomes.estimates import EstimateRow
from sim.outcomes.results import NORMAL_975, Results
from sim.pathway.tables import compile_pathway
from sim.runs.run import RunRequest, run_scenario
from tests.cohorts import read
from tests.rows import OutcomeRows

Place = tuple[str, ...]
"""Of a number: an outcome and a group, or `resources.NAME` and a measure."""
MOST_PATIENTS = 2e7
IN_REPLICATION = 20_000
"""Patients: so many that what is cut off at its end counts for nothing."""


@dataclass(frozen=True)
class System:
    """A queue. rate: patients a day, all classes. known: exact values."""

    rate: float
    stages: str
    resources: str
    outcomes: str
    known: Mapping[Place, float]
    attributes: str = "{}"
    start: str = "served"


def erlang_b(servers: int, load: float) -> float:
    """The probability of rejection, for servers without a queue."""
    terms = [load**k / factorial(k) for k in range(servers + 1)]
    return terms[-1] / sum(terms)


def erlang_c(servers: int, load: float) -> float:
    """The probability of waiting, for servers with a queue."""
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


@dataclass(frozen=True)
class Stationary:
    """A birth and death process of so many servers in the long run. chances: of each number present."""

    chances: Sequence[float]
    servers: int
    rate: float

    @property
    def queue(self) -> float:
        return sum(max(k - self.servers, 0) * p for k, p in enumerate(self.chances))

    @property
    def waits(self) -> float:
        """The share of arrivals that find all servers busy, and room in the queue."""
        return sum(self.chances[self.servers : -1])

    @property
    def in_use(self) -> float:
        return sum(min(k, self.servers) * p for k, p in enumerate(self.chances))


def stationary(
    servers: int, rate: float, service: float, *, leaving: float = 0.0, room: int = 400
) -> Stationary:
    """Arrival rate, service rate of a server, rate at which a waiting patient leaves, largest number in the system."""
    weights = [1.0]
    for k in range(1, room + 1):
        out = min(k, servers) * service + max(k - servers, 0) * leaving
        weights.append(weights[-1] * rate / out)
    total = sum(weights)
    return Stationary([w / total for w in weights], servers, rate)


WAIT, LONGER = "wait: {waiting_for: server}", "waits: {waiting_for: server, above: 0 days}"
GONE = "gone: {state: dead, terminal: true}"


def service(distribution: str, *, more: str = "", to: str = "gone") -> str:
    return f"served: {{state: ill, needs: server, {more}events: {{done: {{after: {distribution}, to: {to}}}}}}}\n{GONE}\n"


def plain(rate: float, distribution: str, servers: int, known: Mapping[Place, float]) -> System:
    """One queue, first come first served, without abandonment."""
    return System(
        rate, service(distribution), f"{{server: {{capacity: {servers}}}}}", f"{{{WAIT}, {LONGER}}}", known
    )


def single(
    wait: float, *, waits: float | None = None, queue: float, utilisation: float
) -> dict[Place, float]:
    """The exact values of a single queue."""
    found: dict[Place, float] = {
        ("wait",): wait,
        ("resources.server", "queue"): queue,
        ("resources.server", "utilisation"): utilisation,
    }
    return found if waits is None else {**found, ("waits",): waits}


EXPONENTIAL = "{exponential: {mean: 1 days}}"


def m_m_c(servers: int, rate: float) -> System:
    """Erlang C, at a service of mean 1 day."""
    waits = erlang_c(servers, rate)
    wait = waits / (servers - rate)
    return plain(
        rate, EXPONENTIAL, servers, single(wait, waits=waits, queue=rate * wait, utilisation=rate / servers)
    )


def m_g_1(rate: float, distribution: str, second_moment: float) -> System:
    """Pollaczek and Khinchine, at a service of mean 1 day."""
    wait = rate * second_moment / (2 * (1 - rate))
    return plain(rate, distribution, 1, single(wait, waits=rate, queue=rate * wait, utilisation=rate))


def lost(servers: int, rate: float) -> System:
    """M/M/c/c: patients who find no free server are rejected."""
    stages = f"door: {{decide: [{{when: {{free.server: {{at_least: 1}}}}, to: served}}, {{to: away}}]}}\n{service(EXPONENTIAL)}away: {{state: dead, terminal: true}}\n"
    blocked = erlang_b(servers, rate)
    known = {
        ("away",): blocked,
        ("resources.server", "utilisation"): rate * (1 - blocked) / servers,
    }
    return System(
        rate,
        stages,
        f"{{server: {{capacity: {servers}}}}}",
        "{away: {ever: {stage: away}}}",
        known,
        start="door",
    )


def bounded(servers: int, room: int, rate: float) -> System:
    """M/M/c/K: patients who find K in the system are rejected."""
    known = stationary(servers, rate, 1.0, room=room)
    blocked = known.chances[-1]
    rules = f"[{{when: {{free.server: {{at_least: 1}}}}, to: served}}, {{when: {{queue.server: {{below: {room - servers}}}}}, to: served}}, {{to: away}}]"
    stages = f"door: {{decide: {rules}}}\n{service(EXPONENTIAL)}away: {{state: dead, terminal: true}}\n"
    wait = known.queue / (rate * (1 - blocked))
    expected = single(
        wait, waits=known.waits / (1 - blocked), queue=known.queue, utilisation=known.in_use / servers
    )
    outcomes = f"{{{WAIT}, {LONGER}, away: {{ever: {{stage: away}}}}}}"
    return System(
        rate,
        stages,
        f"{{server: {{capacity: {servers}}}}}",
        outcomes,
        {**expected, ("away",): blocked},
        start="door",
    )


def impatient(servers: int, rate: float, mean: float, leaving: float) -> System:
    """M/M/c+M (Erlang A): waiting patients leave at the rate `leaving`."""
    known = stationary(servers, rate, 1 / mean, leaving=leaving)
    more = f"while_waiting: {{loss: {{after: {{exponential: {{rate: {leaving} per day}}}}, to: gone}}}}, "
    stages = service(f"{{exponential: {{mean: {mean} days}}}}", more=more)
    expected = single(
        known.queue / rate, waits=known.waits, queue=known.queue, utilisation=known.in_use / servers
    )
    outcomes = f"{{{WAIT}, {LONGER}, lost: {{ever: {{event: served.loss}}}}}}"
    lost_share = leaving * known.queue / rate
    return System(
        rate,
        stages,
        f"{{server: {{capacity: {servers}}}}}",
        outcomes,
        {**expected, ("lost",): lost_share},
    )


def endless(rate: float, mean: float) -> System:
    """M/G/infinity: enough units for everyone; for any distribution the mean in use is rate x mean."""
    distribution = f"{{lognormal: {{mean: {mean} days, sigma: 1}}}}"
    known = {("resources.server", "in_use"): rate * mean}
    return System(rate, service(distribution), "{server: {capacity: 10000}}", "{}", known)


def two_classes(servers: int, first: float, second: float) -> System:
    """Non-preemptive priority, both classes with exponential service of mean 1 day (Cobham 1954)."""
    rate = first + second
    busy = erlang_c(servers, rate) / servers
    ahead = 1 - first / servers
    known = {
        ("wait", "0"): busy / ahead,
        ("wait", "1"): busy / (ahead * (1 - rate / servers)),
        ("resources.server", "utilisation"): rate / servers,
    }
    attributes = f"{{class: {{categorical: {{0: {first / rate!r}, 1: rest}}}}}}"
    resources = f"{{server: {{capacity: {servers}, queue: {{by: class, first: lowest}}}}}}"
    return System(
        rate, service(EXPONENTIAL), resources, "{wait: {waiting_for: server, by: class}}", known, attributes
    )


def two_stations(outside: tuple[float, float], *, onward: float, back: float) -> System:
    """A Jackson network: each station is an M/M/c of its own at the flow through it (Jackson 1957).

    outside: arrivals a day at each; onward, back: shares of those served who go to the other.
    """
    first = (outside[0] + back * outside[1]) / (1 - onward * back)
    second = outside[1] + onward * first
    mean, servers = (1 / 1.2, 2.0), (1, 2)
    waits = [
        erlang_c(n, flow * m) * m / (n - flow * m)
        for n, flow, m in zip(servers, (first, second), mean, strict=True)
    ]
    rate = sum(outside)
    present = [flow * (wait + m) for flow, wait, m in zip((first, second), waits, mean, strict=True)]
    stages = (
        f"door: {{decide: {one_of(one=outside[0] / rate, two=outside[1] / rate)}}}\n"
        f"one: {{state: ill, needs: a, events: {{done: {{after: {{exponential: {{rate: 1.2 per day}}}}, to: {one_of(two=onward, gone=1 - onward)}}}}}}}\n"
        f"two: {{state: ill, needs: b, events: {{done: {{after: {{exponential: {{rate: 0.5 per day}}}}, to: {one_of(one=back, gone=1 - back)}}}}}}}\n{GONE}\n"
    )
    known = {
        ("at_one",): waits[0],
        ("at_two",): waits[1],
        ("stay",): sum(present) / rate,
        ("resources.a", "utilisation"): first * mean[0],
        ("resources.b", "utilisation"): second * mean[1] / 2,
    }
    outcomes = "{at_one: {waiting_for: a}, at_two: {waiting_for: b}, stay: {time_in: {state: ill}}}"
    return System(rate, stages, "{a: {capacity: 1}, b: {capacity: 2}}", outcomes, known, start="door")


def one_of(**shares: float) -> str:
    """Where to go, in the words of the language."""
    there = {name: share for name, share in shares.items() if share}
    if len(there) == 1:
        return next(iter(there))
    first, second = there
    return f"{{{first}: {there[first]!r}, {second}: rest}}"


SYSTEMS: Mapping[str, System] = {
    "M/M/1": m_m_c(1, 0.5),
    "M/M/3": m_m_c(3, 1.8),
    "M/M/4": m_m_c(4, 2.8),
    "M/M/3/3 (Erlang B)": lost(3, 3.0),
    "M/M/2/6 (bounded)": bounded(2, 6, 1.8),
    "M/M/10+M (Erlang A)": impatient(10, 10.0, 1.0, 0.5),
    "M/M/7+M (manufacturing slots)": impatient(7, 0.17, 38.0, 0.012),
    "M/U/1 (Pollaczek-Khinchine)": m_g_1(0.6, "{uniform: [0 days, 2 days]}", 4 / 3),
    "M/D/1": m_g_1(0.6, "{fixed: 1 days}", 1.0),
    "M/Gamma/1": m_g_1(0.5, "{gamma: {shape: 9, mean: 1 days}}", 10 / 9),
    "M/G/infinity": endless(4.0, 2.5),
    "M/M/1, two classes": two_classes(1, 0.2, 0.3),
    "M/M/3, two classes": two_classes(3, 0.8, 1.0),
    "M/M/1 then M/M/2 (tandem)": two_stations((0.5, 0.0), onward=1.0, back=0.0),
    "Jackson network with feedback": two_stations((0.5, 0.3), onward=0.6, back=0.2),
}


def text_of(system: System, *, days: float) -> str:
    """The scenario, its first tenth left out as warm-up."""
    body = "".join(f"    {line}\n" for line in system.stages.strip().splitlines())
    arrive = f"{{poisson: {system.rate!r} per day, for: {days!r} days, warm_up: {days / 10!r} days}}"
    return (
        f"format: 1\ntitle: A queue\nhorizon: {days!r} days\nstates: {{ill: {{}}, dead: {{}}}}\n"
        f"patients: {{arrive: {arrive}, attributes: {system.attributes}}}\n"
        f"resources: {system.resources}\noutcomes: {system.outcomes}\n"
        f"pathway:\n  start: {system.start}\n  stages:\n{body}"
    )


def measured(
    system: System, *, patients: float, replications: int, seed: int, workers: int = 1
) -> dict[Place, tuple[float, float]]:
    """Estimate and standard error of each known number, over replications, from the results of a run."""
    scenario = read(text_of(system, days=patients / system.rate / replications))
    request = RunRequest(
        Path(scenario.file), seed=seed, replications=replications, workers=workers, scenario=scenario
    )
    done = run_scenario(request)
    found = {}
    for place in system.known:
        row = _row(done.results, place)
        found[place] = row.estimate, (row.high - row.low) / 2 / float(stats.t.ppf(0.975, replications - 1))
    return found


def _named(place: Place) -> str:
    return ".".join(place).removeprefix("resources.")


def _row(results: Results, place: Place) -> EstimateRow:
    name, *rest = place
    if name.startswith("resources."):
        return OutcomeRows(results, name).row(*rest)
    return OutcomeRows(results, name, group="".join(rest)).headline


# ---------------------------------------------------------------- a rate that changes over the day


HOURLY = np.array(
    [
        1.0,
        0.6,
        0.3,
        0.2,
        0.2,
        0.4,
        0.9,
        1.8,
        3.0,
        3.6,
        3.9,
        3.8,
        3.4,
        3.2,
        3.0,
        2.8,
        2.7,
        2.6,
        2.5,
        2.3,
        2.1,
        1.8,
        1.5,
        1.2,
    ]
)
"""Arrivals an hour over a day."""
TURN = 2 * np.pi
"""A day, as an angle."""


@dataclass(frozen=True)
class Day:
    """M(t)/G/infinity. distribution: of the time a unit is held; transform: E exp(-igS) of it, g a day.

    Source: Eick, Massey and Whitt, doi:10.1287/opre.41.4.731: the mean in use is
    m(t) = E[rate(t - S_e)] E[S], so each harmonic of it is that of the rate times int e^-igu P(S > u) du.
    """

    distribution: str
    transform: Callable[[float], complex]

    @property
    def wave(self) -> complex:
        """The daily harmonic of the mean in use, as a multiple of that of the rate."""
        return (1 - self.transform(TURN)) / (1j * TURN)


DAYS: Mapping[str, Day] = {
    "gamma": Day("{gamma: {shape: 2, mean: 4 hours}}", lambda g: (1 + 1j * g * 2 / 24) ** -2),
    "fixed": Day("{fixed: 6 hours}", lambda g: complex(np.exp(-1j * g * 6 / 24))),
    "exponential": Day("{exponential: {mean: 5 hours}}", lambda g: 1 / (1 + 1j * g * 5 / 24)),
}


def daily_waves(name: str, *, days: int, replications: int, seed: int, workers: int = 1) -> list[complex]:
    """What `Day.wave` says of the mean, found in each replication."""
    steps = ", ".join(f"{24 * d + h} hours: {r} per hour" for d in range(days) for h, r in enumerate(HOURLY))
    stages = (
        f"in: {{state: ill, needs: bed, events: {{done: {{after: {DAYS[name].distribution}, to: out}}}}}}"
    )
    scenario = read(
        f"format: 1\ntitle: A day\nhorizon: {days} days\nstates: {{ill: {{}}}}\n"
        f"patients: {{arrive: {{poisson: {{{steps}}}, for: {days} days}}}}\n"
        "resources: {bed: {capacity: 10000}}\n"
        f"pathway:\n  start: in\n  stages:\n    {stages}\n    out: {{state: ill, terminal: true}}\n"
    )
    use = simulate(compile_pathway(scenario), seed=seed, replications=replications, workers=workers).use
    hours = np.arange(25) / 24
    rate = np.sum(_harmonic(hours) * 24 * HOURLY)
    found = []
    for r in range(replications):
        mask = use.replication == r
        edges = np.append(use.time[mask], days)
        kept = edges[:-1] >= 1  # day by day from the second on
        found.append(complex(np.sum((_harmonic(edges) * use.in_use[mask])[kept]) / (days - 1) / rate))
    return found


def _harmonic(edges: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The integral of e^-igt between edges, exactly."""
    waves: NDArray[np.complex128] = np.diff(np.exp(-1j * TURN * edges)) / (-1j * TURN)
    return waves


def lag(wave: complex) -> float:
    """Hours by which it comes later."""
    return float(-np.angle(wave) / TURN * 24)


# ---------------------------------------------------------------- all of them to 1%


@dataclass(frozen=True)
class Row:
    """A figure of a queue: its exact value, its estimate with the standard error, and what that took."""

    queue: str
    what: str
    exact: float
    estimate: float
    error: float
    patients: int

    @property
    def half_width(self) -> float:
        """Of the 95% interval, as a share of the value."""
        return NORMAL_975 * self.error / self.exact

    @property
    def z(self) -> float:
        return (self.estimate - self.exact) / self.error

    @property
    def holds(self) -> bool:
        return abs(self.z) <= 4 and self.half_width <= 0.01

    @property
    def as_row(self) -> str:
        numbers = f"{self.exact:.6f} | {self.estimate:.6f} | {self.half_width:.2%} | {self.z:+.1f}"
        return f"| {self.queue} | {self.what} | {numbers} | {self.patients:,} |"


def rows_of(name: str, system: System) -> list[Row]:
    """All that is known of a system to within 1%, with more patients each time until it is."""
    patients = 250_000.0
    while True:
        n = max(25, int(patients / IN_REPLICATION))
        found = measured(system, patients=patients, replications=n, seed=7, workers=2)
        rows = [
            Row(name, _named(place), system.known[place], estimate, error, int(patients))
            for place, (estimate, error) in found.items()
        ]
        widest = max(row.half_width for row in rows)
        if widest <= 0.01 or patients >= MOST_PATIENTS:
            return rows
        patients *= max(1.3, min(4.0, 1.15 * (widest / 0.01) ** 2))


def rows_of_day(name: str) -> list[Row]:
    """The daily lag and height of an M(t)/G/infinity."""
    days, n = 300, 40
    waves, exact = daily_waves(name, days=days, replications=n, seed=7, workers=2), DAYS[name].wave
    rows = []
    for what, of in (("lag of the peak, hours", lag), ("height of the wave", abs)):
        values = np.array([of(wave) for wave in waves])
        error = float(np.std(values, ddof=1)) / n**0.5
        patients = int(HOURLY.sum() * days * n)
        rows.append(Row(f"M(t)/G/infinity, {name}", what, of(exact), float(np.mean(values)), error, patients))
    return rows


def main(page: Path) -> int:
    """Print every row, and write the page where all hold; it takes half an hour on two cores."""
    rows: list[Row] = []
    for found in chain(starmap(rows_of, SYSTEMS.items()), map(rows_of_day, DAYS)):
        rows += found
        print(*(row.as_row for row in found), sep="\n", flush=True)
    failed = [row for row in rows if not row.holds]
    if failed:
        print("do not hold:", *(row.as_row for row in failed), sep="\n")
        return 1
    page.write_text(HEAD + "".join(f"{row.as_row}\n" for row in rows), "utf-8")
    return 0


HEAD = """# Queues against closed forms

Each row compares a simulated result of a queueing system with its exact value. The systems are scenario files, simulated by
the SimPy engine and evaluated by the run summary, with one seed. Patients are added until the half-width of every 95% interval,
over replications, is at most 1% of the exact value. The first tenth of each replication is the warm-up. The column z is the
deviation of the estimate in standard errors. `tests/theory/queues.py` defines the quantities and gives the formulas with their
sources. `make theory-long` writes this page; `make test` runs a short form.

| queue | quantity | exact | simulated | half-width | z | patients |
|---|---|---|---|---|---|---|
"""

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
