from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks.speed.crowd import MOST, Crowd, CrowdAddressing, free_subnet
from hadeploy.errors import HadeployError
from hadeploy.inventory.load import inventory_from_text
from hadeploy.lab.addressing import BENCHMARK_RANGE, default_subnet
from hadeploy.lab.state import StateFolder


def test_every_node_has_an_address_of_its_own_and_the_vip_is_none_of_them() -> None:
    nodes = tuple(f"n{i}" for i in range(1, MOST + 1))
    subnet = default_subnet("many")
    addressing = CrowdAddressing("many", subnet, nodes)
    ends = [addressing.controller, addressing.vip, *map(addressing.node, nodes)]
    assert len({end.v4.ip for end in ends}) == MOST + 2
    assert all(end.v4.ip in subnet and end.v4.ip != subnet.broadcast_address for end in ends)
    # The kernel's limit.
    assert max(len(addressing.scope(node)) for node in nodes) <= 15


def test_an_inventory_of_a_hundred_nodes_is_a_good_one(tmp_path: Path) -> None:
    nodes = tuple(f"n{i}" for i in range(1, 101))
    crowd = Crowd(CrowdAddressing("many", default_subnet("many"), nodes), StateFolder(tmp_path))
    cluster = inventory_from_text(crowd.inventory(100)).cluster
    assert len(cluster.nodes) == 100
    assert len(YAML(typ="safe").load(crowd.inventory(10))["nodes"]) == 10


def test_a_subnet_in_use_is_skipped() -> None:
    own = default_subnet("many")
    assert free_subnet("many", []) == own
    other = free_subnet("many", [("somebody", own)])
    assert not other.overlaps(own)
    assert other.subnet_of(BENCHMARK_RANGE)
    # All but one are taken, and the search goes on from the beginning.
    every = list(BENCHMARK_RANGE.subnets(new_prefix=24))
    last = every[every.index(own) - 1]
    assert free_subnet("many", [("", net) for net in every if net != last]) == last


def test_no_subnet_is_reported() -> None:
    with pytest.raises(HadeployError, match="in use"):
        free_subnet("many", [("somebody", ipaddress.IPv4Network("198.18.0.0/15"))])
