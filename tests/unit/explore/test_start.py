"""What `allpath explore` checks before it opens a page."""

from __future__ import annotations

import socket
import sys

import pytest

from sim.cli.main import run_command
from sim.explore import start
from tests.unit.explore.explored import written


@pytest.fixture
def files(tmp_path) -> list[str]:
    return [str(file) for file in written(tmp_path)]


def errors_of(monkeypatch, capsys, *words: str) -> str:
    """The errors of the command; its exit status must be 2."""
    monkeypatch.setattr(sys, "argv", ["allpath", "explore", *words])
    monkeypatch.setattr(start.os, "execv", lambda *_: pytest.fail("the page was opened"))
    assert run_command() == 2
    return capsys.readouterr().err


def test_without_streamlit_the_error_names_the_extra(monkeypatch, capsys, files):
    monkeypatch.setattr(start, "find_spec", lambda name: None)
    assert errors_of(monkeypatch, capsys, *files) == (
        "explore: the page needs Streamlit\n    pip install 'allpath[explore]'\n"
    )


def test_a_port_in_use_is_an_error(monkeypatch, capsys, files):
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        port = other.getsockname()[1]
        assert errors_of(monkeypatch, capsys, *files, "--port", str(port)).startswith(
            f"--port: {port} cannot be used: address already in use"
        )


def test_a_wrong_scenario_is_an_error_in_the_terminal(monkeypatch, capsys, files):
    assert "there is no such file" in errors_of(monkeypatch, capsys, files[0], "missing.yaml")
    assert "p_wel" in errors_of(monkeypatch, capsys, files[0], "--set", "parameters.p_wel.value=0.5")


def test_the_server_is_on_this_machine_and_reports_nothing(monkeypatch, files):
    started: list[list[str]] = []
    monkeypatch.setattr(start.os, "execv", lambda program, words: started.append(words))
    monkeypatch.setattr(sys, "argv", ["allpath", "explore", *files, "--patients", "100"])
    run_command()
    (words,) = started
    assert words[:5] == [sys.executable, "-m", "streamlit", "run", str(start.SCRIPT)]
    assert {"--server.address=localhost", "--browser.gatherUsageStats=false"} <= set(words)
    assert '"patients": 100' in words[-1]
