"""Each proof fails for its own reason, and only then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.desired.roles import Role
from hadeploy.observe.observed_node import (
    Address,
    Owner,
    PortUser,
    Socket,
    VrrpState,
)
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.verify.proof import failed
from hadeploy.verify.proofs import prove
from tests.unit import builders
from tests.unit.nodes import Node

Look = dict[str, Node]


def failures(bend: Callable[[Look], None]) -> list[tuple[str | None, str, str]]:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    bend(observed)
    proofs = prove(cluster, builders.desired(cluster), observed)
    return [(p.node, p.name, p.message) for p in failed(proofs)]


def test_a_healthy_cluster_is_proven() -> None:
    cluster = builders.cluster()
    proofs = prove(cluster, builders.desired(cluster), builders.healthy(cluster, holder="n3"))
    assert {p.verdict for p in proofs} == {"pass"}
    assert {p.name for p in proofs} == {
        "container-running",
        "port-listens",
        "haproxy-answers",
        "vip-answers-node",
        "keepalived-agrees",
        "check-runs",
        "vip-claimed-once",
        "vip-held-once",
        "backends-up",
    }


def vrrp(state: str, priority: int, node: str = "n2") -> VrrpState:
    """A keepalived that runs the right configuration."""
    config_id = builders.desired(builders.cluster())[node].config_id("keepalived")
    return VrrpState(state, priority, priority, config_id)


def change(label: str, **changes: Any) -> Callable[[Look], None]:
    def bend(observed: Look) -> None:
        observed[label] = observed[label].with_(**changes)

    return bend


def change_container(label: str, role: Role, **changes: Any) -> Callable[[Look], None]:
    def bend(observed: Look) -> None:
        observed[label] = observed[label].with_container(role, **changes)

    return bend


def second_holder(observed: Look) -> None:
    observed["n2"] = observed["n2"].with_address(builders.VIP, "eth0").with_(keepaliveds={})


def no_holder(observed: Look) -> None:
    observed["n1"] = observed["n1"].without_vip()


CASES: list[Any] = [
    pytest.param(
        change_container("n2", "keepalived", status="exited", exit_code=137),
        [("n2", "container-running", "c-keepalived is exited (exit status 137)")],
        id="stopped container",
    ),
    pytest.param(
        change_container("n2", "keepalived", status="restarting", exit_code=1),
        [("n2", "container-running", "c-keepalived is restarting (exit status 1)")],
        id="crash loop",
    ),
    pytest.param(
        change_container("n2", "keepalived", started=builders.NOW - 5.0, restarts=3),
        [("n2", "container-running", "c-keepalived has just started (3 restarts)")],
        id="crash loop seen between two crashes",
    ),
    pytest.param(
        change("n3", sockets=()),
        [("n3", "port-listens", "nothing listens on port 9443")],
        id="nothing listens",
    ),
    pytest.param(
        change("n3", serving=None),
        [("n3", "haproxy-answers", "haproxy does not answer its health check")],
        id="frozen haproxy",
    ),
    pytest.param(
        change("n3", serving="0" * 16),
        [
            (
                "n3",
                "haproxy-answers",
                "haproxy runs another configuration than the inventory's",
            )
        ],
        id="reload not taken",
    ),
    pytest.param(
        change("n3", vrrp=VrrpState("BACKUP", 230, 230, "0" * 16)),
        [
            (
                "n3",
                "keepalived-agrees",
                "keepalived runs another configuration than the inventory's",
            )
        ],
        id="keepalived not reloaded",
    ),
    pytest.param(
        change("n2", sockets=(Socket("0.0.0.0", 9443, (Owner("haproxy", 7),)),)),
        [
            (
                "n2",
                "port-listens",
                "port 9443 belongs to haproxy, not only to haproxy of this cluster",
            )
        ],
        id="somebody else's haproxy listens",
    ),
    pytest.param(
        change("n2", sockets=(Socket("127.0.0.1", 9443, (Owner("haproxy", 1, "c-haproxy"),)),)),
        [
            (
                "n2",
                "port-listens",
                "haproxy listens on 127.0.0.1:9443 only, so clients cannot reach it",
            )
        ],
        id="haproxy listens on loopback only",
    ),
    pytest.param(
        change("n2", sockets=(Socket("0.0.0.0%lo", 9443, (Owner("haproxy", 1, "c-haproxy"),)),)),
        [
            (
                "n2",
                "port-listens",
                "haproxy listens on 0.0.0.0%lo:9443 only, so clients cannot reach it",
            )
        ],
        id="haproxy listens for the interface lo only",
    ),
    pytest.param(
        change("n2", sockets=(Socket(builders.VIP, 9443, (Owner("haproxy", 1, "c-haproxy"),)),)),
        [],
        id="haproxy listens on the VIP only",
    ),
    pytest.param(
        change("n2", vip_answers={}),
        [
            (
                "n2",
                "vip-answers-node",
                f"{builders.VIP}:9443 was not tried: nothing is applied here yet",
            )
        ],
        id="nothing applied",
    ),
    pytest.param(
        change("n2", vip_answers={(builders.VIP, 9443): Answer("unreached")}),
        [("n2", "vip-answers-node", f"{builders.VIP}:9443 cannot be reached from this node")],
        id="VIP unreachable from a peer",
    ),
    pytest.param(
        second_holder,
        [
            ("n2", "keepalived-agrees", "keepalived is BACKUP and the VIP is here"),
            (None, "vip-held-once", f"{builders.VIP} is bound on n1 and n2"),
        ],
        id="VIP on two nodes",
    ),
    pytest.param(
        no_holder,
        [(None, "vip-held-once", f"{builders.VIP} is bound on no node")],
        id="VIP nowhere",
    ),
    pytest.param(
        change("n2", vrrp=vrrp("FAULT", 240)),
        [("n2", "keepalived-agrees", "keepalived is in FAULT (its haproxy check fails)")],
        id="check fails",
    ),
    pytest.param(
        change(
            "n3", vrrp=dataclasses.replace(vrrp("BACKUP", 230, "n3"), instance=RunningInstance({}))
        ),
        [
            (
                "n3",
                "keepalived-agrees",
                "keepalived is BACKUP and receives no adverts from the holder",
            )
        ],
        id="a network that drops VRRP",
    ),
    pytest.param(
        change("n2", vrrp=None),
        [("n2", "keepalived-agrees", "keepalived does not report its state")],
        id="keepalived silent",
    ),
    pytest.param(
        change("n2", check_age=None),
        [("n2", "check-runs", "keepalived never checks haproxy")],
        id="a check that keepalived cannot start",
    ),
    pytest.param(
        change("n2", check_age=60),
        [("n2", "check-runs", "its last check is 60 s old")],
        id="a check that no longer runs",
    ),
]


@pytest.mark.parametrize(("bend", "expected"), CASES)
def test_a_broken_cluster_is_not_proven(
    bend: Callable[[Look], None], expected: list[tuple[str | None, str, str]]
) -> None:
    assert failures(bend) == expected


def test_an_orphaned_vip_is_distinguished_from_a_split_brain() -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    second_holder(observed)
    proofs = prove(cluster, builders.desired(cluster), observed)
    (proof,) = [p for p in proofs if p.name == "vip-held-once"]
    assert proof.hint is not None
    assert "no keepalived runs on n2" in proof.hint


def test_a_change_that_is_not_applied_yet_is_not_waited_for() -> None:
    """A configuration that a program was signalled to read may still be loaded."""
    cluster = builders.cluster()
    changed = builders.cluster(
        haproxy={"maxconn": 3000}, vrrp={"virtual_router_id": cluster.vrrp.virtual_router_id + 1}
    )
    wrong = failed(prove(changed, builders.desired(changed), builders.healthy(cluster)))
    assert {p.name for p in wrong} == {"haproxy-answers", "keepalived-agrees"}
    assert all(p.lasting and p.hint and "hadeploy up" in p.hint for p in wrong)
    observed = builders.healthy(cluster)
    change("n3", serving="0" * 16)(observed)
    (proof,) = failed(prove(cluster, builders.desired(cluster), observed))
    assert not proof.lasting


def test_a_drained_node_may_be_in_fault() -> None:
    def drained(observed: Look) -> None:
        n2 = observed["n2"]
        observed["n2"] = n2.with_track("drain").in_state("FAULT")

    assert failures(drained) == []


def test_vips_of_one_cluster_on_two_nodes_are_a_failure() -> None:
    cluster = builders.cluster(vip=[builders.VIP, "2001:db8::100"])
    observed = builders.healthy(cluster)
    six = Address("eth0", "2001:db8::100", 128)

    def reported() -> list[str]:
        found = failed(prove(cluster, builders.desired(cluster), observed))
        return [proof.message for proof in found if proof.name == "vip-held-once"]

    alone = observed["n1"]
    observed["n1"] = alone.with_(addresses=(*alone.addresses, six))
    assert reported() == []
    observed["n1"] = alone
    other = observed["n2"]
    observed["n2"] = other.with_(addresses=(*other.addresses, six))
    assert reported() == [
        f"the VIPs are not on the same node: {builders.VIP} on n1, 2001:db8::100 on n2"
    ]


def test_who_has_filled_the_health_port_is_warned_of() -> None:
    cluster = builders.cluster()
    looks = builders.healthy(cluster)
    users = (PortUser(65534, 105, "nobody"), PortUser(0, 1, "root"))
    looks["n2"] = dataclasses.replace(looks["n2"], health_port_users=users)
    (proof,) = [p for p in prove(cluster, builders.desired(cluster), looks) if p.verdict != "pass"]
    assert (proof.name, proof.verdict, proof.node) == ("haproxy-answers", "warn", "n2")
    assert proof.message.endswith("105 connections of user nobody (uid 65534)")
