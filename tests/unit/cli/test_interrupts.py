"""Interrupts and broken streams: an end within a second, a true message, and the exit status of the shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import files
from sim.cli import output
from sim.engine.cluster import DaskCluster
from sim.errors import RunError
from sim.uncertainty.draws_folder import DrawsFolder
from sim.uncertainty.psa import Done
from tests.psa_models import written as psa_files
from tests.unit.cli.in_process import Allpath

ROOT = Path(__file__).parents[3]
FIRST = ROOT / "scenarios" / "first_steps.yaml"
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


def kill_self(number: int, *, swallow: bool = False) -> Callable[..., Any]:
    def act(*args: Any, **kwargs: Any) -> Any:
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        except KeyboardInterrupt:
            if not swallow:
                raise

    return act


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_says_that_nothing_was_written(
    number: int, status: int, allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.files._to_disk", kill_self(number))
    done = allpath("run", FIRST, "--patients", 20, "--out", tmp_path / "run")
    assert done == (status, "", "interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_says_what_was_written(
    allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, page = tmp_path / "run", tmp_path / "page.html"
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda self, to: kill_self(signal.SIGINT)() if to == page else replace(self, to)
    )
    status, _, err = allpath("run", FIRST, "--patients", 20, "--out", out, "--report", page)
    assert (status, err) == (130, f"interrupted; {out} was written\n")
    assert [item.name for item in tmp_path.iterdir()] == ["run"]


def test_an_interrupt_in_the_moment_a_folder_takes_its_place_says_that_it_was_written(
    allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, to_disk = tmp_path / "run", files._to_disk

    def act(path: Path) -> None:
        to_disk(path)
        if out.exists():
            kill_self(signal.SIGINT)()

    monkeypatch.setattr(files, "_to_disk", act)
    done = allpath("run", FIRST, "--patients", 20, "--out", out)
    assert done == (130, "", f"interrupted; {out} was written\n")
    assert list(tmp_path.iterdir()) == [out]


def test_an_interrupted_analysis_keeps_its_draws_and_says_that_it_goes_on(
    allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first block is written, the second interrupted; the same command ends the analysis."""
    (file, *_), out = psa_files(tmp_path), tmp_path / "draws"
    words = ("psa", file, "--draws", 60, "--patients", 5, "--workers", 1, "--out", out)
    write, n_blocks = DrawsFolder.write, []

    def write_once(self: DrawsFolder, done: Done) -> None:
        (kill_self(signal.SIGINT) if n_blocks else write)(self, done)
        n_blocks.append(1)

    monkeypatch.setattr("sim.uncertainty.psa.TOGETHER", 90)
    with monkeypatch.context() as patch:
        patch.setattr(DrawsFolder, "write", write_once)
        status, _, err = allpath(*words)
    message = f"interrupted; {out} keeps what is done: the same command goes on from there\n"
    assert (status, err) == (130, message)
    assert allpath(*words)[0] == 0
    assert (out / "results.json").exists()


def test_an_error_says_that_the_analysis_goes_on(
    allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker was killed, or the disk is full: what is done before is kept."""
    (file, *_), out = psa_files(tmp_path), tmp_path / "draws"

    def fails(self: DrawsFolder, done: Done) -> None:
        raise RunError("a worker process was killed")

    monkeypatch.setattr(DrawsFolder, "write", fails)
    done = allpath("psa", file, "--draws", 3, "--patients", 5, "--workers", 1, "--out", out)
    kept = f"{out} keeps what is done: the same command goes on from there"
    assert done == (1, "", f"a worker process was killed\n    {kept}\n")


def test_an_interrupted_command_on_a_cluster_says_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks are kept in their folder; without one, nothing was written."""
    for name, message in (("blocks", f"{tmp_path}/blocks keeps what is done"), ("", "nothing was written")):
        monkeypatch.setattr(DaskCluster, "__enter__", lambda self: self)
        monkeypatch.setattr(DaskCluster, "__exit__", lambda self, *error: None)
        (tmp_path / "blocks").mkdir(exist_ok=True)
        options = {"cluster": "tcp://here:1", "blocks": tmp_path / (name or "none"), "workers": None}
        with pytest.raises(KeyboardInterrupt), output.interrupts(), output.on_cluster(options):
            os.kill(os.getpid(), signal.SIGINT)
        assert capsys.readouterr().err.startswith(f"interrupted; {message}")


@pytest.mark.parametrize("verb", ["compare", "sweep"])
def test_an_interrupt_that_a_library_swallows_still_ends_with_130(
    verb: str, allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", kill_self(signal.SIGINT, swallow=True))
    words = [FIRST] if verb == "compare" else ["--over", "horizon=4 years"]
    status, _, err = allpath(verb, FIRST, *words, "--patients", 20, "--json", tmp_path / "x.json")
    assert (status, err) == (130, f"interrupted; {tmp_path / 'x.json'} was written\n")


def test_an_error_that_follows_a_swallowed_interrupt_is_the_interrupt(
    allpath: Allpath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library of which a signal stops the import is half there, and fails later in a way of its own."""
    swallowed = kill_self(signal.SIGINT, swallow=True)

    def half_imported(*given: object) -> None:
        swallowed(*given)
        raise AttributeError("partially initialized module 'pandas' has no attribute 'core'")

    monkeypatch.setattr(os, "fsync", half_imported)
    status, _, err = allpath("run", FIRST, "--patients", 20, "--json", tmp_path / "x.json")
    assert (status, err) == (130, "interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


STUCK = """
import hashlib
from sim.cli import output
with output.interrupts():
    while True:
        try:
            print("ready", flush=True)
            hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # compiled: no handler runs before it returns
        except KeyboardInterrupt:  # the signal came before
            pass
"""


LEFT = """
import os, signal, sys
from pathlib import Path
from sim.cli import output
from sim.files import whole_folder
mkdir = os.mkdir
def make(*given):
    mkdir(*given)
    os.kill(os.getpid(), signal.SIGINT)
os.mkdir = make
with output.interrupts(), whole_folder(Path(sys.argv[1], "run")):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_compiled_code_does_not_delay_the_end(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (128 + number, "interrupted; nothing was written\n")


def test_an_interrupt_as_soon_as_a_folder_is_made_leaves_nothing(tmp_path: Path) -> None:
    """Before its name is known to those who remove it."""
    done = subprocess.run(
        [sys.executable, "-c", LEFT, str(tmp_path)], env=ENV, capture_output=True, check=False
    )
    assert b"interrupted; nothing was written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_former_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with output.interrupts() as interrupted:
        assert interrupted.status == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# ---------------------------------------------------------------- streams


def run_in_shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("allpath", f"{sys.executable} -m sim.cli.main", 1)],  # not in paths
        env={**ENV, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "line", ["allpath check %s >&-", "allpath check %s >&- 2>&-", "allpath --help | true"]
)
def test_a_closed_output_ends_quietly(line: str) -> None:
    done = run_in_shell(line.replace("%s", str(FIRST)))
    assert (done.returncode, done.stderr) == (0, "")


def test_an_ascii_terminal_shows_every_title(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(f"format: 1\ntitle: Zürich → Genève\nbased_on: {FIRST}\n", "utf-8")
    told = run_in_shell(f"allpath run {file} --patients 20", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Z\\xfcrich \\u2192 Gen\\xe8ve\n")
    json = run_in_shell(
        f"allpath run {file} --patients 20 --json -", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert "Z\\u00fcrich" in json.stdout


def test_a_name_that_is_no_utf_8_is_an_error(allpath: Allpath, tmp_path: Path) -> None:
    for option in ("--out", "--report"):
        name = tmp_path / os.fsdecode(b"run\xff")
        status, out, err = allpath("run", FIRST, "--patients", 20, option, name)
        assert (status, out) == (2, "")
        assert err == f"{tmp_path}/run\\udcff: the name is not UTF-8\n    choose another name\n"
    file = tmp_path / os.fsdecode(b"first\xff.yaml")
    file.write_bytes(FIRST.read_bytes())
    assert allpath("run", file, "--patients", 20, "--out", tmp_path / "run")[0] == 0
    assert allpath("reproduce", tmp_path / "run")[0] == 0
