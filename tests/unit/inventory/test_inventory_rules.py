"""What an inventory must not say although each value is fine."""

from typing import Any

import pytest

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import dotted
from hadeploy.inventory.rules import advice, broken_rules

A, B, C, VIP = "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.200"
V6 = {"vip": "2001:db8::200", "nodes": ["2001:db8::1", "2001:db8::2"]}
BOTH = [VIP, "2001:db8::200"]


def cluster(**given: Any) -> Cluster:
    return Cluster.model_validate({"vip": VIP, "nodes": [A, B, C], **given})


def listener(**given: Any) -> dict[str, Any]:
    return {"listeners": [given]}


def maxconn(total: int, *each: int | None) -> dict[str, Any]:
    listeners = [{"name": f"n{i}", "port": 9443 + i, "maxconn": m} for i, m in enumerate(each)]
    return {"haproxy": {"maxconn": total}, "listeners": listeners}


def metrics(port: int) -> dict[str, Any]:
    return {"haproxy": {"metrics": {"port": port}}}


def vrrp(**given: Any) -> dict[str, Any]:
    return {"vrrp": given}


def weight(*priorities: int, **given: Any) -> dict[str, Any]:
    nodes = [{"address": a, "priority": p} for a, p in zip((A, B, C), priorities, strict=False)]
    return {"nodes": nodes, **vrrp(on_check_failure="weight", preempt=True, **given)}


def registry(**given: Any) -> dict[str, Any]:
    return {"images": {"registry": given}}


def images(registry: dict[str, Any], **references: str) -> dict[str, Any]:
    named = {role: {"reference": reference} for role, reference in references.items()}
    return {"images": {"registry": registry, **named}}


FAST = vrrp(failover="fast")
LOGIN = {"user": "me", "password": "env:X"}

# what is given -> (key, part of the reason) for each rule that it breaks, in their order
CASES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    (V6, []),
    ({"vip": [VIP, "198.51.100.201/24"]}, []),
    (FAST, []),
    ({"paths": {"root": "/tmpfiles"}}, []),
    (
        {"paths": {"root": "/var/run/hadeploy"}},
        [("paths.root", "files in /var/run do not survive")],
    ),
    (vrrp(failover="fast", advert_interval=0.5, preempt=True), []),
    (vrrp(failover="fast", version=2, advert_interval=1), [("vrrp.version", "needs version 3")]),
    (vrrp(failover="fast", password="env:X"), [("vrrp.password", "has no authentication")]),
    # VIPs
    ({"vip": B}, [("vip[0]", "address of node 198.51.100.2")]),
    ({"vip": [VIP, f"{VIP}/24"]}, [("vip[1]", "already in the list")]),
    ({"vip": "0.0.0.0"}, [("vip[0]", "unspecified")]),
    ({"vip": "0.1.2.3"}, [("vip[0]", "0.0.0.0/8")]),
    ({"vip": "127.0.0.9"}, [("vip[0]", "loopback")]),
    ({"vip": "224.0.0.18"}, [("vip[0]", "multicast")]),
    ({"vip": "169.254.1.1"}, [("vip[0]", "link-local")]),
    ({"vip": "255.255.255.255"}, [("vip[0]", "reserved")]),
    ({"vip": "198.51.100.0/24"}, [("vip[0]", "network address of 198.51.100.0/24")]),
    ({"vip": "198.51.100.255/24"}, [("vip[0]", "broadcast address of 198.51.100.0/24")]),
    ({"vip": "198.51.100.200/31"}, []),
    ({"vip": f"{VIP}/0"}, [("vip[0]", "is too short")]),
    ({**V6, "vip": "fe80::1"}, [("vip[0]", "link-local")]),
    ({**V6, "vip": "::ffff:198.51.100.9"}, [("vip[0]", "write the IPv4 address")]),
    ({**V6, "vip": "2001:db8::/64"}, [("vip[0]", "network")]),
    ({"vip": [f"198.51.{i}.200" for i in range(101, 240)] * 2}, [("vip", "do not fit")]),
    # families
    ({"vip": BOTH}, []),
    ({"vip": BOTH[::-1]}, []),
    ({**V6, "vip": BOTH}, []),
    ({"vip": BOTH, **vrrp(version=2, mode="multicast")}, []),
    ({"vip": BOTH, "nodes": [A]}, []),
    ({**V6, "vip": BOTH, **vrrp(version=2)}, [("vrrp.version", "IPv4 only")]),
    ({"vip": BOTH, "nodes": [A, "2001:db8::1"]}, [("nodes[1].address", f"but {A} is IPv4")]),
    ({"vip": [VIP, "2001:db8::200", "2001:db8::200/64"]}, [("vip[2]", "already in the list")]),
    ({"vip": [VIP, *(f"2001:db8::2:{i:x}" for i in range(1, 120))]}, []),
    ({"nodes": ["2001:db8::1", A]}, [("nodes[0].address", "but the VIP is IPv4")]),
    ({"vip": "2001:db8::200", "nodes": [A]}, [("nodes[0].address", "add a VIP of IPv4")]),
    # nodes
    ({"nodes": ["127.0.0.1"]}, [("nodes[0].address", "loopback")]),
    ({"nodes": [A, B, A]}, [("nodes[2].address", "address of nodes[0]")]),
    (
        {"nodes": [{"address": A, "name": "x"}, {"address": B, "name": "x"}]},
        [("nodes[1].name", "x is also the name of nodes[0]")],
    ),
    ({"nodes": [A, {"address": B, "name": A}]}, [("nodes[1].name", "the name of nodes[0]")]),
    (
        {"nodes": [A, {"address": B, "ssh": {"host": A}}]},
        [("nodes[1].ssh.host", "also the SSH host of nodes[0]")],
    ),
    (
        {"nodes": [A, {"address": B, "ssh": {"host": A, "port": 2222}}]},
        [],
    ),
    ({"nodes": [A, {"address": B, "ssh": {"host": VIP}}]}, [("nodes[1].ssh.host", "is a VIP")]),
    # listeners
    (
        {"listeners": [{}, {"name": "b"}]},
        [("listeners[1].port", "9443 is also the port of listeners[0]")],
    ),
    (
        {"listeners": [{}, {"port": 9444}]},
        [("listeners[1].name", "kube-apiserver is also the name")],
    ),
    (listener(port=19443), [("listeners[0].port", "haproxy.health_port")]),
    ({**listener(port=22), "ssh": {"port": 22}}, [("listeners[0].port", "sshd listens")]),
    ({"ssh": {"port": 19443}}, [("haproxy.health_port", "sshd listens")]),
    ({"haproxy": {"metrics": {}}}, []),
    ({"haproxy": {"metrics": {"address": "node"}}}, []),
    (metrics(9443), [("haproxy.metrics.port", "the listener kube-apiserver uses it")]),
    (metrics(19443), [("haproxy.metrics.port", "it is haproxy.health_port")]),
    (metrics(6443), [("haproxy.metrics.port", "uses it on the node itself")]),
    ({**metrics(6443), **listener(backends=["198.51.100.77"])}, []),
    ({**metrics(2222), "ssh": {"port": 2222}}, [("haproxy.metrics.port", "sshd listens")]),
    (listener(port=6443), [("listeners[0].backend_port", "already listens on port 6443")]),
    (listener(backend_port=19443), [("listeners[0].backend_port", "health_port")]),
    (listener(backends=[f"{A}:9443"]), [("listeners[0].backends[0].port", "in a loop")]),
    (listener(port=6443, backends=[A]), [("listeners[0].backends[0]", "in a loop")]),
    (listener(backends=[f"{VIP}:9443"]), [("listeners[0].backends[0].port", "is the VIP")]),
    (listener(backends=["127.0.0.1:9443"]), [("listeners[0].backends[0].port", "in a loop")]),
    (listener(backends=[f"{A}:19443"]), [("listeners[0].backends[0].port", "health_port")]),
    (listener(port=6443, backends=["198.51.100.77"]), []),
    (
        listener(backends=["0.0.0.0"]),
        [("listeners[0].backends[0].address", "not the address of a host")],
    ),
    (listener(backends=["fe80::1"]), [("listeners[0].backends[0].address", "link-local")]),
    (listener(backends=[A, f"{A}:6443"]), [("listeners[0].backends[1]", "also backends[0]")]),
    (listener(backends=[A, f"{A}:6444"]), []),
    (
        listener(backends=[{"address": A, "name": "s"}, {"address": B, "name": "s"}]),
        [("listeners[0].backends[1].name", "s is also the name of backends[0]")],
    ),
    (maxconn(1000, 1001), [("haproxy.maxconn", "maxconn is 1001")]),
    (maxconn(1000, 500, 501), [("haproxy.maxconn", "maxconn is 1001")]),
    (maxconn(1000, 1000, None), [("haproxy.maxconn", "maxconn is 1001")]),
    (maxconn(1000, 1000), []),
    (maxconn(1000, 999, None), []),
    # VRRP
    (
        {"nodes": [{"address": A, "priority": 9}, {"address": B, "priority": 9}]},
        [("nodes[1].priority", "9 is also the priority of nodes[0]")],
    ),
    (vrrp(weight=21), [("vrrp.weight", "fault mode")]),
    (vrrp(on_check_failure="weight"), [("vrrp.preempt", "needs preempt: true")]),
    (vrrp(on_check_failure="weight", preempt=True), []),
    (vrrp(preempt_delay=60), [("vrrp.preempt_delay", "needs preempt: true")]),
    (vrrp(preempt_delay=60, preempt=True), []),
    (
        vrrp(preempt_delay=60, preempt=True, on_check_failure="weight"),
        [("vrrp.preempt_delay", "would delay it")],
    ),
    (weight(100, 90, 80, weight=11), [("vrrp.weight", "100 - 80 + 1 = 21")]),
    (weight(100, 90, 80, weight=20), [("vrrp.weight", "100 - 80 + 1 = 21")]),
    (weight(100, 90, 80, weight=21), []),
    (weight(100, 90, 80), []),
    (weight(100, 90, 80, weight=155), [("vrrp.weight", "100 + 155 = 255")]),
    (weight(100, 90, 80, weight=154), []),
    (weight(250, 240, 230), [("nodes", "250 + 21 = 271")]),
    (vrrp(advert_interval=0.5), [("vrrp.advert_interval", "whole seconds")]),
    (vrrp(version=3, advert_interval=0.5), []),
    (vrrp(version=3, advert_interval=0.29), []),
    (vrrp(version=3, advert_interval=0.125), [("vrrp.advert_interval", "hundredths")]),
    (vrrp(version=3, password="env:X"), [("vrrp.password", "no authentication")]),
    ({**V6, **vrrp(password="env:X")}, [("vrrp.password", "no authentication")]),
    ({**V6, **vrrp(version=2)}, [("vrrp.version", "IPv4 only")]),
    ({**V6, **vrrp(mode="multicast")}, [("vrrp.mode", "use unicast")]),
    ({**V6, "nodes": ["2001:db8::1"]}, [("nodes", "single node")]),
    (
        {"containers": {"haproxy": "kube-lb-keepalived"}},
        [("containers.haproxy", "both containers")],
    ),
    # images
    (registry(user="me"), [("images.registry.user", "also needs password")]),
    (registry(password="env:X"), [("images.registry.password", "also needs user")]),
    (registry(**LOGIN), []),
    (registry(**LOGIN, mirror="r.example/m"), []),
    (
        images(LOGIN, haproxy="r.example/haproxy:3"),
        [("images.registry.password", "from docker.io and r.example")],
    ),
    (images(LOGIN, haproxy="r.example/haproxy:3", keepalived="r.example/k:2"), []),
    (images({**LOGIN, "mirror": "r.example"}, haproxy="docker.io/library/haproxy:3"), []),
]


@pytest.mark.parametrize(("given", "expected"), CASES, ids=str)
def test_an_inventory_that_cannot_work_is_refused_with_the_reason(
    given: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    broken = [(dotted(path), message) for path, message in broken_rules(cluster(**given))]
    if expected and expected[0] == ("vip", "do not fit"):
        broken = [b for b in broken if b[0] == "vip"]
    assert [key for key, _ in broken] == [key for key, _ in expected]
    for (_, message), (_, reason) in zip(broken, expected, strict=True):
        assert reason in message


ADVICE: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"nodes": [A]}, ["nodes"]),
    (vrrp(virtual_router_id=51), ["vrrp.virtual_router_id"]),
    ({"vip": "203.0.113.9/24"}, ["vip[0]"]),
    ({"vip": f"{VIP}/24"}, []),
    ({"vip": [VIP, "2001:db8:0:1::200/64"]}, []),
    ({"images": {"haproxy": {"reference": "haproxy"}}}, ["images.haproxy.reference"]),
    ({"images": {"haproxy": {"reference": "reg:5000/haproxy"}}}, ["images.haproxy.reference"]),
    (
        {"images": {"keepalived": {"reference": "osixia/keepalived:latest"}}},
        ["images.keepalived.reference"],
    ),
    (listener(check={"path": "/healthz"}), ["listeners[0].check.path"]),
    (listener(check={"path": "/healthz", "type": "https"}), []),
    (listener(port=22), ["listeners[0].port"]),
    (
        listener(timeouts={"client": "2s", "server": "59s"}),
        ["listeners[0].timeouts.client", "listeners[0].timeouts.server"],
    ),
    (listener(timeouts={"client": "1m", "server": "60s"}), []),
    (listener(backends=[A, f"{VIP}:6443"]), ["listeners[0].backends[1]"]),
]


@pytest.mark.parametrize(("given", "expected"), ADVICE, ids=str)
def test_an_unwise_inventory_is_a_warning(given: dict[str, Any], expected: list[str]) -> None:
    assert broken_rules(cluster(**given)) == []
    assert [dotted(path) for path, _ in advice(cluster(**given))] == expected


def test_a_profile_fills_in_omitted_settings() -> None:
    fast = cluster(vrrp={"failover": "fast"}).vrrp
    assert (fast.version, fast.advert_interval, fast.preempt) == (3, 0.1, False)
    assert cluster(vrrp={"failover": "fast", "advert_interval": 0.3}).vrrp.advert_interval == 0.3
    standard = cluster(vrrp={"failover": "standard"}).vrrp
    assert (standard.version, standard.advert_interval) == (2, 1.0)
    again = Cluster.model_validate(cluster(**FAST).model_dump(by_alias=True))
    assert again.vrrp == cluster(**FAST).vrrp


@pytest.mark.parametrize(
    ("given", "version"),
    [
        ({}, 2),
        (V6, 3),
        ({"vip": BOTH}, 2),
        ({"vip": BOTH[::-1]}, 2),
        ({**V6, "vip": BOTH}, 3),
        ({**V6, "vip": BOTH, "nodes": [{"address": "2001:db8::1"}, "2001:db8::2"]}, 3),
    ],
)
def test_a_second_family_does_not_change_the_vrrp_version(
    given: dict[str, Any], version: int
) -> None:
    assert cluster(**given).vrrp.version == version
