"""Every mistake is reported with its place and the reason."""

import pytest

from hadeploy.inventory.load import inventory_from_text
from hadeploy.inventory.problems import InventoryError

HEAD = "vip: 198.51.100.200\nnodes: [198.51.100.1, 198.51.100.2]\n"

# what the user wrote -> what the user reads, line by line
CASES = {
    "": "1:1: is empty; an inventory needs at least vip and nodes",
    "# nothing\n": "1:1: is empty; an inventory needs at least vip and nodes",
    "---\n": "2:1: is empty; an inventory needs at least vip and nodes",
    "- a\n- b\n": "1:1: is not a mapping of keys; an inventory needs at least vip and nodes",
    "hello": "1:1: is not a mapping of keys; an inventory needs at least vip and nodes",
    "{}": "1:1: nodes: required, but missing\n1:1: vip: required, but missing",
    "vip: 198.51.100.9\n": "1:1: nodes: required, but missing",
    "vip:\nnodes: [198.51.100.1]\n": "1:1: vip: is empty; give it a value or remove the key",
    "vip: []\nnodes: []\n": (
        "1:6: vip: must not be an empty list\n2:8: nodes: must not be an empty list"
    ),
    "vip: lb\nnodes: {a: 1}\n": (
        "1:6: vip: must be an IP address, with or without /prefix, not 'lb'\n"
        "2:8: nodes: must be a list"
    ),
    "vip: [198.51.100.9, 5]\nnodes:\n  - 198.51.100.1/24\n  - 7\n  - adress: x\n": (
        "1:21: vip[1]: must be an IP address, with or without /prefix, not 5\n"
        "3:5: nodes[0].address: must be an IP address without a prefix, not '198.51.100.1/24'\n"
        "4:5: nodes[1]: must be an address, or a mapping of keys\n"
        "5:5: nodes[2].address: required, but missing\n"
        "5:5: nodes[2].adress: unknown key 'adress'; did you mean 'address'?"
    ),
    HEAD + "listeners:\n  - name: a\n    prot: 1\n": (
        "5:5: listeners[0].prot: unknown key 'prot'; did you mean 'port'?"
    ),
    HEAD + "paths: {zzz: 1}\n": "3:9: paths.zzz: unknown key 'zzz'; valid keys: root",
    HEAD + "5: x\n": (
        "3:1: 5: unknown key '5'; valid keys: name, vip, nodes, ssh, listeners, haproxy, vrrp,"
        " images, containers, paths, templates"
    ),
    HEAD + "ssh:\n  port: true\n  user: [a]\n  connect_timeout: soon\n": (
        "4:9: ssh.port: must be a whole number, not True\n"
        "5:9: ssh.user: must be text; put quotes around it\n"
        "6:20: ssh.connect_timeout: must be a number, not 'soon'"
    ),
    HEAD + "ssh:\n": "3:1: ssh: is empty; give it a value or remove the key",
    HEAD + "ssh: root\n": "3:6: ssh: must be a mapping of keys",
    HEAD + "ssh: {connect_timeout: 1e400, command_timeout: .nan}\n": (
        "3:24: ssh.connect_timeout: must be a number, not inf\n"
        "3:48: ssh.command_timeout: must be a number, not nan"
    ),
    HEAD + "ssh: {connect_timeout: 0, command_timeout: 1" + "0" * 30 + "}\n": (
        "3:24: ssh.connect_timeout: must be more than 0\n"
        "3:44: ssh.command_timeout: must be a number, not 1000000000000000000000000000000"
    ),
    HEAD + "ssh: {port: 0, jump: -oProxyCommand=x}\n": (
        "3:13: ssh.port: must be at least 1\n"
        "3:22: ssh.jump: must be [user@]host[:port], or several of them separated by commas;"
        " put an IPv6 address with a port in brackets"
    ),
    HEAD + "ssh: {user: -x}\n": (
        "3:13: ssh.user: must be text without spaces, commas and shell metacharacters, and"
        " not begin with '-'"
    ),
    HEAD + "ssh: {user: 'a;b', jump: 'x@`id`'}\n": (
        "3:13: ssh.user: must be text without spaces, commas and shell metacharacters, and"
        " not begin with '-'\n"
        "3:26: ssh.jump: must be [user@]host[:port], or several of them separated by commas;"
        " put an IPv6 address with a port in brackets"
    ),
    HEAD + "ssh: {port: " + "9" * 5000 + "}\n": (
        "3:13: ssh.port: must be a whole number, not '" + "9" * 56 + "..."
    ),
    HEAD + "haproxy: {maxconn: 2026-01-01, health_port: 70000}\n": (
        "3:20: haproxy.maxconn: must be a whole number, not '2026-01-01'\n"
        "3:45: haproxy.health_port: must be at most 65535"
    ),
    HEAD + "vrrp: {preempt: yes, version: 4, weight: 1.5}\n": (
        "3:17: vrrp.preempt: must be true or false, not 'yes' (which is text in YAML 1.2)\n"
        "3:31: vrrp.version: must be 2 or 3, not 4\n"
        "3:42: vrrp.weight: must be a whole number, not 1.5"
    ),
    HEAD + "vrrp: {preempt: 1, mode: anycast}\n": (
        "3:17: vrrp.preempt: must be true or false, not 1\n"
        "3:26: vrrp.mode: must be 'unicast' or 'multicast', not 'anycast'"
    ),
    # A password by mistake is not repeated.
    HEAD + "vrrp: {password: hunter2}\n": (
        "3:18: vrrp.password: must be a reference to the password (env:NAME, file:PATH or"
        " cmd:COMMAND), not the password itself"
    ),
    HEAD + "listeners:\n- timeouts: {client: 5, server: 25d}\n": (
        "4:22: listeners[0].timeouts.client: must be text; put quotes around it\n"
        "4:33: listeners[0].timeouts.server: must be at most 24 days, the longest timer of haproxy"
    ),
    HEAD + "listeners:\n- timeouts: {client: 20ms, server: 999ms, connect: 20ms}\n": (
        "4:22: listeners[0].timeouts.client: must be at least 1s: haproxy would disconnect"
        " idle clients too early\n"
        "4:36: listeners[0].timeouts.server: must be at least 1s: haproxy would disconnect"
        " idle clients too early\n"
        "4:52: listeners[0].timeouts.connect: must be at least 1s: a lost packet is sent"
        " again after 1 s"
    ),
    HEAD + "listeners:\n- check: {timeout: 99ms}\n- check: {timeout: 61s}\n": (
        "4:20: listeners[0].check.timeout: must be at least 100ms: a TLS handshake can take"
        " longer than 99ms\n"
        "5:20: listeners[1].check.timeout: must be at most 1m: `up` waits for the first check"
        " of every backend"
    ),
    HEAD + "listeners: [{timeouts: {client: 5min}}]\n": (
        "3:33: listeners[0].timeouts.client: must be a whole number with a unit: ms, s, m, h or d,"
        " such as 500ms, 5s, 4h"
    ),
    HEAD + "listeners: [{backends: [a:b:c, '198.51.100.1:x', '198.51.100.1:', '[::1', 5]}]\n": (
        "3:25: listeners[0].backends[0].address: must be an IP address without a prefix,"
        " not 'a:b:c'\n"
        "3:32: listeners[0].backends[1].port: must be a whole number, not 'x'\n"
        "3:50: listeners[0].backends[2].port: must be a whole number, not ''\n"
        "3:67: listeners[0].backends[3].address: must be an IP address without a prefix,"
        " not '[::1'\n"
        "3:75: listeners[0].backends[4]: must be an address or address:port, or a mapping of keys"
    ),
    HEAD + "paths: {root: /}\n": "3:15: paths.root: must be an absolute path other than '/'",
    HEAD + "paths: {root: /a/../b}\n": (
        "3:15: paths.root: must not contain ':', ',', quotes, a backslash, '..' or control"
        " characters"
    ),
    HEAD + "containers: {haproxy: x}\n": (
        "3:23: containers.haproxy: must be 2 to 63 letters, digits, '.', '_' or '-', a letter or"
        " digit first"
    ),
    HEAD + 'templates: {extra: {global: "a\\0"}}\n': (
        "3:29: templates.extra.global: must be text without control characters"
    ),
    HEAD + 'name: "\\ud800"\n': "3:7: name: must be text of valid Unicode characters",
    # A broken rule is reported at its value, or at the nearest value in the file.
    "vip: 198.51.100.1\nnodes:\n  - 198.51.100.2\n  - address: 198.51.100.1\n": (
        "1:6: vip: 198.51.100.1 is the address of node 198.51.100.1, and keepalived would"
        " remove it from that node; a VIP must be an unused address"
    ),
}


@pytest.mark.parametrize("text", CASES, ids=lambda t: repr(t)[-50:])
def test_mistakes_are_reported_at_their_places(text: str) -> None:
    with pytest.raises(InventoryError) as caught:
        inventory_from_text(text)
    assert str(caught.value).replace("inventory.yaml:", "") == CASES[text]


def test_all_problems_come_at_once_sorted_by_place_and_as_data() -> None:
    text = "nodse: []\nvip: x\nnodes: [y]\nvrrp:\n  weigth: 3\n"
    with pytest.raises(InventoryError) as caught:
        inventory_from_text(text)
    data = caught.value.as_data()
    assert [(p["line"], p["column"], p["key"]) for p in data] == [
        (1, 1, "nodse"),
        (2, 6, "vip"),
        (3, 9, "nodes[0].address"),
        (5, 3, "vrrp.weigth"),
    ]
    assert set(data[0]) == {"path", "line", "column", "key", "message"}
    assert caught.value.code == 2


def test_numbers_in_quotes_are_numbers_but_nothing_else_is() -> None:
    cluster = inventory_from_text(HEAD + 'ssh: {port: "22"}\nvrrp: {version: "3"}\n').cluster
    assert (cluster.ssh.port, cluster.vrrp.version) == (22, 3)


def test_warnings_have_places() -> None:
    found = inventory_from_text("vip: 198.51.100.200\nnodes: [198.51.100.1]\n")
    assert [str(w) for w in found.warnings] == [
        "inventory.yaml:2:8: nodes: only one node: no other node can take over if it fails"
    ]
