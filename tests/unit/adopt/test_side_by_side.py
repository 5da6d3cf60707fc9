"""A cluster set up by hand is stopped where this cluster runs, and taken over elsewhere."""

from __future__ import annotations

import dataclasses

from hadeploy.adopt.recognise import read_classics, recognise_all
from hadeploy.adopt.side_by_side import beside_ours, differ, to_disable, with_disabling
from hadeploy.plan.rolling import make_plan
from hadeploy.verify.proofs import prove
from tests.unit import builders
from tests.unit.adopt import classic_nodes
from tests.unit.nodes import Node


def side_by_side() -> dict[str, Node]:
    """This cluster on all nodes, and on n1 the captured pair, too."""
    observed = builders.healthy(classic_nodes.inventory(), holder="n2")
    theirs = classic_nodes.observed("multicast-n1")
    ours = observed["n1"]
    keepalived = next(f.container.id for f in theirs.foreign if f.role == "keepalived")
    observed["n1"] = dataclasses.replace(
        ours,
        foreign=theirs.foreign,
        sockets=(*ours.sockets, *(s for s in theirs.sockets if s.port == 9443)),
        keepaliveds={**ours.keepaliveds, 77: keepalived},
        addresses=(
            *ours.addresses,
            *(a for a in theirs.addresses if a.address == classic_nodes.VIP),
        ),
    )
    return observed


def test_a_pair_beside_this_cluster_is_stopped_first() -> None:
    cluster, observed = classic_nodes.inventory(), side_by_side()
    found = recognise_all(cluster, observed)
    beside = beside_ours(cluster, observed, found)
    assert beside == {"n1"}
    disabled = to_disable(cluster, observed, beside)
    assert [c.role for c in disabled["n1"]] == ["keepalived", "haproxy"]
    plan = with_disabling(
        cluster, make_plan(cluster, builders.desired(cluster), observed), disabled, observed
    )
    turn = next(turn for turn in plan.nodes if turn.node == "n1")
    assert [s.action for s in turn.steps] == [
        "disable-container",
        "disable-container",
        "write-record",
    ]
    reported = "The containers set up by hand on n1 stop: connections to them are cut."
    assert reported in plan.warnings


def test_another_router_id_is_a_difference() -> None:
    cluster, observed = classic_nodes.inventory(), side_by_side()
    classics = read_classics(recognise_all(cluster, observed))
    assert differ(observed, classics)
    alike = classic_nodes.inventory(
        vrrp={"virtual_router_id": 51, "mode": "multicast", "password": "env:VRRP"}
    )
    assert not differ({}, classics)
    # The password is not in the files that are rendered here.
    bent = {node: dataclasses.replace(c, password=None) for node, c in classics.items()}
    assert not differ(builders.healthy(alike), bent)


def test_another_keepalived_that_claims_the_vip_is_a_failed_proof() -> None:
    cluster, observed = classic_nodes.inventory(), side_by_side()
    wrong = [
        p
        for p in prove(cluster, builders.desired(cluster), observed)
        if p.name == "vip-claimed-once"
    ]
    assert [(p.node, p.verdict) for p in wrong] == [("n1", "fail"), ("n2", "pass"), ("n3", "pass")]
    assert f"also claims the VIP {classic_nodes.VIP}" in wrong[0].message
    assert wrong[0].hint == "`hadeploy up --adopt` stops it"
