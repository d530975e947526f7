"""Whatever is done to a valid file, it is taken in, or refused with problems; nothing else comes out."""

import shutil
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import ScenarioError
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.source import tree

VALID = Path(__file__).parents[1] / "conformance" / "valid"
FILES = sorted(p for p in VALID.glob("*.yaml") if not p.stem.endswith(".resolved"))
VALUES: tuple[Any, ...] = (
    *(0, 1, -1, 0.5, 2, 1e300, -1e-300, True, False, "", "x", "stay", "start", "rest", "by", "$x", "80%"),
    *(
        "28 days",
        "0 days",
        "1 per day",
        "0 per day",
        "unlimited",
        "ward",
        "home",
        "current_age",
        "since.start",
        "a\0b",
    ),
    *([], {}, [[]], [{}], {"by": "sex"}, [{"value": 1}], [{"when": {}, "value": 1}, {"value": 2}]),
    *({"fixed": "1 days"}, {"home": "rest"}, {"ever": "start"}, {"age": {"in": [1]}}, {"0 days": 1}),
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a tree: what holds it and the key or index it stands at."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        holder = todo.pop()
        keys = (
            list(holder)
            if isinstance(holder, dict)
            else range(len(holder))
            if isinstance(holder, list)
            else []
        )
        for key in keys:
            found.append((holder, key))
            todo.append(holder[key])
    return found


def mutate(root: Any, chance: Random) -> None:
    """One change: a key or item lost, replaced, renamed, repeated or moved."""
    places = spots(root)
    holder, key = chance.choice(places)
    what = chance.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = deepcopy(chance.choice(VALUES))
    elif what == 2 and isinstance(holder, dict):
        holder[chance.choice([*(str(k) for _, k in places), "x", "28 days", "a.b", "0", "true"])] = (
            holder.pop(key)
        )
    elif what == 3 and isinstance(holder, list):
        holder.append(holder[key])
    else:
        other, its = chance.choice(places)
        copy = tree.plain(tree.read_text(tree.write(other[its]), "copy"))
        holder[key] = copy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mutated") / "valid"
    shutil.copytree(VALID, made)
    return made


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.integers(0, 2**32), st.integers(1, 3))
def test_a_mutated_file_is_taken_in_or_refused(folder: Path, file: Path, seed: int, times: int) -> None:
    chance = Random(seed)
    root = tree.plain(tree.read_file(file))
    for _ in range(times):
        if root:
            mutate(root, chance)
    mutated = folder / "mutated.yaml"
    mutated.write_text(tree.write(root), encoding="utf-8")
    try:
        scenario = load(mutated)
        compile_pathway(scenario)
    except ScenarioError:
        return
    again = folder / "again.yaml"
    again.write_text(scenario.text, encoding="utf-8")
    assert load(again).text == scenario.text


DOLLARS = ("$ x", "$", "$h years", "$wait days", "$ 5")
WITH_DOLLARS = (
    *("first_steps", "values_every_word", "resources_every_word", "effects_every_word", "layer_changes"),
    *("outcomes_every_word", "parameters_of_every_form", "conditions_every_word", "modifiers_in_order"),
    *(
        "attributes_that_depend",
        "patients_in_a_table",
        "arrivals_poisson_in_steps",
        "distribution_spline_odds",
    ),
)


@pytest.mark.parametrize("file", WITH_DOLLARS)
def test_a_dollar_without_a_name_is_an_error_wherever_it_stands(folder: Path, file: str) -> None:
    shipped = Path(__file__).parents[2] / "scenarios" / f"{file}.yaml"
    root = tree.plain(tree.read_file(shipped if file == "first_steps" else VALID / f"{file}.yaml"))
    mutated = folder / "mutated.yaml"
    for n, (holder, key) in enumerate(spots(root)):
        if isinstance(holder[key], (dict, list)):
            continue
        value, holder[key] = holder[key], DOLLARS[n % len(DOLLARS)]
        mutated.write_text(tree.write(root), encoding="utf-8")
        with pytest.raises(ScenarioError) as error:
            load(mutated)
        assert any(problem.where.place.line for problem in error.value.problems)
        holder[key] = value
