"""The cases of `allpath verify`: their references, and that the program agrees with them.

Those of queues run in a shorter form in `make test`, see test_queues.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.verification.battery import Verdict
from sim.verification.suite import PARTS, compared, engines_agree
from sim.verification.theory.case import Case
from sim.verification.theory.queues import NOT_PUBLISHED


def cases(*left_out: str) -> Iterator[Case]:
    for part, made in PARTS.items():
        if part not in left_out:
            yield from made()


CASES = {case.name: case for case in cases()}
QUICK = [case.name for case in cases("queues")]

PRINTED = {
    ("Weibull time", "survival at day 5"): 0.44776186,  # flexsurv 2, R
    ("Weibull time", "median"): 4.420850,
    ("Weibull time", "mean until day 10"): 4.974605,
    ("gamma time", "mean until day 10"): 3.905669,
    ("lognormal time", "survival at day 5"): 0.23091019,
    ("loglogistic time", "mean until day 10"): 3.086019,
    ("generalised gamma time", "survival at day 5"): 0.12858724,
    ("generalised gamma time", "median"): 1.907943,
    ("generalised gamma time", "mean until day 10"): 2.565907,
    ("Weibull time, hazard ratio 0.7", "median"): 5.95101120,
    ("Weibull time, time ratio 1.3", "median"): 5.74710529,
    ("Weibull time, hazard ratio 0.5 for two days", "mean until day 10"): 5.53940710,
    ("Weibull time, hazard ratio 0.5, waning from day 2 to 5", "survival at day 5"): 0.58293327,
    ("Weibull time, already three days", "median"): 3.63556161,
    ("three competing events of different families", "incidence of x at day 1"): 0.14627040,
    ("three competing events of different families", "incidence of y at day 5"): 0.06121644,
    ("three competing events of different families", "incidence of z at day 5"): 0.13146186,
    ("fixed wait, constant hazard of leaving", "ever served"): 0.63381384,
    ("gamma wait, constant hazard of leaving", "ever served"): 0.64093710,
    ("lognormal wait, constant hazard of leaving", "ever served"): 0.64695745,
    ("uniform wait, constant hazard of leaving", "ever served"): 0.67533502,
    ("gamma wait against a Weibull clock", "ever served"): 0.79911459,
    ("up to four cycles", "ends in one"): 0.64671215,
    ("up to four cycles", "still undecided"): 0.05764801,
    ("up to four cycles", "days"): 51.73697200,
    ("up to four cycles", "cost, discounted"): 1844.268296,
    ("Markov chain of five states", "in a at year 0.5"): 0.26773491,
    ("Markov chain of five states", "in gone at year 2"): 0.73267250,
    ("Markov chain of five states", "entries into c"): 0.24956672,
    ("Markov chain of five states", "ever in c"): 0.24120603,
    ("Markov chain of five states", "life-years"): 1.65337955,
    ("Markov chain of five states", "life-years, discounted"): 1.55071279,
    ("Markov chain of five states", "QALYs, discounted"): 0.96278815,
    ("reversible illness, hazard ratio 1", "QALYs, discounted"): 13.04878049,
    ("reversible illness, hazard ratio 0.7", "cost, discounted"): 52195.271722,
    ("two survival curves, time ratio 1", "QALYs, discounted"): 3.482559,
    ("two survival curves, time ratio 1.3", "cost, discounted"): 8981.932,
    ("remaining time shortened, hazard ratio 0.7", "cost, discounted"): 69331.72,
    ("remaining time shortened, hazard ratio 1", "QALYs, discounted"): 6.4415,
}
"""Results of other programs (R, heormodel, WARDEN) for the same inputs, as printed there."""


def digits(number: float) -> float:
    """A unit of the last digit, and a little: quadrature there has errors of its own."""
    return 1.01 * 10.0 ** -len(str(number).partition(".")[2])


@pytest.mark.parametrize(("case", "quantity"), PRINTED)
def test_references_equal_those_of_other_programs(case: str, quantity: str) -> None:
    (known,) = (one for one in CASES[case].known if one.what == quantity)
    printed = PRINTED[case, quantity]
    assert known.value == pytest.approx(printed, abs=max(digits(printed), 2e-8))


def test_names_are_unique() -> None:
    assert len(CASES) == len(list(cases()))


@pytest.mark.parametrize("name", QUICK)
def test_a_case_agrees_with_theory(name: str) -> None:
    """Every comparison passes, which includes its power."""
    verdicts = {one.quantity: one.verdict for one in compared("", CASES[name], workers=1)}
    assert verdicts == dict.fromkeys(verdicts, Verdict.PASS)


def test_both_engines_simulate_every_case_alike() -> None:
    found = engines_agree([CASES[name] for name in QUICK])
    assert found.verdict is Verdict.PASS
    assert f"of {len(QUICK)} cases" in found.quantity


@pytest.mark.long
@pytest.mark.parametrize("name", NOT_PUBLISHED)
def test_a_queue_agrees_with_theory(name: str) -> None:
    verdicts = {one.quantity: one.verdict for one in compared("", CASES[name], workers=1)}
    assert verdicts == dict.fromkeys(verdicts, Verdict.PASS)
