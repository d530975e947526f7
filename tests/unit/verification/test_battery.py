"""The battery of checks: it passes on sound scenarios, and each check fails where something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.runs.run import RunRequest
from sim.verification import battery, variants
from sim.verification.battery import Check, Verdict, verify
from tests.command import ended, output_of

WARD = """\
format: 1
title: A ward with one bed, its costs and its utilities
horizon: 3 years
states: {ill: {utility: 0.6}, well: {utility: 0.9}, dead: {}}
economics: {currency: GBP, discount: {cost: 0.03, qaly: 0.03}, convention: annual, threshold: 1000}
parameters:
  mean: {value: 60 days, uncertainty: {gamma: {shape: 9}}, source: an example, status: assumed}
  cured: {value: 0.7, uncertainty: {beta: {n: 40}}, source: an example, status: assumed}
patients: {number: 40, attributes: {fit: {bernoulli: 0.5}}}
pathway:
  start: home
  stages:
    home: {state: ill, events: {comes: {after: {exponential: {mean: $mean}}, to: ward, chance: 0.9}}}
    ward:
      state: ill
      needs: bed
      cost: {on_entry: 100, per_day: {by: fit, true: 5, false: 8}}
      while_waiting: {death: {after: {exponential: {mean: 300 days}}, to: gone}}
      events: {out: {after: {gamma: {shape: 4, mean: 9 days}}, to: {well: $cured, home: rest}, cost: 20, qaly: -0.01}}
    well: {state: well, events: {death: {after: {weibull: {shape: 1.2, mean: 500 days}}, to: gone}}}
    gone: {state: dead, terminal: true}
resources: {bed: {capacity: 1, cost: {per_use: 10}}}
outcomes: {survival: {from: start, until: {state: dead}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "ward.yaml").write_text(WARD)
    return tmp_path / "ward.yaml"


def found(file: Path) -> dict[str, Check]:
    return {one.check: one for one in verify(RunRequest.of(file, workers=1)).checks}


def test_all_checks_of_a_sound_scenario_pass(file: Path) -> None:
    """The scenario has a queue, a chance, a choice, costs and parameters: every check applies."""
    checks = found(file)
    assert {name: one.verdict for name, one in checks.items()} == dict.fromkeys(checks, Verdict.PASS)
    assert len(checks) == 20


FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {}


def fault(check: str, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function of the battery, by its name, that is replaced so that the check must fail."""

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        FAULTS[check] = name, function
        return function

    return keep


@fault("occupancy sums to one", "battery.state_occupancy")
def _more_patients(real: Callable[..., Any], *args: Any, **options: Any) -> Any:
    occupancy = real(*args, **options)
    return replace(occupancy, share=occupancy.share * (1 + 1e-6))


@fault("a hazard ratio of 1 changes nothing", "variants.with_hazard_ratio")
def _another_ratio(real: Callable[..., Any], scenario: Any, ratio: float, name: str = "") -> Any:
    return real(scenario, 1.01 * ratio, name)


@fault("a higher hazard never delays its event", "variants.with_hazard_ratio")
def _lower_hazard(real: Callable[..., Any], scenario: Any, ratio: float, name: str = "") -> Any:
    return real(scenario, 1.0 / ratio if name == "well.death" else ratio, name)


@fault("chance 0", "variants.with_chance")
def _some_chance(real: Callable[..., Any], scenario: Any, name: str, chance: float) -> Any:
    return real(scenario, name, max(chance, 0.2))


@fault("chance 1", "variants.with_chance")
def _no_certainty(real: Callable[..., Any], scenario: Any, name: str, chance: float) -> Any:
    return real(scenario, name, min(chance, 0.8))


@fault("unlimited capacity", "variants.unlimited")
def _limited(real: Callable[..., Any], scenario: Any) -> Any:
    return scenario


@fault("mirrored arms", "battery._differences")
def _not_mirrored(real: Callable[..., Any], results: Any) -> Any:
    return {key: value + 1e-9 for key, value in real(results).items()}


@fault("costs doubled", "variants.with_prices_times")
def _other_prices(real: Callable[..., Any], scenario: Any, factor: float) -> Any:
    return real(scenario, 1.001 * factor)


@fault("costs of zero", "variants.with_prices_times")
def _some_price(real: Callable[..., Any], scenario: Any, factor: float) -> Any:
    return real(scenario, max(factor, 0.001))


@fault("utilities of zero", "variants.with_utility")
def _some_utility(real: Callable[..., Any], scenario: Any, utility: float) -> Any:
    return real(scenario, max(utility, 0.001))


@fault("utilities of one", "variants.with_utility")
def _less_utility(real: Callable[..., Any], scenario: Any, utility: float) -> Any:
    return real(scenario, 0.999 * utility)


@fault("no discounting", "variants.without_discounting")
def _discounted(real: Callable[..., Any], scenario: Any) -> Any:
    return scenario


@pytest.mark.parametrize("check", FAULTS)
def test_a_check_fails_where_something_is_wrong(
    check: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, function = FAULTS[check]
    module, _, attribute = name.partition(".")
    place = {"battery": battery, "variants": variants}[module]
    real = getattr(place, attribute)
    monkeypatch.setattr(place, attribute, lambda *args, **options: function(real, *args, **options))
    assert found(file)[check].verdict is Verdict.FAIL


def test_checks_of_other_random_numbers_fail(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cohort with another seed in every simulation but the first."""
    real, seeds = battery.simulate, iter(range(1, 10_000))
    monkeypatch.setattr(
        battery, "simulate", lambda *args, **options: real(*args, **options | {"seed": next(seeds)})
    )
    monkeypatch.setattr(battery, "CHECKS", [one for one in battery.CHECKS if "extremes" not in one.__name__])
    failed = {name for name, one in found(file).items() if one.verdict is Verdict.FAIL}
    assert failed >= {
        "the future does not act on the past",
        "one patient",
        "the number of workers changes no byte",
        "two engines give the same bytes",
    }


def test_events_after_the_end_are_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that patients leave is declared terminal."""
    case = battery._Case(RunRequest.of(file), RunRequest.of(file).load())
    assert case.history
    stages = tuple(replace(one, terminal=one.terminal or one.name == "home") for one in case.scenario.stages)
    case.scenario = replace(case.scenario, stages=stages)
    verdicts = {one.check: one.verdict for one in battery._states(case)}
    assert verdicts["deaths never fall"] is Verdict.FAIL


@pytest.mark.parametrize("late", [False, True])
def test_times_out_of_order_are_found(file: Path, late: bool) -> None:
    """One event is moved before the one that precedes it, or past the end of follow-up."""
    case = battery._Case(RunRequest.of(file), RunRequest.of(file).load())
    log, row = case.base.log, 2
    assert log.time[row - 1] > 0
    times = log.time.copy()
    times[row] = 1e6 if late else log.time[row - 1] - 1e-6
    case.base = replace(case.base, log=replace(log, time=times))
    verdicts = {one.check: one.verdict for one in battery._states(case)}
    assert verdicts["times are in order"] is Verdict.FAIL


def test_a_discount_that_adds_is_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Life-years that are worth more the later they are."""
    real = battery._Case.valued

    def valued(case: battery._Case, scenario: Any) -> Any:
        return real(case, replace(scenario, economics=replace(scenario.economics, discount_qaly=-0.03)))

    monkeypatch.setattr(battery._Case, "valued", valued)
    assert found(file)["discounting"].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("{value: 0.7, uncertainty: {beta: {n: 40}}", "{value: 0.7, uncertainty: {normal: {sd: 0.2}}", "cured at 99.9%"),
        ("{value: 0.7, uncertainty: {beta: {n: 40}}", "{value: 0.3, uncertainty: {normal: {sd: 0.2}}", "cured at 0.1%"),
        ("utility: 0.9", "utility: $good", "good at 99.9%"),
        ("on_entry: 100", "on_entry: $price", "price at 0.1%"),
    ],
)  # fmt: skip
def test_a_parameter_that_leaves_its_bounds_is_named(file: Path, before: str, after: str, where: str) -> None:
    """A normal distribution of a probability (0.7 + 3.09 x 0.2 is more than 1), a utility, a price."""
    more = {
        "$good": "  good: {value: 0.9, uncertainty: {normal: {sd: 0.1}}, source: an example, status: assumed}\n",
        "$price": "  price: {value: 100, uncertainty: {normal: {sd: 50}}, source: an example, status: assumed}\n",
    }
    added = next((text for name, text in more.items() if name in after), "")
    file.write_text(WARD.replace(before, after).replace("parameters:\n", f"parameters:\n{added}"))
    check = found(file)["extreme values of parameters"]
    assert check.verdict is Verdict.FAIL
    assert check.value == 1
    assert check.note.startswith(f"{where}: ")


def test_the_command_writes_a_page_with_each_check(tmp_path: Path) -> None:
    """Checks that do not apply have their reason there; the JSON has no table beside it."""
    (tmp_path / "nothing.yaml").write_text(NOTHING.replace("NUMBER", "3"))
    words = ("verify", "nothing.yaml", "--workers", "1")
    printed = output_of(*words, "--report", "page.html", folder=tmp_path)
    assert printed.endswith("Written to page.html\n")
    page = (tmp_path / "page.html").read_text("utf-8")
    checks = json.loads(output_of(*words, "--json", "-", folder=tmp_path))["checks"]
    assert {one["verdict"] for one in checks} == {"pass", "not applicable"}
    for one in checks:
        assert one["check"] in page
        assert one["check"] in printed
        assert one["verdict"] == "pass" or one["note"] in page


def test_what_does_not_apply_has_its_reason(tmp_path: Path) -> None:
    lines = [
        line
        for line in WARD.splitlines()
        if not line.startswith(("economics", "resources", "  mean", "  cured"))
    ]
    text = "\n".join(lines).replace("parameters:\n", "").replace("$mean", "60 days").replace("$cured", "0.7")
    for part in (
        "      needs: bed\n",
        "      cost: {on_entry: 100, per_day: {by: fit, true: 5, false: 8}}\n",
    ):
        text = text.replace(part, "")
    text = (
        text.replace(", cost: 20, qaly: -0.01", "")
        .replace("{utility: 0.6}", "{}")
        .replace("{utility: 0.9}", "{}")
    )
    lines = [line for line in text.splitlines() if "while_waiting" not in line]
    (tmp_path / "plain.yaml").write_text("\n".join(lines))
    checks = found(tmp_path / "plain.yaml")
    reasons = {name: one.note for name, one in checks.items() if one.verdict is Verdict.NOT_APPLICABLE}
    assert set(reasons) == {
        "unlimited capacity",
        "costs",
        "utilities",
        "discounting",
        "extreme values of parameters",
    }
    assert all(reasons.values())
    assert {one.verdict for name, one in checks.items() if name not in reasons} == {Verdict.PASS}


NOTHING = """\
format: 1
title: Nothing happens, nothing costs
horizon: 30 days
states: {well: {utility: 1}, dead: {}}
economics: {currency: GBP, discount: {cost: 0, qaly: 0}, convention: annual}
patients: {number: NUMBER}
resources: {bed: {capacity: 5}}
outcomes: {survival: {from: start, until: {state: dead}}}
pathway:
  start: home
  stages:
    home: {state: well, needs: bed, cost: {per_day: 0}, events: {death: {after: {fixed: 90 days}, to: gone}}}
    gone: {state: dead, terminal: true}
"""


@pytest.mark.parametrize("number", [1, 3])
def test_what_could_not_fail_is_no_pass(number: int, tmp_path: Path) -> None:
    """No event before the horizon, no cost, no discount, no queue; for one patient no QALYs either."""
    text = NOTHING.replace("NUMBER", str(number))
    alone = {"one patient": "the cohort is one patient", "utilities of zero": "nobody has QALYs"}
    (tmp_path / "nothing.yaml").write_text(text.replace("utility: 1", "utility: 0") if number == 1 else text)
    checks = found(tmp_path / "nothing.yaml")
    reasons = {name: one.note for name, one in checks.items() if one.verdict is Verdict.NOT_APPLICABLE}
    assert reasons == {
        "a higher hazard never delays its event": "no path differs with a doubled hazard",
        "chance 0": "no event of a stage occurs",
        "chance 1": "no event of a stage occurs",
        "unlimited capacity": "nobody waits in the scenario itself",
        "mirrored arms": "the arms do not differ",
        "costs": "nobody has a cost",
        "discounting": "the rate of discount of QALYs is 0",
        "extreme values of parameters": reasons["extreme values of parameters"],
        **(alone if number == 1 else {}),
    }
    assert {one.verdict for name, one in checks.items() if name not in reasons} == {Verdict.PASS}


def test_a_queue_that_never_empties(tmp_path: Path) -> None:
    """Six patients arrive for each that a bed can take; most wait until the horizon."""
    text = WARD.replace("number: 40", "arrive: {poisson: 1 per day, for: 90 days}").replace(
        "3 years", "90 days"
    )
    text = text.replace("mean: 9 days", "mean: 6 days").replace("value: 60 days", "value: 1 days")
    (tmp_path / "queue.yaml").write_text(text)
    checks = found(tmp_path / "queue.yaml")
    reasons = {name for name, one in checks.items() if one.verdict is Verdict.NOT_APPLICABLE}
    assert reasons == {"one patient"}
    assert {one.verdict for name, one in checks.items() if name not in reasons} == {Verdict.PASS}


CHOICES = """\
format: 1
title: Times that depend on the patient, and costs by category
horizon: 3 years
states: {ill: {}, well: {}, dead: {}}
economics: {currency: GBP, discount: {cost: 0.03, qaly: 0.03}, convention: annual}
patients: {number: 600, attributes: {fit: {bernoulli: 0.5}}}
parameters:
  cured: {value: 0.3, uncertainty: {beta: {n: 40}}, source: an example, status: assumed}
pathway:
  start: home
  stages:
    home:
      state: ill
      cost: {on_entry: {visit: 20}, per_day: {drugs: 3}}
      events:
        away: {after: {categorical: {9 days: 0.5, 20 days: 0.5}}, to: away}
        relapse: {after: {mixture_cure: {cured: $cured, of: {exponential: {mean: 50 days}}}}, to: gone}
    away:
      state: well
      events:
        end:
          after: [{when: {fit: true}, value: {exponential: {mean: 2 years}}}, {value: {exponential: {mean: 1 year}}}]
          to: gone
    gone: {state: dead, terminal: true}
"""


def test_a_scenario_without_outcomes(tmp_path: Path) -> None:
    """Nor utilities or queues; its parameter is varied with 500 of the 600 patients."""
    (tmp_path / "choices.yaml").write_text(CHOICES)
    checks = found(tmp_path / "choices.yaml")
    reasons = {name: one.note for name, one in checks.items() if one.verdict is Verdict.NOT_APPLICABLE}
    assert reasons["mirrored arms"] == "the scenario has no outcomes"
    assert "costs" not in reasons
    assert checks["a higher hazard never delays its event"].compared.startswith("2 events, ")
    assert {one.verdict for name, one in checks.items() if name not in reasons} == {Verdict.PASS}


def test_nobody_dies(tmp_path: Path) -> None:
    """A terminal stage that is no death, and is not reached."""
    text = WARD.replace("after: {weibull: {shape: 1.2, mean: 500 days}}", "after: {fixed: 9 years}")
    text = text.replace(
        "after: {exponential: {mean: 300 days}}, to: gone", "after: {fixed: 9 years}, to: gone"
    )
    (tmp_path / "nobody.yaml").write_text(text)
    checks = found(tmp_path / "nobody.yaml")
    assert checks.pop("mirrored arms").note == "the arms do not differ"  # the one outcome is survival
    assert {one.verdict for one in checks.values()} == {Verdict.PASS}


def test_the_command_ends_with_1_where_a_check_fails(file: Path) -> None:
    printed = output_of("verify", "ward.yaml", "--workers", "1", folder=file.parent)
    assert printed.splitlines()[-1] == "20 of 20 checks pass"
    file.write_text(WARD.replace("{beta: {n: 40}}", "{normal: {sd: 0.2}}"))
    status, _, message = ended("verify", "ward.yaml", "--workers", "1", folder=file.parent)
    assert (status, message) == (1, "ward.yaml: 19 of 20 checks pass\n")
