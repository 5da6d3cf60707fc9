"""Other image generations, other shapes of the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hadeploy.lab.images.store import ensure_image
from tests.lab.harness import Cluster, eventually

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def alone(fresh: Cluster) -> Iterator[Cluster]:
    """A fresh cluster whose every trace is removed by the inventory that brought it up."""
    yield fresh
    fresh.ok("down", "--yes")


def use_images(cluster: Cluster, haproxy: str, keepalived: str) -> None:
    cluster.inventory["images"] = {
        "haproxy": {"reference": haproxy, "archive": str(ensure_image(haproxy))},
        "keepalived": {"reference": keepalived, "archive": str(ensure_image(keepalived))},
    }


def test_the_newer_images_are_brought_up_and_reloaded(alone: Cluster) -> None:
    use_images(alone, "haproxy:3.0.11", "osixia/keepalived:2.3.3")
    alone.up()
    alone.inventory["listeners"] = [{"balance": "roundrobin"}]
    alone.inventory["vrrp"] = {"check": {"rise": 3}}
    document = alone.up()
    actions = [step["action"] for node in document["plan"] for step in node["steps"]]
    assert actions.count("reload-container") == 6
    assert alone.request() in alone.lab.nodes


def test_an_image_change_recreates_only_what_it_concerns(alone: Cluster) -> None:
    alone.up()
    images = alone.inventory["images"]
    use_images(alone, "haproxy:3.0.11", "osixia/keepalived:2.3.3")
    alone.inventory["images"]["keepalived"] = images["keepalived"]
    document = alone.up()
    recreated = {
        step["subject"]
        for node in document["plan"]
        for step in node["steps"]
        if step["action"] == "recreate-container"
    }
    assert recreated == {"kube-lb-haproxy"}


def test_the_classic_set_up_works(alone: Cluster) -> None:
    classic: dict[str, Any] = YAML(typ="safe").load((EXAMPLES / "classic.yaml").read_text())
    addresses = {
        node["address"]: alone.lab.address(f"n{i}") for i, node in enumerate(classic["nodes"], 1)
    }
    for i, node in enumerate(classic["nodes"], 1):
        node |= {"address": alone.lab.address(f"n{i}"), "name": f"n{i}"}
    for listener in classic["listeners"]:
        listener["backends"] = [
            f"{addresses[text.partition(':')[0]]}:6443" for text in listener["backends"]
        ]
    classic |= {"vip": alone.lab.vip, "ssh": alone.inventory["ssh"]}
    classic["images"] = alone.inventory["images"]
    alone.inventory.clear()
    alone.inventory.update(classic)
    alone.up()
    assert alone.holders() == ["n1"]
    # The inequality of weights: with n1 and n2 failed, the VIP must be on n3.
    for node in ("n1", "n2"):
        alone.node(node, "docker stop --time 2 diamond-haproxy")
    eventually(lambda: alone.holders() == ["n3"], "the one healthy node has the VIP")
    assert alone.request() in alone.lab.nodes
    for node in ("n1", "n2"):
        alone.node(node, "docker start diamond-haproxy")
    eventually(lambda: alone.holders() == ["n1"], "preempt brings it back")


def test_an_ipv6_cluster_works(alone: Cluster) -> None:
    if alone.lab.vip6 is None:
        pytest.fail("this machine's kernel has no IPv6, which the lab's machines must have")
    alone.inventory["vip"] = alone.lab.vip6
    alone.inventory["nodes"] = [
        {"name": node, "address": alone.lab.address6(node)} for node in alone.lab.nodes
    ]
    # The stand-in API servers and sshd answer on both families.
    known = {node: alone.lab.address(node) for node in alone.lab.nodes}
    for node in alone.inventory["nodes"]:
        node["ssh"] = {"host": known[node["name"]]}
    document = alone.up()
    assert {p["verdict"] for p in document["proofs"]} == {"pass"}
    assert alone.holders(alone.lab.vip6) == ["n1"]


def test_two_vips_and_a_password_are_held_together(alone: Cluster, monkeypatch: Any) -> None:
    monkeypatch.setenv("VRRP_PASSWORD", "s3cr#t!x")
    second = alone.lab.vip.rpartition(".")[0] + ".101"
    alone.inventory["vip"] = [alone.lab.vip, second]
    alone.inventory["vrrp"] = {"password": "env:VRRP_PASSWORD"}
    result = alone.ok("up", "--json")
    assert alone.holders() == alone.holders(second) == ["n1"]
    assert "s3cr#t!x" not in result.out + result.err
    for node in alone.lab.nodes:
        conf = "/etc/hadeploy/kube-lb/keepalived/keepalived.conf"
        assert alone.node(node, f"stat -c '%a %U' {conf}") == "600 root"
        assert "s3cr#t!x" not in alone.node(node, "docker inspect $(docker ps -q)")
        assert "s3cr#t!x" not in alone.node(node, "docker logs kube-lb-keepalived 2>&1")
    assert alone.up()["changes"] == 0
