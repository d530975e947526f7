"""Draws by name: each has a key of its own."""

from __future__ import annotations

import pytest

from sim.errors import ScenarioError
from sim.pathway.rows import name_key, reject_equal_keys


def test_two_draws_with_one_hash_are_named() -> None:
    names = ["ward.discharge", "ward.death", "home.death"]
    reject_equal_keys(names, [name_key(name) for name in names])
    with pytest.raises(ScenarioError) as error:
        reject_equal_keys(names, [1, 2, 1])
    assert str(error.value).endswith(
        "the draws `ward.discharge` and `home.death` have the same hash\n    rename one of the two"
    )
