"""A cluster set up by hand is named where it is beyond doubt, and nothing else is."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.adopt.recognise import read_classics, recognise, words
from hadeploy.check.evaluate import evaluate
from hadeploy.check.model import Finding, Sight, failures
from hadeploy.errors import NodesError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from tests.unit import builders
from tests.unit.adopt import looks


def stopping(cluster: Cluster, node: ObservedNode) -> list[Finding]:
    found = failures(evaluate(Sight(cluster, {node.node: node})))
    return [finding for finding in found if finding.node]


def told(node: ObservedNode, **inventory: object) -> list[str]:
    return [finding.message for finding in stopping(looks.inventory(**inventory), node)]


def test_foreign_containers_are_read_with_what_they_run() -> None:
    haproxy, keepalived = looks.look("multicast-n1").foreign
    assert (haproxy.role, haproxy.container.name) == ("haproxy", "diamond-haproxy")
    assert haproxy.container.raw["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert haproxy.container.raw["Mounts"][0]["Source"] == "/etc/haproxy"
    assert haproxy.path == "/etc/haproxy/haproxy.cfg"
    assert b"log 127.0.0.1 local0" in haproxy.config
    assert keepalived.role == "keepalived"
    assert keepalived.path == "/usr/local/etc/keepalived/keepalived.conf"
    assert b"virtual_router_id 51" in keepalived.config
    assert b"is now" in keepalived.extra_files["/container/service/keepalived/assets/notify.sh"]


def test_a_password_is_not_in_what_python_shows_of_it() -> None:
    assert looks.PASSWORD not in repr(looks.look("multicast-n1"))
    assert looks.PASSWORD not in repr(looks.by_hand("multicast-n1"))


@pytest.mark.parametrize("name", ["multicast-n1", "multicast-n2", "unicast-n1"])
def test_one_clear_message_names_port_vip_and_containers(name: str) -> None:
    node = looks.look(name)
    keepalived = node.foreign[1].container.name
    (error,) = stopping(looks.inventory(), node)
    assert error.message == (
        "port 9443 and the VIP are served by a cluster set up by hand: containers "
        f"diamond-haproxy (haproxy:2.6.12) and {keepalived} (osixia/keepalived:2.2.7)"
    )
    assert error.fix == "`hadeploy up --adopt` takes it over, node by node"


def test_the_recipes_own_container_name_does_not_stand_in_the_way_besides() -> None:
    node = looks.look("multicast-n1")
    there = dataclasses.replace(node, containers=(node.foreign[0].container,))
    assert len(told(there, containers={"haproxy": "diamond-haproxy"})) == 1


def test_another_vip_is_told() -> None:
    node = looks.look("multicast-n1")
    (error,) = stopping(looks.inventory(vip="198.19.122.101"), node)
    assert error.message.startswith(
        "port 9443 is served by a cluster set up by hand, whose VIP is 198.19.122.100: containers"
    )
    assert "set `vip`" in (error.fix or "")


def test_a_keepalived_with_our_vip_and_no_haproxy_is_told() -> None:
    node = looks.look("multicast-n1")
    alone = dataclasses.replace(node, foreign=node.foreign[1:], sockets=())
    (what,) = told(alone)
    assert what.startswith("the VIP is served by a cluster set up by hand: container ")


def test_a_keepalived_of_somebody_else_and_his_vip_is_no_concern_of_ours() -> None:
    node = looks.look("multicast-n1")
    alone = dataclasses.replace(node, foreign=node.foreign[1:], sockets=())
    assert told(alone, vip="198.19.122.101") == []


def test_a_haproxy_alone_is_a_taken_port() -> None:
    node = looks.look("multicast-n1")
    alone = dataclasses.replace(node, foreign=node.foreign[:1])
    (what,) = told(alone)
    assert what.startswith("port 9443 is taken by haproxy (pid ")


def test_two_keepaliveds_with_our_vip_are_not_guessed_about() -> None:
    node = looks.look("multicast-n1")
    twice = dataclasses.replace(node, foreign=(*node.foreign, node.foreign[1]))
    assert recognise(looks.inventory(), twice) is None


def test_a_stranger_on_our_other_port_is_still_told() -> None:
    node = looks.look("multicast-n1")
    health = [
        dataclasses.replace(s, port=19443, address="127.0.0.1")
        for s in node.sockets
        if s.port == 9443
    ]
    whats = told(dataclasses.replace(node, sockets=(*node.sockets, *health)))
    assert len(whats) == 2
    assert whats[1].startswith("port 19443 is taken by haproxy")


def test_our_own_cluster_has_nothing_foreign() -> None:
    assert recognise(builders.cluster(), builders.healthy(builders.cluster())["n1"]) is None


def test_several_ports_of_one_haproxy_are_told_together() -> None:
    listeners = [{"name": "a", "port": 9443}, {"name": "b", "port": 8080}]
    cluster = looks.inventory(listeners=listeners)
    found = recognise(cluster, looks.look("multicast-n1"))
    assert found is not None
    assert words(cluster, found)[0].startswith("port 9443 and port 8080 and the VIP are served")


def test_what_cannot_be_taken_over_is_told_with_file_and_container() -> None:
    found = looks.by_hand("multicast-n1")
    config = found.keepalived.config.replace(b"auth_type PASS", b"auth_type AH")
    bent = dataclasses.replace(
        found, keepalived=dataclasses.replace(found.keepalived, config=config)
    )
    with pytest.raises(NodesError) as caught:
        read_classics({"n1": bent})
    (error,) = caught.value.errors
    assert error.node == "n1"
    assert "keepalived.conf in " in error.what
    assert "has auth_type AH" in error.what
