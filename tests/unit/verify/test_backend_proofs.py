"""What the backends are like for a client, by what the nodes' haproxies say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from hadeploy.observe.observed_node import BackendServer, ObservedFile
from hadeploy.verify.backends import backend_proofs
from tests.unit import builders
from tests.unit.nodes import Node

SECTION = "kube-apiserver-backend"


def servers(*states: str, answered: bool = False) -> tuple[BackendServer, ...]:
    return tuple(
        BackendServer(SECTION, f"n{i}", state, answered=answered)
        for i, state in enumerate(states, 1)
    )


NONE = servers("DOWN", "DOWN", "DOWN")
SOME = servers("UP", "DOWN", "UP")


def seen(**backends: tuple[BackendServer, ...]) -> dict[str, Node]:
    """A healthy cluster whose holder is n1, where the named nodes see these backends."""
    observed = builders.healthy(builders.cluster())
    return {
        node: dataclasses.replace(look, backends=backends.get(node, look.backends))
        for node, look in observed.items()
    }


def reported(observed: Mapping[str, Node]) -> list[tuple[str, str]]:
    found = backend_proofs(builders.cluster(), observed)
    return [(p.verdict, p.message.partition("; down: ")[0]) for p in found]


def test_before_the_first_api_server_no_backend_is_a_warning() -> None:
    (proof,) = backend_proofs(builders.cluster(), seen(n1=NONE, n2=NONE, n3=NONE))
    assert (proof.verdict, proof.message) == ("warn", "0 of 3 backends are up on n1")
    assert "kubeadm init" in (proof.hint or "")


def recorded(observed: dict[str, Node]) -> None:
    file = ObservedFile("served", 0o644, "0:0", b"kube-apiserver\n")
    observed["n2"] = dataclasses.replace(observed["n2"], files=(*observed["n2"].files, file))


def logged(observed: dict[str, Node]) -> None:
    observed["n3"] = dataclasses.replace(observed["n3"], once_up=frozenset({"kube-apiserver"}))


def answered(observed: dict[str, Node]) -> None:
    down = servers("DOWN", "DOWN", "DOWN", answered=True)
    observed["n1"] = dataclasses.replace(observed["n1"], backends=down)


@pytest.mark.parametrize("known", [recorded, logged, answered])
def test_no_backend_where_there_was_one_is_a_failure(known: object) -> None:
    observed = seen(n1=NONE, n2=NONE, n3=NONE)
    assert callable(known)
    known(observed)
    (proof,) = backend_proofs(builders.cluster(), observed)
    assert proof.verdict == "fail"
    assert "clients get no answer" in proof.message
    assert "kubeadm init" not in (proof.hint or "")


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        pytest.param(seen(), [("pass", "3 of 3 backends are up")], id="all are up"),
        pytest.param(
            seen(n2=SOME),
            [("warn", "2 of 3 backends are up on n2")],
            id="one is down on a backup",
        ),
        pytest.param(
            seen(n3=NONE),
            [("fail", "0 of 3 backends are up on n3")],
            id="a backup reaches none: nobody is served after a takeover",
        ),
        pytest.param(
            seen(n1=NONE),
            [("fail", "0 of 3 backends are up on n1; clients get no answer")],
            id="the holder reaches none, though the others do",
        ),
        pytest.param(
            seen(n1=(), n2=(), n3=()),
            [("warn", "no haproxy reports the state of its backends")],
            id="no haproxy answers",
        ),
        pytest.param(
            seen(n1=servers("no check", "UP"), n2=servers("no check", "UP"), n3=()),
            [("pass", "1 of 1 backends are up")],
            id="what is not checked is not judged",
        ),
    ],
)
def test_the_holder_decides(observed: dict[str, Node], expected: list[tuple[str, str]]) -> None:
    assert reported(observed) == expected


def test_each_listener_is_proven_alone() -> None:
    cluster = builders.cluster(
        listeners=[{"port": 9443, "name": "api"}, {"port": 8443, "name": "ingress"}]
    )
    observed = builders.healthy(cluster)
    for node, look in observed.items():
        down = tuple(
            dataclasses.replace(s, status="DOWN", answered=True)
            if s.listener == "ingress-backend"
            else s
            for s in look.backends
        )
        observed[node] = dataclasses.replace(look, backends=down)
    assert [(p.verdict, p.message) for p in backend_proofs(cluster, observed)] == [
        ("pass", "api: 3 of 3 backends are up"),
        (
            "fail",
            "ingress: 0 of 3 backends are up on n1; clients get no answer; "
            "down: n1 (DOWN), n2 (DOWN), n3 (DOWN)",
        ),
    ]


def test_each_backend_that_is_down_is_named_with_its_address_and_the_result_of_its_check() -> None:
    refused = BackendServer(
        SECTION, "n3", "DOWN", "L4CON", "Connection refused", "198.51.100.77:6443"
    )
    some = (*servers("UP", "UP"), refused)
    (proof,) = backend_proofs(builders.cluster(), seen(n1=some, n2=some, n3=some))
    assert proof.verdict == "warn"
    assert proof.message == (
        "2 of 3 backends are up on n1; down: n3 at 198.51.100.77:6443 (L4CON, Connection refused)"
    )


def test_a_drained_node_that_reaches_no_backend_is_a_warning() -> None:
    observed = seen(n2=NONE)
    look = observed["n2"]
    track = ObservedFile("track/drain", 0o644, "0:0", b"1\n")
    files = tuple(f for f in look.files if f.path != track.path)
    observed["n2"] = dataclasses.replace(look, files=(*files, track))
    assert reported(observed) == [("warn", "0 of 3 backends are up on n2")]
