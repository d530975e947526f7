"""Files and folders: complete or as they were, whatever stands at their path, and nothing left behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from sim import files
from sim.errors import InputError, RunError
from sim.files import (
    check_file,
    check_folder,
    check_outputs,
    for_json,
    json_text,
    whole_file,
    whole_folder,
    write_whole,
)

ROOT = Path(__file__).parents[2]


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def write_folder(folder: Path, text: str = "new") -> None:
    with whole_folder(folder) as new:
        (new / "file").write_text(text)


# ---------------------------------------------------------------- before a run


def test_what_cannot_be_written_is_known_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is no folder"):
        check_folder(tmp_path / "file" / "run", force=False, files=())
    check_folder(tmp_path / "a" / "b", force=False, files=())
    with pytest.raises(InputError, match=r"file: exists; choose another name, or replace it with force=True"):
        check_file(tmp_path / "file", force=False)


def test_a_closed_folder_is_known_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # root may write in every folder
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="no permission"):
        check_folder(tmp_path / "run", force=False, files=())


def test_an_output_is_no_input_by_any_name(tmp_path: Path) -> None:
    source = tmp_path / "base.yaml"
    source.write_text("format: 1\n")
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    (tmp_path / "saved").mkdir()
    for name in ("base.yaml", "link", "hard", "saved/x.json", "sub/../base.yaml"):
        with pytest.raises(InputError, match="would replace an input"):
            check_outputs([tmp_path / name], inputs=[source, tmp_path / "saved"])
    for folder in (tmp_path, tmp_path / "saved", tmp_path / "saved" / "deeper"):
        with pytest.raises(InputError, match="would replace an input"):
            check_outputs([], inputs=[source, tmp_path / "saved"], folder=folder)


def test_no_two_outputs_have_one_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for one, other in (("a", "a"), ("a", "link")):
        with pytest.raises(InputError, match="two outputs have this name"):
            check_outputs([tmp_path / one, tmp_path / other], inputs=[])
    for name in ("q", "q/page.html"):
        with pytest.raises(InputError, match="two outputs have this name"):
            check_outputs([tmp_path / name], inputs=[], folder=tmp_path / "q")


# ---------------------------------------------------------------- complete or as it was


def test_the_system_applies_the_umask_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mask is never changed, not even for a moment: other threads write files too."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other.txt").touch()
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask of the process was changed"))
    write_folder(tmp_path / "run")
    write_whole(tmp_path / "summary.json", "{}")
    assert (tmp_path / "run").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert (tmp_path / "summary.json").stat().st_mode == (tmp_path / "other.txt").stat().st_mode


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(0o600)
    write_whole(tmp_path / "a", "new")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_text_is_complete_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "summary.json", "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="no space left on device; it was not written"):
        write_whole(tmp_path / "summary.json", "new")
    assert (tmp_path / "summary.json").read_text() == "old"
    assert names_in(tmp_path) == ["summary.json"]


@pytest.mark.parametrize("step", ["_to_disk", "_move_into_place"])
def test_where_the_new_folder_fails_the_old_one_stays(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "run", "old")

    def denied(*args: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, step, denied)
    with pytest.raises(RunError, match="permission denied; nothing was written"):
        write_folder(tmp_path / "run")
    assert (tmp_path / "run" / "file").read_text() == "old"
    assert names_in(tmp_path) == ["run"]


def test_where_the_last_step_fails_the_old_folder_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "run", "old")
    rename = Path.rename

    def once(self: Path, target: Path) -> Path:
        if self.name.endswith(".unfinished"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises(RunError, match="input/output error"):
        write_folder(tmp_path / "run")
    assert (tmp_path / "run" / "file").read_text() == "old"
    assert names_in(tmp_path) == ["run"]


def test_where_the_last_step_fails_a_new_folder_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Path, target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(RunError, match="input/output error"):
        write_folder(tmp_path / "run")
    assert names_in(tmp_path) == []


def test_two_writers_of_one_file_do_not_share_what_is_unfinished(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as first:
        with whole_file(tmp_path / "a") as second:
            second.write("second")
        assert (tmp_path / "a").read_text() == "second"
        first.write("first")
    assert (tmp_path / "a").read_text() == "first"
    assert names_in(tmp_path) == ["a"]


# ---------------------------------------------------------------- links and streams


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub/target")
    for text in ("first", "second"):
        write_whole(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "sub" / "target").read_text() == text
    assert names_in(tmp_path / "sub") == ["target"]


def test_a_fifo_and_a_device_are_written_to(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    check_outputs([fifo, Path(os.devnull)], inputs=[])
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(fifo.read_text()))
    reader.start()
    write_whole(fifo, "text")
    reader.join()
    assert found == ["text"]
    assert fifo.is_fifo()
    write_whole(Path(os.devnull), "text")
    assert Path(os.devnull).is_char_device()


def test_a_name_that_is_no_utf_8_is_escaped_in_json() -> None:
    assert json_text({"out": os.fsdecode(b"a\xff")}).encode("utf-8") == b'{\n  "out": "a\\udcff"\n}\n'
    assert json_text({"title": "é"}, ascii_only=True).isascii()


def test_numbers_of_numpy_are_numbers_in_json() -> None:
    found = for_json({"count": np.int64(3), "off": [np.float64("nan"), np.bool_(True)]})
    assert json_text(found) == '{\n  "count": 3,\n  "off": [\n    null,\n    true\n  ]\n}\n'


# ---------------------------------------------------------------- left by killed processes


KILLED = """
import os, signal, sys
from pathlib import Path
from sim.files import whole_file, whole_folder
with whole_folder(Path(sys.argv[1], "run")), whole_file(Path(sys.argv[1], "page.html")):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert [name[:4] for name in names_in(tmp_path)] == [".pag", ".run"]
    write_whole(tmp_path / "another", "text")
    assert names_in(tmp_path) == ["another"]


def test_what_a_living_process_or_another_machine_writes_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with whole_folder(tmp_path / "run"):
        write_whole(tmp_path / "another", "text")
    assert names_in(tmp_path) == ["another", "run"]
    for name in (".x.elsewhere-999999999-1-0.unfinished", ".x.unfinished", ".mine"):
        (tmp_path / name).mkdir()
    write_whole(tmp_path / "another", "text")
    assert len(names_in(tmp_path)) == 5


def test_where_the_system_lists_no_processes_those_that_live_are_known_by_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS."""
    monkeypatch.setattr(files, "PROCESSES", tmp_path / "proc")
    other = f".x.{files._host()}-999999999-0-0.unfinished"
    (tmp_path / other).mkdir()
    with whole_folder(tmp_path / "run") as new:
        assert new.name.endswith(f"-{os.getpid()}-0-0.unfinished")
        write_whole(tmp_path / "another", "text")
        assert new.is_dir()
    assert names_in(tmp_path) == ["another", "run"]


def test_an_old_folder_that_was_moved_aside_comes_back(tmp_path: Path) -> None:
    aside = f".run.{files._host()}-999999999-1-0.unfinished.old"
    (tmp_path / aside).mkdir()
    (tmp_path / aside / "file").write_text("old")
    write_whole(tmp_path / "another", "text")
    assert (tmp_path / "run" / "file").read_text() == "old"
    (tmp_path / aside).mkdir()
    write_whole(tmp_path / "another", "text")
    assert names_in(tmp_path) == ["another", "run"]
