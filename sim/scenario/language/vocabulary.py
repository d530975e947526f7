"""Every key of the language, once: the one text that errors, the JSON Schema and the reference share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A key: what stands there, what it means, and what it is when left out ("" where nothing is)."""

    type: str
    meaning: str
    default: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the language: what it is called, what it is, and its keys in order."""

    noun: str
    meaning: str
    words: Mapping[str, Word]


def _due(type_: str, meaning: str) -> Word:
    return Word(type_, meaning, is_required=True)


SECTIONS: dict[str, Section] = {
    "scenario": Section(
        "a scenario",
        "The file as a whole.",
        {
            "format": _due("number", "the version of the language, 1"),
            "title": _due("text", "what the scenario is about, in a line"),
            "based_on": Word("text", "the file this one changes, its path seen from this file"),
            "changes": Word("layer", "new values for paths that exist in the file below, path: value"),
            "add": Word(
                "layer", "values for paths that do not exist in the file below; items of lists go to the end"
            ),
            "remove": Word("names", "paths of the file below that are left out"),
            "leftovers": Word(
                "flag", "what nothing uses or reaches is noted, not refused, as above a file below", "false"
            ),
            "horizon": _due("time", "the day of the common calendar at which everything ends"),
            "states": Word("states", "health states by name, for outcomes, utilities and plots", "{}"),
            "economics": Word(
                "economics", "how costs and health are counted; needed where a cost or utility stands"
            ),
            "conditions": Word("conditions", "conditions by name, each defined once"),
            "patients": _due("patients", "who they are, how many, and when they start"),
            "parameters": Word(
                "parameters", "numbers by name, with their source; `$name` stands for the value"
            ),
            "clocks": Word("clocks", "events that go on when the patient moves to another stage", "{}"),
            "pathway": _due("pathway", "where patients start and the stages they pass through"),
            "resources": Word("resources", "what stages need and patients share", "{}"),
            "never": Word("happenings", "what must not happen; the run stops at the first", "[]"),
            "outcomes": Word("outcomes", "what is read from the event log, by name", "{}"),
        },
    ),
    "state": Section(
        "a health state",
        "A health state; stages belong to it.",
        {
            "label": Word("text", "its name in words", "the name"),
            "utility": Word("value", "health-related quality of life while in it, 1 is full health"),
        },
    ),
    "economics": Section(
        "economics",
        "How costs and health are counted.",
        {
            "currency": _due("text", "the currency of every amount"),
            "discount": _due("discount", "yearly discount rates of cost and qaly"),
            "convention": _due(
                "text", "annual, (1 + r)^-t, or continuous, exp(-r t), t in years from the patient's start"
            ),
            "threshold": Word("number", "willingness to pay for a quality-adjusted life-year"),
        },
    ),
    "discount": Section(
        "a discount",
        "Yearly discount rates.",
        {"cost": _due("number", "of costs, 0.035 is 3.5%"), "qaly": _due("number", "of health")},
    ),
    "patients": Section(
        "patients",
        "Who they are, how many, and when they start.",
        {
            "number": Word(
                "number", "how many patients in a replication", "1000 unless `arrive` lasts for a time"
            ),
            "arrive": Word("arrivals", "when they start: together, or one after the other", "together"),
            "follow_up": Word("time", "how long each is followed after the start", "until the horizon"),
            "attributes": Word("attributes", "what is known of each patient, drawn in this order", "{}"),
            "from_file": Word("text", "a table of patients (CSV) that replaces drawn attributes, row by row"),
            "table": Word("text", "the table itself; the resolved form"),
        },
    ),
    "arrivals": Section(
        "arrive",
        "When patients start.",
        {
            "poisson": Word(
                "rates", "at random at this rate, or at rates that change in steps {0 days: RATE, ...}"
            ),
            "every": Word("time", "one after each such time, the first on day 0"),
            "file": Word("text", "a table (CSV) of starting days"),
            "days": Word("times", "the starting days themselves; the resolved form"),
            "for": Word("time", "how long patients arrive, in place of patients.number"),
            "warm_up": Word("time", "who starts in it is simulated and left out of outcomes", "0 days"),
        },
    ),
    "parameter": Section(
        "a parameter",
        "A number with its source; `$name` stands for its value wherever a value does.",
        {
            "value": _due("value", "a number, time, rate, or a mapping or list of these"),
            "uncertainty": Word(
                "uncertainty", "its distribution, centred on the value unless it has a centre"
            ),
            "source": Word("text", "who says so: an entry of the list of sources"),
            "status": Word("text", "published, derived, digitised, recalled or assumed"),
        },
    ),
    "event": Section(
        "an event",
        "What can happen in a stage; the earliest of a stage's events happens.",
        {
            "after": Word("law", "the law of the time until it happens, at most once a visit"),
            "every": Word("law", "as `after`, drawn anew each time it has happened"),
            "chance": Word("probability", "asked once a visit: otherwise it does not come up in it", "1"),
            "odds_ratios": Word("ratios", "multiply the odds of `chance`"),
            "when": Word(
                "condition", "it can happen only where this holds, read on entering and after each `stay`"
            ),
            "waiting": Word("flag", "it can happen while the patient waits for the stage, too", "false"),
            "do": Word("effects", "what it does to the patient, before the destination is chosen", "[]"),
            "to": _due(
                "destination", "where the patient goes: a stage, stay, stages with probabilities, or rules"
            ),
            "cost": Word("amount", "what each happening costs"),
            "qaly": Word("value", "what each happening adds in quality-adjusted life-years"),
        },
    ),
    "clock": Section(
        "a clock",
        "An event that outlives the stage, begun by `start` and ended by `stop`.",
        {
            "in": Word("names", "the stages it can happen in", "all but terminal stages"),
            "after": _due("law", "the law of its time, counted from its start"),
            "chance": Word("probability", "asked at each start: otherwise it does not come up", "1"),
            "odds_ratios": Word("ratios", "multiply the odds of `chance`"),
            "when": Word("condition", "once due, it happens as soon as this holds"),
            "do": Word("effects", "what it does to the patient, before the destination is chosen", "[]"),
            "to": _due(
                "destination", "where the patient goes: a stage, stay, stages with probabilities, or rules"
            ),
            "cost": Word("amount", "what its happening costs"),
            "qaly": Word("value", "what its happening adds in quality-adjusted life-years"),
        },
    ),
    "pathway": Section(
        "the pathway",
        "Where patients start and the stages they pass through.",
        {
            "start": _due("text", "the first stage"),
            "on_start": Word("effects", "what is done before it", "[]"),
            "stages": _due("stages", "the stages by name"),
        },
    ),
    "stage": Section(
        "a stage",
        "Where a patient is in the pathway; it takes time, decides, or is terminal.",
        {
            "label": Word("text", "its name in words", "the name"),
            "state": Word("text", "its health state", "the one the patient was in"),
            "terminal": Word("flag", "the patient's path ends here", "false"),
            "utility": Word("value", "quality of life here, in place of the state's"),
            "cost": Word("stage_cost", "what it costs"),
            "needs": Word("needs", "resources it needs; whoever lacks one waits"),
            "on_entry": Word("effects", "what is done on entering, before events are drawn", "[]"),
            "events": Word("events", "what can happen here", "{}"),
            "while_waiting": Word(
                "events", "what can happen only while the patient waits for the stage", "{}"
            ),
            "decide": Word(
                "destination", "makes it a decision: takes no time, sends the patient on by rules"
            ),
        },
    ),
    "stage_cost": Section(
        "a stage's cost",
        "What a stage costs.",
        {
            "on_entry": Word("amount", "at each entry, after its effects"),
            "per_day": Word("amount", "a day"),
            "per_month": Word("amount", "a month"),
            "per_year": Word("amount", "a year"),
        },
    ),
    "effect": Section(
        "an effect",
        "Something done to a patient; several words in one item are done in the order written.",
        {
            "when": Word("condition", "only where this holds, read once before the item"),
            "set": Word("values", "attribute: value"),
            "add": Word("values", "attribute: number to add"),
            "copy": Word("values", "attribute: other attribute whose value it takes"),
            "draw": Word("attributes", "attribute: distribution its new value is drawn from"),
            "start": Word("names", "clocks to draw, anew if they run or are due"),
            "stop": Word("names", "clocks to end"),
            "reassess": Word(
                "names", "events of the stage, else clocks, whose ratios and choices are read again"
            ),
            "stamp": Word("names", "stamps that remember this moment"),
        },
    ),
    "rule": Section(
        "a rule",
        "An item of an ordered list; the first that holds decides.",
        {
            "name": Word("text", "its name in the log, unique in the file"),
            "when": Word("condition", "when it holds; the last rule has none"),
            "to": _due("destination", "where it sends the patient"),
        },
    ),
    "case": Section(
        "a choice",
        "An item of an ordered choice of values; the first that holds is taken.",
        {
            "when": Word("condition", "when it holds; the last item has none"),
            "value": _due("value", "the value it gives"),
        },
    ),
    "need": Section(
        "a need",
        "A resource needed under a condition.",
        {
            "when": Word("condition", "when it is needed", "always"),
            "resource": _due("text", "the resource"),
        },
    ),
    "ratio": Section(
        "a ratio",
        "One factor of a product of hazard, time or odds ratios.",
        {
            "when": Word("condition", "where it acts, read when a time is drawn or reassessed", "always"),
            "value": Word("value", "the ratio"),
            "log": Word("value", "its natural logarithm, in place of `value`"),
            "per": Word("text", "a covariate: the ratio is raised to covariate - centre"),
            "centre": Word("number_or_time", "where `per` counts from", "0"),
            "above": Word("number_or_time", "in place of `centre`: 1 below it"),
            "from": Word("time", "it acts from this time on", "0 days"),
            "until": Word("time", "it acts until this time", "for ever"),
            "wane": Word("times", "two times between which it goes linearly to 1"),
            "since": Word("text", "the stamp these times count from", "when the time began to run"),
            "of": Word("names", "the entries whose odds it multiplies"),
        },
    ),
    "resource": Section(
        "a resource",
        "What stages need and patients share.",
        {
            "capacity": _due("capacity", "units: a number, unlimited, or steps {0 days: 6, 2 years: 8}"),
            "open": Word(
                "calendar", "when grants are made: every day, weekdays, or days of the week", "every day"
            ),
            "release": Word(
                "text", "on_leaving, or when_next_granted: kept while its holder waits", "on_leaving"
            ),
            "queue": Word("queue", "first_come, or {by: attribute, first: lowest or highest}", "first_come"),
            "cost": Word("resource_cost", "{per_use, per_day}, while held"),
        },
    ),
    "resource_cost": Section(
        "a resource's cost",
        "What holding a unit costs.",
        {"per_use": Word("amount", "at each grant"), "per_day": Word("amount", "a day while held")},
    ),
    "queue": Section(
        "a queue",
        "Who is granted a unit first.",
        {
            "by": _due("text", "the attribute, read afresh at every grant"),
            "first": _due("text", "lowest or highest"),
        },
    ),
    "happening": Section(
        "a happening",
        "Names rows of the event log.",
        {
            "stage": Word("text", "each entry into this stage"),
            "asked": Word("text", "each coming to this stage, to wait or to enter"),
            "state": Word("text", "each coming into this health state from another"),
            "event": Word("text", "each happening of STAGE.EVENT"),
            "clock": Word("text", "each happening of this clock"),
            "rule": Word("text", "each decision by the rule of this name"),
            "any": Word("happenings", "any of several happenings"),
            "when": Word("condition", "only where this holds, read just after it"),
            "within": Word("time", "in a pathway: at most so long after the one before"),
        },
    ),
    "outcome": Section(
        "an outcome",
        "What is read from the event log.",
        {
            "label": Word("text", "its name in words"),
            "from": Word("happening", "time to event: where it begins"),
            "until": Word("happening", "time to event: its end"),
            "competing": Word("ends", "time to event: other ends by name; gives cumulative incidences"),
            "censor": Word("happening", "time to event: where observation ends"),
            "ever": Word("happening", "the share of patients who ever have this"),
            "count": Word("happening", "how often a patient has this"),
            "attribute": Word("text", "an attribute's value"),
            "at": Word("happening", "when the attribute is read", "the patient's end"),
            "total": Word("happening", "how often this happens in a replication"),
            "time_in": Word("place", "days in a stage or state"),
            "occupancy": Word("place", "the share of patients in a stage or state over time"),
            "waiting_for": Word("text", "the waits for a resource, in days"),
            "above": Word("time", "the share of waits above this"),
            "funnel": Word(
                "happenings", "the share of patients with each among those who had the one before"
            ),
            "pathway": Word("happenings", "these in this order, gaps allowed"),
            "among": Word(
                "among", "whom it is about: a condition at the start, or {ever: happening}", "all patients"
            ),
            "by": Word("text", "an attribute, to give it for each of its values"),
        },
    ),
}

MODIFIERS: dict[str, Word] = {
    "time_ratios": Word("ratios", "stretch the time: above 1 it comes later"),
    "already": Word("time", "it has lasted so long: a time, current_age, or since.STAMP"),
    "hazard_ratios": Word("ratios", "S(t) to the power of their product"),
    "between": Word("times", "[low, high]: given that it lies between them, ends included"),
    "plus": Word("time", "so much later"),
    "not_before": Word("times", "{STAMP: TIME}: at the earliest so long after the stamp"),
}

FAMILIES: dict[str, str] = {
    "fixed": "TIME: always this long",
    "uniform": "[low, high]",
    "triangular": "[low, mode, high]",
    "pert": "[low, mode, high], a beta distribution with its mode there and weight 4",
    "exponential": "rate",
    "weibull": "shape scale: S(t) = exp(-(t/scale)^shape)",
    "weibull_ph": "shape scale: S(t) = exp(-scale t^shape); a bare scale needs `unit`",
    "gompertz": "shape rate, both rates: hazard rate exp(shape t); a negative shape leaves survivors",
    "lognormal": "meanlog sdlog (also sigma); a bare meanlog needs `unit`",
    "loglogistic": "shape scale: S(t) = 1 / (1 + (t/scale)^shape)",
    "gamma": "shape rate, or scale = 1/rate",
    "generalised_gamma": "mu sigma Q, as in flexsurv; a bare mu needs `unit`",
    "generalised_f": "mu sigma Q P, as in flexsurv; a bare mu needs `unit`",
    "royston_parmar": "scale (hazard, odds, normal) gamma knots unit; knots of log time, the outer ones too",
    "normal": "mean sd, given that it is positive",
    "piecewise_exponential": "{0 days: RATE, 100 days: RATE}, or survival or risk points with `then: RATE`",
    "survival_table": "{0 months: 1, 6 months: 0.73}, constant hazard between, the last going on",
    "life_table": "{file: F}: columns age, rate (per year) or probability, and any named like an attribute",
    "mixture_cure": "{cured: p, of: LAW}: with probability p never",
    "categorical": "{1 days: 0.8, 2 days: 0.2}",
}

NUMBER_FAMILIES: dict[str, str] = {
    "beta": "{mean, sd} or [a, b]",
    "poisson": "the mean",
    "bernoulli": "the probability of yes",
}

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
    "of": "the law of those to whom it happens",
    "file": "a table (CSV), its path seen from the file it is written in",
    "rows": "the table itself, {age: rate per year}; the resolved form",
}

OPERATORS: dict[str, str] = {
    "is": "the same; a bare value says so too",
    "is_not": "another",
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
    "normal": "{sd}, centred on the value; {mean, sd}",
    "gamma": "{sd} or {shape}, its mean the value; or mean with sd or shape, shape with scale or rate",
    "uniform": "[low, high]",
    "triangular": "[low, mode, high]",
    "pert": "[low, mode, high]",
    "dirichlet": "{n}, or a count for each key of the value",
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
"""Words that stand among names."""
