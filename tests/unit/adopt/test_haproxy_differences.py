"""Settings that adoption would drop are reported line by line, with the key that keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadeploy.adopt.haproxy_differences import judge
from hadeploy.adopt.plan import settings_changed
from hadeploy.adopt.report import Verdict
from hadeploy.config_files.haproxy_listener import HaproxyContext, read_configuration
from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import NodeFacts
from hadeploy.desired.templates import environment
from hadeploy.plan.redacted_diff import difference
from tests.unit.adopt import classic_nodes
from tests.unit.adopt.hints import BASE, differences, judged, loaded, ours, pasted, reported
from tests.unit.examples import examples

NO_KEY = "the inventory has no key for it"
TEMPLATE = "the inventory has no key for it; use your own template: templates.folder"
SERVERS = "\n".join(f" server n{i} 198.19.122.1{i}:6443 check" for i in (1, 2, 3))
SAME = f"listen k\n bind *:9443\n balance leastconn\n{SERVERS}\n"

# A file by an expert: named defaults, variables, options of all kinds.
RICH = """\
global
    log /dev/log local0
    log 10.0.0.9 local1 notice
    chroot /var/lib/haproxy
    stats socket /run/haproxy/admin.sock mode 660 level admin
    stats timeout 30s
    user haproxy
    daemon
    maxconn 9000
    ca-base /etc/ssl/certs
    ssl-default-bind-options ssl-min-ver TLSv1.2
    nbthread 4
    hard-stop-after 300s
    setenv FIRST 198.19.122.11

defaults web
    mode http
    timeout client 1s
    errorfile 400 /etc/haproxy/errors/400.http

defaults tcp
    mode tcp
    log global
    option tcplog
    option redispatch
    retries 3
    timeout connect 5000
    timeout client 30m
    timeout server 14400s
    timeout http-request 10s
    timeout tunnel 1h
    default-server inter 3s
    maxconn 3000

frontend pages from web
    bind :80
    default_backend pages

frontend api from tcp
    bind "0.0.0.0:${PORT}" name api
    acl inside src 198.51.100.0/24
    acl listed src -f /etc/haproxy/list
    tcp-request connection reject if !inside
    use_backend other if { src 198.51.100.9 }
    default_backend api

backend api from tcp
    balance leastconn
    option allbackups
    fullconn 100
    tcp-check connect
    server a "${FIRST}:6443" check send-proxy-v2 inter 2000
    server b cp2.example:6443 check send-proxy-v2 backup
    server c 198.19.122.13:6443 check send-proxy-v2 disabled on-marked-down shutdown-sessions

backend other from tcp
    server x 198.51.100.20:6443

backend pages from web
    server w 198.51.100.20:80

listen more from tcp
    bind :7443
    server a 198.19.122.11:6443
    server b 198.19.122.12:6443

listen stats from web
    bind 127.0.0.1:8404
    stats enable
    stats uri /
    stats auth admin:canary

resolvers dns
    nameserver a 127.0.0.1:53
userlist people
    user me insecure-password canary
"""
AROUND = HaproxyContext({"PORT": "9443"}, {"cp2.example": "198.19.122.12"})


def theirs() -> str:
    haproxy = classic_nodes.by_hand("multicast-n1").haproxy
    assert haproxy is not None
    return haproxy.config.decode()


def extra(section: str, line: str) -> str:
    return f'templates: {{extra: {{{section}: "{line}"}}}}'


def test_a_real_tuned_file_is_reported_with_its_keys() -> None:
    assert reported(theirs()) == {
        "log 127.0.0.1 local0 becomes stdout local0": (
            "haproxy: {log: 127.0.0.1:514, log_facility: local0}"
        ),
        "maxconn 5000 becomes 8000": "haproxy: {maxconn: 5000}",
        "port 9443: retries 1 becomes 3": extra("defaults", "retries 1"),
        "port 9443: timeout queue 20s becomes 30s": extra("defaults", "timeout queue 20s"),
        "port 9443: timeout check 10s becomes 5s": (
            "listeners: [{port: 9443, check: {timeout: 10s}}]"
        ),
        "port 9443: timeout client 20m becomes 4h": (
            "listeners: [{port: 9443, timeouts: {client: 20m}}]"
        ),
        "port 9443: timeout server 20m becomes 4h": (
            "listeners: [{port: 9443, timeouts: {server: 20m}}]"
        ),
        "port 9443: balance roundrobin becomes leastconn": (
            "listeners: [{port: 9443, balance: roundrobin}]"
        ),
        "listen stats: statistics on 8080 are removed; hadeploy's are read-only, on /stats": (
            "haproxy: {metrics: {address: 0.0.0.0, port: 8080}}"
        ),
    }


def test_a_rich_file_is_reported_line_by_line() -> None:
    found = reported(RICH, AROUND)
    assert found == {
        "log /dev/log local0 becomes stdout local0": (
            "hadeploy's container has no access to that socket; haproxy.log takes ADDRESS:PORT"
        ),
        "log 10.0.0.9 local1 notice becomes stdout local0": extra(
            "global", "log 10.0.0.9 local1 notice"
        ),
        "global: stats socket /run/haproxy/admin.sock mode 660 level admin: "
        "hadeploy's socket is in its container": NO_KEY,
        "maxconn 9000 becomes 8000": "haproxy: {maxconn: 9000}",
        "nbthread 4 becomes one per CPU": "haproxy: {nbthread: 4}",
        "hard-stop-after 300s becomes 1h": "haproxy: {hard_stop_after: 300s}",
        "port 9443: timeout client 30m becomes 4h": (
            "listeners: [{port: 9443, timeouts: {client: 30m}}]"
        ),
        "port 9443: timeout tunnel 1h": extra("defaults", "timeout tunnel 1h"),
        "port 9443: maxconn 3000 becomes 8000": "listeners: [{port: 9443, maxconn: 3000}]",
        "port 9443: acl inside src 198.51.100.0/24": extra(
            "listener", "acl inside src 198.51.100.0/24"
        ),
        "port 9443: acl listed src -f /etc/haproxy/list": TEMPLATE,
        "port 9443: tcp-request connection reject if !inside": extra(
            "listener",
            r"acl inside src 198.51.100.0/24\ntcp-request connection reject if !inside",
        ),
        "port 9443: use_backend other if { src 198.51.100.9 }": TEMPLATE,
        "port 9443: option allbackups": extra("defaults", "option allbackups"),
        "port 9443: fullconn 100": extra("defaults", "fullconn 100"),
        "port 9443: tcp-check connect": extra("defaults", "tcp-check connect"),
        "port 9443: server b: the name cp2.example becomes the address 198.19.122.12": (
            "backends of an inventory are addresses, without DNS"
        ),
        "port 9443: server b, c: inter 3s becomes 2s": TEMPLATE,
        "port 9443: every server: send-proxy-v2": extra("defaults", "default-server send-proxy-v2"),
        "port 9443: server b: backup": TEMPLATE,
        "port 9443: server c: disabled": TEMPLATE,
        "frontend pages: port 80 is removed; clients are refused": NO_KEY,
        "backend other is removed: 198.51.100.20:6443": TEMPLATE,
        "backend pages is removed: 198.51.100.20:80": TEMPLATE,
        "listen more: port 7443 is removed; clients are refused": (
            "listeners: [{port: 9443}, {port: 7443, "
            "backends: [198.19.122.11:6443, 198.19.122.12:6443], name: more, balance: roundrobin, "
            "maxconn: 3000, timeouts: {connect: 5s, client: 30m, server: 14400s}}]"
        ),
        "listen stats: statistics on 8404 are removed; hadeploy's are read-only, on /stats": (
            "haproxy: {metrics: {address: 127.0.0.1, port: 8404}}"
        ),
        "resolvers dns: nameserver a 127.0.0.1:53": TEMPLATE,
        "userlist people: user me insecure-password (redacted)": TEMPLATE,
    }
    assert "canary" not in str(found)


@pytest.mark.parametrize("text", [theirs(), RICH, SAME + " maxconn 9000\n option httpchk\n"])
def test_every_hint_can_be_pasted_and_then_its_difference_is_gone(text: str) -> None:
    found = differences(loaded(BASE), text, AROUND)
    hints = {d.what: d.key for d in found if d.keep is not None}
    assert hints
    for what, hint in hints.items():
        with_it = loaded(pasted(BASE, [hint]))
        assert what not in {d.what for d in differences(with_it, text, AROUND)}, hint
    together = loaded(pasted(BASE, hints.values()))
    assert not {d.what for d in differences(together, text, AROUND)} & hints.keys()


@pytest.mark.parametrize(
    "lines",
    [
        "listen k\n bind 0.0.0.0:9443",
        "listen k\n bind :9443",
        "listen k\n bind ipv4@*:9443 name api",
        "listen k\n bind *:9443\n retries 3\n mode tcp\n timeout client 14400000",
        "listen k\n bind *:9443\n timeout client 14400s\n timeout server 240m\n timeout connect 5s",
        "listen k\n bind *:9443\n log global\n option dontlognull\n option tcplog\n option tcpka",
        "listen k\n bind *:9443\n no option splice-auto\n timeout queue 30000\n timeout check 5s",
        "defaults\n mode tcp\n balance leastconn\n errorfile 500 /etc/haproxy/500\nlisten k\n"
        " bind *:9443\n option forwardfor\n timeout http-request 10s\n http-request deny",
    ],
)
def test_equal_things_are_not_reported(lines: str) -> None:
    assert reported(f"{lines}\n balance leastconn\n{SERVERS}\n") == {}


@pytest.mark.parametrize(
    "options",
    [
        "check inter 2000",
        "check inter 2s fall 3 rise 2",
        "rise 02 check weight 1 on-marked-down shutdown-sessions init-addr none",
        "check weight 100",
    ],
)
def test_equal_options_of_servers_are_not_reported_in_any_order(options: str) -> None:
    text = SAME.replace("check", options)
    assert reported(text) == {}
    reversed_names = text.replace("server n1", "server zz").replace("listen k", "listen other")
    assert reported(reversed_names) == {}


@pytest.mark.parametrize(
    ("options", "what", "key"),
    [
        ("check send-proxy", "send-proxy", extra("defaults", "default-server send-proxy")),
        ("check check-send-proxy", "check-send-proxy", None),
        ("check ssl verify none", "ssl", extra("defaults", "default-server ssl verify none")),
        ("check backup", "backup", TEMPLATE),
        ("check disabled", "disabled", TEMPLATE),
        ("check maxconn 50", "maxconn 50", extra("defaults", "default-server maxconn 50")),
        ("check port 6444", "port 6444", None),
        ("check addr 198.51.100.1", "addr 198.51.100.1", None),
        ("check fastinter 1s", "fastinter 1s", None),
        ("check downinter 500", "downinter 500", None),
        ("check slowstart 10s", "slowstart 10s", None),
        ("check sni str(a)", "sni str(a)", None),
        ("check resolvers dns", "resolvers dns", TEMPLATE),
        ("check ca-file /etc/ca.pem", "ca-file /etc/ca.pem", TEMPLATE),
        ("check source 198.51.100.2 usesrc clientip", "source 198.51.100.2 usesrc clientip", None),
        ("check frobnicate", "frobnicate", None),
        (
            "check inter 1500",
            "inter 1500 becomes 2s",
            "listeners: [{port: 9443, check: {interval: 1500ms}}]",
        ),
        ("check fall 5", "fall 5 becomes 3", "listeners: [{port: 9443, check: {fall: 5}}]"),
        ("check rise 1", "rise 1 becomes 2", "listeners: [{port: 9443, check: {rise: 1}}]"),
        (
            "check on-marked-down none",
            "on-marked-down none becomes shutdown-sessions",
            TEMPLATE,
        ),
    ],
)
def test_an_option_of_every_server_is_reported(options: str, what: str, key: str | None) -> None:
    found = reported(SAME.replace("check", options))
    wanted = extra("defaults", f"default-server {what}") if key is None else key
    assert found[f"port 9443: every server: {what}"] == wanted


def test_an_option_of_one_server_is_reported_with_its_name() -> None:
    text = SAME.replace("198.19.122.12:6443 check", "198.19.122.12:6443 check backup weight 50")
    assert reported(text) == {
        "port 9443: server n2: backup": TEMPLATE,
        "port 9443: server n2: weight 50": TEMPLATE,
    }


def test_a_server_that_was_not_checked_is_reported() -> None:
    assert reported(SAME.replace("12:6443 check", "12:6443")) == {
        "port 9443: server n2 gets a health check": NO_KEY
    }


def test_options_of_default_server_count_from_its_defaults_on() -> None:
    text = "defaults\n default-server send-proxy inter 5s\n" + SAME.replace(
        "balance", "default-server inter 2s\n balance"
    )
    assert list(reported(text)) == ["port 9443: every server: send-proxy"]


def test_named_defaults_count_where_they_are_named_only() -> None:
    first = "defaults one\n timeout client 1h\ndefaults two\n timeout client 2h\n"
    assert list(reported(first + SAME)) == ["port 9443: timeout client 2h becomes 4h"]
    named = SAME.replace("listen k", "listen k from one")
    assert list(reported(first + named)) == ["port 9443: timeout client 1h becomes 4h"]
    # The first one sets what the last one does not, and is not merged with it.
    fresh = "defaults\n option tcp-check\ndefaults\n mode tcp\n"
    assert reported(fresh + SAME) == {}
    inheriting = "defaults a\n option tcp-check\ndefaults b from a\n mode tcp\n"
    assert list(reported(inheriting + SAME)) == ["port 9443: option tcp-check"]


def test_a_backend_has_its_own_defaults() -> None:
    text = (
        "defaults\n timeout server 1h\n timeout client 1h\nfrontend f\n bind :9443\n"
        " default_backend b\ndefaults\n timeout server 4h\nbackend b\n balance leastconn\n"
    )
    assert list(reported(text + SERVERS)) == ["port 9443: timeout client 1h becomes 4h"]


def test_a_later_line_replaces_an_earlier_one() -> None:
    text = "defaults\n timeout client 1h\n retries 1\n" + SAME + " retries 3\n timeout client 4h\n"
    assert reported(text) == {}


def test_how_long_a_check_may_take_is_kept() -> None:
    assert reported(f"{SAME} timeout check 7s\n") == {
        "port 9443: timeout check 7s becomes 5s": "listeners: [{port: 9443, check: {timeout: 7s}}]"
    }
    # No key can keep it, nor a line in `defaults`: ours is in the backend.
    assert reported(f"{SAME} timeout check 2m\n") == {
        "port 9443: timeout check 2m becomes 5s": NO_KEY
    }
    other = f"listen k\n bind *:7443\n{SERVERS}\n timeout check 7s\n"
    (hint,) = reported(other).values()
    assert "check: {timeout: 7s}" in hint


def test_variables_are_taken_from_the_processs_environment() -> None:
    text = SAME.replace("*:9443", '"*:${PORT}"').replace("198.19.122.11", "${HOST}")
    around = HaproxyContext({"PORT": "9443", "HOST": "198.19.122.11"})
    assert reported(text, around) == {}
    assert list(reported(SAME.replace("*:9443", '"*:${PORT-7443}"'))) == [
        "listen k: port 7443 is removed; clients are refused"
    ]
    # The value of a variable may be a secret: the report has its name.
    (what,) = reported(SAME + ' log-tag "${TAG}"\n', HaproxyContext({"TAG": "canary"}))
    assert what == 'port 9443: log-tag "${TAG}"'


def test_an_unresolvable_name_is_reported() -> None:
    found = reported(SAME.replace("198.19.122.11", "cp1.example"))
    assert "port 9443: server n1: the name cp1.example does not resolve" in found
    assert any(what.startswith("port 9443: servers cp1.example:6443, ") for what in found)


def test_other_servers_are_reported_with_the_list_that_keeps_them() -> None:
    text = "listen k\n bind *:9443\n balance leastconn\n server a 198.51.100.1:6443 check\n"
    ((what, key),) = reported(text).items()
    assert what.startswith("port 9443: servers 198.51.100.1:6443 become 198.19.122.11:6443, ")
    assert key == "listeners: [{port: 9443, backends: [198.51.100.1:6443]}]"


def test_a_port_that_the_engine_publishes_is_the_nodes() -> None:
    text = SAME.replace("9443", "16443")
    assert reported(text, HaproxyContext(published={16443: 9443})) == {}


@pytest.mark.parametrize(
    ("lines", "what", "key"),
    [
        (
            "bind 198.19.122.100:9443",
            "bind 198.19.122.100:9443 becomes every IPv4 address",
            TEMPLATE,
        ),
        ("bind *:9443 accept-proxy", "bind *:9443 accept-proxy: accept-proxy is removed", TEMPLATE),
        ("bind *:9443\n mode http", "mode http becomes tcp", NO_KEY),
        (
            "bind *:9443\n maxconn 9000",
            "maxconn 9000 becomes 8000",
            "haproxy: {maxconn: 9000}\nlisteners: [{port: 9443, maxconn: 9000}]",
        ),
        (
            "bind *:9443\n timeout client 20000",
            "timeout client 20000 becomes 4h",
            "listeners: [{port: 9443, timeouts: {client: 20s}}]",
        ),
        ("bind *:9443\n timeout client 0", "timeout client 0 becomes 4h", NO_KEY),
        ("bind *:9443\n no log", "no log", extra("listener", "no log")),
        (
            "bind *:9443\n stick-table type ip size 1k",
            "stick-table type ip size 1k",
            extra("listener", "stick-table type ip size 1k"),
        ),
        (
            "bind *:9443\n option httpchk GET /healthz",
            "option httpchk GET /healthz",
            "hadeploy checks with a connection, or with GET over TLS and status 200 "
            "(listeners[].check)",
        ),
    ],
)
def test_each_kind_of_line_has_its_key(lines: str, what: str, key: str) -> None:
    text = SAME.replace("bind *:9443", lines)
    assert reported(text)[f"port 9443: {what}"] == key


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (
            "acl a src 198.51.100.0/24\n acl b dst_port 1\n tcp-request content reject if a !b",
            extra(
                "listener",
                r"acl a src 198.51.100.0/24\nacl b dst_port 1\ntcp-request content reject if a !b",
            ),
        ),
        ("acl a src -f /etc/list\n tcp-request content reject if a", TEMPLATE),
        ("option transparent", TEMPLATE),
        ("option external-check", TEMPLATE),
    ],
)
def test_a_line_is_advised_only_with_what_it_needs(lines: str, key: str) -> None:
    assert list(reported(SAME + f" {lines}\n").values())[-1] == key


def test_options_that_need_each_other_are_advised_together() -> None:
    found = reported(SAME.replace("check", "check agent-check agent-port 5"))
    together = "default-server agent-check agent-port 5"
    assert found["port 9443: every server: agent-check"] == extra("defaults", together)
    found = reported(SAME.replace("check", "check ssl"))
    assert found["port 9443: every server: ssl"] == TEMPLATE


def test_a_file_of_the_old_container_is_reported() -> None:
    found = reported("global\n lua-load /etc/haproxy/x.lua\n" + SAME)
    assert found == {
        "global: lua-load /etc/haproxy/x.lua": "hadeploy's container does not have that file"
    }


def test_a_backend_that_is_always_used_is_the_backend() -> None:
    text = "frontend f\n bind :9443\n use_backend b\nbackend b\n balance leastconn\n" + SERVERS
    assert reported(text) == {}


def test_a_second_port_of_the_same_frontend_is_reported() -> None:
    found = reported(SAME.replace("*:9443", "*:9443,*:8443"))
    (what,) = found
    assert what.endswith("port 8443 is removed; clients are refused")
    assert found[what].startswith("listeners: [{port: 9443}, {port: 8443, backends: [")


def test_a_second_port_keeps_the_settings_of_its_section() -> None:
    text = SAME.replace("*:9443", "*:9443,*:8443") + " maxconn 300\n timeout server 30m\n"
    (hint,) = (key for what, key in reported(text).items() if "port 8443 is removed" in what)
    assert hint.endswith(
        "name: port-8443, balance: leastconn, maxconn: 300, timeouts: {server: 30m}}]"
    )


def test_a_bind_line_is_reported_once() -> None:
    two = [{"port": 9443}, {"name": "other", "port": 8443}]
    text = SAME.replace("bind *:9443", "bind *:9443 tfo\n bind *:8443 defer-accept\n bind *:7443")
    found = [what for what in reported(text, listeners=two) if "bind" in what]
    assert found == [
        "port 9443: bind *:9443 tfo: tfo is removed",
        "port 9443: bind *:7443: port 7443 is removed; clients are refused",
        "port 8443: bind *:8443 defer-accept: defer-accept is removed",
    ]
    narrow = SAME.replace("*:9443", "198.19.122.100:9443 accept-proxy")
    assert [what for what in reported(narrow) if "bind" in what] == [
        "port 9443: bind 198.19.122.100:9443 accept-proxy becomes every IPv4 address, "
        "and accept-proxy is removed"
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "198.19.122.11", "[::1]"])
def test_a_port_that_no_client_of_the_vip_reaches_is_reported_as_local(host: str) -> None:
    address = host.strip("[]")
    found = reported(SAME.replace("*:9443", f"*:9443,{host}:7443"))
    assert any(what.endswith(f"port 7443 is removed, on {address} only") for what in found)
    found = reported(f"{SAME}listen local\n bind {host}:7443\n mode tcp\n{SERVERS}\n")
    assert found == {f"listen local: port 7443 is removed, on {address} only": NO_KEY}


def test_a_check_over_tls_is_kept_by_its_key() -> None:
    text = SAME.replace("check", "check check-ssl verify none") + (
        " option httpchk GET /healthz\n http-check expect status 200\n"
    )
    check = 'listeners: [{port: 9443, check: {type: https, path: "/healthz"}}]'
    assert reported(text)["port 9443: option httpchk GET /healthz"] == check
    assert reported(text, listeners=[{"check": {"type": "https", "path": "/healthz"}}]) == {}


def test_extra_settings_of_a_statistics_page_are_reported() -> None:
    text = "listen s\n bind :8404\n mode http\n stats enable\n stats auth a:canary\n stats uri /\n"
    found = reported(SAME + text, haproxy={"metrics": {"address": "0.0.0.0"}})
    assert list(found) == [
        "listen s: stats auth (redacted): hadeploy's is on /stats, read-only, without a password",
        "listen s: stats uri /: hadeploy's is on /stats, read-only, without a password",
    ]


def test_with_several_listeners_no_line_is_advised_for_all_of_them() -> None:
    listeners: list[Any] = [{"name": "a"}, {"name": "b", "port": 7443}]
    found = reported(SAME + " option tcp-check\n", listeners=listeners)
    assert found == {"port 9443: option tcp-check": TEMPLATE}


def test_our_own_file_differs_in_nothing() -> None:
    cluster = classic_nodes.inventory(
        haproxy={"metrics": {}}, listeners=[{"check": {"type": "https"}}]
    )
    report = judged(cluster, ours(cluster))
    found = [d.what for d in report.differences]
    # The frontends for the check and for root are none of the inventory's.
    own = ("hadeploy-health", "hadeploy-root", "maxconn")
    assert [what for what in found if not any(word in what for word in own)] == []


def test_a_diff_shows_what_goes_and_no_secret() -> None:
    lines = difference(
        theirs().encode(), ours(classic_nodes.inventory()), "haproxy.cfg", "set up by hand"
    )
    assert lines[:2] == (
        "--- haproxy.cfg (set up by hand)",
        "+++ haproxy.cfg (wanted)",
    )
    assert "-    log 127.0.0.1 local0" in lines
    assert "-    stats auth (redacted)" in lines
    assert "canary" not in "\n".join(lines)


CLUSTER = classic_nodes.inventory()
OURS = ours(CLUSTER)
KEYWORDS = (
    *("acl", "bind", "server", "default-server", "option", "timeout", "retries", "balance", "no"),
    *("tcp-request", "log", "maxconn", "mode", "stats", "errorfile", "use_backend", "source"),
    *("default_backend", "http-check", "tcp-check", ".if", "description", "tune.x", "redispatch"),
)
WORDS = st.sampled_from(
    (
        *KEYWORDS,
        "\u00b2",
        "9" * 5000,
        "*:9443",
        "10.0.0.1:6443",
        "check",
        "5s",
        "77",
        "from",
        '"${X}"',
        "'a b'",
        "#",
        "",
    )
)
LINES = st.lists(
    st.one_of(
        st.sampled_from(
            (
                *("global", "defaults", "defaults d", "frontend f", "frontend f from d"),
                *("backend b", "listen l", "listen l from d", "resolvers r", "userlist u"),
                " bind *:9443",
            )
        ),
        st.builds(
            lambda keyword, words: f" {keyword} {' '.join(words)}",
            st.one_of(st.sampled_from(KEYWORDS), st.just("zzz")),
            st.lists(WORDS, max_size=4),
        ),
    ),
    max_size=20,
)


@examples(20)
@given(LINES)
def test_no_line_of_any_file_is_dropped_without_a_report(lines: list[str]) -> None:
    text = "\n".join(lines)
    theirs = read_configuration(text, HaproxyContext())
    report = judge(CLUSTER, theirs, OURS)
    whats = " ".join(d.what for d in report.differences)
    for section in theirs.found:
        for line in section.lines:
            assert line in report.verdicts
            if line.keyword == "zzz" and section.kind not in ("defaults", "frontend", "backend"):
                told_by_name = " ".join(line.text.split()) in whats
                assert told_by_name or f"{section.title}: " in whats or "goes" in whats
            if line.keyword == "zzz" and section.kind != "defaults":
                assert report.verdicts[line] is Verdict.REPORTED
    assert bool(report.differences) or Verdict.REPORTED not in report.verdicts.values()


@pytest.mark.parametrize(("count", "kept"), [("1", True), ("3", False), ("1-3", False)])
def test_servers_of_a_template_are_in_the_list_of_backends_or_there_is_none(
    count: str, kept: bool
) -> None:
    text = (
        "listen k\n bind *:9443\n balance leastconn\n server b 198.19.122.12:6443 check\n"
        f" server-template api {count} 198.19.122.11:6443 check\n"
    )
    (addresses,) = [
        d for d in differences(classic_nodes.inventory(), text) if ": servers " in d.what
    ]
    assert (addresses.keep is not None) == kept
    assert not kept or "198.19.122.11:6443" in addresses.key


def test_a_conditional_line_is_reported_without_lines_to_paste() -> None:
    text = (
        f"global\n.if defined(NOPE)\n tune.bufsize 32768\n.endif\n tune.maxrewrite 1024\n\n{SAME}"
    )
    told_of = {d.what: d.keep for d in differences(classic_nodes.inventory(), text)}
    conditional = [keep for what, keep in told_of.items() if "bufsize" in what]
    always = [keep for what, keep in told_of.items() if "maxrewrite" in what]
    assert (conditional, [keep is not None for keep in always]) == ([None], [True])


def test_a_backend_port_that_changes_is_named_as_setting() -> None:
    cluster = classic_nodes.inventory(listeners=[{"backend_port": 6444}])
    facts = {node.label: NodeFacts("eth0") for node in cluster.nodes}
    desired = desired_nodes(cluster, facts, environment(None), None)["n1"]
    first, *others = settings_changed(cluster, desired, classic_nodes.by_hand("multicast-n1"))
    assert first == "listeners[0].backend_port: 6443 -> 6444"
    assert any(what.startswith("port 9443: servers ") for what in others)
    same = classic_nodes.inventory()
    desired = desired_nodes(same, facts, environment(None), None)["n1"]
    told_now = settings_changed(same, desired, classic_nodes.by_hand("multicast-n1"))
    assert "backend_port" not in " ".join(told_now)
