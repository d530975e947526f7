"""A pathway for other values of its parameters equals the one compiled from a file with these values."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import units
from sim.engine.run import simulate
from sim.errors import Problems, ScenarioError
from sim.event_log.log import EventLog
from sim.pathway.drawn_tables import ParameterPathway
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.checks.draws import check_draws
from sim.scenario.language.drawn import Drawn, occurrences, without_parameters
from sim.scenario.language.model import Scenario
from sim.scenario.language.reader import has_default
from sim.scenario.source.inheritance import assemble

SHIPPED = sorted(Path("scenarios").glob("*.yaml")) + sorted(
    Path("scenarios/strategies/academic").glob("*.yaml")
)
SHIPPED = [file for file in SHIPPED if file.name not in ("sources.yaml", "first_steps.yaml")]
"""The commercial strategies have parameters in the same places."""


def base_values(scenario: Scenario) -> dict[tuple[str, str], float]:
    """The value of every parameter that a scenario keeps."""
    found = {}

    def add(number: Drawn) -> None:
        if number.operation is None:
            found[number.operands] = float(number)
        for part in number.operands:
            if isinstance(part, Drawn):
                add(part)

    for one in occurrences(scenario):
        add(one.number)
    return found


def as_settings(file: Path, values: dict[tuple[str, str], float]) -> list[str]:
    """The settings that give the parameters of a file these values, in the units they have."""
    tree = assemble(file, (), problems=Problems(), has_default=has_default).node.value["parameters"].value

    def text(node, value):
        kind = units.kind(node.value)
        return {"time": f"{value!r} days", "rate": f"{value!r} per day"}.get(kind, repr(value))

    found = {}
    for (name, key), value in values.items():
        node = tree[name].value["value"]
        if key:
            found.setdefault(name, {})[key] = text(node.value[key], value)
        else:
            found[name] = text(node, value)
    return [
        f"parameters.{name}.value="
        + (one if isinstance(one, str) else "{" + ", ".join(f"{k}: {v}" for k, v in one.items()) + "}")
        for name, one in found.items()
    ]


def other_values(values: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Values a little below these, where a vector keeps its sum."""
    chance = np.random.default_rng(1)
    found = {}
    for (name, key), value in values.items():
        found[name, key] = value if key else value * (1.0 - 0.05 * chance.random())
    vectors = {name for name, key in values if key}
    for name in vectors:
        keys = [key for other, key in values if other == name]
        moved = found[name, keys[0]] / 8.0
        found[name, keys[0]] -= moved
        found[name, keys[-1]] += moved
    return found


@pytest.mark.parametrize("file", SHIPPED, ids=str)
def test_shipped_scenarios(file: Path) -> None:
    """Tables and scenario are those of the file with other values, to the bit."""
    names = {one.name for one in load(file).parameters if one.uncertainty}
    kept = load(file, keep=names)
    values = other_values(base_values(kept))
    found = ParameterPathway.of(kept).at(values)
    again = compile_pathway(load(file, settings=as_settings(file, values), keep=names))
    np.testing.assert_array_equal(found.tables.program, again.tables.program)
    np.testing.assert_array_equal(found.tables.numbers, again.tables.numbers)


EVERY_PLACE = """\
format: 1
title: Numbers of parameters in many places
horizon: 2000 days
states: {ill: {utility: $u}, dead: {}}
economics: {currency: GBP, discount: {cost: 0.03, qaly: 0.03}, convention: annual}
parameters:
  u: {value: 0.7, uncertainty: {beta: {n: 50}}}
  log_median: {value: 1.5, uncertainty: {normal: {sd: 0.1}}}
  scale: {value: 0.02, uncertainty: {lognormal: {sigma: 0.1}}}
  low: {value: 10 days, uncertainty: {lognormal: {sigma: 0.1}}}
  risk: {value: 0.2, uncertainty: {beta: {n: 50}}}
  log_ratio: {value: -0.3, uncertainty: {normal: {sd: 0.1}}}
  age: {value: 50, uncertainty: {normal: {sd: 3}}}
  price: {value: 900, uncertainty: {gamma: {shape: 9}}}
  shares: {value: {a: 0.5, b: 0.3, c: 0.2}, uncertainty: {dirichlet: {n: 100}}}
  wait: {value: 3 weeks, uncertainty: {lognormal: {sigma: 0.2}}}
patients: {number: 200, attributes: {age: {normal: {mean: 50, sd: 9}}, kind: {categorical: $shares}}}
conditions: {old: {age: {above: $age}}}
pathway:
  start: one
  stages:
    one:
      state: ill
      cost: {per_month: $price, on_entry: $price}
      events:
        a: {after: {lognormal: {meanlog: $log_median, sdlog: 0.5, unit: months}}, to: two}
        b: {after: {weibull_ph: {shape: 1.2, scale: $scale, unit: months}, hazard_ratios: [{log: $log_ratio, when: old}]}, to: two}
        c: {after: {uniform: [$low, 40 days]}, to: two}
        d: {after: {exponential: {risk: {1 years: $risk}}, plus: $wait}, to: dead}
    two:
      state: ill
      events: {d: {after: {royston_parmar: {scale: hazard, gamma: [$log_ratio, 1.1], knots: [0, 3], unit: months}}, to: dead}}
    dead: {state: dead, terminal: true}
"""


def written(folder: Path, text: str = EVERY_PLACE) -> tuple[Path, Scenario]:
    """A scenario in a file, loaded so that all its uncertain parameters are kept."""
    file = folder / "scenario.yaml"
    file.write_text(text)
    return file, load(file, keep={one.name for one in load(file).parameters if one.uncertainty})


def test_many_places(tmp_path: Path) -> None:
    """Units, logarithms, prices a month, conditions, ratios and vectors follow their parameters."""
    file, kept = written(tmp_path)
    values = other_values(base_values(kept))
    assert {name for name, _ in values} == {one.name for one in kept.parameters}
    pathway = ParameterPathway.of(kept)
    again = load(file, settings=as_settings(file, values))
    plain = compile_pathway(again)
    assert pathway.scenario_at(values) == replace(
        again, text=kept.text, digest=kept.digest, parameters=kept.parameters, changes=kept.changes,
        is_layered=kept.is_layered, files=kept.files, notes=kept.notes,
    )  # fmt: skip
    one, other = simulate(pathway.at(values), seed=3).log, simulate(plain, seed=3).log
    for name in EventLog.__slots__:
        if isinstance(getattr(one, name), np.ndarray):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_what_outcomes_read(tmp_path: Path) -> None:
    """Prices and utilities follow their parameters in the pathway that is simulated, too."""
    _, kept = written(tmp_path)
    values = other_values(base_values(kept))
    pathway = ParameterPathway.of(kept)
    found, whole = pathway.at(values).scenario, pathway.scenario_at(values)
    assert [(stage.cost, stage.utility) for stage in found.stages] == [
        (stage.cost, stage.utility) for stage in whole.stages
    ]
    assert found.stage("one").cost.on_entry == values["price", ""]
    assert found.states == whole.states


def test_base_values(tmp_path: Path) -> None:
    """Keeping parameters changes neither text nor digest, and at the base values no number."""
    file, kept = written(tmp_path)
    plain = load(file)
    assert (kept.text, kept.digest) == (plain.text, plain.digest)
    assert without_parameters(kept) == plain
    pathway = ParameterPathway.of(kept)
    found = pathway.at(base_values(kept)).tables.numbers
    np.testing.assert_array_equal(found, pathway.pathway.tables.numbers)


def test_equal_values_stay_apart(tmp_path: Path) -> None:
    """Two parameters with one value, and a constant of that value, are three numbers."""
    text = EVERY_PLACE.replace("low: {value: 10 days", "low: {value: 21 days").replace(
        "uniform: [$low, 40 days]", "uniform: [$low, 21.5 days]"
    )
    _, kept = written(tmp_path, text)
    values = base_values(kept) | {("wait", ""): 30.0}
    found = ParameterPathway.of(kept).scenario_at(values)
    events = {event.name: event for event in found.stage("one").events}
    assert events["c"].after.arguments["low"] == 21.0
    assert events["d"].after.plus == 30.0


def test_other_rows(tmp_path: Path) -> None:
    """Where values need another kind of distribution, the pathway is compiled anew."""
    file, kept = written(tmp_path)
    values = base_values(kept) | {("low", ""): 40.0}
    found = ParameterPathway.of(kept).at(values)
    plain = compile_pathway(load(file, settings=["parameters.low.value=40 days"]))
    np.testing.assert_array_equal(found.tables.program, plain.tables.program)
    np.testing.assert_array_equal(found.tables.numbers, plain.tables.numbers)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (("u", ""), 1.01, "`u` is 1.01 in draw 7; a number here is at most 1, full health"),
        (("shares", "a"), 0.6, "the probabilities sum to 1.1 in draw 7"),
        (
            ("price", ""),
            -2.0,
            "`price` is -2 in draw 7, which makes -0.0657084 here; a number here is 0 or more",
        ),
        (("wait", ""), -1.0, "`wait` is -1 in draw 7"),
    ],
)
def test_rules_of_the_language(tmp_path: Path, column: tuple[str, str], value: float, message: str) -> None:
    """A draw that breaks a rule is an error that names the parameter and the draw."""
    _, kept = written(tmp_path)
    values = {name: np.array([base, base]) for name, base in base_values(kept).items()}
    check_draws(kept, values, [3, 7])
    values[column] = np.array([values[column][0], value])
    with pytest.raises(ScenarioError, match=re.escape(message)):
        check_draws(kept, values, [3, 7])


def test_no_place_for_a_draw(tmp_path: Path) -> None:
    """The horizon cannot be drawn."""
    _, kept = written(tmp_path, EVERY_PLACE.replace("horizon: 2000 days", "horizon: $wait"))
    values = {name: np.array([base]) for name, base in base_values(kept).items()}
    with pytest.raises(ScenarioError, match="`wait` is drawn, and stands where no number can be drawn"):
        check_draws(kept, values, [0])
