"""Inheritance: `based_on`, changes, additions, removals and `--set`."""

from pathlib import Path

import pytest

from sim.errors import Place, Problems, ScenarioError
from sim.scenario.language.model import Change
from sim.scenario.source import inheritance, tree

BASE = """
format: 1
title: Base
horizon: 5 years
conditions:
  late: {since.hsct: {above: 365}, age: {below: 65}}
patients: {number: 10}
pathway:
  stages:
    panel:
      decide:
        - {name: unfit, when: {ecog: 3}, to: palliative}
        - {name: fit, to: [{name: young, when: late, to: hsct}, {to: stay}]}
    ward: {events: {done: {after: {categorical: {0.5: 0.2, 3.5 days: 0.8}}, to: panel}}}
never: [{stage: ward}]
"""

DEFAULTS = {("patients",), ("patients", "follow_up"), ("outcomes",), ("never",), ("economics",)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own, with the base file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def layer(body: str, *, name: str = "top.yaml", below: str = "base.yaml") -> None:
    Path(name).write_text(f"format: 1\ntitle: Top\nbased_on: {below}\n{body}")


def assembled(name: str, *settings: str) -> inheritance.Layered:
    problems = Problems()
    found = inheritance.assemble(name, settings, problems=problems, has_default=lambda keys: keys in DEFAULTS)
    assert problems.found == []
    return found


def value_at(found: inheritance.Layered, *keys: str | int) -> tree.Plain:
    value = tree.plain(found.node)
    for key in keys:
        value = value[key]  # type: ignore[index]
    return value


def problems_of(name: str, *settings: str) -> list[str]:
    problems = Problems()
    try:
        inheritance.assemble(name, settings, problems=problems, has_default=lambda keys: keys in DEFAULTS)
    except ScenarioError as error:
        return [str(found) for found in error.problems]
    return [str(found) for found in ScenarioError(problems.found).problems]


def one_problem(body: str, *, line: int = 5) -> tuple[str, str]:
    """The fact (after its place and path) and the fix of a layer's only problem."""
    layer(body)
    (found,) = problems_of("top.yaml")
    head, _, fix = found.partition("\n    ")
    assert head.startswith(f"top.yaml:{line}:")
    return head.split(": ", 2)[2], fix


def test_a_file_without_layers_is_itself() -> None:
    found = assembled("base.yaml")
    assert found == inheritance.Layered(found.node, (), (), is_layered=False, files=("base.yaml",))
    assert tree.plain(found.node) == tree.plain(tree.read_file("base.yaml"))


def test_a_change_replaces_the_whole_value_and_is_recorded() -> None:
    layer("changes:\n  conditions.late: {ecog: 1}\n  horizon: 2 years\n")
    found = assembled("top.yaml")
    assert value_at(found, "conditions") == {"late": {"ecog": 1}}
    assert value_at(found, "horizon") == "2 years"
    assert found.changes == (
        Change(
            "top.yaml",
            "conditions.late",
            "{since.hsct: {above: 365}, age: {below: 65}}",
            "{ecog: 1}",
        ),
        Change("top.yaml", "horizon", "5 years", "2 years"),
    )
    assert found.is_layered


def test_values_stand_where_they_were_written() -> None:
    layer("changes:\n  horizon: 2 years\n")
    root = assembled("top.yaml").node
    assert isinstance(root.value, dict)
    assert root.value["horizon"].place == Place("top.yaml", 5, 12)
    assert root.keys["horizon"] == Place("top.yaml", 5, 3)
    assert root.value["patients"].place == Place("base.yaml", 7, 11)
    assert root.place == Place("top.yaml", 1, 1)


def test_format_and_title_are_the_files_own() -> None:
    layer("")
    assert list(tree.plain(assembled("top.yaml").node))[:3] == ["format", "title", "horizon"]  # type: ignore[arg-type]
    assert value_at(assembled("top.yaml"), "title") == "Top"
    Path("untitled.yaml").write_text("format: 1\nbased_on: base.yaml\n")
    assert "title" not in tree.plain(assembled("untitled.yaml").node)  # type: ignore[operator]
    assert one_problem("changes:\n  title: x\n") == (
        "`title` belongs to each file",
        "write `title:` at the top of this file",
    )


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("conditions.late.since.hsct.above", ("conditions", "late", "since.hsct", "above")),
        ("pathway.stages.panel.decide.unfit.when", ("decide", 0, "when")),
        ("pathway.stages.panel.decide.fit.to.young.to", ("decide", 1, "to", 0, "to")),
        ("pathway.stages.ward.events.done.after.categorical.0.5", ("categorical", "0.5")),
        ("pathway.stages.ward.events.done.after.categorical.3.5 days", ("categorical", "3.5 days")),
    ],
)
def test_what_a_path_may_reach(path: str, keys: tuple[str | int, ...]) -> None:
    layer(f"changes:\n  {path}: 7\n")
    found = assembled("top.yaml")
    above = {"decide": ("pathway", "stages", "panel"), "categorical": ("pathway", "stages", "ward", "events", "done", "after")}  # fmt: skip
    assert value_at(found, *above.get(str(keys[0]), ()), *keys) == 7


def test_the_longest_key_is_meant_unless_only_a_shorter_one_leads_on() -> None:
    Path("base.yaml").write_text("format: 1\na.b: {c: 1}\na: {b: {c: 2, d: 3}}\n")
    layer("changes:\n  a.b.c: 9\n  a.b.d: 8\n")
    assert value_at(assembled("top.yaml"), "a.b") == {"c": 9}
    assert value_at(assembled("top.yaml"), "a", "b") == {"c": 2, "d": 8}
    assert one_problem("changes:\n  a.b.e.f: 9\n")[0] == "`a.b` has no `e`"
    Path("base.yaml").write_text("format: 1\na.b: 1\na: {b: {c: {d: 1}}}\n")
    assert one_problem("changes:\n  a.b.c.e: 9\n")[0] == "`a.b.c` has no `e`"


def test_a_key_left_at_its_default_may_be_changed() -> None:
    layer("changes:\n  patients.follow_up: 3 years\n")
    found = assembled("top.yaml")
    assert value_at(found, "patients") == {"number": 10, "follow_up": "3 years"}
    assert found.changes == (Change("top.yaml", "patients.follow_up", "", "3 years"),)


def test_a_key_left_at_its_default_may_be_removed_to_no_effect() -> None:
    layer("remove: [patients.follow_up]\n")
    found = assembled("top.yaml")
    assert found.changes == ()
    assert found.notes == ("top.yaml:4:10: patients.follow_up is removed, and was not there",)


@pytest.mark.parametrize(
    ("body", "fact", "fix"),
    [
        ("changes:\n  horizn: 1", "the scenario has no `horizn`", "did you mean `horizon`?"),
        (
            "changes:\n  pathway.stages.wrad.label: x",
            "`pathway.stages` has no `wrad`",
            "did you mean `ward`?",
        ),
        (
            "changes:\n  conditions.zzz: {}",
            "`conditions` has no `zzz`",
            "write what is new under `add`",
        ),
        (
            "changes:\n  number: 20",
            "the scenario has no `number`",
            "did you mean `patients.number`?",
        ),
        (
            "changes:\n  pathway.stages.panel.decide.unfti: {}",
            "`pathway.stages.panel.decide` has no item with the name `unfti`",
            "did you mean `unfit`?",
        ),
        (
            "changes:\n  pathway.stages.panel.decide.0.when: {}",
            "`pathway.stages.panel.decide` has no item with the name `0`",
            "its items are unfit, fit",
        ),
        (
            "changes:\n  never.0: {}",
            "`never` has no item with the name `0`",
            "its items have no `name:`: change the list as a whole",
        ),
        (
            "changes:\n  patients.number.x: 1",
            "`patients.number` is `10`: nothing lies beneath it",
            "change it as a whole",
        ),
        ("add:\n  horizon: 1 years", "exists already", "put it under `changes`"),
        (
            "add:\n  patients.follow_up: 1 years",
            "exists already, left at its default",
            "put it under `changes`",
        ),
        (
            "add:\n  conditions.lat.age: 1",
            "`conditions` has no `lat`",
            "did you mean `late`?",
        ),
        ("add:\n  never: {stage: x}", "is a list", "what is added to a list is a list: `[...]`"),
        (
            "add:\n  pathway.stages.panel.decide.new: {to: x}",
            "`pathway.stages.panel.decide` has no item with the name `new`",
            "add a list to the list: `pathway.stages.panel.decide: [{name: new, ...}]`",
        ),
        (
            "add:\n  never.1: {stage: panel}",
            "`never` has no item with the name `1`",
            "add a list to the list: `never: [...]`",
        ),
        (
            "add:\n  pathway.stages.panel.decide: [{name: unfit, to: x}]",
            "an item with the name `unfit` exists already",
            "put it under `changes`",
        ),
        (
            "add:\n  pathway.stages.panel.decide: [{before: fti, to: x}]",
            "`before`: there is no item with the name `fti`",
            "did you mean `fit`?",
        ),
        ("remove:\n  - conditions.lat", "`conditions` has no `lat`", "did you mean `late`?"),
    ],
)
def test_a_path_that_cannot_be_followed(body: str, fact: str, fix: str) -> None:
    assert one_problem(body) == (fact, fix)


@pytest.mark.parametrize("path", ["visits.ward", "since.start", "waited.ward", "queue.bed", "free.bed"])
def test_a_key_with_a_dot_may_be_added(path: str) -> None:
    layer(f"add:\n  conditions.late.{path}: 3\n")
    assert value_at(assembled("top.yaml"), "conditions", "late", path) == 3


def test_adding_beneath_what_is_at_its_default() -> None:
    layer("add:\n  outcomes.deaths: {ever: start}\n")
    assert value_at(assembled("top.yaml"), "outcomes") == {"deaths": {"ever": "start"}}


def test_adding_a_list_or_mapping_that_is_at_its_default() -> None:
    Path("base.yaml").write_text("format: 1\nhorizon: 1 years\n")
    layer("add:\n  never: [{stage: x}]\n  outcomes: {a: 1}\n")
    found = assembled("top.yaml")
    assert value_at(found, "never") == [{"stage": "x"}]
    assert value_at(found, "outcomes") == {"a": 1}


def test_items_are_added_at_the_end_or_before_a_name() -> None:
    layer(
        "add:\n  pathway.stages.panel.decide:\n"
        "    [{name: a, before: fit, to: x}, {name: b, to: y}, {name: c, before: fit, to: z}]\n"
        "  never: [{stage: panel}]\n"
    )
    found = assembled("top.yaml")
    items = value_at(found, "pathway", "stages", "panel", "decide")
    assert [item["name"] for item in items] == ["unfit", "a", "c", "fit", "b"]  # type: ignore[union-attr, index, call-overload]
    assert items[1] == {"name": "a", "to": "x"}  # type: ignore[index]
    assert value_at(found, "never") == [{"stage": "ward"}, {"stage": "panel"}]
    assert found.changes[1] == Change("top.yaml", "never", "", "[{stage: panel}]")


def test_removing_a_key_and_an_item() -> None:
    layer("remove: [conditions.late.age, pathway.stages.panel.decide.unfit, never]\n")
    found = assembled("top.yaml")
    assert value_at(found, "conditions") == {"late": {"since.hsct": {"above": 365}}}
    assert value_at(found, "pathway", "stages", "panel", "decide", 0, "name") == "fit"
    assert "never" not in tree.plain(found.node)  # type: ignore[operator]
    assert found.changes[0] == Change("top.yaml", "conditions.late.age", "{below: 65}", "")


@pytest.mark.parametrize(
    "body",
    [
        "changes:\n  conditions.late.age: 1\n  conditions.late: {}\n",
        "changes: {conditions.late: {}}\nremove:\n  - conditions.late\n",
        "changes: {conditions.late: {}}\nadd:\n  conditions.late.ecog: 1\n",
        "add: {pathway.stages.panel.decide: []}\nremove:\n  - pathway.stages.panel.decide.fit\n",
    ],
)
def test_within_a_layer_no_path_equals_another_or_lies_beneath_it(body: str) -> None:
    line = 5 if body.startswith("changes:\n") else 6
    fact, fix = one_problem(body, line=line)
    assert fact.startswith("is, or lies beneath, another path of this layer (line ")
    assert fix == "put the two together"


def test_a_later_layer_may_change_what_an_earlier_one_did() -> None:
    layer("changes: {horizon: 2 years}\nadd: {conditions.new: {ecog: 1}}\n", name="middle.yaml")
    layer("changes: {conditions.new.ecog: 2}\nremove: [never]\n", below="middle.yaml")
    found = assembled("top.yaml", "horizon=3 years", "conditions.new.ecog=4")
    assert value_at(found, "conditions", "new") == {"ecog": 4}
    assert value_at(found, "horizon") == "3 years"
    assert [(one.layer, one.path, one.old, one.new) for one in found.changes] == [
        ("middle.yaml", "horizon", "5 years", "2 years"),
        ("middle.yaml", "conditions.new", "", "{ecog: 1}"),
        ("top.yaml", "conditions.new.ecog", "1", "2"),
        ("top.yaml", "never", "[{stage: ward}]", ""),
        ("--set", "horizon", "2 years", "3 years"),
        ("--set", "conditions.new.ecog", "2", "4"),
    ]


def test_a_path_is_seen_from_the_file_that_names_it() -> None:
    Path("deep").mkdir()
    layer("", name="deep/a.yaml", below="../base.yaml")
    layer("", name="b.yaml", below="deep/a.yaml")
    root = assembled("b.yaml").node
    assert isinstance(root.value, dict)
    assert root.value["horizon"].place.file == "base.yaml"


def test_a_setting_is_a_change_at_a_place_of_its_own() -> None:
    found = assembled("base.yaml", "conditions.late={ecog: [1, 2]}", "title=Another")
    assert found.is_layered
    assert value_at(found, "conditions", "late") == {"ecog": [1, 2]}
    assert value_at(found, "title") == "Another"
    ecog = found.node.value["conditions"].value["late"].value["ecog"]  # type: ignore[index, call-overload]
    assert ecog.place == Place("--set conditions.late")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["horizn=3"], "--set horizn: the scenario has no `horizn`"),
        (["conditions.new=3"], "--set conditions.new: `conditions` has no `new`"),
        (["horizon"], "--set horizon: has no value"),
        (["horizon= "], "--set horizon: has no value"),
        (["=3"], "--set =3: has no path"),
        (["horizon=012"], "--set horizon: 012 begins with a zero"),
        (["horizon=[1"], "--set horizon: the `[` of line 1 is not closed before this"),
        (["horizon=\udc80"], "--set horizon: the control character U+DC80 is not allowed"),
        (
            ["horizon=1 years", "horizon=2 years"],
            "--set horizon: is, or lies beneath, another path of this layer",
        ),
    ],
)
def test_a_setting_that_cannot_be_followed(settings: list[str], problem: str) -> None:
    assert [found.split("\n")[0] for found in problems_of("base.yaml", *settings)] == [problem]


def test_a_file_that_is_set_applies_what_lies_between_it_and_a_common_file() -> None:
    layer("changes: {patients.number: 20}\n", name="setting.yaml")
    layer("changes: {horizon: 6 years}\n", name="arm.yaml", below="setting.yaml")
    layer("changes: {patients.number: 30}\n", name="small.yaml", below="setting.yaml")
    layer("changes: {horizon: 7 years}\n", name="long.yaml", below="small.yaml")
    found = assembled("arm.yaml", "patients.number=40", "long.yaml")
    assert value_at(found, "horizon") == "7 years"
    assert value_at(found, "patients", "number") == 40
    assert value_at(found, "title") == "Top"
    assert [(change.layer, change.path) for change in found.changes[-4:]] == [
        ("arm.yaml", "horizon"),
        ("small.yaml", "patients.number"),
        ("long.yaml", "horizon"),
        ("--set", "patients.number"),
    ]
    assert found.files == ("base.yaml", "setting.yaml", "arm.yaml")


def test_files_that_are_set_apply_in_their_order() -> None:
    layer("changes: {patients.number: 20}\n", name="one.yaml")
    layer("changes: {patients.number: 30}\n", name="two.yaml")
    assert value_at(assembled("base.yaml", "one.yaml", "two.yaml"), "patients", "number") == 30
    assert value_at(assembled("base.yaml", "two.yaml", "one.yaml"), "patients", "number") == 20


def test_a_file_that_is_set_has_a_file_in_common() -> None:
    Path("other.yaml").write_text(BASE)
    layer("changes: {patients.number: 20}\n", below="other.yaml")
    (problem,) = problems_of("base.yaml", "top.yaml")
    assert "is not based on base.yaml" in problem


def test_files_based_on_each_other_in_a_circle() -> None:
    layer("", name="a.yaml", below="b.yaml")
    layer("", name="b.yaml", below="./a.yaml")
    assert problems_of("a.yaml") == [
        "b.yaml:3:11: based_on: the files are based on each other in a circle: "
        "a.yaml -> b.yaml -> a.yaml\n    one of them must not have `based_on`"
    ]
    layer("", name="self.yaml", below="self.yaml")
    assert "self.yaml -> self.yaml" in problems_of("self.yaml")[0]


@pytest.mark.parametrize(
    ("below", "problem"),
    [
        ("bse.yaml", "bse.yaml: there is no such file\n    did you mean `base.yaml`?"),
        (".", ".: is a folder\n    a scenario is one YAML file"),
        ("[a, b]", "[a, b] is not a file\n    name one file, as seen from this one"),
        ("empty.yaml", "empty.yaml: is empty\n    a scenario begins with `format: 1`"),
        ("list.yaml", "list.yaml: is not a scenario file\n    a scenario begins with `format: 1`; `allpath new FILE` writes one"),
    ],
)  # fmt: skip
def test_a_base_that_cannot_be_read_is_named_at_its_line(below: str, problem: str) -> None:
    Path("empty.yaml").write_text("")
    Path("list.yaml").write_text("[a]")
    layer("", below=below)
    assert problems_of("top.yaml") == [f"top.yaml:3:11: based_on: {problem}"]


@pytest.mark.parametrize(
    "text",
    [
        "# Pathways\n\n[a](b) [c](d)\n- a\n  b: c\n\n```yaml\nformat: 1\nhorizon: 2 years\n```\n",
        "Take these steps\n\n```\nformat: 1\n```\n",
        "import yaml\n\nhorizon: int = (3,\n",
    ],
)
def test_a_page_of_text_that_quotes_a_scenario_is_no_scenario(text: str) -> None:
    Path("README.md").write_text(text)
    fix = "a scenario begins with `format: 1`; `allpath new FILE` writes one"
    assert problems_of("README.md") == [f"README.md: is not a scenario file\n    {fix}"]


def test_a_scenario_with_a_fault_of_yaml_is_one() -> None:
    Path("a.yaml").write_text("# mine\n\n---\ntitle: a: b\nformat: 1\n")
    assert problems_of("a.yaml")[0].startswith("a.yaml:4:9: a `:` where no key is allowed")


def test_a_fault_within_the_base_is_named_there() -> None:
    Path("base.yaml").write_text("format: 1\nx: ~\n")
    layer("")
    assert problems_of("top.yaml")[0].startswith("base.yaml:2:4: x: `~` is a null")


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        ("changes: [a]", "changes: is not a mapping of paths to values"),
        ("add: 3", "add: is not a mapping of paths to values"),
        ("remove: never", "remove: is not a list of paths"),
        ("remove: [[a]]", "remove: is not a list of paths"),
        (
            "chnages: {}",
            "chnages: `chnages` in a file with `based_on`\n    did you mean `changes`?",
        ),
        ("outcomes: {}", "outcomes: `outcomes` in a file with `based_on`\n    write what differs"),
    ],
)
def test_a_layer_with_other_things_in_it(body: str, fact: str) -> None:
    layer(body)
    (found,) = problems_of("top.yaml")
    assert fact in found


def test_changes_without_a_base() -> None:
    Path("alone.yaml").write_text("format: 1\nchanges: {horizon: 1 years}\nhorizon: 1 days\n")
    (found,) = problems_of("alone.yaml")
    assert found.startswith("alone.yaml:2:1: changes: `changes` without `based_on`")


def test_files_of_two_formats() -> None:
    Path("base.yaml").write_text("format: 2\nhorizon: 1 years\n")
    layer("")
    assert problems_of("top.yaml")[0].startswith("base.yaml:1:9: format: is 2, and 1 in the file based on it")
    Path("base.yaml").write_text("horizon: 1 years\n")
    assert problems_of("top.yaml")[0].startswith("base.yaml:1:1: `format` is missing")


def test_all_problems_of_all_layers_are_told_at_once() -> None:
    layer("changes: {horizn: 1}\nremove: [nevr]\n", name="middle.yaml")
    layer("add: {horizon: 1}\n", below="middle.yaml")
    places = [found.split(": ")[0] for found in problems_of("top.yaml", "patient=1")]
    assert places == ["--set patient", "middle.yaml:4:11", "middle.yaml:5:10", "top.yaml:4:7"]
