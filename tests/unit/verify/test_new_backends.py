"""Backends that are new with a change and are down are named."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.verify.new_backends import new_backend_proofs
from tests.unit import builders

SECTION = "kube-apiserver-backend"
CLUSTER = builders.cluster()


def server(name: str, last: int, status: str = "UP") -> BackendServer:
    check = ("L4OK", "") if status == "UP" else ("L4CON", "Connection refused")
    return BackendServer(SECTION, name, status, *check, address=f"198.51.100.{last}:6443")


OLD = (server("n1", 11), server("n2", 12), server("n3", 13))


def nodes(*servers: BackendServer) -> Mapping[str, ObservedNode]:
    looks = builders.healthy(CLUSTER)
    return {node: dataclasses.replace(look, backends=servers) for node, look in looks.items()}


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        pytest.param(OLD, OLD, [], id="nothing is new"),
        pytest.param(OLD, (*OLD, server("n4", 14)), [], id="a new one is up"),
        pytest.param(
            OLD, (*OLD[:2], server("n3", 13, "DOWN")), [], id="one that is not new went down"
        ),
        pytest.param((), (*OLD[:2], server("n3", 13, "DOWN")), [], id="a first bring-up"),
        pytest.param(
            OLD,
            (*OLD, server("n4", 14, "DOWN")),
            [
                "new with this change, not up yet: n4 at 198.51.100.14:6443 "
                "(L4CON, Connection refused)"
            ],
            id="a control plane that has not joined",
        ),
        pytest.param(
            OLD,
            (*OLD[:2], server("server-3", 77, "DOWN")),
            [
                "new with this change, not up yet: server-3 at 198.51.100.77:6443 "
                "(L4CON, Connection refused); removed, but up before: "
                "n3 at 198.51.100.13:6443"
            ],
            id="a typo in one of three addresses",
        ),
    ],
)
def test_new_backends(
    before: tuple[BackendServer, ...], after: tuple[BackendServer, ...], reported: list[str]
) -> None:
    found = list(new_backend_proofs(CLUSTER, nodes(*before), nodes(*after)))
    assert [proof.message for proof in found] == reported
    assert {proof.verdict for proof in found} <= {"warn"}
