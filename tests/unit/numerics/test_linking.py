"""Where compiled code is kept, and what happens when it cannot be read or kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.engine.run import COMPILED, ensure_compiled
from sim.numerics import linking
from sim.numerics.compilation import IS_COMPILED, entry


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    linking.cache_folder.cache_clear()
    yield tmp_path
    linking.cache_folder.cache_clear()


def doubled(x: float) -> float:
    return 2.0 * x


def test_the_folder_belongs_to_the_user_alone(root: Path) -> None:
    folder = linking.cache_folder()
    assert folder is not None
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]


@pytest.mark.parametrize("is_link", [True, False])
def test_nothing_is_read_from_a_folder_that_others_can_fill(
    root: Path, is_link: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if is_link:
        (root / "elsewhere").mkdir()
        (root / "allpath").symlink_to(root / "elsewhere")
    else:
        (root / "allpath").mkdir()
        (root / "allpath").chmod(0o777)
    assert linking.cache_folder() is None
    assert "compiled code is not kept on disk" in caplog.text


def test_nothing_is_kept_without_a_home(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "file" / "folder"))
    (root / "file").write_text("")
    assert linking.cache_folder() is None


def test_the_newest_folders_are_kept_and_those_of_the_last_day(root: Path) -> None:
    """Several clones with one cache do not evict one another; folders of past weeks go."""
    for age in (1, 2, 3, 3600, 90_000, 1_000_000):
        (root / "allpath" / str(age)).mkdir(parents=True)
        (root / "allpath").chmod(0o700)
        os.utime(root / "allpath" / str(age), (time.time() - age, time.time() - age))
    folder = linking.cache_folder()
    assert folder is not None
    assert {path.name for path in (root / "allpath").iterdir()} == {folder.name, "1", "2", "3", "3600"}


@pytest.mark.skipif(not IS_COMPILED, reason="compilation is switched off")
@pytest.mark.parametrize("damage", [b"", b"garbled", None])
def test_a_damaged_file_is_compiled_again_and_replaced(
    root: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert entry(doubled)(1.5) == 3.0
    folder = linking.cache_folder()
    assert folder is not None
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] if damage is None else damage)
    assert entry(doubled)(1.5) == 3.0
    assert "compiled again" in caplog.text
    caplog.clear()
    assert entry(doubled)(1.5) == 3.0
    assert caplog.text == ""


@pytest.mark.skipif(not IS_COMPILED, reason="compilation is switched off")
def test_a_full_disk_is_only_noted(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert entry(doubled)(1.5) == 3.0
    assert "no space left" in caplog.text
    folder = linking.cache_folder()
    assert folder is not None
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not IS_COMPILED, reason="compilation is switched off")
def test_a_compilation_is_announced_unless_this_installation_has_the_engine(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("ALLPATH_IS_COMPILING", raising=False)
    monkeypatch.setattr("sim.engine.run.run_module", lambda *_: None)
    own = linking.cache_folder()
    assert own is not None
    (other := own.parent / "another").mkdir()
    for folder, engine in ((other, "shared"), (own, "independent")):
        (folder / f"{COMPILED[engine]}-0123").touch()
    ensure_compiled(("independent",))
    assert caplog.text == ""
    ensure_compiled(("shared",))
    assert "compiling the kernel (once" in caplog.text
