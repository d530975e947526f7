"""Laws as papers print them: a mean, median, quartiles or survival in place of a family's own arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def own_arguments(family: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The family's own arguments, solved for where the law is given otherwise."""
    given = dict(arguments)
    if family == "lognormal" and "sigma" in given:
        given["sdlog"] = given.pop("sigma")
    if family == "lognormal" and "median" in given:
        given["meanlog"] = math.log(given.pop("median"))
    if family == "gamma" and "scale" in given:
        given["rate"] = 1.0 / given.pop("scale")
    if family == "gamma" and "mean" in given:
        given["rate"] = given["shape"] / given.pop("mean")
    if family == "exponential" and "mean" in given:
        given["rate"] = 1.0 / given.pop("mean")
    if family == "exponential" and "median" in given:
        given["rate"] = math.log(2.0) / given.pop("median")
    if family == "beta" and "mean" in given:
        mean, sd = given.pop("mean"), given.pop("sd")
        n = mean * (1.0 - mean) / sd**2 - 1.0
        given["a"], given["b"] = mean * n, (1.0 - mean) * n
    return given
