"""What the YAML library finds wrong with a text, in plain words."""

from __future__ import annotations

import yaml

from sim.errors import Place, Problem, Where

_KEYS_IN_ONE_COLUMN = "check the indentation: the keys of a mapping begin in one column"

_FAULTS = (
    ("mapping values are not allowed", "a `:` where no key is allowed",
     "check the indentation; a text with `: ` in it needs quotation marks"),
    ("could not find expected ':'", "a key has no `:`", "write `key: value`"),
    ("',' or ']'", "the `[` of line {line} is not closed before this",
     "close it with `]`, or put a comma between its items"),
    ("',' or '}'", "the `{{` of line {line} is not closed before this",
     "close it with `}`, or put a comma between its entries"),
    ("unknown escape character", "a `\\` in double quotes begins no known character",
     "use single quotes, or write it twice"),
    ("invalid Unicode character", "a `\\` in double quotes begins no known character",
     "use single quotes, or write it twice"),
    ("expected '-' indicator", "this line does not belong to the list of line {line}",
     "check the indentation: each item of a list begins with `- ` in one column"),
    ("did not find expected key", "this does not belong to the mapping of line {line}",
     _KEYS_IN_ONE_COLUMN),
    ("sequence entries are not allowed", "a `- ` where no list can begin",
     "begin the list on a line of its own, or write it as `[...]`"),
    ("expected <document start>", "this line does not belong to what stands before it",
     _KEYS_IN_ONE_COLUMN),
    ("node content", "a value is missing here", "write one, or remove the bracket or comma"),
    ("tab character", "a tab in the indentation", "indent with spaces"),
    ("scanning an a", "`&` and `*` begin YAML anchors and aliases", "put the text in quotation marks"),
    ("scanning a tag", "`!` begins a YAML tag", "put the text in quotation marks"),
    ("maximum nesting depth", "is nested too deeply", "no scenario needs that"),
)  # fmt: skip
"""(words of the library, fact, fix); {line} is where the unfinished part began."""


def syntax_problem(error: yaml.YAMLError, name: str, text: str) -> Problem:
    """The problem for an error of the YAML library on this text; places name `name`."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem(Where(Place(name), ""), "is not YAML")
    mark = error.problem_mark
    begun = error.context_mark or mark
    where = _at(name, mark)
    said = f"{error.problem or ''} {error.context or ''}"
    if "unexpected end of stream" in said:
        return Problem(_at(name, begun), "a quotation mark is opened here and not closed")
    if "cannot start any token" in said:
        return _stray_character(where, text[mark.index : mark.index + 1])
    if "node content" in said and not text[mark.index :].strip():
        return Problem(where, "the text ends where a value is expected", "close every bracket")
    for sign, fact, fix in _FAULTS:
        if sign in said:
            return Problem(where, fact.format(line=begun.line + 1), fix)
    return Problem(where, "this is not YAML", "check the line and the one before it")


def _at(name: str, mark: yaml.Mark) -> Where:
    return Where(Place(name, mark.line + 1, mark.column + 1), "")


def _stray_character(where: Where, character: str) -> Problem:
    if character == "\t":
        return Problem(where, "a tab in the indentation", "indent with spaces")
    return Problem(where, f"`{character}` cannot begin a value", "put the text in quotation marks")
