"""Whether a listener has room, from haproxy's statistics and the kernel's queue."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.certificates.certificate import Certificates
from hadeploy.diagnose.backends import full_listeners
from hadeploy.diagnose.diagnosis import DiagnosisContext
from hadeploy.observe.observed_node import BackendServer, ObservedFile, ObservedNode, Socket
from hadeploy.verify.answers import answer_proofs
from hadeploy.verify.capacity import MORE, RAISE, SLOW, capacity_proofs, is_full
from hadeploy.verify.proofs import prove
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


def test_nothing_is_reported_without_statistics_of_haproxy() -> None:
    cluster = builders.cluster()
    look = dataclasses.replace(builders.healthy(cluster)["n1"], sessions={}, session_limits={})
    assert list(capacity_proofs(cluster, {"n1": look})) == []
    assert not is_full(look, FRONTEND)


def with_servers(
    *sessions: int, queued: int, now: int = 12, down: int = 0, alone: int = 0
) -> ObservedNode:
    """A holder whose servers take five connections each and have that many."""
    servers = tuple(
        BackendServer(
            f"{FRONTEND}-backend",
            f"n{i}",
            "DOWN" if i <= down else "UP",
            sessions=count,
            limit=5,
            queued=alone if count == 5 else 0,
        )
        for i, count in enumerate(sessions, 1)
    )
    return dataclasses.replace(
        builders.healthy(builders.cluster())["n1"],
        sessions={FRONTEND: now},
        session_limits={FRONTEND: 20},
        queued={f"{FRONTEND}-backend": queued},
        backends=servers,
    )


ALL_FULL = "all backends are full, and 4 connections wait: n1 (5 of 5), n2 (5 of 5)"


@pytest.mark.parametrize(
    ("look", "verdict", "message", "hint"),
    [
        (with_servers(5, 5, queued=4), "fail", f"listener kube-apiserver: {ALL_FULL}", MORE),
        # Connections that wait fill the listener: its backends are the cause.
        (
            with_servers(5, 5, queued=4, now=20),
            "fail",
            f"listener kube-apiserver is full: 20 of 20 connections; {ALL_FULL}",
            MORE,
        ),
        (
            with_servers(0, 5, queued=1, down=1),
            "fail",
            "listener kube-apiserver: all backends are full, and 1 connection waits: n2 (5 of 5)",
            MORE,
        ),
        (
            with_servers(5, 2, queued=0),
            "warn",
            "listener kube-apiserver: backends are full: n1 (5 of 5)",
            MORE,
        ),
        (
            with_servers(5, 4, queued=2),
            "warn",
            "listener kube-apiserver: 2 connections wait for a backend; full: n1 (5 of 5)",
            SLOW,
        ),
        # With `balance: source` each server has a queue of its own.
        (
            with_servers(5, 4, queued=0, alone=3),
            "warn",
            "listener kube-apiserver: 3 connections wait for a backend; full: n1 (5 of 5)",
            SLOW,
        ),
        (
            with_servers(5, 5, queued=0, now=20),
            "fail",
            "listener kube-apiserver is full: 20 of 20 connections",
            RAISE,
        ),
        (with_servers(4, 4, queued=0), "pass", "listener kube-apiserver has 12 of 20", None),
    ],
)
def test_servers_that_are_full_are_named(
    look: ObservedNode, verdict: str, message: str, hint: str | None
) -> None:
    (proof,) = capacity_proofs(builders.cluster(), {"n1": look})
    assert (proof.verdict, proof.hint) == (verdict, hint)
    assert proof.message.startswith(message)


@pytest.mark.parametrize(
    ("holder", "cause", "hint"),
    [
        (with_servers(5, 5, queued=4, now=20), "backends-full", MORE),
        (with_servers(1, 1, queued=0, now=20), "listener-full", RAISE),
    ],
)
@pytest.mark.parametrize("word", ["unreached", "silent", "closed"])
def test_what_is_full_is_the_advice_wherever_clients_are_not_answered(
    holder: ObservedNode, cause: str, hint: str, word: str
) -> None:
    cluster = builders.cluster()
    served = ObservedFile("served", 0o644, "0:0", b"kube-apiserver tls\n")
    looks = {**builders.healthy(cluster), "n1": holder}
    looks = {
        node: dataclasses.replace(
            look,
            vip_answers={(builders.VIP, 9443): Answer(word)},
            files=(*look.files, served),
        )
        for node, look in looks.items()
    }
    proofs = prove(cluster, builders.desired(cluster), looks)
    failing = [p for p in proofs if p.name == "vip-answers-node" and p.verdict == "fail"]
    failing += answer_proofs(cluster, looks, Certificates())
    assert {proof.hint for proof in failing} == {hint}
    context = DiagnosisContext(cluster, builders.desired(cluster), looks, proofs)
    (reported,) = full_listeners(context)
    assert (reported.cause, reported.nodes, reported.fix) == (cause, ("n1",), hint)
