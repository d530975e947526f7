"""R8 and Q8 written by hand in SimPy: one process a patient, a history of every transition."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import simpy

Draw = Callable[[random.Random], float]


def exponential(mean: float) -> Draw:
    return lambda r: r.expovariate(1.0 / mean)


def weibull(shape: float, scale: float) -> Draw:
    return lambda r: r.weibullvariate(scale, shape)


def lognormal(median: float, sigma: float) -> Draw:
    return lambda r: r.lognormvariate(math.log(median), sigma)


def gamma(shape: float, mean: float) -> Draw:
    return lambda r: r.gammavariate(shape, mean / shape)


R8: dict[str, list[tuple[str, Draw]]] = {
    "chemo": [("remission", lognormal(35, 0.4)), ("bm_relapse", exponential(90)), ("dead", exponential(900))],
    "remission": [
        ("bm_relapse", weibull(0.9, 500)),
        ("cns_relapse", weibull(0.9, 1500)),
        ("hsct", exponential(400)),
        ("dead", exponential(5000)),
    ],
    "bm_relapse": [("cart_auto", gamma(4, 45)), ("dead", exponential(200))],
    "cns_relapse": [("cart_auto", gamma(4, 50)), ("dead", exponential(150))],
    "cart_auto": [
        ("remission", lognormal(28, 0.2)),
        ("cart_allo", exponential(120)),
        ("dead", exponential(300)),
    ],
    "cart_allo": [("remission", lognormal(28, 0.2)), ("dead", exponential(150))],
    "hsct": [("bm_relapse", weibull(0.8, 3000)), ("dead", weibull(0.6, 4000))],
}

History = list[tuple[int, float, str]]


def next_of(state: str, r: random.Random) -> tuple[float, str]:
    """The earliest of all competing times, drawn at once."""
    return min((draw(r), to) for to, draw in R8[state])


def patient_r8(
    env: simpy.Environment, number: int, r: random.Random, history: History
) -> Iterator[simpy.Event]:
    state = "chemo"
    while state != "dead":
        time, state = next_of(state, r)
        yield env.timeout(time)
        history.append((number, env.now, state))


def run_r8(n: int, seed: int = 1, together: int = 1000) -> History:
    """R8 in environments of a thousand patients; the history."""
    r = random.Random(seed)
    history: History = []
    for first in range(0, n, together):
        env = simpy.Environment()
        for number in range(first, min(n, first + together)):
            env.process(patient_r8(env, number, r, history))
        env.run(until=3650.0)
    return history


SLOTS, LOSS, DAYS = 12, 200.0, 7300.0
MAKING = gamma(9, 24)


def patient_q8(
    env: simpy.Environment, number: int, r: random.Random, history: History, slots: simpy.Resource
) -> Iterator[simpy.Event]:
    state = "chemo"
    while state != "dead":
        time, onward = next_of(state, r)
        yield env.timeout(time)
        if onward == "cart_auto":
            request = slots.request()
            lost = env.timeout(r.expovariate(1.0 / LOSS))
            yield request | lost
            if not request.triggered:
                request.cancel()
                history.append((number, env.now, "dead"))
                return
            history.append((number, env.now, "manufacture"))
            yield env.timeout(MAKING(r))
            slots.release(request)
        state = onward
        history.append((number, env.now, state))


def arrivals_q8(env: simpy.Environment, r: random.Random, history: History) -> Iterator[simpy.Event]:
    slots = simpy.Resource(env, SLOTS)
    number = 0
    while True:
        yield env.timeout(r.expovariate(0.5))
        env.process(patient_q8(env, number, r, history, slots))
        number += 1


def run_q8(seed: int = 1) -> History:
    """Twenty years of Q8; the history."""
    env = simpy.Environment()
    history: History = []
    env.process(arrivals_q8(env, random.Random(seed), history))
    env.run(until=DAYS)
    return history
