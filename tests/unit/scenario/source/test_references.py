"""Parameters: their declaration, and references to them."""

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
            "one of published, derived, digitised, recalled, assumed",
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


@pytest.mark.parametrize(
    ("parameter", "is_off"),
    [
        ("{value: 0.42, uncertainty: {beta: [95, 131]}}", False),
        ("{value: 0.45, uncertainty: {beta: [95, 131]}}", False),
        ("{value: 0.46, uncertainty: {beta: [95, 131]}}", True),
        ("{value: 20 days, uncertainty: {lognormal: {median: 14 days, sigma: 0.2}}}", True),
        ("{value: 16 days, uncertainty: {lognormal: {median: 14 days, sigma: 0.2}}}", False),
        ("{value: 2 per year, uncertainty: {normal: {mean: 1 per year, sd: 0.9 per year}}}", True),
        ("{value: 2 per year, uncertainty: {normal: {mean: 1 per year, sd: 1.1 per year}}}", False),
        ("{value: {a: 0.8, b: 0.2}, uncertainty: {dirichlet: {a: 80, b: 20}}}", False),
        ("{value: {a: 0.7, b: 0.3}, uncertainty: {dirichlet: {a: 80, b: 20}}}", True),
        ("{value: 0.99, uncertainty: {beta: {n: 2}}}", False),
        ("{value: 0.99}", False),
    ],
)
def test_an_uncertainty_that_was_left_behind(parameter: str, *, is_off: bool) -> None:
    problems = Problems()
    root = tree.read_text(f"a: $p\nparameters: {{p: {parameter}}}", "f")
    (one,) = references.declared(root, problems)
    assert problems.found == []
    assert (references.off_centre(one) is not None) is is_off


def test_what_is_said_of_an_uncertainty_that_was_left_behind() -> None:
    root = tree.read_text("parameters: {p: {value: 0.5, uncertainty: {beta: [95, 131]}}}", "f")
    (one,) = references.declared(root, Problems())
    assert str(references.off_centre(one)) == (
        "f:1:25: parameters.p: the uncertainty is centred on 0.4204 with a standard deviation of "
        "0.03276, the value is 0.5\n    change the uncertainty together with the value"
    )
