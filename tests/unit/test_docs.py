"""The page on pairing is up to date, the files that pages name exist, the navigation has every page."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


def test_the_page_of_pairing_has_every_comparison_and_what_one_of_them_gives() -> None:
    """One is simulated again; `make pairing` writes the page."""
    from benchmarks import pairing

    page = (ROOT / "docs" / "pairing.md").read_text("utf-8")
    shipped = list(pairing.pairs())
    assert len(shipped) >= 28
    for pair in shipped:
        assert f"`{pair.other.relative_to(pairing.SCENARIOS)}`" in page
    assert page.startswith(pairing.HEAD)
    one = next(
        pair
        for pair in shipped
        if pair.other.parent.name == "academic" and pair.other.stem == "car_t_withheld_for_cns"
    )
    differences = pairing.compared(one)
    assert "".join(pairing.survival_lines(one, differences)) in page
    assert pairing.economic_line(one, differences) in page


def answers_of(text: str) -> str:
    """The block of the answers of a page."""
    from tests.published.answers import BEGIN, END

    return BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END


def test_the_readme_answers_as_the_page_of_strategies() -> None:
    pages = [(ROOT / name).read_text("utf-8") for name in ("README.md", "docs/strategies.md")]
    assert answers_of(pages[0]) == answers_of(pages[1])
    assert answers_of(pages[0]).count("\n- **") == 3


def prose(text: str) -> list[str]:
    """The lines outside of tables."""
    return [line for line in text.splitlines() if line and not line.startswith("|")]


def test_the_prose_of_written_pages_is_that_of_their_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables take minutes to hours; other tests compare them with smaller runs."""
    from tests.published import answers, centre_tables, strategy_tables, uncertainty_tables, validation
    from tests.theory import queues

    monkeypatch.setattr(strategy_tables, "of_strategies", lambda setting: "|")
    monkeypatch.setattr(strategy_tables, "of_waits", lambda setting: "|")
    for name in ("of_structure", "by_group"):
        monkeypatch.setattr(answers, name, list)
    for name in ("of_draws", "of_bars"):
        monkeypatch.setattr(uncertainty_tables, name, lambda: "|")
    searched = re.search(
        r"judged by survival after\n[^?]*\? (.*)", (ROOT / "docs" / "strategies.md").read_text("utf-8")
    )
    assert searched
    monkeypatch.setattr(uncertainty_tables, "of_search", lambda: searched[1])
    base_case = SimpleNamespace(n_patients=521 * centre_tables.REPLICATIONS)
    monkeypatch.setattr(centre_tables, "cell", lambda path: base_case)
    monkeypatch.setattr(centre_tables, "of_what_ifs", lambda: "|")
    monkeypatch.setattr(centre_tables, "of_one_more", lambda: "|")
    shown = {
        name: (ROOT / "docs" / f"{name}.md").read_text("utf-8")
        for name in ("strategies", "centre", "queues", "validation")
    }
    assert prose(shown["strategies"]) == prose(strategy_tables.page(answers_of(shown["strategies"])))
    assert prose(shown["centre"]) == prose(centre_tables.page())
    assert shown["queues"].startswith(queues.HEAD)
    introduction = validation.INTRODUCTION.format(patients=validation.PATIENTS, seed=validation.SEED)
    disagreements = "".join(f"- {text}\n" for text in validation.DISAGREEMENTS)
    for text in (introduction, disagreements, validation.TOLERANCES):
        assert text in shown["validation"]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/scenarios.md", "scenarios/README.md"])
def test_the_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`((?:sim|tests|docs|scenarios|benchmarks)/[\w./]*)`", text)
    named += [f"{Path(page).parent}/{path}" for path in re.findall(r"\]\((?!http)([\w./]+)\)", text)]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_page_of_docs_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").split("nav:")[1].split("\n\n")[0]
    docs = ROOT / "docs"
    pages = {str(path.relative_to(docs)) for path in docs.rglob("*") if path.suffix in (".md", ".ipynb")}
    assert pages == set(re.findall(r": ([\w/-]+\.(?:md|ipynb))", navigation))
