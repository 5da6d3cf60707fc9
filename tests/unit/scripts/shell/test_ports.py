"""Who listens on a port, as a node's shell sees it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys

import pytest

from tests.unit.scripts.fragments import fragment


def one_listens(port: int) -> bool:
    script = fragment("ports.sh", HD_CLIENT_VIPS="192.0.2.1", main=f"one_listens {port}")
    return subprocess.run(["sh"], input=script, text=True, timeout=30, check=False).returncode == 0


def test_a_worker_that_has_not_left_is_seen_and_a_frozen_one_is_woken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, inherited = listener.getsockname()[1], listener.fileno()
        assert one_listens(port)
        wait = "import sys; print(flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", wait],
            pass_fds=[inherited],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout
            other.stdout.readline()
            assert not one_listens(port)
            other.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, other.pid, os.WSTOPPED)
            assert not one_listens(port)
            assert os.waitid(os.P_PID, other.pid, os.WCONTINUED | os.WNOHANG)
        assert one_listens(port)
    assert not one_listens(port)


def test_who_listens_at_another_address_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_server(("::1", port), family=socket.AF_INET6):
            assert one_listens(port)


@pytest.mark.parametrize(
    ("place", "host", "meets"),
    [
        ("0.0.0.0", "ipv4", True),
        ("198.51.100.1%eth0", "ipv4", True),
        ("[::1]", "ipv4", False),
        ("[::]", "ipv4", False),
        ("[fe80::1]%eth0", "ipv6", True),
        ("0.0.0.0", "ipv6", False),
        ("*", "ipv4", True),
        ("*", "ipv6", True),
        ("*", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("[::1]", "127.0.0.1", False),
    ],
)
def test_a_socket_leaves_no_room_where_addresses_meet(place: str, host: str, meets: bool) -> None:
    script = fragment("sockets.sh", main=f"at_host {shlex.quote(place)} {host}")
    done = subprocess.run(["dash"], input=script, text=True, timeout=30, check=False)
    assert (done.returncode == 0) is meets


def served(port: int, *vips: str) -> str:
    """What is said of a port on which not every VIP is served; "" if all are."""
    script = fragment("ports.sh", HD_CLIENT_VIPS=" ".join(vips), main=f"listens_for_clients {port}")
    done = subprocess.run(
        ["dash"], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode == 0) == (done.stdout == "")
    return done.stdout.strip()


def test_a_listener_on_loopback_serves_no_vip() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        reported = f"haproxy listens on 127.0.0.1:{port} only, so it does not serve 192.0.2.1"
        assert served(port, "192.0.2.1") == reported
        assert served(port, "127.0.0.1") == ""


def test_a_listener_on_every_address_of_loopback_serves_no_vip() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        listener.bind(("", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert served(port, "192.0.2.1").startswith(f"haproxy listens on 0.0.0.0%lo:{port} only")


def test_a_listener_on_every_address_serves_the_vips_of_its_family() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        assert served(port, "192.0.2.1") == ""
        assert "does not serve 2001:db8::1" in served(port, "192.0.2.1", "2001:db8::1")
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        assert served(listener.getsockname()[1], "192.0.2.1", "2001:db8::1") == ""
