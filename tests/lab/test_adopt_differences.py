"""A cluster set up by hand that has more than the recipe: what adopting loses, and keeps."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from hadeploy.adopt.difference import merged
from hadeploy.lab import by_hand as classic
from tests.lab.harness import ROOT, Cluster

PORT = 8443
HAPROXY_CFG = """\
global
    maxconn 5000
    nbthread 2
    stats socket /tmp/admin.sock mode 600 level admin
    setenv THIRD {third}

defaults unused
    mode http
    timeout client 1s
    timeout connect 1s
    timeout server 1s

defaults tcp
    mode tcp
    option tcplog
    retries 3
    timeout connect 5000
    timeout client 14400s
    timeout server 30m
    timeout tunnel 1h
    default-server inter 3s maxconn 500

frontend api from tcp
    log global
    bind "*:${{API_PORT}}" name api
    acl inside src {subnet}
    tcp-request connection accept if inside
    option socket-stats
    default_backend api

backend api from tcp
    balance leastconn
    option allbackups
    fullconn 500
    server a cp1.example:6443 check
    server b {second}:6443 check slowstart 1s
    server c "${{THIRD}}:6443" check backup

# On what is to be our health port.
listen page from unused
    bind *:19443
    stats enable
    stats uri /

# For a program on the node.
listen local from tcp
    bind 127.0.0.1:7001
    server a cp1.example:6443
"""


def haproxy_cfg(cluster: Cluster) -> str:
    first, second, third = (cluster.lab.address(node) for node in cluster.lab.nodes)
    subnet = f"{first.rpartition('.')[0]}.0/24"
    return HAPROXY_CFG.format(second=second, third=third, subnet=subnet)


def paste(cluster: Cluster, hint: str) -> None:
    """Merge YAML into the inventory, as its owner would."""
    cluster.inventory = merged(cluster.inventory, YAML(typ="safe").load(hint))


def lost(cluster: Cluster) -> list[str]:
    """What a plan says that adopting changes."""
    warnings: list[str] = cluster.ok("plan", "--adopt", "--json").document["warnings"]
    return warnings


@pytest.mark.exhaustive
def test_settings_that_adoption_loses_are_reported_with_a_way_to_keep_them(
    fresh: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VRRP_PASSWORD", classic.PASSWORD)
    first = fresh.lab.address("n1")
    for node in fresh.lab.nodes:
        fresh.node(
            node, f"cp /etc/hosts /etc/hosts.before; echo '{first} cp1.example' >>/etc/hosts"
        )
    options = f"-e API_PORT={PORT} -e SECRET=canary-of-the-environment"
    text = haproxy_cfg(fresh)
    try:
        with classic.by_hand(fresh.lab, port=PORT, haproxy=text, options=options):
            other_port_is_named(fresh)
            paste(fresh, f"listeners: [{{port: {PORT}}}]")
            warnings = lost(fresh)
            reported = {line.partition(" (")[0].removeprefix("Differs: ") for line in warnings}
            port = f"port {PORT}"
            assert {
                f"{port}: acl inside src {text.partition('acl inside src ')[2].split()[0]}",
                f"{port}: option socket-stats",
                f"{port}: option allbackups",
                f"{port}: timeout server 30m becomes 4h",
                f"{port}: server a: the name cp1.example becomes the address {first}",
                f"{port}: every server: inter 3s becomes 2s",
                f"{port}: every server: maxconn 500",
                f"{port}: server b: slowstart 1s",
                f"{port}: server c: backup",
                "global: nbthread 2",
                "listen local: port 7001 is removed, on 127.0.0.1 only",
            } <= reported
            assert fresh.ok("plan", "--adopt", "--json").document["removes"] == []
            # Equal, in other words.
            assert not any(
                re.search(r"bind|timeout c|retries|balance|servers|log|unused", what)
                for what in reported
            )
            assert "canary" not in str(warnings)
            (block,) = (line for line in warnings if line.startswith("To keep all of that"))
            paste(fresh, block.partition("\n")[2])
            assert [line for line in lost(fresh) if "to keep it:" in line] == []
            # haproxy and keepalived themselves accept what was advised.
            fresh.ok("up", "--adopt")
            assert fresh.up()["changes"] == 0
            assert classic.answer(fresh.lab, PORT) in fresh.lab.nodes
            for node in fresh.lab.nodes:
                states = fresh.node(node, "docker ps --all --format '{{.Names}} {{.State}}'")
                assert f"{classic.HAPROXY} exited" in states
            conf = fresh.node("n1", f"cat {ROOT}/haproxy/haproxy.cfg")
            assert "default-server maxconn 500" in conf
    finally:
        for node in fresh.lab.nodes:
            fresh.node(node, "docker ps -q | xargs -r docker stop -t 5")
            fresh.node(node, f"docker ps -qa | xargs -r docker rm; rm -rf {ROOT}")
            fresh.node(node, "cat /etc/hosts.before >/etc/hosts; rm /etc/hosts.before")


def other_port_is_named(cluster: Cluster) -> None:
    """Clients use 8443 and the inventory has 9443: nothing is touched, with or without --adopt."""
    before = cluster.snapshot()
    for command in (("check", "--json"), ("plan", "--json"), ("up", "--adopt", "--json")):
        result = cluster.run(*command)
        assert result.code == 3, result.err
        assert (
            f"on port {PORT}; the inventory has 9443: containers {classic.HAPROXY} " in result.out
        )
        assert f"listeners: [{{port: {PORT}}}]" in result.out
        # It has our health port, too, and is nobody else's.
        assert "port 19443 is taken" not in result.out
    assert cluster.snapshot() == before
    assert classic.answer(cluster.lab, PORT) in cluster.lab.nodes


def test_a_published_port_is_named_with_its_container(fresh: Cluster) -> None:
    fresh.lab.load_images(classic.HAPROXY_IMAGE)
    fresh.node("n1", "docker network create --subnet 192.0.2.0/28 published")
    run = "docker run -d --name somebody --network published -p 9443:6443"
    fresh.node("n1", f"{run} --entrypoint sleep {classic.HAPROXY_IMAGE} 300")
    try:
        result = fresh.run("check", "--json")
        assert result.code == 3
        assert re.search(
            r"port 9443 is taken by docker-proxy \(pid \d+\) for the container somebody", result.out
        )
    finally:
        fresh.node("n1", "docker rm -f somebody; docker network rm published")
