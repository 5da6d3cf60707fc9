"""A full listener is reported."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.lab.faults_document import record_between
from tests.lab.harness import Cluster

MOST = 20


@contextmanager
def idle(cluster: Cluster, count: int, address: str | None = None) -> Iterator[None]:
    """Clients that connect through the VIP, or another address, and say nothing."""
    at = address or cluster.lab.vip
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection((at, 9443), timeout=5))
        yield


def reported(cluster: Cluster) -> list[tuple[str, str]]:
    """The proof of the listener's free connections on the holder: verdict and message."""
    (holder,) = cluster.holders()
    proofs = cluster.run("verify", "--timeout", "0", "--json").document["proofs"]
    named = [p for p in proofs if (p["proof"], p["node"]) == ("listener-has-room", holder)]
    return [(p["verdict"], p["message"]) for p in named]


def test_a_full_listener(served: Cluster) -> None:
    served.inventory["listeners"] = [{"port": 9443, "maxconn": MOST}]
    served.up()
    ((verdict, message),) = reported(served)
    assert (verdict, message.startswith("listener kube-apiserver has ")) == ("pass", True)
    with idle(served, MOST - 3):
        ((verdict, message),) = reported(served)
        assert verdict == "warn"
        assert "listener kube-apiserver is nearly full: " in message
        assert served.run("status").code == 0
    # The connections above the limit are in the kernel's queue.
    with idle(served, MOST + 5):
        ((verdict, message),) = reported(served)
        assert verdict == "fail"
        assert f"is full: {MOST} of {MOST} connections, and " in message
        result = served.run("verify", "--timeout", "0")
        assert result.code == 4
        assert "kube-apiserver accepts no more connections" in result.out
        record_between("a listener is full", "holder", "verify", 4, message, None, "fewer clients")
        status = served.run("status")
        assert status.code == 7
        assert "ARP" not in status.out
    served.ok("verify")
    served.ok("status")


def test_the_vip_stays_where_there_is_room(served: Cluster) -> None:
    served.inventory["listeners"] = [{"port": 9443, "maxconn": MOST}]
    served.up()
    (holder,) = served.holders()
    served.ok("drain", holder)
    (other,) = served.holders()
    served.ok("undrain", holder)
    with idle(served, MOST + 5, served.lab.address(holder)):
        refused = served.run("drain", other)
    assert refused.code == 1
    assert f"{holder} would take over the VIP: listener kube-apiserver is full" in refused.err
    assert served.holders() == [other]
    served.ok("verify")


@pytest.mark.exhaustive
def test_full_backends(served: Cluster) -> None:
    before = dict(served.inventory)
    # Of each of the three servers.
    served.inventory["templates"] = {"extra": {"defaults": "default-server maxconn 5"}}
    served.up()
    ((verdict, _),) = reported(served)
    assert verdict == "pass"
    with idle(served, 3 * 5 + 4):
        ((verdict, message),) = reported(served)
        assert verdict == "fail"
        assert "listener kube-apiserver: all backends are full, and " in message
        assert "n1 (5 of 5), n2 (5 of 5), n3 (5 of 5)" in message
        result = served.run("verify", "--timeout", "0")
        assert result.code == 4
        assert "all backends of listener kube-apiserver have their maximum number" in result.out
        status = served.run("status")
        assert status.code == 7
        for shown in (result.out, status.out):
            assert "raise `maxconn` of the servers in `templates`" in " ".join(shown.split())
            assert "send-proxy" not in shown
            assert "ARP" not in shown
        record_between(
            "all backends are full", "holder", "verify", 4, message, None, "fewer clients"
        )
    served.ok("verify")
    served.inventory = before
    served.up()
