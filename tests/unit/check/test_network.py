"""Where the VIP is to be."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network

import pytest

from hadeploy.check.finding import CheckContext
from hadeploy.check.network import interface, vip_subnet
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import Address
from hadeploy.observe.subnets import GIVE_BACK, networks_around, unsafe_to_probe
from tests.unit import builders


def test_an_interface_without_the_nodes_address_would_receive_no_adverts() -> None:
    nodes = [{"name": "n2", "address": "198.51.100.12", "interface": "eth1"}]
    cluster = builders.cluster(nodes=nodes)
    look = builders.empty("n2")
    other = Address("eth1", "198.51.100.99", 24)
    look = dataclasses.replace(look, addresses=(*look.addresses, other))
    (found,) = interface(CheckContext(cluster, {"n2": look}), cluster.nodes[0], look)
    assert (found.verdict, found.message) == (
        "fail",
        "198.51.100.12 is on eth0, so its adverts would not arrive on eth1",
    )


def test_a_vip_is_in_the_networks_of_the_nodes_and_of_its_prefix() -> None:
    cluster = builders.cluster(vip="198.51.100.200/16")
    observed = {"n1": builders.empty("n1")}
    found = networks_around(cluster.vip[0], cluster, observed)
    assert found == {ip_network("198.51.100.0/24"), ip_network("198.51.0.0/16")}
    elsewhere = builders.cluster(vip="203.0.113.200")
    assert networks_around(elsewhere.vip[0], elsewhere, observed) == set()


def test_a_node_needs_an_address_of_each_family() -> None:
    cluster = builders.cluster(vip=[builders.VIP, "2001:db8::100"])
    look = builders.empty("n1")
    context = CheckContext(cluster, {"n1": look})
    found = [(f.verdict, f.message) for f in vip_subnet(context, cluster.nodes[0], look)]
    assert found == [
        ("pass", f"{builders.VIP} is in a subnet of eth0"),
        ("fail", "2001:db8::100 is in no subnet of eth0, which has no IPv6 subnet"),
    ]
    six = Address("eth0", "2001:db8::11", 64)
    look = dataclasses.replace(look, addresses=(*look.addresses, six))
    found = [(f.verdict, f.message) for f in vip_subnet(context, cluster.nodes[0], look)]
    assert [verdict for verdict, _ in found] == ["pass", "pass"]


def test_a_node_that_lost_its_address_gets_a_hint_to_restore_it() -> None:
    cluster = builders.cluster(vip=[builders.VIP, "2001:db8::100"])
    six = Address("eth0", "2001:db8::11", 64)
    record = Applied((builders.VIP, "2001:db8::100"), "eth0", "me@laptop", "2026-01-01", "0", {})
    lost = dataclasses.replace(builders.empty("n1"), applied=record)
    whole = builders.empty("n2")
    whole = dataclasses.replace(whole, addresses=(*whole.addresses, six))
    context = CheckContext(cluster, {"n1": lost, "n2": whole})
    found = [f for f in vip_subnet(context, cluster.nodes[0], lost) if f.verdict == "fail"]
    assert [(f.message, f.fix) for f in found] == [
        ("2001:db8::100 is in no subnet of eth0 any more, which has no IPv6 subnet", GIVE_BACK)
    ]
    # It is the cluster's own, and may be asked as long as one node is in its subnet.
    assert unsafe_to_probe(cluster, {"n1": lost, "n2": whole}) == {}
    assert list(unsafe_to_probe(cluster, {"n1": lost})) == ["2001:db8::100"]


@pytest.mark.parametrize(
    ("prefix", "wider"),
    [("/16", True), ("/23", True), ("/24", False), ("/32", False), ("", False)],
)
def test_the_prefix_of_a_vip_is_not_wider_than_the_subnet(prefix: str, wider: bool) -> None:
    """It would be a route, and clients behind the router would get no answer."""
    cluster = builders.cluster(vip=f"{builders.VIP}{prefix}")
    look = builders.empty("n1")
    found = list(vip_subnet(CheckContext(cluster, {"n1": look}), cluster.nodes[0], look))
    assert [f.verdict for f in found] == ["fail" if wider else "pass"]
    assert ("is wider than the subnet of eth0, 198.51.100.0/24" in found[0].message) == wider
