"""Which sockets leave haproxy no room: those of other addresses than its own do not."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import Owner, Socket
from tests.unit import builders

ANYBODY = (Owner("python3", 7, ""),)


@pytest.mark.parametrize(
    ("port", "address", "counts"),
    [
        (9443, "*", True),
        (9443, "0.0.0.0", True),
        (9443, "127.0.0.1", True),
        (9443, "198.51.100.11%lo", True),
        (9443, "::1", False),
        (9443, "::", False),
        (19443, "127.0.0.1", True),
        (19443, "0.0.0.0", True),
        (19443, "127.0.0.2", False),
        (19443, "::1", False),
        (19443, "*", True),
    ],
)
def test_only_addresses_that_meet_count(port: int, address: str, counts: bool) -> None:
    cluster = builders.cluster()
    look = dataclasses.replace(builders.empty("n1"), sockets=(Socket(address, port, ANYBODY),))
    assert bool(haproxy_sockets(cluster, look, port)) is counts
