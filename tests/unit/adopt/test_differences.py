"""What ours would not carry over is told, with the key that would."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.adopt.differences import (
    haproxy_differences,
    keepalived_differences,
)
from hadeploy.adopt.recognise import read_classics
from hadeploy.desired.build import haproxy_cfg
from hadeploy.desired.templates import environment
from hadeploy.plan.texts import difference
from tests.unit.adopt import looks


def theirs() -> bytes:
    haproxy = looks.by_hand("multicast-n1").haproxy
    assert haproxy is not None
    return haproxy.config


def told(text: str, **inventory: Any) -> dict[str, str]:
    return {d.what: d.key for d in haproxy_differences(looks.inventory(**inventory), text)}


def test_a_real_hand_tuned_file_is_told_with_its_keys() -> None:
    assert told(theirs().decode()) == {
        "log 127.0.0.1 local0 becomes stdout local0": (
            "haproxy.log: 127.0.0.1:514, haproxy.log_facility: local0"
        ),
        "maxconn 5000 becomes 8000": "haproxy.maxconn: 5000",
        "defaults: retries 1": "templates.extra.defaults",
        "defaults: timeout queue 20s": "templates.extra.defaults",
        "defaults: timeout check 10s": "templates.extra.defaults",
        "port 9443: timeout client 20m becomes 4h": "listeners[].timeouts.client: 20m",
        "port 9443: timeout server 20m becomes 4h": "listeners[].timeouts.server: 20m",
        "port 9443: balance roundrobin becomes leastconn": "listeners[].balance: roundrobin",
        "listen stats: statistics on 8080; ours are read-only, on /stats of haproxy.metrics": (
            "haproxy.metrics: {address: 0.0.0.0, port: ...}"
        ),
    }


def test_what_the_keys_say_is_told_no_more() -> None:
    listener = {"balance": "roundrobin", "timeouts": {"client": "20m", "server": "20m"}}
    haproxy = {"maxconn": 5000, "log": "127.0.0.1:514"}
    left = told(theirs().decode(), haproxy=haproxy, listeners=[listener])
    assert {key.partition(":")[0] for key in left.values()} == {
        "templates.extra.defaults",
        "haproxy.metrics",
    }


@pytest.mark.parametrize(
    ("lines", "what", "key"),
    [
        ("global\n tune.bufsize 32768", "global: tune.bufsize 32768", "templates.extra.global"),
        (
            "global\n log /dev/log local1 notice",
            "log /dev/log local1 notice becomes stdout local0",
            "haproxy.log: ADDRESS:514 (our container does not see that socket), "
            "haproxy.log_facility: local1",
        ),
        ("resolvers dns\n nameserver a 127.0.0.1:53", "section resolvers dns", "templates.folder"),
        ("listen web\n bind :80\n server a 198.51.100.1:80", "listen web on 80 goes", "listeners"),
        (
            "listen k\n bind 198.51.100.100:9443",
            "port 9443: bind 198.51.100.100:9443 becomes every address",
            "templates.folder",
        ),
        (
            "listen k\n bind *:9443\n maxconn 77",
            "port 9443: maxconn 77",
            "listeners[].maxconn: 77",
        ),
        (
            "listen k\n bind *:9443\n timeout client 20000",
            "port 9443: timeout client 20000 becomes 4h",
            "listeners[].timeouts.client: 20000ms",
        ),
        (
            "listen k\n bind *:9443\n option httpchk GET /healthz",
            "port 9443: option httpchk GET /healthz",
            "listeners[].check",
        ),
        (
            "listen k\n bind *:9443\n acl inside src 198.51.100.0/24",
            "port 9443: acl inside src 198.51.100.0/24",
            "templates.extra.listener",
        ),
    ],
)
def test_each_kind_of_line_has_its_key(lines: str, what: str, key: str) -> None:
    assert told(lines + "\n")[what] == key


def test_other_servers_are_told() -> None:
    text = "listen k\n bind *:9443\n balance leastconn\n server a 198.51.100.1:6443 check\n"
    (what,) = told(text)
    assert what.startswith("port 9443: servers 198.51.100.1:6443 become 198.19.122.11:6443, ")


def test_our_own_file_differs_in_nothing() -> None:
    cluster = looks.inventory(haproxy={"maxconn": 7900}, listeners=[{"maxconn": 7900}])
    ours = haproxy_cfg(cluster, cluster.nodes[0], environment(None)).content
    differences = [
        d.what
        for d in haproxy_differences(cluster, ours)
        if "hadeploy-health" not in d.what and not d.what.startswith(("defaults: ", "maxconn "))
    ]
    assert differences == []


def test_a_diff_shows_what_goes_and_no_secret() -> None:
    cluster = looks.inventory()
    ours = haproxy_cfg(cluster, cluster.nodes[0], environment(None)).content
    lines = difference(theirs(), ours, "haproxy.cfg", "set up by hand")
    assert lines[:2] == (
        "--- haproxy.cfg (set up by hand)",
        "+++ haproxy.cfg (wanted)",
    )
    assert "-    log 127.0.0.1 local0" in lines
    assert "-    stats auth (redacted)" in lines
    assert "canary" not in "\n".join(lines)


def test_what_keepalived_says_otherwise_is_told() -> None:
    classic = read_classics({"n1": looks.by_hand("multicast-n1")})["n1"]
    differences = keepalived_differences(looks.inventory(), "n1", classic)
    keys = [d.key for d in differences]
    assert "vrrp.virtual_router_id: 51" in keys
    assert "vrrp.mode: multicast" in keys
    assert "vrrp.preempt: true" in keys
    assert "vrrp.on_check_failure: weight" in keys
    assert "nodes[].priority: 100" in keys
    assert "vrrp.password" in keys
    assert any("notify.sh" in d.what for d in differences)
    assert looks.PASSWORD not in str(differences)


def test_an_inventory_of_the_same_settings_leaves_the_scripts() -> None:
    classic = read_classics({"n1": looks.by_hand("multicast-n1")})["n1"]
    nodes = [
        {"name": f"n{i}", "address": f"198.19.122.1{i}", "priority": 110 - 10 * i}
        for i in (1, 2, 3)
    ]
    vrrp = {
        "virtual_router_id": 51,
        "mode": "multicast",
        "preempt": True,
        "on_check_failure": "weight",
        "weight": 21,
        "password": "env:X",
    }
    same = looks.inventory(nodes=nodes, vrrp=vrrp)
    assert [d.key for d in keepalived_differences(same, "n1", classic)] == [
        "templates.folder",
        "vrrp.check",
    ]
    lighter = dataclasses.replace(
        classic, scripts=(dataclasses.replace(classic.scripts[0], weight=30),)
    )
    keys = [d.key for d in keepalived_differences(same, "n1", lighter)]
    assert "vrrp.weight: 30" in keys
