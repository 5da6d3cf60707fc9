"""Which backends answer, which do not, and which cannot be asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hadeploy.certificates import reader
from hadeploy.certificates.certificate import Endpoint
from hadeploy.certificates.reader import CertificateReader
from hadeploy.remote.tunnel import ForwardingRefusedError
from tests.unit import builders

NODES: list[Endpoint] = [(f"198.51.100.1{i}", 6443) for i in (1, 2, 3)]
N1, N2, N3 = NODES


class Backends:
    """What backends do, instead of tunnels; each question is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.silent: dict[Endpoint, int] = {}
        self.no_forwarding: set[Endpoint] = set()
        self.unreachable: set[Endpoint] = set()
        self.asked: list[tuple[Endpoint, int]] = []
        self.now = 1000.0
        monkeypatch.setattr(reader, "forwarded", self.forwarded)
        monkeypatch.setattr(reader, "relayed", self.relayed)
        monkeypatch.setattr(reader, "server_certificate", self.handshake)
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(reader, "time", clock)

    def forwarded(self, _: object, address: str, port: int, seconds: int) -> Any:
        if (address, port) in self.no_forwarding:
            raise ForwardingRefusedError
        return self.relayed(None, address, port, seconds)

    def relayed(self, _: object, address: str, port: int, seconds: int) -> Any:
        if (address, port) in self.unreachable:
            raise TimeoutError
        self.asked.append(((address, port), seconds))
        return Connection((address, port))

    def handshake(self, connection: Connection) -> None:
        """A server that does not speak TLS; a silent one answers after some attempts."""
        left = self.silent.get(connection.endpoint, 0)
        if left:
            self.silent[connection.endpoint] = left - 1
            raise TimeoutError


class Connection:
    """A tunnel to a backend."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def close(self) -> None:
        """Nothing is left open."""


def of_three_nodes() -> CertificateReader:
    sessions: Any = {node: object() for node in ("n1", "n2", "n3")}
    return CertificateReader(builders.cluster(), lambda: sessions)


def test_a_silent_server_is_asked_once_more_with_more_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends = Backends(monkeypatch)
    backends.silent = {N2: 1, N3: 99}
    asking = of_three_nodes()
    read = asking.read(NODES)
    assert (set(read.found), read.silent) == ({N1, N2}, frozenset({N3}))
    assert sorted(backends.asked) == [(N1, 2), (N2, 2), (N2, 3), (N3, 2), (N3, 3)]
    # It is not waited for at each look.
    backends.asked.clear()
    backends.now += 5
    assert asking.read(NODES).silent == {N3}
    assert backends.asked == []
    backends.silent.clear()
    backends.now += 6
    assert asking.read(NODES).silent == set()
    assert backends.asked == [(N3, 2)]


def test_a_silent_server_is_found_where_ssh_forwards_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends = Backends(monkeypatch)
    backends.no_forwarding = {N2, N3}
    backends.silent = {N3: 99}
    read = of_three_nodes().read(NODES)
    assert (set(read.found), read.silent) == ({N1, N2}, frozenset({N3}))


def test_a_server_to_which_no_connection_opens_is_not_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends = Backends(monkeypatch)
    backends.unreachable = {N3}
    read = of_three_nodes().read(NODES)
    assert (set(read.found), read.silent) == ({N1, N2}, frozenset())


def test_a_server_that_is_not_in_the_inventory_is_asked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends = Backends(monkeypatch)
    former = ("198.51.100.11", 7443)
    read = of_three_nodes().read([*NODES, former])
    assert set(read.found) == {*NODES, former}
    assert len(backends.asked) == 4
