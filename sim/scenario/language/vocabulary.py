"""The words of the language that are not keys of an element: modifiers, families, comparisons.

The text of each word is used by error messages, the JSON Schema and the reference page.
"""

from __future__ import annotations

from dataclasses import dataclass

TIME, RATE, SIGNED_RATE, PLAIN, BARE = "time", "rate", "signed rate", "plain", "bare"
"""Kinds of arguments; a bare one is a number whose size depends on the unit of time."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of distributions.

    meaning: its arguments as the reference gives them. arguments: of what kind each is, where they are named.
    listed: their names in order, where they are a list.
    """

    meaning: str
    arguments: dict[str, str] | None = None
    listed: tuple[str, ...] = ()


_LOW_HIGH, _LOW_MODE_HIGH = ("low", "high"), ("low", "mode", "high")

FAMILIES: dict[str, Family] = {
    "fixed": Family("TIME: always this long"),
    "uniform": Family("[low, high]", listed=_LOW_HIGH),
    "triangular": Family("[low, mode, high]", listed=_LOW_MODE_HIGH),
    "pert": Family(
        "[low, mode, high], a beta distribution with its mode there and weight 4", listed=_LOW_MODE_HIGH
    ),
    "exponential": Family("rate", {"rate": RATE}),
    "weibull": Family("shape scale: S(t) = exp(-(t/scale)^shape)", {"shape": PLAIN, "scale": TIME}),
    "weibull_ph": Family(
        "shape scale: S(t) = exp(-scale t^shape); a bare scale needs `unit`", {"shape": PLAIN, "scale": BARE}
    ),
    "gompertz": Family(
        "shape rate, both rates: hazard rate exp(shape t); a negative shape leaves survivors",
        {"shape": SIGNED_RATE, "rate": RATE},
    ),
    "lognormal": Family(
        "meanlog sdlog (also sigma); a bare meanlog needs `unit`",
        {"meanlog": BARE, "sdlog": PLAIN, "sigma": PLAIN},
    ),
    "loglogistic": Family("shape scale: S(t) = 1 / (1 + (t/scale)^shape)", {"shape": PLAIN, "scale": TIME}),
    "gamma": Family("shape rate, or scale = 1/rate", {"shape": PLAIN, "rate": RATE, "scale": TIME}),
    "generalised_gamma": Family(
        "mu sigma Q, as in flexsurv; a bare mu needs `unit`", {"mu": BARE, "sigma": PLAIN, "Q": PLAIN}
    ),
    "generalised_f": Family(
        "mu sigma Q P, as in flexsurv; a bare mu needs `unit`",
        {"mu": BARE, "sigma": PLAIN, "Q": PLAIN, "P": PLAIN},
    ),
    "royston_parmar": Family(
        "scale (hazard, odds, normal) gamma knots unit; knots of log time, the outer ones too"
    ),
    "normal": Family("mean sd, given that it is positive", {"mean": TIME, "sd": TIME}),
    "piecewise_exponential": Family(
        "{0 days: RATE, 100 days: RATE}, or survival or risk points with `then: RATE`"
    ),
    "survival_table": Family(
        "{0 months: 1, 6 months: 0.73}, constant hazard between, the last going on; "
        "or {file: F, unit: months}"
    ),
    "life_table": Family(
        "{file: F}: columns age, rate (per year) or probability (by the next age), "
        "and any named like an attribute"
    ),
    "mixture_cure": Family("{cured: p, of: DISTRIBUTION}: with probability p never"),
    "categorical": Family("{1 days: 0.8, 2 days: 0.2}"),
    "attribute": Family("NAME, with `unit: days` beside it: as long as the patient's attribute says"),
}

NUMBER_FAMILIES: dict[str, Family] = {
    "beta": Family("{mean, sd} or [a, b]", {"mean": PLAIN, "sd": PLAIN}),
    "poisson": Family("the mean"),
    "bernoulli": Family("the probability of yes"),
}
ALL_FAMILIES = {**FAMILIES, **NUMBER_FAMILIES}

MODIFIERS: dict[str, tuple[str, str]] = {
    "time_ratios": ("ratios", "stretch the time: above 1 it comes later"),
    "already": ("time", "it has already lasted this long: a time, current_age, or since.STAMP"),
    "hazard_ratios": ("ratios", "S(t) to the power of their product"),
    "between": ("times", "[low, high]: given that it lies between them, ends included"),
    "plus": ("time", "this much later"),
    "not_before": ("times", "{STAMP: TIME}: at the earliest this long after the stamp"),
}
"""The type and meaning of each modifier, in the order in which they act."""

BESIDE_A_TIME = ("to", "when", "chance", "do", "cost", "qaly", "every", "waiting")
"""Keys of an event or clock that stand beside the distribution of its time."""

AS_PRINTED: dict[str, str] = {
    "mean": "in place of the scale or rate",
    "median": "in place of the scale or rate",
    "sd": "with the mean, in place of the shape too",
    "iqr": "[lower, upper] quartile, in place of both",
    "survival": "{TIME: probability}, solved for",
    "risk": "{TIME: probability}, the complement of survival",
}

ARGUMENTS: dict[str, str] = {
    "rate": "events per time; of `gompertz` at time 0",
    "shape": "the shape; of `gompertz` a rate, and it may be negative",
    "scale": "the scale, a time; of `weibull_ph` a number; of `royston_parmar` hazard, odds or normal",
    "meanlog": "mean of the logarithm of the time",
    "sdlog": "standard deviation of the logarithm of the time",
    "sigma": "of `lognormal` sdlog; of the generalised families their scale of log time",
    "mu": "location of the logarithm of the time",
    "Q": "first shape of the generalised families",
    "P": "second shape of `generalised_f`",
    "gamma": "coefficients of a spline, one a knot",
    "knots": "places of a spline on the logarithm of the time, outer ones included",
    "unit": "the unit of time of bare arguments: days, months, ...",
    "then": "the rate after the last point",
    "cured": "the probability that it never happens",
    "of": "the distribution of those to whom it happens",
    "file": "a table (CSV), its path seen from the file it is written in",
    "rows": "the table itself, {age: rate per year}; the resolved form",
}

OPERATORS: dict[str, str] = {
    "is": "equal; a bare value means the same",
    "is_not": "not equal",
    "in": "one of a list",
    "at_least": "this or more",
    "at_most": "this or less",
    "above": "more than this",
    "below": "less than this",
}

COVARIATES: dict[str, str] = {
    "ATTRIBUTE": "an attribute of the patient",
    "stage": "the stage the patient is in; none in `on_start`",
    "current_age": "years: `age` at the start and the time since",
    "days_in_stage": "days since the stage was entered",
    "visits.STAGE": "entries into a stage, this one included",
    "since.STAMP": "days since a stamp was set; `start` is set for everyone",
    "waited.STAGE": "days of the last wait for a stage, else 0",
    "queue.RESOURCE": "patients who wait for a resource",
    "free.RESOURCE": "units of a resource that nobody holds",
}

UNCERTAINTIES: dict[str, str] = {
    "beta": "{n}, centred on the value, n the sum of both parameters; [a, b]; {mean, sd}",
    "lognormal": "{sigma}, its median the value; or sigma or sd with median, mean or meanlog",
    "normal": "{sd}, centred on the value; {mean, sd}; of a vector {covariance, log}",
    "gamma": "{sd} or {shape}, its mean the value; or mean with sd or shape, shape with scale or rate",
    "uniform": "[low, high]",
    "triangular": "[low, mode, high]",
    "pert": "[low, mode, high]",
    "dirichlet": "{n}, or a count for each key of the value",
    "empirical": "a list of values, each as probable; {file, column}, for a time or rate also `unit`",
    "follows": "{other: correlation}: drawn together with another parameter",
}

DEFINITIONS: dict[str, str] = {
    "any": "conditions at least one of which holds",
    "none": "conditions none of which holds",
    "by": "the covariate that a choice asks; beside it an entry for each value, or `rest`",
    "follows": "{other: correlation}: coupled to the latest draw of another attribute",
    "one_of": "the values that a category can have",
    "start": "the value that a category begins with",
    "rest": "what the other entries leave, or the entry of every other value",
    "unchanged": "in a `draw`, the value at the moment",
}
"""Words of the language that are used among names."""
