"""A cluster that was set up by hand is recognised only where it is certain."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.adopt.recognise import problem_and_hint, read_classics, recognise, with_adopt
from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext, Finding, failures
from hadeploy.errors import NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode, Owner, Socket
from tests.unit import builders
from tests.unit.adopt import classic_nodes


def stopping(cluster: Cluster, node: ObservedNode) -> list[Finding]:
    found = failures(evaluate(CheckContext(cluster, {node.node: node})))
    return [finding for finding in found if finding.node]


def reported(node: ObservedNode, **inventory: object) -> list[str]:
    return [finding.message for finding in stopping(classic_nodes.inventory(**inventory), node)]


def test_foreign_containers_are_read_with_what_they_run() -> None:
    haproxy, keepalived = classic_nodes.observed("multicast-n1").foreign
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
    assert classic_nodes.PASSWORD not in repr(classic_nodes.observed("multicast-n1"))
    assert classic_nodes.PASSWORD not in repr(classic_nodes.by_hand("multicast-n1"))


@pytest.mark.parametrize("name", ["multicast-n1", "multicast-n2", "unicast-n1"])
def test_one_clear_message_names_port_vip_and_containers(name: str) -> None:
    node = classic_nodes.observed(name)
    keepalived = node.foreign[1].container.name
    (error,) = stopping(classic_nodes.inventory(), node)
    assert error.message == (
        "port 9443 and the VIP are served by a cluster set up by hand: containers "
        f"diamond-haproxy (haproxy:2.6.12) and {keepalived} (osixia/keepalived:2.2.7)"
    )
    assert error.fix == "take it over, node by node: `hadeploy up --adopt`"


def test_the_container_name_of_the_classic_recipe_is_no_second_conflict() -> None:
    node = classic_nodes.observed("multicast-n1")
    there = dataclasses.replace(node, containers=(node.foreign[0].container,))
    assert len(reported(there, containers={"haproxy": "diamond-haproxy"})) == 1


def test_another_vip_is_reported() -> None:
    node = classic_nodes.observed("multicast-n1")
    (error,) = stopping(classic_nodes.inventory(vip="198.19.122.101"), node)
    assert error.message.startswith(
        "port 9443 is served by a cluster set up by hand, whose VIP is 198.19.122.100: containers"
    )
    assert "set `vip`" in (error.fix or "")


def test_a_keepalived_with_our_vip_and_no_haproxy_is_reported() -> None:
    node = classic_nodes.observed("multicast-n1")
    alone = dataclasses.replace(node, foreign=node.foreign[1:], sockets=())
    (what,) = reported(alone)
    assert what.startswith("the VIP is served by a cluster set up by hand: container ")


def test_a_foreign_keepalived_with_another_vip_is_ignored() -> None:
    node = classic_nodes.observed("multicast-n1")
    alone = dataclasses.replace(node, foreign=node.foreign[1:], sockets=())
    assert reported(alone, vip="198.19.122.101") == []


def test_a_haproxy_alone_is_a_taken_port() -> None:
    node = classic_nodes.observed("multicast-n1")
    alone = dataclasses.replace(node, foreign=node.foreign[:1])
    (what,) = reported(alone)
    assert what.startswith("port 9443 is taken by haproxy (pid ")


def test_two_keepaliveds_with_our_vip_are_not_guessed_about() -> None:
    node = classic_nodes.observed("multicast-n1")
    twice = dataclasses.replace(node, foreign=(*node.foreign, node.foreign[1]))
    assert recognise(classic_nodes.inventory(), twice) is None


def on_health_port(node: ObservedNode, *owners: Owner) -> ObservedNode:
    """The same node, where the health port is taken, too."""
    health = Socket("127.0.0.1", 19443, owners or node.listeners(9443)[0].owners)
    return dataclasses.replace(node, sockets=(*node.sockets, health))


def test_its_other_ports_are_its_own() -> None:
    node = on_health_port(classic_nodes.observed("multicast-n1"))
    (what,) = reported(node)
    assert what.startswith("port 9443 and the VIP are served by a cluster set up by hand")


def test_a_stranger_on_another_port_of_hadeploy_is_still_reported() -> None:
    node = on_health_port(classic_nodes.observed("multicast-n1"), Owner("nginx", 77))
    assert reported(node)[1:] == ["port 19443 is taken by nginx (pid 77)"]


def elsewhere(node: ObservedNode, port: int = 8443) -> ObservedNode:
    """The same node, where haproxy serves the API servers on another port."""
    sockets = [dataclasses.replace(s, port=port) if s.port == 9443 else s for s in node.sockets]
    haproxy, keepalived = node.foreign
    config = haproxy.config.replace(b":9443", f":{port}".encode())
    foreign = (dataclasses.replace(haproxy, config=config), keepalived)
    return dataclasses.replace(node, sockets=tuple(sockets), foreign=foreign)


def test_an_old_haproxy_on_another_port_is_named_and_its_clients_are_not_refused() -> None:
    node = elsewhere(classic_nodes.observed("multicast-n1"))
    (error,) = stopping(classic_nodes.inventory(), node)
    assert error.message.startswith(
        "the VIP is served by a cluster set up by hand, on port 8443; the inventory has 9443: "
        "containers diamond-haproxy (haproxy:2.6.12) and "
    )
    assert "set `listeners: [{port: 8443}]` and run `hadeploy up --adopt`" in (error.fix or "")
    # Adopting is no way around it: nothing would answer there any more.
    context = CheckContext(classic_nodes.inventory(), {node.node: node}, adopt=True)
    assert [f.message for f in failures(evaluate(context)) if f.check == "set-up-by-hand"] == [
        error.message
    ]
    agreed = classic_nodes.inventory(listeners=[{"port": 8443}])
    found = recognise(agreed, node)
    assert found is not None
    assert (found.ports, found.other_ports) == ((8443,), ())


def test_a_haproxy_of_other_servers_is_left_alone_and_named() -> None:
    node = classic_nodes.observed("multicast-n1")
    haproxy, keepalived = node.foreign
    container = dataclasses.replace(haproxy.container, id="b" * 64, name="ingress")
    config = haproxy.config.replace(b":9443", b":443").replace(b":6443", b":30443")
    ingress = dataclasses.replace(haproxy, container=container, config=config)
    both = dataclasses.replace(node, foreign=(haproxy, ingress, keepalived))
    found = recognise(classic_nodes.inventory(), both)
    assert found is not None
    assert found.haproxy == haproxy
    assert found.beside == (ingress,)
    alone = dataclasses.replace(node, foreign=(ingress, keepalived), sockets=())
    left = recognise(classic_nodes.inventory(), alone)
    assert left is not None
    assert left.haproxy is None
    assert left.beside == (ingress,)


def published(node: ObservedNode) -> ObservedNode:
    """The same node, where haproxy has a network of its own and the engine publishes its port."""
    haproxy, keepalived = node.foreign
    raw = {
        **haproxy.container.raw,
        "HostConfig": {**haproxy.container.raw["HostConfig"], "NetworkMode": "bridge"},
        "NetworkSettings": {
            "Ports": {"9443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "9443"}], "53/udp": None}
        },
    }
    bridged = dataclasses.replace(
        haproxy, container=dataclasses.replace(haproxy.container, raw=raw)
    )
    proxy = (Owner("docker-proxy", 88),)
    sockets = [dataclasses.replace(s, owners=proxy) if s.port == 9443 else s for s in node.sockets]
    return dataclasses.replace(
        node,
        foreign=(bridged, keepalived),
        sockets=tuple(sockets),
        publishers={9443: (haproxy.container.name,)},
    )


def test_a_published_port_is_its_containers() -> None:
    node = published(classic_nodes.observed("multicast-n1"))
    (what,) = reported(node)
    assert what.startswith("port 9443 and the VIP are served by a cluster set up by hand")
    found = recognise(classic_nodes.inventory(), node)
    assert found is not None
    assert found.owns(node.listeners(9443)[0])


def test_the_container_behind_docker_proxy_is_named() -> None:
    node = published(classic_nodes.observed("multicast-n1"))
    alone = dataclasses.replace(node, foreign=(), keepaliveds={}, publishers={9443: ("registry",)})
    assert reported(alone) == [
        "port 9443 is taken by docker-proxy (pid 88) for the container registry"
    ]


def test_a_cluster_of_hadeploy_has_no_foreign_containers() -> None:
    assert recognise(builders.cluster(), builders.healthy(builders.cluster())["n1"]) is None


def test_several_ports_of_one_haproxy_are_reported_together() -> None:
    listeners = [{"name": "a", "port": 9443}, {"name": "b", "port": 8080}]
    cluster = classic_nodes.inventory(listeners=listeners)
    found = recognise(cluster, classic_nodes.observed("multicast-n1"))
    assert found is not None
    assert problem_and_hint(cluster, found)[0].startswith(
        "port 9443 and port 8080 and the VIP are served"
    )


def test_a_setting_that_cannot_be_adopted_is_reported_with_file_and_container() -> None:
    found = classic_nodes.by_hand("multicast-n1")
    config = found.keepalived.config.replace(b"auth_type PASS", b"auth_type AH")
    bent = dataclasses.replace(
        found, keepalived=dataclasses.replace(found.keepalived, config=config)
    )
    with pytest.raises(NodesError) as caught:
        read_classics({"n1": bent})
    (error,) = caught.value.errors
    assert error.node == "n1"
    assert "keepalived.conf in " in error.message
    assert "has auth_type AH" in error.message


def test_what_is_advised_is_done_with_adopt_until_every_node_is_taken_over() -> None:
    hints = ["`hadeploy up` starts it", None, "docker logs kube-lb-haproxy"]
    ours = {"n1": builders.empty("n1")}
    reported = with_adopt(
        classic_nodes.inventory(), {**ours, "n2": classic_nodes.observed("multicast-n2")}, hints
    )
    assert reported == ["`hadeploy up --adopt` starts it", None, "docker logs kube-lb-haproxy"]
    assert with_adopt(classic_nodes.inventory(), ours, hints) == hints
