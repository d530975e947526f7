"""YAML files as nodes with places, what is refused in them, and canonical text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import Place, ScenarioError
from sim.scenario.source import tree


def problems_of(text: str) -> list[str]:
    """Every problem of a text as `line:column: path: fact`."""
    with pytest.raises(ScenarioError) as error:
        tree.read_text(text, "f")
    return [str(found).split("\n")[0].removeprefix("f:") for found in error.value.problems]


def value_of(text: str) -> tree.Plain:
    return tree.plain(tree.read_text(text, "f"))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("1e-3", 0.001),
        (".15", 0.15),
        ("10_000", 10000),
        ("12:30:00", "12:30:00"),
        ("2001-01-02", "2001-01-02"),
        ("28 days", "28 days"),
        ("$name", "$name"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("'~'", "~"),
        ('""', ""),
        ("a # comment", "a"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    found = value_of(f"key: {written}")
    assert found == {"key": value}
    assert isinstance(found, dict) and type(found["key"]) is type(value)


def test_keys_are_texts_as_written_in_their_order() -> None:
    found = value_of("{28 days: 1, 0: 2, true: 3, no: 4, 1.50: 5, 'a b': 6, '012': 7}")
    assert isinstance(found, dict)
    assert list(found) == ["28 days", "0", "true", "no", "1.50", "a b", "012"]


def test_every_value_and_key_has_its_place() -> None:
    root = tree.read_text("a:\n  b: [1, {c: x}]\n", "f")
    assert isinstance(root.value, dict)
    a = root.value["a"]
    assert isinstance(a.value, dict)
    b = a.value["b"]
    assert isinstance(b.value, list)
    assert root.keys["a"] == Place("f", 1, 1)
    assert (a.place, a.keys["b"]) == (Place("f", 2, 3), Place("f", 2, 3))
    assert (b.place, b.value[0].place) == (Place("f", 2, 6), Place("f", 2, 7))
    assert b.value[1].keys["c"] == Place("f", 2, 11)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n", "1:1: a: has no value"),
        ("a: ~\n", "1:4: a: `~` is a null"),
        ("a: {b: null}\n", "1:8: a.b: `null` is a null"),
        ("~: 1\n", "1:1: `~` is a null"),
        ("?\n: 1\n", "1:2: a key is missing"),
        ("a: 012\n", "1:4: a: 012 begins with a zero"),
        ("a: .inf\n", "1:4: a: .inf is not a number that can be used"),
        ("a: 1e999\n", "1:4: a: 1e999 is too large"),
        ("a: !!str 1\n", "1:4: a: `!!str` is a YAML tag"),
        ("a: !mine 1\n", "1:4: a: `!mine` is a YAML tag"),
        ("a: &x [1]\n", "1:4: a: `&x` is a YAML anchor"),
        ("a: *x\n", "1:4: a: `*x` is a YAML alias"),
        ("<<: {a: 1}\n", "1:1: `<<` is a YAML merge key"),
        ("a: 1\nb: 2\na: 3\n", "3:1: a: `a` appears twice"),
        ("a: {b: 1, 'b': 2}\n", "1:11: a.b: `b` appears twice"),
        ("[a, b]: 1\n", "1:1: a key is a mapping or a list"),
        ("a: 1\n---\nb: 2\n", "2:1: a second YAML document begins"),
        ("%YAML 1.1\n---\na: 1\n", "1:1: the file asks for YAML 1.1"),
        (f"? {'k' * 101}\n: 1\n", "1:3: a key has 101 characters"),
        ("a: \x07\n", "1:4: the control character U+0007 is not allowed"),
        ("a: 1\nb: \ufeff\n", "2:4: the control character U+FEFF is not allowed"),
    ],
)
def test_what_a_scenario_has_no_use_for_is_refused(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


def test_the_first_of_two_keys_is_named() -> None:
    with pytest.raises(ScenarioError, match="first in line 1: keep one"):
        tree.read_text("a: 1\nb: 2\na: 3\n", "f")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: c\n", "1:5: a `:` where no key is allowed"),
        ("a: 1\n b: 2\n", "2:3: a `:` where no key is allowed"),
        ("a: [1, 2\nb: 3\n", "2:2: the `[` of line 1 is not closed before this"),
        ("a: {b: 1\n", "2:1: the `{` of line 1 is not closed before this"),
        ("a: [", "2:1: the text ends where a value is expected"),
        ("a: ]\n", "1:4: a value is missing here"),
        ("a: {b: 1}}\n", "1:10: this does not belong to the mapping of line 1"),
        ("a: 'x\n", "1:4: a quotation mark is opened here and not closed"),
        ('a: "\\q"\n', "1:5: a `\\` in double quotes begins no known character"),
        ("a:\n\tb: 1\n", "2:1: a tab in the indentation"),
        ("a: @x\n", "1:4: `@` cannot begin a value"),
        ("a: 1\r\rb: @x\r", "3:4: `@` cannot begin a value"),
        ("- a\nb: 1\n", "2:1: this line does not belong to the list of line 1"),
        ("a: 1\n- b\n", "2:1: this does not belong to the mapping of line 1"),
        ("  a: 1\n b: 2\n", "2:2: this line does not belong to what stands before it"),
        ("a: - b\n", "1:4: a `- ` where no list can begin"),
        ("a: 1\nkey\nb: 2\n", "3:1: a key has no `:`"),
        ("a: * b\n", "1:5: `&` and `*` begin YAML anchors and aliases"),
        ("a: [!<x]\n", "1:9: `!` begins a YAML tag"),
        ("%FOO\n---\na: 1\n", "1:5: this is not YAML"),
    ],
)
def test_a_fault_of_the_yaml_is_named_in_plain_words(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


def test_all_problems_are_told_at_once() -> None:
    text = "a: ~\nb: !t 012\nc: [1, , 2]\nd: {<<: *q}\n"
    assert problems_of(text.replace(", ,", ", ~,")) == [
        "1:4: a: `~` is a null",
        "2:4: b: `!t` is a YAML tag",
        "3:8: c.1: `~` is a null",
        "4:5: d: `<<` is a YAML merge key",
        "4:9: d.<<: `*q` is a YAML alias",
    ]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_a_very_deep_file_is_refused(text: str) -> None:
    assert "nested" in problems_of(text)[-1]


def test_the_deepest_nesting() -> None:
    assert value_of("[" * 64 + "1" + "]" * 64)
    assert "nested deeper than 64 levels" in problems_of("[" * 65 + "1" + "]" * 65)[0]


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment\n", "---\n"])
def test_an_empty_text(text: str) -> None:
    assert problems_of(text) == [" is empty"]


@pytest.mark.parametrize(
    ("raw", "fact"),
    [
        (b"", "is empty"),
        (b"a: 1\0", "is not a text: it has NUL bytes"),
        (b"a: \xff\n", "is not UTF-8 text"),
        ("a: 1".encode("utf-16"), "is not a text: it has NUL bytes"),
        (b"\xef\xbb\xbfa: 1\n", "begins with a byte order mark"),
    ],
)
def test_what_is_no_text_is_refused_at_the_file(tmp_path: Path, raw: bytes, fact: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(raw)
    with pytest.raises(ScenarioError) as error:
        tree.read_file(path)
    (found,) = error.value.problems
    assert (found.where.place, found.fact) == (Place(str(path)), fact)


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (path := tmp_path / "s.yaml").open("wb") as file:
        file.truncate(256 * 2**20 + 1)
    with pytest.raises(ScenarioError, match="is larger than 256 MiB"):
        tree.read_file(path)


def test_a_resolved_scenario_is_read_again_however_large_its_table(tmp_path: Path) -> None:
    """A table of days may have 64 MiB as a file of its own; here the text has more than 2 MiB."""
    days = "\n".join(f"  - {day}.123456789012345 days" for day in range(80_000))
    path = tmp_path / "resolved.yaml"
    path.write_text(f"days:\n{days}\n")
    assert path.stat().st_size > 2 * 2**20
    found = tree.read_file(path).value
    assert isinstance(found, dict)
    assert len(found["days"].value) == 80_000  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["base", "below/base", "below/base.yaml"])
def test_a_file_without_its_suffix_or_folder_is_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the list of examples names a scenario that is copied to a folder of strategies."""
    (tmp_path / "strategies" / "below").mkdir(parents=True)
    (tmp_path / "strategies" / "below" / "base.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path / "strategies" / "below" if name == "base" else tmp_path)
    where = "base.yaml" if name == "base" else "strategies/below/base.yaml"
    with pytest.raises(ScenarioError, match=rf"there is no such file\n.*did you mean `{where}`\?"):
        tree.read_file(name)


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("a: 1\n")
    with pytest.raises(ScenarioError, match=r"bse\.yaml: there is no such file\n.*`base.yaml`\?"):
        tree.read_file(tmp_path / "bse.yaml")
    with pytest.raises(ScenarioError, match="is a folder"):
        tree.read_file(tmp_path)
    with pytest.raises(ScenarioError, match="cannot be read: not a directory"):
        tree.read_file(tmp_path / "base.yaml" / "s.yaml")
    with pytest.raises(ScenarioError, match="cannot be read: embedded null byte"):
        tree.read_file("a\0b")


def test_a_file_is_read_with_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes("é: ü\r\nb: 1\r\n".encode())
    root = tree.read_file(path)
    assert tree.plain(root) == {"é": "ü", "b": 1}
    assert root.keys["b"] == Place(str(path), 2, 1)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\u2066"])
def test_a_control_character_is_an_error_raw_and_escaped(character: str) -> None:
    for text in (
        f"k: a{character}b\n",
        f'k: "a\\u{ord(character):04x}b"\n',
        f'"a\\u{ord(character):04x}": 1\n',
    ):
        with pytest.raises(
            ScenarioError, match=f"the control character U\\+{ord(character):04X} is not allowed"
        ):
            tree.read_text(text, "f")


# ---------------------------------------------------------------- canonical text

LETTERS = st.characters(exclude_categories=("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
SCALARS = (
    st.text(LETTERS | st.sampled_from("\n\r\t"), max_size=30)
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.sampled_from(
        [
            "no",
            "null",
            "~",
            "",
            "012",
            "1e3",
            "0x1F",
            ".inf",
            "<<",
            "=",
            "-",
            "--- a",
            "... b",
            "$p",
        ]
        + [
            "2001-01-01",
            "a: b",
            "a #b",
            " a",
            "a ",
            "a  b",
            "😀",
            "? a",
        ]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(LETTERS, max_size=20).map(tree.normal), inner)
    ),
    max_leaves=30,
)


def same(one: tree.Plain, other: tree.Plain) -> bool:
    """Equal with order and kind; 5 and 5.0 are the same number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    kinds = [bool if isinstance(v, bool) else str if isinstance(v, str) else float for v in (one, other)]
    return kinds[0] is kinds[1] and one == other


@given(VALUES)
def test_written_text_is_read_back_as_the_same_value(value: tree.Plain) -> None:
    assert same(value_of(tree.write(value)), value)
    assert tree.write(value_of(tree.write(value))) == tree.write(value)


@given(VALUES)
def test_flow_text_is_one_line_and_read_back_as_the_same_value(value: tree.Plain) -> None:
    assert len(tree.flow(value).splitlines()) == 1
    assert same(value_of("k: " + tree.flow(value)), {"k": value})


def test_what_canonical_text_looks_like() -> None:
    value: tree.Plain = {
        "format": 1,
        "title": "Salvage: then CAR-T",
        "horizon": "1826.25 days",
        "rates": {"a": 5.0, "b": 1e-05, "c": "0.0025 per day"},
        "kept": {"no": "yes", "0": "0", "true": True, "n": "n", "e": [], "f": {}},
        "stages": {
            "long": {
                "label": "a label that is long enough for the whole not to fit in one line of text",
                "do": [{"set": {"a": 1}}, "x"],
            }
        },
        "list": [
            "an item that is long, " * 3,
            {"when": "x" * 60, "value": "y" * 60},
            ["z" * 99, 1],
        ],
    }
    assert tree.write(value) == (
        "format: 1\n"
        'title: "Salvage: then CAR-T"\n'
        "horizon: 1826.25 days\n"
        "rates: {a: 5, b: 1e-05, c: 0.0025 per day}\n"
        'kept: {"no": "yes", 0: "0", true: true, n: n, e: [], f: {}}\n'
        "stages:\n"
        "  long:\n"
        "    label: a label that is long enough for the whole not to fit in one line of text\n"
        "    do: [{set: {a: 1}}, x]\n"
        "list:\n"
        f'  - "{"an item that is long, " * 3}"\n'
        f"  - when: {'x' * 60}\n"
        f"    value: {'y' * 60}\n"
        f"  - - {'z' * 99}\n"
        "    - 1\n"
    )
