"""No wait for a node has no end: through the real protocol, with a server that plays the node."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from hadeploy.errors import HadeployError
from hadeploy.remote.session import Session
from hadeploy.scripts.lines import MIB

KEY = paramiko.ECDSAKey.generate()
SILENCE = 0.5
OVER = threading.Event()


class Server(paramiko.ServerInterface):
    """Accepts every login and treats each command as the test wants."""

    def __init__(self, node: Callable[[paramiko.Channel, bytes], None], answers: bool) -> None:
        self._node, self._answers = node, answers

    def check_auth_none(self, username: str) -> int:
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if not self._answers:
            OVER.wait(20)
        threading.Thread(target=self._serve, args=(channel,), daemon=True).start()
        return True

    def check_global_request(self, kind: str, msg: paramiko.Message) -> bool:
        if not self._answers:
            OVER.wait(20)
        return False

    def _serve(self, channel: paramiko.Channel) -> None:
        script = b""
        while b"\nemit end" not in script and (chunk := channel.recv(65536)):
            script = script[:4096] + chunk
        token = script.partition(b"HD_TOKEN=")[2].partition(b"\n")[0]
        with suppress(OSError, EOFError):
            self._node(channel, token)


@contextmanager
def session_with(
    node: Callable[[paramiko.Channel, bytes], None], *, answers: bool = True
) -> Iterator[Session]:
    here, there = socket.socketpair()
    OVER.clear()
    server, client = paramiko.Transport(there), paramiko.Transport(here)
    server.add_server_key(KEY)
    try:
        server.start_server(threading.Event(), Server(node, answers))
        client.start_client(timeout=10)
        client.auth_none("root")
        connection: Any = SimpleNamespace(transport=client)
        yield Session("n3", connection, sudo=False, silence=SILENCE)
    finally:
        OVER.set()
        client.close()
        server.close()


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    """How much a reply may have, in MiB: less than a node may say, which takes seconds to send."""
    for module in ("lines", "protocol"):
        monkeypatch.setattr(f"hadeploy.scripts.{module}.MAX_REPLY_BYTES", 4 * MIB)
    return 4


def again_and_again(piece: bytes) -> Callable[[paramiko.Channel, bytes], None]:
    def node(channel: paramiko.Channel, token: bytes) -> None:
        while not OVER.wait(0.05):
            channel.sendall(piece.replace(b"TOKEN", token))

    return node


def silent(channel: paramiko.Channel, token: bytes) -> None:
    OVER.wait(20)


def no_status(channel: paramiko.Channel, token: bytes) -> None:
    channel.sendall(b"@" + token + b" end\n")
    channel.shutdown_write()
    OVER.wait(20)


def whole(channel: paramiko.Channel, token: bytes) -> None:
    channel.sendall(b"@" + token + b" ok 0\n@" + token + b" end\n")
    channel.send_exit_status(7)
    channel.close()


def reason(session: Session, **how: Any) -> str:
    """Why a script fails."""
    with pytest.raises(HadeployError) as caught:
        session.run("emit end", operation="looking", **how)
    assert caught.value.node == "n3"
    assert caught.value.operation == "looking"
    return caught.value.message


def test_the_reply_of_a_script_is_read() -> None:
    with session_with(whole) as session:
        reply = session.run("emit end", operation="looking")
    assert [message.kind for message in reply.messages] == ["ok"]
    assert reply.code == 7


@pytest.mark.parametrize(
    "piece", [b"\n@TOKEN heartbeat\n", b"@TOKEN ok 0\n", b"x", b"x\n", b"\n@TOKEN event 1\nx\n"]
)
@pytest.mark.parametrize("streamed", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_signs_of_life_do_not_keep_a_command_for_ever(piece: bytes, streamed: bool) -> None:
    with session_with(again_and_again(piece)) as session:
        said = reason(session, seconds=0.6, **({"on_line": len} if streamed else {}))
    assert said == "the script did not end within 0.6 s"


@pytest.mark.parametrize("node", [silent, no_status])
def test_a_silent_command_times_out(node: Any) -> None:
    with session_with(node) as session:
        said = reason(session)
    assert said.startswith("no sign of life")


def test_a_server_that_starts_no_command_is_given_up() -> None:
    with session_with(whole, answers=False) as session:
        said = reason(session)
    assert said.startswith("the connection was lost")


def test_a_server_that_answers_no_ping_is_given_up() -> None:
    no_answer = pytest.raises(HadeployError, match=r"no answer within 0\.5 s")
    with session_with(whole, answers=False) as session, no_answer:
        session.latency(3)


@pytest.mark.parametrize(
    "piece",
    [(b"x" * 99 + b"\n") * 600, (b"@TOKEN event " + b"x" * 999 + b"\n") * 50],
)
def test_what_is_kept_of_a_stream_has_a_bound(piece: bytes, most: int) -> None:
    """As `logs -f` reads it: the lines below the first message alone may go on for ever."""

    def node(channel: paramiko.Channel, token: bytes) -> None:
        while not OVER.is_set():
            channel.sendall(piece.replace(b"TOKEN", token))

    with session_with(node) as session:
        said = reason(session, on_line=len)
    assert said == f"the output exceeds {most} MiB"


def test_the_lines_of_a_stream_have_none(most: int) -> None:
    lines = 0

    def node(channel: paramiko.Channel, token: bytes) -> None:
        channel.sendall(b"@" + token + b" ok 0\n")
        for _ in range(2 * most):
            channel.sendall((b"x" * 1023 + b"\n") * 1024)
        channel.sendall(b"@" + token + b" end\n")
        channel.send_exit_status(0)
        channel.close()

    def take(line: str) -> None:
        nonlocal lines
        lines += 1

    with session_with(node) as session:
        session.run("emit end", operation="looking", on_line=take)
    assert lines == 2 * most * MIB // 1024


@pytest.mark.parametrize(
    ("pause", "seconds", "what"),
    [(20, 60, "no sign of life"), (0.1, 1, "the script did not end within 1 s")],
)
def test_a_command_that_hardly_reads_is_given_up(pause: float, seconds: int, what: str) -> None:
    with session_with(silent) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "_serve", lambda self, channel: drain(channel, pause))
        with pytest.raises(HadeployError, match=what):
            session.run("#" * 8 * MIB + "\nemit end", operation="looking", seconds=seconds)


def drain(channel: paramiko.Channel, pause: float) -> None:
    """Read some of what comes, again and again."""
    while not OVER.wait(pause):
        channel.recv(262_144)
