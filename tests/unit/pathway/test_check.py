"""The notes of `allpath check`: many of one kind in one line."""

from sim.pathway.check import folded


def test_notes_of_one_kind_are_one_line() -> None:
    places = [f"a.yaml:{n}:3: parameters.p{n}: nothing uses this parameter" for n in range(50)]
    stages = [f"the stage `s{n}` cannot be reached" for n in range(3)]
    assert list(folded([stages[0], *places, *stages[1:]])) == [
        *stages,
        f"{places[0]} (and 49 more notes of this kind)",
    ]
