"""Ages that lie outside a life table: a note where patients may be younger than its first age."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from sim.scenario.language.choices import ends
from sim.scenario.language.model import Covariate, Distribution, Draw, Scenario
from sim.units import number_text


def ages_below_life_tables(scenario: Scenario) -> tuple[str, ...]:
    """For each event with a life table that begins above the youngest age of the patients, a note."""
    youngest = _youngest(scenario)
    events = [("clock", clock) for clock in scenario.clocks]
    events += [("event", e) for stage in scenario.stages for e in (*stage.events, *stage.while_waiting)]
    notes = []
    for noun, event in events:
        first = max((_first_age(law) for law in ends(event.after)), default=-inf)
        if youngest < first:
            notes.append(
                f"the life table of the {noun} `{event.name}` begins at age {number_text(first)}, and "
                f"patients may be {number_text(youngest)}: the rate of its first row holds for them, too"
            )
    return tuple(dict.fromkeys(notes))


def _first_age(law: Distribution) -> float:
    """The first age of a life table that counts from birth; -inf for anything else."""
    if law.family != "life_table" or law.already not in (None, Covariate("current_age")):
        return -inf
    return max(
        float(next(iter(table["ages"]), -inf))
        for arguments in ends(law.arguments)
        for table in ends(arguments["tables"])
    )


def _youngest(scenario: Scenario) -> float:
    """The least age that a patient can have at the start; inf where its declaration does not say."""
    table, age = scenario.patients.table, Covariate("attribute", "age")
    if table is not None and age in table.columns:
        column = table.columns.index(age)
        return min((float(cell) for row in table.rows if (cell := row[column]) is not None), default=inf)
    attribute = next((a for a in scenario.patients.attributes if a.name == "age"), None)
    if attribute is None or attribute.kind != "number":
        return inf
    if not isinstance(attribute.initial, Draw):
        return min(float(value) for value in ends(attribute.initial))
    if attribute.initial.categorical is not None:
        return min(
            float(key) for entries in ends(attribute.initial.categorical.entries) for key, _ in entries.parts
        )
    return min(_least(law) for law in ends(attribute.initial.law))


def _least(law: Distribution) -> float:
    """The least number that a distribution gives; inf where that takes more than a look."""
    if law.between is not None:
        return min((low for low in ends(law.between[0])), default=inf)
    if law.family in ("uniform", "triangular", "pert", "fixed"):
        name = "value" if law.family == "fixed" else "low"
        lows = (
            low
            for arguments in ends(law.arguments)
            if isinstance(arguments, Mapping)
            for low in ends(arguments[name])
        )
        return min(lows, default=inf)
    return inf
