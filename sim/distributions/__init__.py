"""Distributions: the families of the language, from their arguments to times and hazards."""

from sim.distributions.families import Leaf, checked_leaf, leaf, leaf_mean, leaf_median
from sim.distributions.leaves import (
    COMMON_KINDS,
    KINDS_WITH_COMMON_TIME,
    common_quantile,
    common_time,
    leaf_hazard,
    leaf_hazard_before,
    leaf_quantile,
    leaf_time,
)

__all__ = [
    "COMMON_KINDS",
    "KINDS_WITH_COMMON_TIME",
    "Leaf",
    "checked_leaf",
    "common_quantile",
    "common_time",
    "leaf",
    "leaf_hazard",
    "leaf_hazard_before",
    "leaf_mean",
    "leaf_median",
    "leaf_quantile",
    "leaf_time",
]
