"""Our cluster in the other's language, or why not."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

import pytest
from pydantic import SecretStr

from hadeploy.adopt.classic import Classic
from hadeploy.adopt.intermediate import intermediate, obstacles
from hadeploy.adopt.recognise import read_classics
from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import NodeFacts
from hadeploy.desired.templates import environment
from hadeploy.errors import NodesError
from tests.unit.adopt import classic_nodes


def classics(mode: str = "multicast", **changes: Any) -> dict[str, Classic]:
    """Of all three nodes, as the captured ones would be."""
    one = read_classics({"n1": classic_nodes.by_hand(f"{mode}-n1")})["n1"]
    addresses = {f"n{i}": f"198.19.122.1{i}" for i in (1, 2, 3)}
    found = {}
    for node, own in addresses.items():
        peers = tuple(a for a in addresses.values() if a != own) if one.peers else ()
        source = own if one.peers else None
        found[node] = dataclasses.replace(one, peers=peers, source=source, **changes)
    return found


def reported(found: dict[str, Classic], **inventory: Any) -> list[tuple[str | None, str]]:
    return [
        (e.node, e.message)
        for e in obstacles(classic_nodes.inventory(**inventory), found)
        if e.hint
    ]


@pytest.mark.parametrize("mode", ["multicast", "unicast"])
def test_it_sends_the_same_adverts_and_never_takes_the_vip(mode: str) -> None:
    inventory = classic_nodes.inventory(
        vrrp={"preempt": True, "on_check_failure": "weight", "version": 3}
    )
    between = intermediate(inventory, classics(mode))
    vrrp = between.cluster.vrrp
    assert (vrrp.virtual_router_id, vrrp.version, vrrp.advert_interval) == (51, 2, 1.0)
    assert vrrp.mode == mode
    assert (vrrp.preempt, vrrp.on_check_failure) == (False, "fault")
    assert between.password is not None
    assert between.password.get_secret_value() == classic_nodes.PASSWORD
    assert classic_nodes.PASSWORD not in repr(between)
    facts = {node.label: NodeFacts("eth0") for node in inventory.nodes}
    desired = desired_nodes(between.cluster, facts, environment(None), between.password)
    conf = desired["n2"].file("keepalived/keepalived.conf")
    assert "    state BACKUP\n    nopreempt\n" in conf.content
    assert f'auth_pass "{classic_nodes.PASSWORD}"' in conf.content
    assert ("unicast_peer" in conf.content) == (mode == "unicast")
    assert (conf.secret, conf.mode) == (True, 0o600)


def test_everything_else_is_the_inventorys() -> None:
    inventory = classic_nodes.inventory(haproxy={"maxconn": 5000}, vrrp={"check": {"rise": 4}})
    between = intermediate(inventory, classics()).cluster
    assert between.haproxy == inventory.haproxy
    assert between.vrrp.check == inventory.vrrp.check
    assert between.vip == inventory.vip


def test_it_speaks_on_the_others_interface() -> None:
    between = intermediate(classic_nodes.inventory(), classics(interface="bond0")).cluster
    assert {node.interface for node in between.nodes} == {"bond0"}


def test_the_last_node_is_enough_to_go_on_after_an_interruption() -> None:
    found = {"n3": classics("unicast")["n3"]}
    assert intermediate(classic_nodes.inventory(), found).cluster.vrrp.mode == "unicast"


BENT: list[Any] = [
    ({"virtual_router_id": 52}, "the same virtual_router_id: n1: 51; n2: 52; n3: 51"),
    ({"advert_interval": 2.0}, "the same advert_int: n1: 1; n2: 2; n3: 1"),
    ({"version": 3}, "the same VRRP version: n1: 2; n2: 3; n3: 2"),
    ({"peers": ("198.19.122.11",)}, "the same transport: n1: multicast; n2: unicast"),
    ({"password": SecretStr("other")}, "the same authentication (auth_type, auth_pass)"),
    ({"password": None}, "the same authentication (auth_type, auth_pass)"),
]


@pytest.mark.parametrize(("change", "what"), BENT)
def test_nodes_that_disagree_are_refused(change: dict[str, Any], what: str) -> None:
    found = classics()
    found["n2"] = dataclasses.replace(found["n2"], **change)
    told_of_all = [text for node, text in reported(found) if node is None]
    assert len(told_of_all) == 1
    assert what in told_of_all[0]
    assert "other" not in told_of_all[0]
    with pytest.raises(NodesError):
        intermediate(classic_nodes.inventory(), found)


def test_another_vip_gets_a_hint() -> None:
    (first, *_) = obstacles(classic_nodes.inventory(vip="198.19.122.101"), classics())
    assert first.message == "the VIP of that cluster is 198.19.122.100, not 198.19.122.101"
    assert (first.hint or "").startswith("set `vip: 198.19.122.100`;")


def test_a_vip_more_is_another_list() -> None:
    vips = tuple(ipaddress.ip_interface(a) for a in (classic_nodes.VIP, "198.19.122.101"))
    assert len(reported(classics(vips=vips))) == 3
    assert reported(classics(vips=vips), vip=[classic_nodes.VIP, "198.19.122.101"]) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"source": "198.19.122.99"},
            "its unicast_src_ip is 198.19.122.99, the address in the inventory",
        ),
        (
            {"peers": ("198.19.122.12", "198.19.122.13", "198.19.122.14")},
            "its unicast_peer has 198.19.122.14, but the inventory does not",
        ),
        ({"peers": ("198.19.122.12",)}, "its unicast_peer lacks 198.19.122.13"),
    ],
)
def test_peers_that_would_not_receive_each_others_adverts_are_refused(
    change: dict[str, Any], what: str
) -> None:
    found = classics("unicast")
    found["n1"] = dataclasses.replace(found["n1"], **change)
    ((node, text),) = reported(found)
    assert node == "n1"
    assert text.startswith(what)


def test_itself_among_its_peers_is_no_obstacle() -> None:
    found = classics("unicast")
    every = tuple(f"198.19.122.1{i}" for i in (1, 2, 3))
    found["n1"] = dataclasses.replace(found["n1"], peers=every)
    assert reported(found) == []


def test_another_interface_in_the_inventory_is_refused() -> None:
    nodes = [{"name": "n1", "address": "198.19.122.11", "interface": "eth1"}]
    found = {"n1": classics()["n1"]}
    assert reported(found, nodes=nodes) == [
        ("n1", "its adverts use eth0, the inventory has eth1"),
    ]


def test_an_interval_beyond_ours_is_refused() -> None:
    ((node, what),) = reported(classics(advert_interval=60.0))
    assert node is None
    assert what.startswith("hadeploy does not support its advert_interval")


def test_adverts_stay_in_their_family() -> None:
    vips = tuple(map(ipaddress.ip_interface, ("2001:db8::100", str(classic_nodes.VIP))))
    found = reported(classics(vips=vips), vip=[str(classic_nodes.VIP), "2001:db8::100"])
    assert ("n1", "its adverts use IPv6, the addresses of the nodes IPv4") in found
    assert reported(classics(vips=vips[::-1]), vip=[str(classic_nodes.VIP), "2001:db8::100"]) == []
