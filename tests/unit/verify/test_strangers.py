"""Machines that answer for a VIP, and VIPs where keepalived never removes them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext
from hadeploy.desired.desired_node import NodeFacts
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.host import Host, Link
from hadeploy.observe.observed_node import Address, VrrpState
from hadeploy.observe.segment import Segment
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.plan.election import unfit_winner
from hadeploy.plan.inputs import RunOptions
from hadeploy.rollout.desired_state import with_forgotten
from hadeploy.verify.segment import segment_proofs
from hadeploy.verify.strangers import advertising, answering, misplaced_vips, removal
from tests.unit import builders
from tests.unit.nodes import Node

VIP = builders.VIP
GONE = "198.51.100.13"
UP = frozenset({"UP", "LOWER_UP"})
STRANGER = "02:aa:aa:aa:aa:aa"


def mac(node: str) -> str:
    return f"02:00:00:00:00:1{node[1:]}"


def looks(
    cluster: Cluster | None = None, extra: dict[str, set[str]] | None = None, **adverts: int
) -> dict[str, Node]:
    """A healthy cluster, n1 the holder; what else answers on its segment for which address."""
    observed = builders.healthy(cluster or builders.cluster())
    found = {}
    for label, look in observed.items():
        answers = {f"198.51.100.1{o[1:]}": {mac(o)} for o in observed if o != label}
        if label != "n1":
            answers[VIP] = {mac("n1")}
        for address, macs in (extra or {}).items():
            answers[address] = answers.get(address, set()) | macs
        segment = Segment("eth0", 2.0, {a: frozenset(m) for a, m in answers.items()}, adverts)
        host = Host(links={"eth0": Link(UP, mac(label))})
        found[label] = look.with_(segment=segment, host=host)
    return found


def smaller() -> Cluster:
    """The cluster without n3."""
    nodes = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2)]
    return builders.cluster(nodes=nodes)


def forgot(observed: dict[str, Node]) -> dict[str, Node]:
    return builders.each(observed, lambda look: look.with_record(forgotten=(GONE,)))


def proofs(cluster: Cluster, observed: dict[str, Node]) -> list[tuple[str, str, str]]:
    return [(p.name, p.verdict, p.message) for p in segment_proofs(cluster, observed)]


def test_one_machine_alone_has_the_vip() -> None:
    assert proofs(builders.cluster(), looks()) == [
        (
            "vip-held-once",
            "pass",
            f"{VIP} is bound on n1 only, and no other machine answers for it",
        ),
        ("vrrp-members", "pass", "only nodes of the cluster send adverts"),
    ]


def test_a_machine_that_answers_beside_the_holder_fails_the_proof() -> None:
    held, _ = proofs(builders.cluster(), looks(extra={VIP: {STRANGER}}))
    assert held[1] == "fail"
    assert f"a machine that is not a node of this cluster (MAC {STRANGER})" in held[2]
    assert "(detected by n1 and n2 and n3)" in held[2]


def test_a_forgotten_node_is_reported_and_named_when_it_returns() -> None:
    away = proofs(smaller(), forgot(looks(smaller())))
    assert [(name, verdict) for name, verdict, _ in away] == [
        ("vip-held-once", "pass"),
        ("vrrp-members", "pass"),
        ("forgotten-nodes", "warn"),
    ]
    macs = {STRANGER}
    back = forgot(looks(smaller(), {VIP: macs, GONE: macs}, **{GONE: 230}))
    held, adverts = proofs(smaller(), back)
    assert f"the forgotten node {GONE} answers for it" in held[2]
    assert f"the forgotten node {GONE} sends adverts" in adverts[2]


def test_a_node_of_another_cluster_is_not_to_be_pruned() -> None:
    """What n1 is a node of has another VIP, and no other node of this inventory."""
    one = builders.cluster(nodes=[{"name": "n1", "address": "198.51.100.11"}])
    look = looks(None, None, **{GONE: 230})["n1"]
    look = look.with_record(vips=("198.51.100.77/24",), members=("198.51.100.11", GONE))
    observed = {"n1": look}
    (stranger,) = advertising(one, observed)
    assert stranger.name == f"{GONE}, a node of another cluster, with 198.51.100.77"
    assert stranger.fix == "choose another `vrrp.virtual_router_id`"


def test_a_forgotten_node_that_is_back_is_no_reason_not_to_prune_it() -> None:
    macs = {STRANGER}
    back = forgot(looks(smaller(), {VIP: macs, GONE: macs}, **{GONE: 230}))
    for pruned, failing in (((), {"vip-free", "virtual-router-id"}), ((GONE,), set())):
        found = evaluate(CheckContext(smaller(), back, pruned=pruned))
        checks = {"vip-free", "virtual-router-id", "former-nodes"}
        assert {f.check for f in found if f.verdict == "fail" and f.check in checks} == failing


def test_a_node_that_could_not_be_observed_is_named_by_its_address() -> None:
    observed = looks(extra={VIP: {mac("n3")}})
    observed = {node: look for node, look in observed.items() if node != "n3"}
    (found,) = answering(builders.cluster(), observed, VIP)
    assert found.name == "the unreachable node n3"


def test_a_node_that_answers_without_having_bound_it_is_named() -> None:
    """A local route (AnyIP), or a virtual machine on its interface."""
    cluster = builders.cluster()
    observed = looks(extra={VIP: {mac("n1"), mac("n2")}})
    (found,) = answering(cluster, observed, VIP)
    assert found.name == "n2, which does not have it,"
    assert "ip route show table local" in found.fix
    # While a handover keeps it, or no node has it any more, the observation is too old.
    pinned = Address("lo", VIP, 32, 20)
    n2 = observed["n2"]
    observed["n2"] = n2.with_(addresses=(*n2.addresses, pinned))
    assert answering(cluster, observed, VIP) == []


def test_a_network_that_answers_in_place_of_the_nodes_is_no_machine() -> None:
    """As Azure's, whose switch answers every ARP request with one hardware address."""
    switch = {"12:34:56:78:9a:bc"}
    everything = {VIP: switch, **{f"198.51.100.1{i}": switch for i in (1, 2, 3)}}
    assert answering(builders.cluster(), looks(extra=everything), VIP) == []


def test_a_backup_names_a_master_that_is_no_node() -> None:
    observed = looks()
    spoken = RunningInstance({}, master="198.51.100.77")
    observed["n2"] = observed["n2"].with_(vrrp=VrrpState("BACKUP", 240, 240, "", spoken))
    found = advertising(builders.cluster(), observed, masters=True)
    assert [s.address for s in found] == ["198.51.100.77"]
    assert advertising(builders.cluster(), observed) == []


PLACES: list[tuple[dict[str, Any], str | None]] = [
    ({"addresses": [("eth0", 32, None)]}, None),
    # What a handover keeps there for a moment.
    ({"addresses": [("lo", 32, 20)]}, None),
    ({"addresses": [("lo", 32, None)]}, f"ip address del {VIP}/32 dev lo;"),
    ({"addresses": [("eth0", 24, None)]}, f"ip address del {VIP}/24 dev eth0;"),
    ({"addresses": [("docker0", 16, None)]}, f"ip address del {VIP}/16 dev docker0;"),
    ({"addresses": [("kube-ipvs0", 32, None)]}, "kubectl get services"),
    # What was applied last is still in force, and what keepalived holds it takes away itself.
    ({"addresses": [("eth1", 32, None)], "interface": "eth1"}, None),
    ({"addresses": [("bond0", 24, None)], "places": ("bond0", f"{VIP}/24")}, None),
]


@pytest.mark.parametrize(("there", "fix"), PLACES)
def test_where_keepalived_never_removes_a_vip(there: dict[str, Any], fix: str | None) -> None:
    cluster = builders.cluster()
    look = builders.healthy(cluster)["n2"]
    assert look.applied
    assert look.vrrp
    vips = tuple(Address(name, VIP, prefix, life) for name, prefix, life in there["addresses"])
    spoken = RunningInstance({}, places=frozenset({there["places"]} if "places" in there else ()))
    look = dataclasses.replace(
        look,
        addresses=(*look.addresses, *vips),
        applied=dataclasses.replace(look.applied, interface=there.get("interface", "eth0")),
        vrrp=dataclasses.replace(look.vrrp, instance=spoken),
    )
    found = misplaced_vips(cluster, cluster.node("n2"), look)
    assert bool(found) == (fix is not None)
    if fix:
        assert fix in removal(look, found[0])


def test_removing_a_vip_does_not_remove_the_nodes_own_address() -> None:
    look = builders.empty("n2")
    vip = Address("eth0", VIP, 24)
    first = look.with_(addresses=(vip, *look.addresses))
    assert "promote_secondaries=1; ip address del" in removal(first, vip)
    second = look.with_(addresses=(*look.addresses, vip))
    assert "promote_secondaries" not in removal(second, vip)


FORGOTTEN: list[tuple[RunOptions, tuple[str, ...], tuple[str, ...]]] = [
    (RunOptions(), (), ()),
    (RunOptions(forget=(GONE,)), (), (GONE,)),
    (RunOptions(forget=("198.51.100.99",)), (), ()),
    (RunOptions(), (GONE,), (GONE,)),
    (RunOptions(prune=True, pruned=(GONE,)), (GONE,), ()),
]


@pytest.mark.parametrize(("choices", "before", "after"), FORGOTTEN)
def test_what_a_record_keeps_of_forgotten_nodes(
    choices: RunOptions, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    observed = builders.healthy(builders.cluster())
    observed["n1"] = observed["n1"].with_record(forgotten=before)
    desired = with_forgotten(builders.desired(smaller()), observed, choices)
    assert {state.forgotten for state in desired.values()} == {after}


def test_a_forgotten_node_that_is_in_the_inventory_again_is_a_member() -> None:
    cluster = builders.cluster()
    observed = forgot(builders.healthy(cluster))
    desired = with_forgotten(builders.desired(cluster), observed, RunOptions())
    assert desired["n1"].forgotten == ()
    assert desired["n1"].facts == NodeFacts("eth0")


def mute(observed: dict[str, Node], *addresses: str) -> dict[str, Node]:
    """No machine answers ARP for these addresses."""
    found = {}
    for node, look in observed.items():
        assert look.segment
        answers = {a: macs for a, macs in look.segment.answers.items() if a not in addresses}
        segment = dataclasses.replace(look.segment, answers=answers)
        found[node] = look.with_(segment=segment)
    return found


def brief(observed: dict[str, Node]) -> dict[str, Node]:
    """The nodes listened for 20 ms only."""
    return {
        node: look.with_(segment=dataclasses.replace(look.segment, seconds=0.02))
        for node, look in observed.items()
        if look.segment
    }


def test_a_holder_that_does_not_answer_arp_is_not_found_by_new_clients() -> None:
    found = [p for p in proofs(builders.cluster(), mute(looks(), VIP)) if p[0] == "vip-resolved"]
    assert found == [
        (
            "vip-resolved",
            "fail",
            f"n1, which has {VIP}, does not answer ARP: n2 and n3 cannot resolve "
            "it, and neither can new clients",
        )
    ]


@pytest.mark.parametrize(
    "observed",
    [
        pytest.param(
            builders.each(looks(), lambda look: look.with_(segment=None)),
            id="nobody asked",
        ),
        pytest.param(
            mute(looks(), VIP, *(f"198.51.100.1{i}" for i in (1, 2, 3))),
            id="the network answers no such question",
        ),
        pytest.param(brief(mute(looks(), VIP)), id="the look was over too soon"),
    ],
)
def test_silence_proves_nothing_where(observed: dict[str, Node]) -> None:
    assert "vip-resolved" not in {name for name, *_ in proofs(builders.cluster(), observed)}


def test_a_node_that_does_not_answer_arp_gets_no_vip() -> None:
    observed = mute(looks(), "198.51.100.12")
    problem = unfit_winner(builders.cluster(), observed, "n2", "n1")
    assert problem
    assert problem.message == (
        "n2 would take over the VIP but does not answer ARP: n1 and n3 cannot resolve 198.51.100.12"
    )
    assert unfit_winner(builders.cluster(), observed, "n3", "n1") is None


def test_a_vip_on_two_nodes_is_a_warning_with_both_names() -> None:
    observed = looks()
    assert [
        f
        for f in evaluate(CheckContext(builders.cluster(), observed))
        if f.message == f"{VIP} is bound on n1 and n2"
    ] == []
    observed["n2"] = observed["n2"].with_address(VIP, "eth0")
    found = evaluate(CheckContext(builders.cluster(), observed))
    (one,) = (f for f in found if f.message == f"{VIP} is bound on n1 and n2")
    assert (one.check, one.node, one.verdict) == ("vip-free", None, "warn")
    assert one.message == f"{VIP} is bound on n1 and n2"
    assert "`hadeploy verify`" in (one.fix or "")
