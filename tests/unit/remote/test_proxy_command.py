"""A ProxyCommand that fails, and what is shown of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hadeploy.remote.proxy_command import ProxyCommand, shown


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ssh -i /k/key -W h:22 bastion", "ssh -i /k/key -W h:22 bastion"),
        ("ncat --proxy-auth me:secret h 22", "ncat --proxy-auth (redacted) h 22"),
        ("x --password=secret h", "x --password=(redacted) h"),
        ("x http://me:secret@proxy h", "x http://me:(redacted)@proxy h"),
        ("a\n\x1b[31mb", "a  [31mb"),
    ],
)
def test_what_is_shown_of_a_command(command: str, expected: str) -> None:
    assert shown(command) == expected


def test_how_a_command_ended() -> None:
    failed = ProxyCommand("sh -c 'echo no way >&2; exit 7'", passes_socket=False, timeout=5)
    with failed.socket:
        failed.socket.settimeout(60)
        assert failed.socket.recv(1) == b"", "it has closed its end"
        failure = failed.failure()
    assert failure
    assert (failure.outcome, failure.output) == ("exit status 7", "no way")
    well = ProxyCommand("true", passes_socket=False, timeout=5)
    with well.socket:
        well.socket.settimeout(60)
        assert well.socket.recv(1) == b""
        assert well.failure() is None


def test_a_command_that_runs_is_the_connection_and_ends_with_it() -> None:
    echo = ProxyCommand("cat", passes_socket=False, timeout=5)
    with echo.socket:
        echo.socket.sendall(b"hello")
        assert echo.socket.recv(5) == b"hello"
    assert echo.failure() is None or "signal" in str(echo.failure())


def test_a_command_that_passes_no_socket_in_time_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"sh -c 'echo $$ >{pid}; sleep 300; true'"
    with pytest.raises(TimeoutError):
        ProxyCommand(command, passes_socket=True, timeout=0.5)
    eventually(lambda: not Path(f"/proc/{pid.read_text().strip()}/cmdline").read_bytes())


def eventually(true: Callable[[], bool]) -> None:
    """Poll for five seconds until the process is gone."""
    deadline = time.monotonic() + 5
    with contextlib.suppress(FileNotFoundError):
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.05)
