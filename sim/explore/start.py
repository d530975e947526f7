"""The start of the page: a Streamlit server on this machine alone takes the place of the command."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn, Unpack

from sim.errors import InputError
from sim.runs.run import RunOptions, RunRequest, check_whole

SCRIPT = Path(__file__).with_name("script.py")
SERVER = {
    "server.address": "localhost",
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "logger.level": "warning",
    "runner.magicEnabled": "false",
    "theme.light.primaryColor": "#1A7FBD",
    "theme.dark.primaryColor": "#56B4E9",
}
"""Options of Streamlit; without a display it opens no browser by itself."""


def start(
    files: Sequence[Path], *, port: int | None, command: Sequence[str], **options: Unpack[RunOptions]
) -> NoReturn:
    """Replace this process by the server of the page.

    port: None for the first that is free from 8501. command: as the user typed it.
    Raises: InputError where Streamlit is missing or the port is in use; ScenarioError for a wrong scenario.
    """
    if find_spec("streamlit") is None:
        raise InputError("explore: the page needs Streamlit", "pip install 'allpath[explore]'")
    for file in files:
        RunRequest.of(file, **options).load()
    if port is not None:
        _check_port(port)
    given = {name: value for name, value in options.items() if value is not None}
    arguments = json.dumps({"files": list(map(str, files)), "command": list(command), **given})
    server = SERVER if port is None else {**SERVER, "server.port": str(port)}
    flags = [f"--{name}={value}" for name, value in server.items()]
    sys.stdout.flush()
    words = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *flags, "--", arguments]
    os.execv(sys.executable, words)  # noqa: S606


def _check_port(port: int) -> None:
    """Raises: InputError for a port that cannot be used."""
    check_whole("port", port, 1, 65535)
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("localhost", port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"port: {port} cannot be used: {reason}", "name another one, or none") from error
