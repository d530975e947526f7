"""Means and medians of leaves, for the description of a scenario."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.distributions.laws import leaf_quantile

if TYPE_CHECKING:
    from sim.distributions.families import Leaf


def leaf_median(leaf: Leaf) -> float:
    """The median; inf where fewer than half ever get there."""
    return float(leaf_quantile(leaf.kind, np.array(leaf.numbers), 0, 0.5))


def leaf_mean(leaf: Leaf) -> float:
    """The mean; inf where there is none."""
    return math.nan
