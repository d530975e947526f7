"""Queues with a closed form, as scenarios: the exact values of each.

Time is in days. Formulas: L. Kleinrock, Queueing Systems I, 1975; birth and death processes are
solved as such, so that abandonment and bounded queues need no formula of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial

from sim.verification.theory.case import Case, Known, scenario_text

Place = tuple[str, ...]
"""Of a number: an outcome and a group, or `resources.NAME` and a measure."""
FORMULA = "Kleinrock 1975, Queueing Systems I"


@dataclass(frozen=True)
class System:
    """A queue. rate: patients a day, all classes. known: exact values."""

    rate: float
    stages: str
    resources: str
    outcomes: Mapping[str, str]
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
        """The mean number that waits."""
        return sum(max(k - self.servers, 0) * p for k, p in enumerate(self.chances))

    @property
    def waits(self) -> float:
        """The share of arrivals that find all servers busy, and room in the queue."""
        return sum(self.chances[self.servers : -1])

    @property
    def in_use(self) -> float:
        """The mean number of busy servers."""
        return sum(min(k, self.servers) * p for k, p in enumerate(self.chances))


def stationary(
    servers: int, rate: float, service: float, *, leaving: float = 0.0, room: int = 400
) -> Stationary:
    """The process with these rates of arrival and of service by one server.

    leaving: the rate at which a waiting patient leaves. room: the largest number in the system.
    """
    weights = [1.0]
    for k in range(1, room + 1):
        out = min(k, servers) * service + max(k - servers, 0) * leaving
        weights.append(weights[-1] * rate / out)
    total = sum(weights)
    return Stationary([w / total for w in weights], servers, rate)


WAIT = {"wait": "{waiting_for: server}", "waits": "{waiting_for: server, above: 0 days}"}
AWAY = {"away": "{ever: {stage: away}}"}
DOOR = "door: {decide: [{when: {free.server: {at_least: 1}}, to: served}"
TURNED_AWAY = "away: {state: dead, terminal: true}\n"
GONE = "gone: {state: dead, terminal: true}"


def service(distribution: str, *, more: str = "") -> str:
    """The stage in which patients hold a server."""
    done = f"{{after: {distribution}, to: gone}}"
    return f"served: {{state: alive, needs: server, {more}events: {{done: {done}}}}}\n{GONE}\n"


def plain(rate: float, distribution: str, servers: int, known: Mapping[Place, float]) -> System:
    """One queue, first come first served, without abandonment."""
    return System(rate, service(distribution), f"{{server: {{capacity: {servers}}}}}", WAIT, known)


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
    stages = f"{DOOR}, {{to: away}}]}}\n{service(EXPONENTIAL)}{TURNED_AWAY}"
    blocked = erlang_b(servers, rate)
    known: dict[Place, float] = {
        ("away",): blocked,
        ("resources.server", "utilisation"): rate * (1 - blocked) / servers,
    }
    return System(rate, stages, f"{{server: {{capacity: {servers}}}}}", AWAY, known, start="door")


def bounded(servers: int, room: int, rate: float) -> System:
    """M/M/c/K: patients who find K in the system are rejected."""
    known = stationary(servers, rate, 1.0, room=room)
    blocked = known.chances[-1]
    has_room = f"{{when: {{queue.server: {{below: {room - servers}}}}}, to: served}}"
    stages = f"{DOOR}, {has_room}, {{to: away}}]}}\n{service(EXPONENTIAL)}{TURNED_AWAY}"
    wait = known.queue / (rate * (1 - blocked))
    expected = single(
        wait, waits=known.waits / (1 - blocked), queue=known.queue, utilisation=known.in_use / servers
    )
    return System(
        rate,
        stages,
        f"{{server: {{capacity: {servers}}}}}",
        WAIT | AWAY,
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
    lost_share = leaving * known.queue / rate
    return System(
        rate,
        stages,
        f"{{server: {{capacity: {servers}}}}}",
        WAIT | {"lost": "{ever: {event: served.loss}}"},
        {**expected, ("lost",): lost_share},
    )


def endless(rate: float, mean: float) -> System:
    """M/G/infinity: enough units for everyone; for any distribution the mean in use is rate x mean."""
    distribution = f"{{lognormal: {{mean: {mean} days, sigma: 1}}}}"
    known: dict[Place, float] = {("resources.server", "in_use"): rate * mean}
    return System(rate, service(distribution), "{server: {capacity: 10000}}", {}, known)


def two_classes(servers: int, first: float, second: float) -> System:
    """Non-preemptive priority, both classes with exponential service of mean 1 day (Cobham 1954)."""
    rate = first + second
    busy = erlang_c(servers, rate) / servers
    ahead = 1 - first / servers
    known: dict[Place, float] = {
        ("wait", "0"): busy / ahead,
        ("wait", "1"): busy / (ahead * (1 - rate / servers)),
        ("resources.server", "utilisation"): rate / servers,
    }
    attributes = f"{{class: {{categorical: {{0: {first / rate!r}, 1: rest}}}}}}"
    resources = f"{{server: {{capacity: {servers}, queue: {{by: class, first: lowest}}}}}}"
    return System(
        rate, service(EXPONENTIAL), resources, {"wait": "{waiting_for: server, by: class}"}, known, attributes
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
    done = "{{done: {{after: {{exponential: {{rate: {} per day}}}}, to: {}}}}}".format
    stages = (
        f"door: {{decide: {one_of(one=outside[0] / rate, two=outside[1] / rate)}}}\n"
        f"one: {{state: alive, needs: a, events: {done(1.2, one_of(two=onward, gone=1 - onward))}}}\n"
        f"two: {{state: alive, needs: b, events: {done(0.5, one_of(one=back, gone=1 - back))}}}\n{GONE}\n"
    )
    known: dict[Place, float] = {
        ("at_one",): waits[0],
        ("at_two",): waits[1],
        ("stay",): sum(present) / rate,
        ("resources.a", "utilisation"): first * mean[0],
        ("resources.b", "utilisation"): second * mean[1] / 2,
    }
    outcomes = {
        "at_one": "{waiting_for: a}",
        "at_two": "{waiting_for: b}",
        "stay": "{time_in: {state: alive}}",
    }
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


PATIENTS = 3000
"""Of a replication."""
NOT_PUBLISHED = {"M/Gamma/1": 20, "M/M/1 then M/M/2 (tandem)": 40}
"""Replications of the systems that are no model of scenarios/published: as many as detect `WAIT_OFF`."""
WAIT_OFF, USE_OFF = 0.15, 0.05
"""The relevant difference of waits, queues and losses, and of what is in use, relative to them."""


def cases() -> Iterator[Case]:
    """The systems that are compared nowhere else."""
    for name, n in NOT_PUBLISHED.items():
        yield queue(name, SYSTEMS[name], patients=n * PATIENTS, replications=n)


def queue(name: str, system: System, *, patients: float, replications: int) -> Case:
    """A system simulated with so many patients in all; the first tenth of a replication is its warm-up."""
    days = patients / system.rate / replications
    arrive = f"{{poisson: {system.rate!r} per day, for: {days!r} days, warm_up: {days / 10!r} days}}"
    text = scenario_text(
        "A queue",
        system.stages,
        outcomes=system.outcomes,
        start=system.start,
        patients=f"{{arrive: {arrive}, attributes: {system.attributes}}}",
        resources=system.resources,
        horizon=f"{days!r} days",
    )
    known = tuple(_known(place, value) for place, value in system.known.items())
    return Case(name, text, known, FORMULA, replications)


def _known(place: Place, value: float) -> Known:
    name, *rest = place
    if name.startswith("resources."):
        (measure,) = rest
        relevant = (WAIT_OFF if measure == "queue" else USE_OFF) * value
        return Known(f"{measure} of {name.removeprefix('resources.')}", value, relevant, name, measure)
    what = f"{name}, class {rest[0]}" if rest else name
    return Known(what, value, WAIT_OFF * value, name, group="".join(rest))
