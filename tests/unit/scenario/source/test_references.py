"""Parameters: their declaration, and references to them."""

from pathlib import Path

import pytest

from sim.errors import Place, Problems, ScenarioError
from sim.scenario.source import references, tree


def substituted(text: str, *, notes: list[str] | None = None) -> tree.Plain:
    problems = Problems()
    node, _ = references.substitute(tree.read_text(text, "f"), problems, notes=notes)
    assert problems.found == []
    return tree.plain(node)


def problems_of(text: str) -> list[str]:
    problems = Problems()
    references.substitute(tree.read_text(text, "f"), problems)
    found = ScenarioError(problems.found).problems
    return [str(one).removeprefix("f:").replace("\n    ", " | ") for one in found]


def problem_of(parameter: str, others: str = "") -> str:
    """The only problem of a parameter `p` (in line 2) that is used."""
    (found,) = problems_of(f"parameters:\n  p: {parameter}\n{others}a: $p\n")
    return found.split(": ", 1)[1]


def test_a_reference_is_replaced_and_has_the_place_of_its_use() -> None:
    problems = Problems()
    text = "a: {b: [$p, $v, x$p]}\nparameters:\n  p: {value: 3 days}\n  v: {value: {x: 1}}\n"
    node, found = references.substitute(tree.read_text(text, "f"), problems)
    assert tree.plain(node) == {"a": {"b": ["3 days", {"x": 1}, "x$p"]}}
    items = node.value["a"].value["b"].value  # type: ignore[index, call-overload]
    assert items[0].place == Place("f", 1, 9)  # type: ignore[index, union-attr]
    assert items[1].value["x"].place == Place("f", 1, 13)  # type: ignore[index, union-attr]
    assert [one.name for one in found] == ["p", "v"]
    assert problems.found == []


def test_each_number_of_a_kept_parameter_has_its_name() -> None:
    problems = Problems()
    text = "a: $p\nparameters:\n  p: {value: [0.2, 0.3]}\n"
    node, _ = references.substitute(tree.read_text(text, "f"), problems, keep={"p"})
    first, second = node.value["a"].value  # type: ignore[index, call-overload]
    assert first.parameter == ("p", "0")  # type: ignore[union-attr]
    assert second.parameter == ("p", "1")  # type: ignore[union-attr]


def test_a_scenario_without_parameters() -> None:
    assert substituted("a: 1") == {"a": 1}
    assert substituted("a: 1\nparameters: {}") == {"a": 1}


def test_the_record_of_a_parameter() -> None:
    text = (
        "a: $p\nparameters:\n  p: {value: 0.80, uncertainty: {beta: {n: 333}}, source: X-18, "
        "status: derived}\n"
    )
    _, (one,) = references.substitute(tree.read_text(text, "f"), Problems())
    assert (one.text, one.uncertainty, one.source) == ("0.8", "{beta: {n: 333}}", "X-18")
    assert (one.status, str(one.where.place), one.where.path) == (
        "derived",
        "f:3:14",
        "parameters.p",
    )


def test_a_parameter_may_refer_to_others_in_any_order() -> None:
    text = "a: $p\nparameters:\n  p: {value: {x: $q, y: 0.7}}\n  q: {value: $r}\n  r: {value: 0.3}\n"
    assert substituted(text) == {"a": {"x": 0.3, "y": 0.7}}


def test_a_long_chain_of_parameters() -> None:
    chain = "".join(f"  p{n}: {{value: $p{n + 1}}}\n" for n in range(3000))
    assert substituted(f"a: $p0\nparameters:\n{chain}  p3000: {{value: 3}}\n") == {"a": 3}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a: $q\nb: $p_one\nparameters: {q: {value: 1}, p_won: {value: 1}, x: {value: $p_won}}\nc: $x\n",
            "2:4: b: there is no parameter `p_one` | did you mean `p_won`?",
        ),
        ("a: {b: [{name: n, x: $p}]}", "1:22: a.b.n.x: there is no parameter `p` | declare it under `parameters`"),
        (
            "a: {$p: 1}\nb: $p\nparameters: {p: {value: 1}}",
            "1:5: a: `$p` is a key | a parameter stands for a value, not for a key",
        ),
        (
            "parameters: {p: {value: 1}}",
            "1:14: parameters.p: nothing uses this parameter | write `$p` where it belongs",
        ),
        ("parameters: [p]", "1:13: parameters: is not a mapping of names to parameters | write `NAME: {value: ...}`"),
        (
            "a: $p\nparameters: {p: {value: $q}, q: {value: {x: $p}}}",
            "2:14: parameters.p: refers to itself: p -> q -> p | give one of them a value of its own",
        ),
        (
            "a: $p\nparameters: {p: {value: $nope}}",
            "2:25: parameters.p.value: there is no parameter `nope` | declare it under `parameters`",
        ),
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_followed(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


def test_an_unused_parameter_is_noted_where_there_are_layers() -> None:
    notes: list[str] = []
    assert substituted("a: 1\nparameters: {p: {value: 1}}", notes=notes) == {"a": 1}
    assert notes == ["f:2:14: parameters.p: nothing uses this parameter"]


def test_a_parameter_that_another_one_uses_or_follows_is_used() -> None:
    uncertain = "uncertainty: {normal: {sd: 1}"
    text = f"a: $p\nparameters:\n  p: {{value: $q, {uncertain}, follows: {{r: 0.5}}}}}}\n"
    text += f"  q: {{value: 1}}\n  r: {{value: 1, {uncertain}}}}}\n"
    assert substituted(text) == {"a": 1}


@pytest.mark.parametrize(
    ("parameter", "problem"),
    [
        ("0.8", "parameters.p: is not a mapping with a `value` | write `p: {value: 0.8}`"),
        ("{source: X}", "parameters.p: has no `value` | write `p: {value: ...}`"),
        (
            "{value: 1, sorce: X}",
            "parameters.p.sorce: a parameter has no `sorce` | did you mean `source`?",
        ),
        (
            "{value: 1, status: guessed}",
            "parameters.p.status: guessed is not a status | "
            "one of published, derived, digitised, recalled, calibrated, assumed, chosen",
        ),
        (
            "{value: 1, status: chosen, uncertainty: {gamma: {shape: 4}}}",
            "parameters.p.uncertainty: what is chosen is not uncertain | leave it out, or write `status: assumed`",
        ),
        (
            "{value: 1, status: assumd}",
            "parameters.p.status: assumd is not a status | did you mean `assumed`?",
        ),
        (
            "{value: 1, source: [X]}",
            "parameters.p.source: is not a text | name one entry of the sources, or write a sentence",
        ),
        ("{value: 80%}", "parameters.p.value: 80% has a percent sign | write 0.8"),
        ("{value: {a: 80%, b: rest}}", "parameters.p.value: 80% has a percent sign | write 0.8"),
        (
            "{value: {a: {b: 1}}}",
            "parameters.p.value: cannot be the value of a parameter | "
            "a value is a number, a time, a rate, or a mapping or list of these",
        ),
    ],
)
def test_a_parameter_that_is_not_one(parameter: str, problem: str) -> None:
    assert problem_of(parameter) == problem


def test_a_name_that_no_reference_could_spell() -> None:
    (found,) = problems_of("a: $p-1\nparameters: {p-1: {value: 1}}")
    assert "`p-1` is not a name" in found


@pytest.mark.parametrize(
    ("follows", "fact"),
    [
        ("{x: 0.5}", "there is no parameter `x`"),
        ("{plain: 0.5}", "`plain` has no uncertainty"),
        ("{vector: 0.5}", "`vector` is a vector"),
        ("{p: 0.5}", "follows itself: p -> p"),
        ("{q: 0.5}", "follows itself: p -> q -> p"),
        ("{other: 2}", "the correlation is 2"),
        ("{other: high}", "`high` is not a number"),
        ("{other: 0.1, fourth: 0.1}", "is not one parameter and a correlation"),
        ("other", "is not one parameter and a correlation"),
    ],
)
def test_what_a_parameter_cannot_follow(follows: str, fact: str) -> None:
    found = problems_of(
        "a: [$p, $q, $other, $fourth, $plain, $vector]\nparameters:\n"
        f"  p: {{value: 1, uncertainty: {{normal: {{sd: 1}}, follows: {follows}}}}}\n"
        "  q: {value: 1, uncertainty: {normal: {sd: 1}, follows: {p: 0.1}}}\n"
        "  other: {value: 1, uncertainty: {normal: {sd: 1}}}\n"
        "  fourth: {value: 1, uncertainty: {normal: {sd: 1}}}\n"
        "  plain: {value: 1}\n"
        "  vector: {value: {a: 0.4, b: 0.6}, uncertainty: {dirichlet: {n: 9}}}\n"
    )
    assert len(found) == 1
    assert fact in found[0]


def test_no_parameter_follows_one_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "draws.csv").write_text("x\n1\n2\n")
    problems = Problems()
    text = (
        "a: [$p, $x]\nparameters:\n"
        "  p: {value: 1, uncertainty: {normal: {sd: 1}, follows: {x: 0.5}}}\n"
        "  x: {value: 1, uncertainty: {empirical: {file: draws.csv, column: x}}}\n"
    )
    references.substitute(tree.read_text(text, str(tmp_path / "f")), problems)
    (found,) = problems.found
    assert found.fact == "`x` is drawn from a table"


def test_an_entry_of_a_vector() -> None:
    """`$name.key` stands for one entry, in values of parameters too."""
    text = (
        "a: $v.shape\nb: {c: $w}\n"
        "parameters: {v: {value: {shape: 1.2, scale: 300 days}}, w: {value: $v.scale}}"
    )
    problems = Problems()
    node, found = references.substitute(tree.read_text(text, "f"), problems)
    assert problems.found == []
    assert tree.plain(node) == {"a": 1.2, "b": {"c": "300 days"}}
    assert [one.values for one in found] == [(("shape", 1.2), ("scale", 300.0)), (("", 300.0),)]


@pytest.mark.parametrize(
    ("reference", "fact"),
    [
        ("$v.shap", "`v` has no entry `shap` | did you mean `shape`?"),
        ("$v.x", "`v` has no entry `x` | it has shape, scale"),
        ("$one.x", "`one` is no mapping: it has no entry `x` | write `$one`"),
        ("$list.0", "`list` is no mapping: it has no entry `0` | write `$list`"),
        ("$v.", "there is no parameter `v.` | did you mean `v`?"),
        ("$u.x", "there is no parameter `u`"),
    ],
)
def test_an_entry_that_is_not_there(reference: str, fact: str) -> None:
    parameters = "{v: {value: {shape: 1.2, scale: 3}}, one: {value: 1}, list: {value: [1, 2]}}"
    (found,) = problems_of(f"a: [{reference}, $v, $one, $list]\nparameters: {parameters}")
    assert found.startswith(f"1:5: a.0: {fact}")


def test_the_numbers_of_a_parameter() -> None:
    """In days and per day, each with the unit in which it is written."""
    text = (
        "a: [$p, $t, $r, $l, $v, $n]\nparameters:\n"
        "  p: {value: 0.8, uncertainty: {beta: {n: 10}}}\n"
        "  t: {value: 2 weeks}\n"
        "  r: {value: 24 per day}\n"
        "  l: {value: [1, 2 days]}\n"
        "  v: {value: {x: 0.25, y: 0.75}, uncertainty: {dirichlet: {n: 8}}}\n"
        "  n: {value: own}\n"
    )
    _, found = references.substitute(tree.read_text(text, "f"), Problems())
    assert [(one.kind, one.values, one.units) for one in found] == [
        ("number", (("", 0.8),), ("",)),
        ("time", (("", 14.0),), ("weeks",)),
        ("rate", (("", 24.0),), ("per day",)),
        ("mixed", (("0", 1.0), ("1", 2.0)), ("", "days")),
        ("number", (("x", 0.25), ("y", 0.75)), ("", "")),
        ("text", (), ()),
    ]
    assert [one.drawn.family if one.drawn else None for one in found] == [
        "beta",
        *[None] * 3,
        "dirichlet",
        None,
    ]
