"""Where the VIP is to be."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network

from hadeploy.check.model import Sight
from hadeploy.check.network import interface, networks_around, vip_subnet
from hadeploy.observe.model import Address
from tests.unit import builders


def test_an_interface_without_the_nodes_address_would_not_hear_its_peers() -> None:
    nodes = [{"name": "n2", "address": "198.51.100.12", "interface": "eth1"}]
    cluster = builders.cluster(nodes=nodes)
    look = builders.empty("n2")
    other = Address("eth1", "198.51.100.99", 24)
    look = dataclasses.replace(look, addresses=(*look.addresses, other))
    (found,) = interface(Sight(cluster, {"n2": look}), cluster.nodes[0], look)
    assert (found.verdict, found.message) == (
        "fail",
        "198.51.100.12 is on eth0, so adverts to it would not be heard on eth1",
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
    sight = Sight(cluster, {"n1": look})
    found = [(f.verdict, f.message) for f in vip_subnet(sight, cluster.nodes[0], look)]
    assert found == [
        ("pass", f"{builders.VIP} is in a subnet of eth0"),
        ("fail", "2001:db8::100 is in no subnet of eth0, which has no IPv6 subnet"),
    ]
    six = Address("eth0", "2001:db8::11", 64)
    look = dataclasses.replace(look, addresses=(*look.addresses, six))
    found = [(f.verdict, f.message) for f in vip_subnet(sight, cluster.nodes[0], look)]
    assert [verdict for verdict, _ in found] == ["pass", "pass"]
