"""Published results that are computed: each is the value of its formula, to the last digit given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, log, log1p, log2, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.stats import weibull_min

from sim.scenario import load
from sim.verification.theory.queues import erlang_b, erlang_c, stationary
from tests.published_models.models import results

Floats = NDArray[np.float64]
Rates = Mapping[str, Mapping[str, float]]
Known = dict[str, float]


def generator(rates: Rates) -> Floats:
    """Of the states that can be left, in their order; the rest of each row leads to death."""
    names = list(rates)
    found = np.zeros((len(names), len(names)))
    for i, to in enumerate(rates.values()):
        for other, rate in to.items():
            found[i, i] -= rate
            if other in names:
                found[i, names.index(other)] += rate
    return found


def total(rates: Rates, values: list[float], force: float, years: float = np.inf) -> float:
    """The integral of a discounted value from the first state on: (e^(K t) - 1) K^-1 v, K = G - force."""
    killed = generator(rates) - force * np.eye(len(rates))
    end = expm(years * killed) if np.isfinite(years) else np.zeros_like(killed)
    return float((np.linalg.solve(killed, end - np.eye(len(rates))) @ np.array(values))[0])


def illness_death() -> Known:
    found: Known = {}
    totals = {}
    for name, ratio in (("usual care", 1.0), ("new treatment", 0.7)):
        rates = {"well": {"ill": 0.15 * ratio, "dead": 0.02 * ratio}, "ill": {"well": 0.3, "dead": 0.1}}
        totals[name] = total(rates, [1, 0.7], 0.03), total(rates, [2000, 8000], 0.03)
        found[f"{name} QALYs"], found[f"{name} cost"] = totals[name]
    qaly, cost = (totals["new treatment"][i] - totals["usual care"][i] for i in (0, 1))
    against = "new treatment against usual care"
    return found | {f"{against} QALYs": qaly, f"{against} cost per QALY gained": cost / qaly}


def discounted_years(scale: float) -> float:
    """Of a Weibull time of shape 1.2, at a force of 3%."""
    found, _ = quad(
        lambda t: weibull_min.sf(t, 1.2, scale=scale) * exp(-0.03 * t), 0, 400, limit=500, epsabs=1e-11
    )
    return float(found)


def partitioned_survival() -> Known:
    found: Known = {}
    totals = {}
    for name, factor in (("usual care", 1.0), ("new treatment", 1.3)):
        free, alive = (discounted_years(scale * factor) for scale in (3, 6))
        after = alive - free
        totals[name] = 0.8 * free + 0.6 * after, 1000 * free + 2000 * after
        found[f"{name} QALYs"], found[f"{name} cost"] = totals[name]
        found[f"{name} cost before progression"] = 1000 * free
        found[f"{name} cost after progression"] = 2000 * after
    qaly, cost = (totals["new treatment"][i] - totals["usual care"][i] for i in (0, 1))
    return found | {
        "usual care alive at 5 years": weibull_min.sf(5, 1.2, scale=6),
        "usual care free of progression at 2 years": weibull_min.sf(2, 1.2, scale=3),
        "new treatment against usual care cost per QALY gained": cost / qaly,
    }


def leukaemia_chain() -> Known:
    rates = {
        "chemo": {"remission": 1.2, "relapse": 1.0, "dead": 0.6},
        "remission": {"transplant": 0.9, "relapse": 0.8, "dead": 0.15},
        "transplant": {"relapse": 0.25, "dead": 0.2},
        "relapse": {"chemo": 0.5, "dead": 1.5},
    }
    labels = ("in chemo", "in remission", "transplanted", "in relapse")
    found: Known = {}
    for text, years in (
        ("3 months", 0.25),
        ("6 months", 0.5),
        ("1 years", 1),
        ("2 years", 2),
        ("5 years", 5),
    ):
        shares = expm(years * generator(rates))[0]
        found |= {f"occupancy {label} at {text}": x for label, x in zip(labels, shares, strict=True)}
        found[f"occupancy dead at {text}"] = 1 - shares.sum()
    within = [total(rates, list(row), 0.0) for row in np.eye(4)]
    force = log(1.035)
    before = generator({name: to for name, to in rates.items() if name != "transplant"})
    return found | {
        "totals life-years": sum(within),
        "totals life-years, discounted": total(rates, [1] * 4, force),
        "totals QALYs": total(rates, [0.55, 0.8, 0.75, 0.4], force),
        "totals years in chemotherapy": within[0],
        "totals years in relapse": within[3],
        "totals transplants, repeats counted": 0.9 * within[1],
        "totals ever transplanted": np.linalg.solve(-before, [0, 0.9, 0])[0],
    }


def sick_sicker_cohort() -> Known:
    found: Known = {}
    totals = {}
    strategies = {
        "standard of care": (0, 0.75, 1.0),
        "strategy A": (12000, 0.95, 1.0),
        "strategy B": (13000, 0.75, 0.6),
        "strategy AB": (25000, 0.95, 0.6),
    }
    for name, (price, utility, ratio) in strategies.items():
        rates = {
            "healthy": {"sick": 0.15, "dead": 0.002},
            "sick": {"healthy": 0.5, "sicker": 0.105 * ratio, "dead": 0.006},
            "sicker": {"dead": 0.02},
        }
        cost, qaly = (
            total(rates, values, log(1.03), 75)
            for values in ([2000, 4000 + price, 15000 + price], [1, utility, 0.5])
        )
        totals[name] = cost, qaly
        found[f"cost, {name}"], found[f"QALYs, {name}"] = cost, qaly
    for label, name, other in (
        ("B", "strategy B", "standard of care"),
        ("AB against B", "strategy AB", "strategy B"),
    ):
        cost, qaly = (totals[name][i] - totals[other][i] for i in (0, 1))
        found[f"cost per QALY gained, {label}"] = cost / qaly
    return {f"limit of a vanishing cycle {name}": value for name, value in found.items()}


def yearly(
    rows: Callable[[int], Floats], values: Callable[[int], Floats], rate: float, years: range
) -> float:
    """The discounted sum of a value over a cohort that moves once a year."""
    shares = np.eye(4)[0]
    found = 0.0
    for year in range(years.stop):
        if year:
            shares = shares @ rows(year)
        if year in years:
            found += float(shares @ values(year)) * (1 + rate) ** -year
    return found


def sick_sicker_microsimulation() -> Known:
    rate = -log1p(-0.005)
    sick, sicker = (1 - exp(-ratio * rate) for ratio in (3, 10))
    rows = np.array(
        [
            [0.845, 0.15, 0, 0.005],
            [0.5, 1 - 0.5 - 0.105 - sick, 0.105, sick],
            [0, 0, 1 - sicker, sicker],
            [0, 0, 0, 1],
        ]
    )
    found: Known = {}
    totals = {}
    for name, price, utility in (("no treatment", 0, 0.75), ("treatment", 12000, 0.95)):
        values = {"cost": [2000, 4000 + price, 15000 + price, 0], "QALYs": [1, utility, 0.5, 0]}
        totals[name] = {
            what: yearly(lambda year: rows, lambda year, v=v: np.array(v), 0.03, range(31))
            for what, v in values.items()
        }
        found |= {f"{name} {what}": value for what, value in totals[name].items()}
    cost, qaly = (totals["treatment"][what] - totals["no treatment"][what] for what in ("cost", "QALYs"))
    name = "treatment against none"
    return found | {f"{name} cost": cost, f"{name} QALYs": qaly, f"{name} cost per QALY gained": cost / qaly}


def hiv() -> Known:
    counts = np.array([[1251, 350, 116, 17], [0, 731, 512, 15], [0, 0, 1312, 437], [0, 0, 0, 1.0]])
    rows = counts / counts.sum(axis=1, keepdims=True)
    slower = 0.509 * rows + (1 - 0.509) * np.eye(4)
    care = np.array([1701 + 1055, 1774 + 1278, 6948 + 2059, 0.0])
    alive = np.array([1.0, 1, 1, 0])
    found: Known = {}
    for name, early in (("monotherapy", rows), ("combination", slower)):
        extra = 2086.5 if name == "combination" else 0.0

        def moves(year: int, early: Floats = early) -> Floats:
            return early if year <= 2 else rows

        def costs(year: int, extra: float = extra) -> Floats:
            return care + alive * (2278 + (extra if year <= 2 else 0.0))

        found[f"{name} life-years"] = yearly(moves, lambda year: alive, 0.0, range(1, 21))
        found[f"{name} cost"] = yearly(moves, costs, 0.06, range(1, 21))
    cost, years = (
        found[f"combination {what}"] - found[f"monotherapy {what}"] for what in ("cost", "life-years")
    )
    return found | {"combination against monotherapy cost per life-year gained": cost / years}


def remaining_time() -> Known:
    found: Known = {}
    totals = {}
    for name, worse, price in (("no intervention", 0.2, 0), ("intervention", 0.14, 1000)):

        def years(force: float, worse: float = worse) -> tuple[float, float]:
            first = 1 / (worse + 0.05 + force)
            return first, worse * first / (0.05 / 0.8 + force)

        sick, sicker = years(log1p(0.035))
        qaly, cost = 0.8 * sick + 0.5 * sicker, (3000 + price) * sick + (7000 + price) * sicker
        totals[name] = qaly, cost
        found |= {f"{name} life-years": sick + sicker, f"{name} QALYs": qaly, f"{name} cost": cost}
        found[f"{name} life-years, undiscounted"] = sum(years(0.0))
    qaly, cost = (totals["intervention"][i] - totals["no intervention"][i] for i in (0, 1))
    name = "intervention against none"
    return found | {f"{name} QALYs": qaly, f"{name} cost per QALY gained": cost / qaly}


def car_t_waiting() -> Known:
    waiting, treated = -log(1 - 0.751), -log(1 - 0.34)
    found: Known = {}
    for name, years in (("one month", 1 / 12), ("nine months", 9 / 12)):
        found[f"constant rates infused after {name}"] = exp(-waiting * years)
        found[f"constant rates {name}"] = exp(-waiting * years - treated * (1 - years))
    return found


def impatient(name: str, servers: int, rate: float, service: float, leaving: float) -> Known:
    known = stationary(servers, rate, service, leaving=leaving)
    shares = {
        "share who wait": known.waits,
        "utilisation": known.in_use / servers,
        "wait": known.queue / rate,
    }
    lost = leaving * known.queue / rate
    found = shares | {"share who leave": lost, "share lost": lost}
    return {f"{name} {what}": value for what, value in found.items()}


def slots(name: str, servers: int, rate: float) -> Known:
    return impatient(name, servers, rate, 1 / 38, 0.012)


def queues() -> Known:
    bounded = stationary(2, 1.8, 1.0, room=6)
    admitted = 1.8 * (1 - bounded.chances[-1])
    first, second = 0.56 / 0.88, 0.3 + 0.6 * 0.56 / 0.88
    waits = [erlang_c(n, flow / mu) / (n * mu - flow) for n, flow, mu in ((1, first, 1.2), (2, second, 0.5))]
    present = first * (waits[0] + 1 / 1.2) + second * (waits[1] + 2)
    urgent = 0.7 / (1 - 0.3)
    empty = 1 / (1 + 0.15 * (0.75 * 8 + 0.25 * 3))
    return {
        "M/M/1 wait": 1.0,
        "M/M/1 queue": 0.5,
        "M/M/1 utilisation": 0.5,
        "Erlang B turned away": erlang_b(3, 3.0),
        "M/M/2/6 turned away": bounded.chances[-1],
        "M/M/2/6 wait": bounded.queue / admitted,
        **impatient("Erlang A", 10, 10.0, 1.0, 0.5),
        "two classes wait of the urgent": urgent,
        "two classes wait of the others": urgent / (1 - 0.7),
        "network wait for the first station": waits[0],
        "network wait for the second station": waits[1],
        "network time in the system": present / 0.8,
        "network utilisation of the first station": first / 1.2,
        "network utilisation of the second station": second,
        "petrol station a car at the pump": 0.15 * 0.75 * 8 * empty,
        "petrol station a motorcycle at the pump": 0.15 * 0.25 * 3 * empty,
        **{f"petrol station {name}": 1 - empty for name in ("pump in use", "turned away")},
        **slots("manufacturing slots", 7, 0.17),
    }


def queues_more() -> Known:
    small = stationary(2, 3.0, 4.0, room=3)
    found: Known = {
        "M/M/2/3 turned away": small.chances[-1],
        "M/M/2/3 servers in use": small.in_use,
        "M/M/2/3 queue": small.queue,
        **impatient("M/M/12+M", 12, 6.0, 0.5, 0.1),
        "M/G/infinity servers in use": 10.0,
        **slots("five manufacturing slots", 5, 0.17),
        **slots("manufacturing slots, more referrals", 7, 0.25),
        "M/D/1 wait": 2.0,
        "M/U/1 wait": 0.8 * 4 / 3 / (2 * 0.2),
        "M/M/1 at 80% wait": 4.0,
        "M/M/1 at 80% queue": 3.2,
        "M/M/1 at 80% share who wait over a day": 0.8 * exp(-0.2),
    }
    for name, servers, rate, mean in (
        ("M/M/3, a bank", 3, 0.2, 10),
        ("M/M/3", 3, 2.4, 1),
        ("M/M/4", 4, 3.4, 1),
    ):
        waits = erlang_c(servers, rate * mean)
        wait = waits * mean / (servers - rate * mean)
        found |= {f"{name} share who wait": waits, f"{name} wait": wait, f"{name} queue": rate * wait}
    urgent = erlang_c(3, 2.4) / 3 / (1 - 1 / 3)
    found["three servers, two classes wait of the urgent"] = urgent
    found["three servers, two classes wait of the others"] = urgent / (1 - 0.8)
    queue = fixed_service(7, 0.17 * 38)
    name = "manufacturing slots, fixed times"
    return found | {f"{name} queue": queue, f"{name} wait": queue / 0.17}


def fixed_service(servers: int, load: float, room: int = 400) -> float:
    """The mean queue of M/D/c: the number present one service later is the excess over c plus new arrivals."""
    arrivals = np.array(
        [exp(-load + k * log(load) - sum(log(i) for i in range(2, k + 1))) for k in range(room)]
    )
    moves = np.zeros((room, room))
    for k in range(room):
        left = max(k - servers, 0)
        moves[k, left:] = arrivals[: room - left]
    moves /= moves.sum(axis=1, keepdims=True)
    for _ in range(int(log2(1 << 20))):
        moves = moves @ moves
    return float(np.maximum(np.arange(room) - servers, 0) @ moves[0])


FORMULAS: dict[str, Callable[[], Known]] = {
    one.__name__: one
    for one in (
        *(illness_death, partitioned_survival, leukaemia_chain, sick_sicker_cohort, remaining_time),
        *(sick_sicker_microsimulation, hiv, car_t_waiting, queues, queues_more),
    )
}
NOT_COMPUTED = ("printed", "draws of the parameters")


@pytest.mark.parametrize("name", FORMULAS)
def test_computed_results_are_those_of_the_formula(name: str) -> None:
    known = FORMULAS[name]()
    figures = [
        figure
        for target in results(name).targets
        for figure in target.figures
        if not figure.label.startswith(NOT_COMPUTED)
    ]
    assert figures
    for figure in figures:
        value = known[figure.label]
        assert figure.published == pytest.approx(value, abs=0.51 * figure.rounding, rel=1e-9), figure.label


def test_the_uncertainty_of_the_relative_risk_is_that_of_its_interval() -> None:
    file = results("hiv").scenarios["combination"]
    (ratio,) = (one for one in load(file).parameters if one.name == "ratio")
    assert sqrt(0.365 * 0.710) == pytest.approx(0.509, abs=5e-4)
    assert str(round((log(0.710) - log(0.365)) / 3.92, 8)) in str(ratio.uncertainty)
