"""Whether a listener has room, from haproxy's statistics and the kernel's queue."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.model import Socket
from hadeploy.verify.capacity import capacity_proofs, is_full
from tests.unit import builders

FRONTEND = "kube-apiserver"


@pytest.mark.parametrize(
    ("now", "most", "queued", "sockets", "verdict", "message"),
    [
        (12, 8000, 0, (0, 128), "pass", "listener kube-apiserver has 12 of 8000 connections"),
        (0, 1, 0, (0, 128), "pass", "listener kube-apiserver has 0 of 1 connections"),
        (6399, 8000, 0, (0, 128), "pass", "listener kube-apiserver has 6399 of 8000 connections"),
        (6400, 8000, 0, (0, 128), "warn", "listener kube-apiserver is nearly full: 6400 of 8000"),
        (8000, 8000, 0, (0, 128), "fail", "is full: 8000 of 8000 connections"),
        (8000, 8000, 0, (7, 128), "fail", "is full: 8000 of 8000 connections, and 7 more wait"),
        (1, 1, 0, (129, 128), "fail", "129 more wait in the kernel's queue, which is full"),
        (
            12,
            8000,
            3,
            (0, 128),
            "warn",
            "listener kube-apiserver: 3 connections wait for a backend",
        ),
    ],
)
def test_how_much_room_there_is(
    now: int, most: int, queued: int, sockets: tuple[int, int], verdict: str, message: str
) -> None:
    cluster = builders.cluster()
    look = dataclasses.replace(
        builders.healthy(cluster)["n1"],
        sessions={FRONTEND: now},
        session_limits={FRONTEND: most},
        queued={f"{FRONTEND}-backend": queued},
        sockets=(Socket("*", 9443, (), *sockets),),
    )
    (proof,) = capacity_proofs(cluster, {"n1": look})
    assert (proof.verdict, proof.node) == (verdict, "n1")
    assert message in proof.message
    assert is_full(look, FRONTEND) == (verdict == "fail")


def test_nothing_is_said_where_haproxy_tells_nothing() -> None:
    cluster = builders.cluster()
    look = dataclasses.replace(builders.healthy(cluster)["n1"], sessions={}, session_limits={})
    assert list(capacity_proofs(cluster, {"n1": look})) == []
    assert not is_full(look, FRONTEND)
