"""The JSON Schema of a scenario file, for editors; run as a program this prints the reference page.

Both are made from `words`. The schema knows words and shapes; what names refer to, and what numbers
can go together, the reader alone knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from sim.scenario.language.elements import Field
from sim.scenario.language.reader import ELEMENTS, FORMAT
from sim.scenario.language.reference import reference_page
from sim.scenario.language.vocabulary import (
    ARGUMENTS,
    AS_PRINTED,
    DEFINITIONS,
    FAMILIES,
    MODIFIERS,
    NUMBER_FAMILIES,
    OPERATORS,
    UNCERTAINTIES,
    Family,
)

__all__ = ["json_schema", "reference_page"]

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER = r"[-+]?[0-9._]+(?:[eE][-+]?[0-9]+)?"
PLURAL_UNITS = "(?:minute|hour|day|week|month|year)s?"
UNITS = "(?:minute|hour|day|week|month|year)"
LAYER_KEYS = ("format", "title", "label", "based_on", "changes", "add", "remove")
OWN_ARGUMENTS = {  # families without the arguments that papers print
    "royston_parmar": ("scale", "gamma", "knots", "unit"),
    "life_table": ("file", "rows"),
    "mixture_cure": ("cured", "of", "odds_ratios"),
}


def json_schema() -> Schema:
    """The schema of a scenario file, whole or based on another, in the dialect of 2020-12."""
    scenario = ELEMENTS["scenario"]
    layer = {key: _property(key, scenario.fields[key]) for key in LAYER_KEYS}
    return {
        "$schema": DIALECT,
        "title": "A scenario",
        "description": scenario.meaning,
        "type": "object",
        "if": {"required": ["based_on"]},
        "then": {**_closed(layer), "required": ["format", "title", "based_on"]},
        "else": _section("scenario"),
        "$defs": {
            **_elements(),
            **_scalars(),
            **_distributions(),
            **_conditions(),
            **_pathway(),
            **_patients(),
            **_outcomes(),
            **{f"section_{name}": _section(name) for name in ELEMENTS if name != "scenario"},
        },
    }


# ---------------------------------------------------------------- how schemas are put together


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    """A mapping with these keys alone."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _named(schema: Schema) -> Schema:
    """A mapping of names of the file's own."""
    return {"type": "object", "additionalProperties": schema}


def _repeated(schema: Schema) -> Schema:
    """Steps, which may begin anew after a time."""
    return {**_named(schema), "properties": {"repeat": _ref("time")}}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _varies(schema: Schema) -> Schema:
    """A value that may be a reference, or depend on the patient."""
    return _any(schema, _ref("reference"), _ref("choice"))


def _text(*words: str) -> Schema:
    return {"enum": list(words)}


def _pattern(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _section(name: str) -> Schema:
    element = ELEMENTS[name]
    required = [key for key, field in element.fields.items() if field.is_required]
    properties = {key: _property(key, field) for key, field in element.fields.items()}
    found = {"description": element.meaning, **_closed(properties)}
    return {**found, "required": required} if required else found


def _elements() -> Schema:
    """Types that are an element, or elements by name."""
    names = {id(element): name for name, element in ELEMENTS.items()}
    found: Schema = {}
    for element in ELEMENTS.values():
        for type_ in (field.type for field in element.fields.values()):
            if type_.element is not None:
                ref = _ref(f"section_{names[id(type_.element)]}")
                found[type_.name] = _named(ref) if type_.is_named else ref
    return found


def _property(key: str, field: Field) -> Schema:
    """What a key takes, with its meaning for the editor to show."""
    meaning = f"{field.meaning} (left out: {field.default})" if field.default else field.meaning
    if key == "format":
        return {"const": FORMAT, "description": meaning}
    if field.type.words:
        return {**_any(_text(*field.type.words), _ref("reference")), "description": meaning}
    return {**_ref(field.type.name), "description": meaning}


# ---------------------------------------------------------------- scalars


def _scalars() -> Schema:
    """Numbers, texts, times and rates, and what may stand in their place."""
    scalar = {"type": ["string", "number", "boolean"]}
    by = {
        "type": "object",
        "properties": {"by": {"type": "string", "description": DEFINITIONS["by"]}},
        "required": ["by"],
    }
    cases = {**_list(_ref("section_case")), "minItems": 1}
    amount = _ref("plain")
    return {
        "reference": _pattern(r"\$\S+"),
        "choice": _any(by, cases),
        "scalar": scalar,
        "text": scalar,
        "flag": _any({"type": "boolean"}, _ref("reference")),
        "number": _any({"type": "number"}, _ref("reference")),
        "value": {"type": ["string", "number", "boolean", "array", "object"]},
        "probability": _varies({"type": "number", "minimum": 0, "maximum": 1}),
        "time": _varies(_pattern(rf"{NUMBER} *{PLURAL_UNITS}")),
        "rate": _varies(_pattern(rf"{NUMBER} *(?:per +|/ *){UNITS}")),
        "rates": _any(_ref("rate"), _repeated(_ref("rate"))),
        "times": _any(_list(_ref("time")), _named(_ref("time")), _ref("reference")),
        "plain": _varies({"type": "number"}),
        "number_or_time": _varies({"type": ["number", "string"]}),
        "amount": _any(amount, _named(amount)),
        "utility_cap": _varies(_named(_any({"type": "number", "maximum": 1}, _ref("reference")))),
        "names": _any(_ref("text"), _list(_ref("text"))),
        "values": _named(_ref("value")),
        "layer": _named(_ref("value")),
    }


# ---------------------------------------------------------------- distributions


def _distributions() -> Schema:
    """Distributions of times and of attributes, ratios."""
    odds = {"odds_ratios": {**_ref("ratios"), "description": "multiply the odds of the entries they name"}}
    unit = {"unit": {**_ref("text"), "description": ARGUMENTS["unit"]}}
    times = {**_families(FAMILIES, "time"), **_modifiers("time"), **unit}
    numbers = {
        **_families(
            {name: f for name, f in {**FAMILIES, **NUMBER_FAMILIES}.items() if name != "attribute"}, "plain"
        ),
        "between": _modifiers("plain")["between"],
    }
    follows = {"follows": {**_named(_ref("number")), "description": DEFINITIONS["follows"]}}
    distribution = {**_closed({**times, **odds}), "minProperties": 1}
    draw = {**_closed({**numbers, **odds, **follows}), "minProperties": 1}
    kinds = {
        "one_of": {**_list(_ref("scalar")), "description": DEFINITIONS["one_of"]},
        "start": {**_ref("value"), "description": DEFINITIONS["start"]},
    }
    return {
        "distribution": _any(distribution, _ref("choice"), _ref("reference")),
        "draw": _any(draw, _ref("choice")),
        "attribute": _any(_ref("scalar"), _ref("draw"), {**_closed(kinds), "required": list(kinds)}),
        "attributes": _named(_ref("attribute")),
        "ratios": _any(_list(_ref("ratio")), _ref("reference")),
        "ratio": _ref("section_ratio"),
        "points": _any(_named(_ref("probability")), _ref("reference")),
    }


def _modifiers(amount: str) -> Schema:
    """The modifiers of a distribution whose amounts are of this type."""
    special = {
        "between": {**_list(_ref(amount)), "minItems": 2, "maxItems": 2},
        "plus": _ref(amount),
        "already": _any(_ref("time"), _pattern(r"current_age|since\..+")),
    }
    return {
        key: {**special.get(key, _ref(type_)), "description": meaning}
        for key, (type_, meaning) in MODIFIERS.items()
    }


def _families(families: Mapping[str, Family], amount: str) -> Schema:
    return {
        name: {**_family(name, family, amount), "description": family.meaning}
        for name, family in families.items()
    }


def _family(name: str, family: Family, amount: str) -> Schema:
    """What stands behind the name of a family."""
    if name in ("fixed", "poisson"):
        return _ref(amount)
    if name == "attribute":
        return _ref("text")
    if name == "bernoulli":
        return _ref("probability")
    if n := len(family.listed):
        return _varies({**_list(_ref(amount)), "minItems": n, "maxItems": n})
    if name in ("survival_table", "categorical"):
        listed = _varies(_named(_any(_ref("probability"), _text("rest"))))
        file = _closed({key: _argument(key) for key in ("file", "unit")})
        return _any(listed, file) if name == "survival_table" else listed
    if name == "piecewise_exponential":
        return _varies({"type": "object"})
    keys: tuple[str, ...] = (*(family.arguments or ()), *AS_PRINTED, "unit")
    if name in OWN_ARGUMENTS:
        keys = OWN_ARGUMENTS[name]
    named = _varies(_closed({key: _argument(key) for key in keys}))
    pair = {**_list(_ref(amount)), "minItems": 2, "maxItems": 2}
    return _any(named, pair) if name == "beta" else named


def _argument(key: str) -> Schema:
    meaning = {**AS_PRINTED, **ARGUMENTS}.get(key, "multiply the odds of `cured`")
    if key in ("survival", "risk"):
        found = _ref("points")
    elif key == "of":
        found = _ref("distribution")
    elif key == "cured":
        found = _ref("probability")
    elif key == "odds_ratios":
        found = _ref("ratios")
    else:
        found = _ref("value")
    return {**found, "description": meaning}


# ---------------------------------------------------------------- conditions


def _conditions() -> Schema:
    """Conditions: mappings, names, lists; keys are names of the file's own, so most are left open."""
    listed = _list(_ref("condition"))
    operators = {
        key: {**(_list(_ref("scalar")) if key == "in" else _ref("scalar")), "description": text}
        for key, text in OPERATORS.items()
    }
    comparison = {**_closed(operators), "minProperties": 1}
    mapping = {
        "type": "object",
        "properties": {key: {**listed, "description": DEFINITIONS[key]} for key in ("any", "none")},
        "additionalProperties": _any(_ref("scalar"), comparison),
    }
    return {"condition": _any({"type": "string"}, mapping, listed), "conditions": _named(_ref("condition"))}


# ---------------------------------------------------------------- pathway


def _pathway() -> Schema:
    """Stages, events, effects, destinations and what they cost."""
    parts = {
        "type": "object",
        "properties": {"odds_ratios": {**_ref("ratios"), "description": "multiply the odds of stages"}},
        "additionalProperties": _any(_ref("probability"), _text("rest")),
    }
    rules = {**_list(_ref("section_rule")), "minItems": 1}
    return {
        "effects": _list(_ref("section_effect")),
        "needs": _any(_ref("text"), _list(_any(_ref("text"), _ref("section_need")))),
        "destination": _any({"type": "string"}, parts, rules),
    }


# ---------------------------------------------------------------- patients, resources, values


def _patients() -> Schema:
    """Patients, their arrivals, parameters, resources, economics."""
    uncertainty = {
        key: {"type": ["array", "object"], "description": text} for key, text in UNCERTAINTIES.items()
    }
    calendar = _any(_text("every day", "weekdays"), _list({"type": "string"}), _named(_ref("times")))
    units = {"type": "integer", "minimum": 0}
    return {
        "arrivals": _any(_text("together"), _ref("section_arrivals")),
        "uncertainty": {**_closed(uncertainty), "minProperties": 1},
        "capacity": _any(units, _text("unlimited"), _repeated(units), _ref("reference")),
        "calendar": calendar,
        "queue": _any(_text("first_come"), _ref("section_queue")),
    }


def _outcomes() -> Schema:
    """Event selectors and outcomes."""
    place = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": _text("stage", "state"),
    }
    ever = {**_closed({"ever": _ref("event_selector")}), "required": ["ever"]}
    return {
        "event_selector": _any(_text("start"), _ref("section_event_selector")),
        "event_selectors": _list(_ref("event_selector")),
        "ends": _named(_ref("event_selector")),
        "place": place,
        "among": _any(ever, _ref("condition")),
    }


if __name__ == "__main__":
    print(reference_page(), end="")  # noqa: T201 - the page is what this program gives
