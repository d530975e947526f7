"""`allpath export`: what it writes where, whole or not at all, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sim.cli.main import main
from sim.formats import FORMATS, mstate, tables
from sim.runs.store import EVENTS
from tests.unit.formats.saved_runs import WARD, saved

FOLDERS = {
    "csv": set(tables.files("csv")),
    "parquet": set(tables.files("parquet")),
    "mstate": set(mstate.FILES),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("export"), WARD)[0].folder


def export(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr("sys.argv", ["allpath", "export", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def content(path: Path) -> dict[str, bytes]:
    """What is there: of a folder each of its files."""
    files = [path] if path.is_file() else sorted(path.iterdir())
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize("to", FORMATS)
def test_each_format_is_written_once_and_the_same_again(
    run: Path, tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    if to not in FOLDERS:
        out.parent.mkdir()
    assert export(monkeypatch, run, "--to", to, "--out", out) == 0
    assert capsys.readouterr().out == f"Written to {out}\n"
    first = content(out)
    assert set(first) == FOLDERS.get(to, {"out"})
    assert all(first.values())
    assert export(monkeypatch, run, "--to", to, "--out", out) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{out}: exists\n")
    assert "--force" in told
    assert export(monkeypatch, run, "--to", to, "--out", out, "--force") == 0
    assert content(out) == first
    assert {item.name for item in out.parent.iterdir()} == {"out"}


@pytest.mark.parametrize("to", FORMATS)
def test_what_cannot_be_written_leaves_what_was_there(
    run: Path, tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert export(monkeypatch, run, "--to", to, "--out", out) == 0
    before = content(out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert export(monkeypatch, run, "--to", to, "--out", out, "--force") == 1
    assert "no space left on device" in capsys.readouterr().err
    assert content(out) == before
    assert {item.name for item in tmp_path.iterdir()} == {"out"}


def test_mstate_by_states(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert export(monkeypatch, run, "--to", "mstate", "--by", "states", "--out", tmp_path / "out") == 0
    assert (tmp_path / "out" / mstate.MATRIX).read_text("utf-8").splitlines()[0] == '"","ill","well","dead"'


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--to", "xe"], 2, "--to: xe is none of csv, parquet, xes, ocel, mstate\n    did you mean `xes`?"),
        (["--to", "mstate", "--by", "stage"], 2, "--by: stage is none of stages, states"),
        (
            ["--to", "csv", "--by", "states"],
            2,
            "--by: csv has no states of a model\n    leave it out, or export --to=mstate",
        ),
    ],
)
def test_wrong_words_are_refused(
    run: Path,
    tmp_path: Path,
    words: list[str],
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert export(monkeypatch, run, *words, "--out", tmp_path / "out") == status
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_force_takes_nothing_else_away(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").touch()
    assert export(monkeypatch, run, "--to", "csv", "--out", tmp_path, "--force") == 2
    assert "holds files that are no part of an export: thesis.tex" in capsys.readouterr().err
    assert export(monkeypatch, run, "--to", "xes", "--out", tmp_path, "--force") == 2
    assert "is a folder" in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_that_is_none_or_is_broken_is_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(monkeypatch, tmp_path / "none", "--to", "csv", "--out", tmp_path / "out") == 1
    assert "no such run" in capsys.readouterr().err
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (broken / EVENTS).write_bytes(b"PAR1")
    assert export(monkeypatch, broken, "--to", "csv", "--out", tmp_path / "out") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
