"""Costs and utilities of a log: what falls due when, who waits, what is held, and what adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.economics import valuation as valuations
from sim.economics.endpoints import economic_outcomes, endpoints
from sim.economics.program import write_program
from sim.economics.valuation import Valuation
from sim.engine.run import simulate
from sim.outcomes.history.history import History
from sim.pathway.drawn_tables import ParameterPathway
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.language.drawn import Drawn, occurrences
from sim.scenario.language.model import Scenario
from sim.units import DAYS_IN
from tests import cohorts
from tests.valued import at_prices_of, priced, valued

YEAR = DAYS_IN["year"]
SCENARIOS = Path(__file__).parents[3] / "scenarios"
UNDISCOUNTED = "{currency: GBP, discount: {cost: 0, qaly: 0}, convention: annual}"

CLINIC = """
    home:
      state: well
      utility: 0.9
      cost: {per_day: 2}
      events: {comes: {after: {exponential: {mean: 20 days}}, to: choice}}
    choice: {decide: {ward: 0.7, scan: rest}, on_entry: [{add: {seen: 1}}], cost: {on_entry: 5}}
    ward:
      state: ill
      utility: 0.5
      cost: {on_entry: {beds: 100}, per_day: {beds: {by: seen, 1: 30, 2: 40, rest: 50}}}
      needs: [bed, {when: {seen: {at_least: 2}}, resource: monitor}]
      events:
        out: {after: {gamma: {shape: 4, mean: 6 days}}, to: {home: 0.6, scan: 0.3, dead: rest}, cost: {transport: 7}}
    scan:
      state: ill
      utility: 0.6
      needs: [scanner, monitor]
      events: {scanned: {after: {uniform: [1 days, 3 days]}, to: {home: 0.5, ward: rest}, qaly: -0.001}}
    dead: {state: dead, terminal: true}
"""
PRICED_RESOURCES = """{
  bed: {capacity: %s, release: %s, cost: {per_use: {beds: 11}, per_day: {beds: 13}}},
  monitor: {capacity: %s, release: %s, cost: {per_use: {kit: 17}, per_day: {kit: {by: seen, 1: 19, rest: 23}}}},
  scanner: {capacity: %s, cost: {per_use: {kit: 300}}}}"""


def clinic(
    capacity: str, release: str = "on_leaving", *, economics: str = UNDISCOUNTED, **parts: object
) -> str:
    kept = capacity, release
    return priced(
        CLINIC,
        states="{well: {}, ill: {}, dead: {}}",
        economics=economics,
        horizon="400 days",
        attributes="{seen: 0}",
        resources=(PRICED_RESOURCES % (*kept, *kept, capacity)).replace("release: on_leaving, ", ""),
        number=int(str(parts.get("number", 200))),
    )


# ---------------------------------------------------------------- metamorphic


@pytest.mark.parametrize("release", ["on_leaving", "when_next_granted"])
def test_a_resource_that_leaves_no_rows_costs_the_same_as_one_that_is_never_short(release: str) -> None:
    """Holding is read from what stages need where the log does not say it, from the log where it does."""
    unlimited, ample = valued(clinic("unlimited", release)), valued(clinic("100000", release))
    assert unlimited.history.log.n_rows < ample.history.log.n_rows
    for category, amounts in ample.cost.items():
        assert amounts.undiscounted.sum() > 0
        assert unlimited.cost[category].undiscounted == pytest.approx(amounts.undiscounted), category
    assert unlimited.qaly.undiscounted == pytest.approx(ample.qaly.undiscounted)


@pytest.mark.parametrize("release", ["on_leaving", "when_next_granted"])
def test_each_unit_held_costs(release: str) -> None:
    """Two monitors in the ward, of which the scan needs one: from the log, and from what stages need."""
    one = clinic("unlimited", release)
    texts = [
        text.replace("resource: monitor}", "resource: monitor, units: 2}")
        for text in (one, clinic("100000", release))
    ]
    unlimited, ample = (valued(text) for text in texts)
    assert unlimited.cost["kit"].undiscounted == pytest.approx(ample.cost["kit"].undiscounted)
    assert ample.cost["kit"].undiscounted.sum() > 1.1 * valued(one).cost["kit"].undiscounted.sum()
    stages = "ward: {{state: ill, needs: [{need}], events: {{out: {{after: {{fixed: 4 days}}, to: dead}}}}}}\ndead: {{state: dead, terminal: true}}"
    resources = "{bed: {capacity: 9, cost: {per_use: 10, per_day: 3}}}"
    for need, cost in (("bed", 10 + 3 * 4), ("{resource: bed, units: 3}", 3 * (10 + 3 * 4))):
        text = priced(
            stages.format(need=need),
            states="{ill: {}, dead: {}}",
            economics=UNDISCOUNTED,
            resources=resources,
            number=3,
        )
        assert valued(text).cost["other"].undiscounted.tolist() == [cost] * 3


def test_unlimited_and_scarce_resources_side_by_side() -> None:
    """Who waits for a scarce bed is not given the unlimited monitor before the grant, and keeps it after."""
    stages = """
        first: {state: well, needs: monitor, events: {on: {after: {fixed: 4 days}, to: second}}}
        second: {state: ill, needs: [bed, monitor], events: {on: {after: {fixed: 10 days}, to: third}}}
        third: {state: ill, needs: bed, events: {on: {after: {fixed: 1 days}, to: fourth}}}
        fourth: {state: ill, needs: [monitor, bed], events: {on: {after: {fixed: 2 days}, to: dead}}}
        dead: {state: dead, terminal: true}
    """
    resources = "{bed: {capacity: 1}, monitor: {capacity: unlimited, cost: {per_use: 100, per_day: 1}}}"
    states = "{well: {}, ill: {}, dead: {}}"
    text = priced(stages, states=states, resources=resources, economics=UNDISCOUNTED, number=2)
    cost = valued(text).total_cost.undiscounted
    # 4 + 10 days in one use and 2 in another; the second patient waits 13 days, the monitor kept
    assert cost.tolist() == [200 + 16, 200 + 16 + 13]
    dropped = text.replace("second: {state: ill, needs: [bed, monitor]", "second: {state: ill, needs: bed")
    # the monitor is given back before the wait
    assert valued(dropped).total_cost.undiscounted.tolist() == [200 + 6, 200 + 6]
    kept = dropped.replace(
        "{capacity: unlimited, cost", "{capacity: unlimited, release: when_next_granted, cost"
    )
    assert valued(kept).total_cost.undiscounted.tolist() == [200 + 6, 200 + 6 + 13]


def test_utilities_of_one_without_discounting_are_life_years_to_the_last_bit() -> None:
    economics = UNDISCOUNTED
    text = clinic("3", economics=economics).replace("utility: 0.9", "utility: 1")
    text = text.replace("utility: 0.5", "utility: 1").replace("utility: 0.6", "utility: 1")
    text = text.replace(", qaly: -0.001", "")
    valuation = valued(text)
    assert valuation.qaly.undiscounted.tobytes() == valuation.life_years.undiscounted.tobytes()
    assert valuation.qaly.discounted.tobytes() == valuation.life_years.discounted.tobytes()
    log = valuation.history.log
    alive = np.where(log.ends < log.follow_up, log.ends, log.follow_up)
    assert valuation.life_years.undiscounted.tobytes() == (alive / YEAR).tobytes()


def test_prices_of_zero_cost_exactly_nothing() -> None:
    text = clinic("3")
    for price in (
        "per_day: 2",
        "on_entry: 5",
        "beds: 100",
        "transport: 7",
        "beds: 11",
        "beds: 13",
        "kit: 17",
    ):
        text = text.replace(price, f"{price.rpartition(' ')[0]} 0")
    text = text.replace("1: 30, 2: 40, rest: 50", "1: 0, rest: 0").replace("1: 19, rest: 23", "1: 0, rest: 0")
    valuation = valued(text.replace("kit: 300", "kit: 0"))
    for amounts in (*valuation.cost.values(), valuation.total_cost):
        assert not amounts.discounted.any()
        assert not amounts.undiscounted.any()


def test_a_price_changed_after_the_run_gives_the_bits_of_a_run_with_that_price() -> None:
    economics = "{currency: GBP, discount: {cost: 0.035, qaly: 0.015}, convention: annual}"
    before = clinic("3", economics=economics)
    after = (
        before.replace("beds: 13", "beds: 57")
        .replace("utility: 0.9", "utility: 0.85")
        .replace("0.035", "0.05")
    )
    run_before = cohorts.run(before)
    cheap = at_prices_of(cohorts.read(before), run_before)
    repriced, run_anew = at_prices_of(cohorts.read(after), run_before), valued(after)
    assert repriced.qaly.discounted.tobytes() == run_anew.qaly.discounted.tobytes()
    for category, amounts in run_anew.cost.items():
        assert repriced.cost[category].discounted.tobytes() == amounts.discounted.tobytes()
    assert repriced.cost["beds"].discounted.sum() > cheap.cost["beds"].discounted.sum()


def test_a_compilation_is_announced_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(valuations, "is_kept", lambda name: False)
    monkeypatch.setattr(valuations, "IS_COMPILED", True)
    valuations._announce_compilation.cache_clear()
    for _ in range(2):
        assert valued(clinic("3")).life_years.undiscounted.any()
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "compiling the valuation of costs and QALYs"
    ]


def test_parts_add_up_to_the_total() -> None:
    valuation = valued(clinic("3"))
    by_stage = sum(amounts.undiscounted for amounts in valuation.cost_by_stage.values())
    assert by_stage == pytest.approx(valuation.total_cost.undiscounted)
    everybody = np.arange(valuation.history.log.n_patients)
    by_year = valuation.cost_by_year(everybody)
    assert len(by_year) == 2
    assert by_year.sum() == pytest.approx(valuation.total_cost.undiscounted.sum())
    few = np.array([3, 7, 8])
    assert valuation.cost_by_year(few).sum() == pytest.approx(valuation.total_cost.undiscounted[few].sum())
    assert valuation.qaly_by_year(everybody).sum() == pytest.approx(valuation.qaly.undiscounted.sum())
    assert valuation.qaly_by_year(few).sum() == pytest.approx(valuation.qaly.undiscounted[few].sum())


def test_yearly_costs_of_one_patient() -> None:
    stages = """
        before: {state: well, events: {on: {after: {fixed: 0.5 years}, to: flow}}}
        flow: {state: well, cost: {per_year: 8}, events: {off: {after: {fixed: 2.25 years}, to: after, cost: 100}}}
        after: {state: well, terminal: true}
    """
    valuation = valued(priced(stages, economics=UNDISCOUNTED, horizon="4 years"))
    assert valuation.cost_by_year(np.array([0])) == pytest.approx([4, 8, 6 + 100, 0])


# ---------------------------------------------------------------- waiting


WAITING = """
    home: {state: well, utility: 0.9, cost: {per_day: 3}, events: {on: {after: {fixed: 10 days}, to: ward}}}
    ward:
      state: ill
      utility: 0.4
      cost: {on_entry: 500, per_day: 50}
      needs: bed
      while_waiting: {call: {every: {fixed: 6 days}, to: stay, cost: {calls: {by: stage, home: 2, rest: 1000}}}}
      events: {out: {after: {fixed: 20 days}, to: after}}
    after: {state: well, utility: 0.9, cost: {per_day: 0}, terminal: true}
"""


WAITING_FIRST = """
    ward:
      state: ill
      utility: 0.4
      cost: {on_entry: 500, per_day: 50}
      needs: bed
      while_waiting: {call: {every: {fixed: 6 days}, to: stay, cost: {calls: 2}}}
      events: {out: {after: {fixed: 20 days}, to: after}}
    after: {state: well, utility: 0.9, terminal: true}
"""


def test_a_waiting_patient_keeps_the_utility_and_the_daily_cost_of_the_stage_left() -> None:
    text = priced(
        WAITING,
        states="{well: {}, ill: {}}",
        economics=UNDISCOUNTED,
        horizon="100 days",
        number=2,
        resources="{bed: {capacity: 1}}",
    )
    valuation = valued(text)
    # the second patient waits from day 10 to day 30
    assert valuation.cost["other"].undiscounted.tolist() == [10 * 3 + 500 + 1000, 30 * 3 + 500 + 1000]
    assert valuation.cost["calls"].undiscounted.tolist() == [0, 3 * 2]
    days = [0.9 * 10 + 0.4 * 20 + 0.9 * 70, 0.9 * 30 + 0.4 * 20 + 0.9 * 50]
    assert valuation.qaly.undiscounted == pytest.approx(np.array(days) / YEAR, rel=1e-15)
    assert valuation.cost_by_stage["home"].undiscounted.tolist() == [30, 90 + 6]


def test_who_waits_for_the_first_stage_has_its_utility_and_cost() -> None:
    text = priced(
        WAITING_FIRST,
        states="{well: {}, ill: {}}",
        economics=UNDISCOUNTED,
        horizon="100 days",
        number=2,
        resources="{bed: {capacity: 1}}",
    )
    valuation = valued(text)
    assert valuation.cost["other"].undiscounted.tolist() == [500 + 1000, 500 + 2000]
    assert valuation.cost["calls"].undiscounted.tolist() == [0, 3 * 2]
    assert valuation.qaly.undiscounted == pytest.approx(np.array([0.4 * 20 + 72, 0.4 * 40 + 54]) / YEAR)


def test_a_resource_kept_while_its_holder_waits_goes_on_costing() -> None:
    stages = """
        ward: {state: ill, needs: bed, events: {out: {after: {fixed: 5 days}, to: rehab}}}
        rehab: {state: ill, needs: place, events: {out: {after: {fixed: 30 days}, to: after}}}
        after: {state: well, terminal: true}
    """
    resources = "{bed: {capacity: 2, release: when_next_granted, cost: {per_use: 100, per_day: 1}}, place: {capacity: 1}}"
    states = "{well: {}, ill: {}}"
    text = priced(
        stages, states=states, economics=UNDISCOUNTED, horizon="90 days", number=2, resources=resources
    )
    assert valued(text).total_cost.undiscounted.tolist() == [105, 135]
    released = text.replace("release: when_next_granted, ", "")
    assert valued(released).total_cost.undiscounted.tolist() == [105, 105]


# ---------------------------------------------------------------- when a choice is made


def test_a_cost_of_an_event_is_read_after_its_effects_and_before_those_of_the_next_stage() -> None:
    stages = """
        a:
          state: well
          events:
            on:
              after: {fixed: 10 days}
              do: [{add: {n: 1}}, {stamp: left}]
              to: b
              cost: {by: n, 1: 10, rest: 1000}
        b:
          state: well
          on_entry: [{add: {n: 1}}, {set: {m: 1}}, {stamp: came}]
          cost: {on_entry: {entry: {by: n, 2: 7, rest: 1000}}}
          events:
            on:
              after: {fixed: 10 days}
              to: c
              cost: {by: m, 1: 20, rest: 1000}
        c:
          state: well
          on_entry: [{set: {m: 5}}]
          events:
            on: {after: {fixed: 1 days}, to: d, cost: [{when: {stage: c, days_in_stage: 1, visits.d: 0, since.left: 11, since.came: 11}, value: 40}, {value: 1000}]}
        d: {state: well, on_entry: [{stamp: came}, {set: {n: 9}}], terminal: true}
    """
    valuation = valued(priced(stages, economics=UNDISCOUNTED, horizon="90 days", attributes="{n: 0, m: 0}"))
    assert valuation.cost["other"].undiscounted.tolist() == [10 + 20 + 40]
    assert valuation.cost["entry"].undiscounted.tolist() == [7]


def test_utilities_and_daily_costs_are_read_anew_after_every_event() -> None:
    stages = """
        a:
          state: well
          utility: [{when: {current_age: {at_least: 51}}, value: 0.5}, {value: 1}]
          cost: {per_day: [{when: {days_in_stage: {at_least: 20}}, value: 10}, {value: 1}]}
          events:
            tick: {every: {fixed: 20 days}, to: stay}
            on: {after: {fixed: 90 days}, to: dead}
        dead: {state: dead, terminal: true}
    """
    text = priced(stages, economics=UNDISCOUNTED, attributes="{age: 50.95}")
    valuation = valued(text)
    # 51 years are reached on day 18.3, and noticed at the tick of day 20
    assert valuation.total_cost.undiscounted.tolist() == [20 + 700]
    assert valuation.qaly.undiscounted == pytest.approx([(20 + 35) / YEAR])


def test_a_utility_of_the_state_is_replaced_by_that_of_the_stage() -> None:
    stages = """
        a: {state: ill, events: {on: {after: {fixed: 10 days}, to: b}}}
        b: {events: {on: {after: {fixed: 10 days}, to: c}}}
        c: {utility: 0.3, events: {on: {after: {fixed: 10 days}, to: dead}}}
        dead: {state: dead, terminal: true}
    """
    text = priced(
        stages, states="{ill: {utility: {by: n, 0: 0.8, rest: 0}}, dead: {}}", economics=UNDISCOUNTED
    )
    valuation = valued(text.replace("attributes: {}", "attributes: {n: 0}"))
    assert valuation.qaly.undiscounted == pytest.approx([(8 + 8 + 3) / YEAR])


def test_todays_patients_have_paid_for_entering_already(tmp_path) -> None:
    (tmp_path / "today.csv").write_text("stage,days_in_stage\nward,12\nhome,3\n")
    stages = """
        home: {state: well, cost: {per_day: 1, on_entry: 50}, events: {on: {after: {fixed: 1000 days}, to: ward}}}
        ward: {state: well, needs: bed, cost: {on_entry: 500}, events: {out: {after: {fixed: 20 days}, to: after}}}
        after: {state: well, cost: {on_entry: 7}, terminal: true}
    """
    for capacity in ("unlimited", "5"):
        text = priced(
            stages,
            economics=UNDISCOUNTED,
            horizon="40 days",
            patients="{number: 1, from_file: today.csv}",
            resources=f"{{bed: {{capacity: {capacity}, cost: {{per_use: 90, per_day: 2}}}}}}",
        )
        file = tmp_path / "scenario.yaml"
        file.write_text(text)
        scenario = load(file)
        cost = at_prices_of(scenario, cohorts.simulate(cohorts.compile_pathway(scenario))).total_cost
        # in the ward for 8 days more; at home; and one who arrives and pays for entering home
        assert cost.undiscounted.tolist() == [16 + 7, 40, 50 + 40], capacity


# ---------------------------------------------------------------- outcomes


def test_outcomes_depend_on_what_the_scenario_values() -> None:
    everything = (
        *("cost", "qaly", "life_years", "net_benefit", "net_benefit_by_threshold"),
        *("cost_by_stage", "cost_by_year"),
    )
    text = clinic("3", economics=UNDISCOUNTED.replace("}, conv", "}, threshold: 20000, conv"))
    scenario = cohorts.read(text)
    assert economic_outcomes(scenario) == everything
    assert economic_outcomes(cohorts.read(clinic("3"))) == tuple(
        name for name in everything if not name.startswith("net_benefit")
    )
    assert economic_outcomes(load(SCENARIOS / "first_steps.yaml")) == ()
    assert economic_outcomes(replace(scenario, economics=None)) == ()


def test_estimates_by_category_and_net_benefit() -> None:
    text = clinic("100000", economics=UNDISCOUNTED.replace("}, conv", "}, threshold: 20000, conv"))
    scenario, result = cohorts.read(text), cohorts.run(text)
    history = History(result.log, result.use, scenario)
    valuation = Valuation(history)
    everybody = np.arange(result.log.n_patients)
    figures = {outcome.name: endpoint.figures(everybody) for outcome, endpoint in endpoints(history)}
    cost = {
        key: estimate for key, estimate in figures["cost"].estimates.items() if key.measure == "undiscounted"
    }
    assert [key.part for key in cost] == ["", *valuation.cost]
    total = valuation.total_cost.undiscounted
    whole = next(iter(cost.values()))
    assert whole.value == total.mean()
    assert whole.error == pytest.approx(total.std(ddof=1) / np.sqrt(len(total)))
    net = next(iter(figures["net_benefit"].estimates.values())).value
    assert net == pytest.approx(
        20000 * valuation.qaly.discounted.mean() - valuation.total_cost.discounted.mean()
    )
    by_threshold = {
        float(key.part): estimate.value
        for key, estimate in figures["net_benefit_by_threshold"].estimates.items()
        if key.measure == "discounted"
    }
    assert list(by_threshold) == [5000 * k for k in range(9)]
    assert by_threshold[20000] == net
    qaly, costs = valuation.qaly.discounted.mean(), valuation.total_cost.discounted.mean()
    assert by_threshold == pytest.approx({worth: worth * qaly - costs for worth in by_threshold})
    years = [estimate.value for estimate in figures["cost_by_year"].estimates.values()]
    assert sum(years) == pytest.approx(whole.value)


# ---------------------------------------------------------------- the pass over the log


@pytest.mark.parametrize("capacity", ["3", "unlimited"])
def test_compiled_and_ordinary_python_give_the_same_bits(
    capacity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    economics = "{currency: GBP, discount: {cost: 0.035, qaly: 0.015}, convention: annual}"
    text = clinic(capacity, economics=economics, number=20)
    scenario, result = cohorts.read(text), cohorts.run(text)
    compiled = at_prices_of(scenario, result)
    found = [compiled.qaly, compiled.life_years, *compiled.cost.values(), *compiled.cost_by_stage.values()]
    years = compiled.cost_by_year(np.arange(20))
    in_python = getattr(valuations.value_patients, "py_func", valuations.value_patients)
    monkeypatch.setattr(valuations, "value_patients", in_python)
    ordinary = at_prices_of(scenario, result)
    again = [ordinary.qaly, ordinary.life_years, *ordinary.cost.values(), *ordinary.cost_by_stage.values()]
    for one, other in zip(found, again, strict=True):
        assert one.discounted.tobytes() == other.discounted.tobytes()
        assert one.undiscounted.tobytes() == other.undiscounted.tobytes()
    assert years.tobytes() == ordinary.cost_by_year(np.arange(20)).tobytes()


def test_prices_of_each_replication_are_those_of_its_draw() -> None:
    """Prices, utilities and limits of the shipped scenario follow from parameters; the log is of one draw."""
    file = SCENARIOS / "cn_academic.yaml"
    names = [parameter.name for parameter in load(file).parameters]
    scenario = load(file, keep=names, settings=["patients.number=40"])
    pathway = compile_pathway(scenario)
    result = simulate(pathway, seed=1, replications=2, workers=1)
    log = result.log
    program = write_program(scenario, log.names)
    base = {number.operands: float(number) for number in drawn_parts(scenario) if number.operation is None}
    priced_by = {column for _, number in program.drawn for column in number.columns}
    assert len(priced_by) > 20
    other = {column: value * (0.9 if column in priced_by else 1.0) for column, value in base.items()}
    both = Valuation(History(log, result.use, scenario), program.at([base, other]))
    for replication, values in enumerate((base, other)):
        here = log.replication == replication
        alone = at_prices_of(ParameterPathway(pathway).scenario_at(values), result)
        assert both.qaly.discounted[here].tobytes() == alone.qaly.discounted[here].tobytes()
        for category, amounts in alone.cost.items():
            mine = both.cost[category]
            assert mine.discounted[here].tobytes() == amounts.discounted[here].tobytes()
    assert both.total_cost.discounted[log.replication == 1].sum() > 0.0


def drawn_parts(scenario: Scenario) -> Iterator[Drawn]:
    """Every number that follows from parameters, and what it follows from."""
    waiting = [one.number for one in occurrences(scenario)]
    while waiting:
        number = waiting.pop()
        yield number
        waiting += [part for part in number.operands if isinstance(part, Drawn)]
