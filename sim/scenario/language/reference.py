"""The reference page of the language: the text of `reference.md` with the tables of keys and words put in."""

from __future__ import annotations

import re
from importlib.resources import files

from sim.scenario.language.reader import ELEMENTS
from sim.scenario.language.vocabulary import (
    ARGUMENTS,
    AS_PRINTED,
    COVARIATES,
    DEFINITIONS,
    FAMILIES,
    MODIFIERS,
    NUMBER_FAMILIES,
    OPERATORS,
    UNCERTAINTIES,
)

TABLES: dict[str, dict[str, str]] = {
    "family": {name: family.meaning for name, family in FAMILIES.items()},
    "for an attribute's value also": {name: family.meaning for name, family in NUMBER_FAMILIES.items()},
    "argument": ARGUMENTS,
    "as papers print them": AS_PRINTED,
    "modifier, in the order in which they act": {key: meaning for key, (_, meaning) in MODIFIERS.items()},
    "comparison": OPERATORS,
    "what can be asked": COVARIATES,
    "words among names": DEFINITIONS,
    "uncertainty": UNCERTAINTIES,
}


def reference_page() -> str:
    """The page as Markdown; `{{element NAME}}` and `{{words HEAD}}` in the text stand for tables."""
    text = (files(__package__) / "reference.md").read_text(encoding="utf-8")
    text = re.sub(r"\{\{element (.+?)\}\}", lambda found: _element_table(found[1]), text)
    return re.sub(r"\{\{words (.+?)\}\}", lambda found: _words_table(found[1]), text)


def _element_table(name: str) -> str:
    element = ELEMENTS[name]
    lines = ["| key | takes | meaning | left out |", "|---|---|---|---|"]
    for key, field in element.fields.items():
        absent = "**required**" if field.is_required else _cell(field.default)
        takes = field.type.name.replace("_", " ")
        lines.append(f"| `{key}` | {takes} | {_cell(field.meaning)} | {absent} |")
    title = element.noun[0].upper() + element.noun[1:]
    return "\n".join([f"### {title}", "", element.meaning, "", *lines])


def _words_table(head: str) -> str:
    lines = [f"| {head} | |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{key}` | {_cell(text)} |" for key, text in TABLES[head].items())])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
