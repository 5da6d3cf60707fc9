"""What a client is answered counts, not that a connection opens."""

from __future__ import annotations

import pytest

from hadeploy.lab.certificate import CertificateSpec
from tests.lab.harness import HAPROXY, ROOT, Cluster, Result, eventually, with_template
from tests.lab.test_lost_backends import PUT_BACK, all_up, refused
from tests.lab.traffic import probing

PROXY = "default-server send-proxy"
DOUBLE_TLS = "default-server ssl verify none"


@pytest.fixture
def over_tls(served: Cluster) -> Cluster:
    """API servers that speak TLS, checked by a connection."""
    speak_tls(served)
    served.up()
    return served


def speak_tls(cluster: Cluster) -> None:
    """TLS on every API server, with certificates that clients accept."""
    for node in cluster.lab.nodes:
        spec = CertificateSpec((cluster.lab.address(node), cluster.lab.vip))
        cluster.lab.apiserver(node, up=True, tls=spec)


def verdicts(cluster: Cluster) -> tuple[int, int]:
    """How `verify` and `status` end."""
    return cluster.run("verify", "--timeout", "0").code, cluster.run("status").code


def test_what_api_servers_do_not_understand_goes_back(over_tls: Cluster) -> None:
    over_tls.inventory["templates"] = {"extra": {"defaults": PROXY}}
    reported = refused(over_tls, tls=True).err
    assert "answered TLS before the change, and closes every connection" in reported
    assert f"templates.extra.defaults: (nothing) -> {PROXY}" in reported
    over_tls.inventory["templates"] = {"extra": {"defaults": DOUBLE_TLS}}
    reported = refused(over_tls, tls=True).err
    assert "answered TLS before the change, and answers HTTP now" in reported
    del over_tls.inventory["templates"]
    assert over_tls.up()["changes"] == 0
    assert verdicts(over_tls) == (0, 0)


def test_a_node_without_haproxy_is_held_to_what_the_others_answer(over_tls: Cluster) -> None:
    (holder,) = over_tls.holders()
    first = next(node for node in over_tls.lab.nodes if node != holder)
    over_tls.node(first, f"docker stop --time 2 {HAPROXY}")
    over_tls.inventory["templates"] = {"extra": {"defaults": DOUBLE_TLS}}
    result = over_tls.run("up")
    assert result.code == 1, result.err
    assert f"port 9443 of {over_tls.lab.address(first)} answered TLS before" in result.err
    assert f"{holder}: unchanged" in result.err
    del over_tls.inventory["templates"]
    over_tls.up()
    assert over_tls.up()["changes"] == 0


def test_so_does_what_plain_servers_do_not_understand(served: Cluster) -> None:
    served.inventory["templates"] = {"extra": {"defaults": PROXY}}
    reported = refused(served).err
    assert "answered HTTP before the change, and sends nothing now" in reported


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("wrong", "reported"),
    [
        (PROXY, "closes every connection at once, although 3 backends are up"),
        (DOUBLE_TLS, "answers HTTP, although the backends use TLS"),
    ],
)
def test_a_first_up_with_servers_that_do_not_understand_haproxy_is_not_proven(
    fresh: Cluster, wrong: str, reported: str
) -> None:
    speak_tls(fresh)
    fresh.inventory["templates"] = {"extra": {"defaults": wrong}}
    result = fresh.run("up", "--timeout", "3")
    assert result.code == 4, result.out
    assert reported in result.out
    assert verdicts(fresh) == (4, 7)
    assert reported in fresh.run("status").out
    del fresh.inventory["templates"]
    fresh.up()
    assert verdicts(fresh) == (0, 0)


DENY = "http-request deny"
# Answers 401 to everything, and 400 to what is no HTTP.
LOGIN_WANTED = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(401)
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("", 6443), Handler).serve_forever()
"""


@pytest.mark.exhaustive
def test_another_status_goes_back_unless_it_is_wanted(served: Cluster) -> None:
    served.inventory["templates"] = {"extra": {"defaults": "mode http"}}
    served.up()
    served.inventory["templates"]["extra"]["listener"] = DENY
    reported = " ".join(refused(served).err.split())
    assert "answered HTTP before the change, and answers HTTP with status 403 now" in reported
    wanted = "hadeploy up --skip vip-answers-clients"
    assert wanted in reported
    # Also where the VIP is handed over, since the containers are made anew.
    served.inventory["haproxy"] = {"maxconn": 4100}
    served.ok("up", "--skip", "vip-answers-clients")
    assert verdicts(served) == (0, 0)
    assert served.up()["changes"] == 0
    # What clients are answered changes behind haproxy.
    del served.inventory["templates"], served.inventory["haproxy"]
    served.up()
    for node in served.lab.nodes:
        served.lab.apiserver(node, up=False)
        start = "setsid python3 /run/login.py >/dev/null 2>&1 & echo $! >/run/login.pid"
        served.node(node, f"cat >/run/login.py <<'END'\n{LOGIN_WANTED}END\n{start}")
    try:
        eventually(lambda: all_up(served), "the servers are up")
        assert verdicts(served) == (4, 7)
        reported = served.run("verify", "--timeout", "0").out
        assert "answers HTTP with status 401, but answered HTTP when the last change" in reported
        assert wanted in " ".join(reported.split())
        assert served.ok("up", "--skip", "vip-answers-clients", "--json").document["changes"] == 3
        assert verdicts(served) == (0, 0)
        assert served.ok("up", "--skip", "vip-answers-clients", "--json").document["changes"] == 0
    finally:
        for node in served.lab.nodes:
            served.node(node, "kill $(cat /run/login.pid); rm /run/login.*")


def test_a_rule_that_refuses_clients_and_accepts_the_nodes_goes_back(over_tls: Cluster) -> None:
    nodes = " ".join(over_tls.lab.address(node) for node in over_tls.lab.nodes)
    rule = f"tcp-request connection reject unless {{ src {nodes} {over_tls.lab.vip} 127.0.0.1 }}"
    over_tls.inventory["templates"] = {"extra": {"listener": rule}}
    reported = " ".join(refused(over_tls, tls=True).err.split())
    (holder,) = over_tls.holders()
    first = next(node for node in over_tls.lab.nodes if node != holder)
    assert (
        f"port 9443 of {over_tls.lab.address(first)}, asked from this machine, answered TLS before "
        "the change, and closes every connection at once now"
    ) in reported
    assert "templates.extra.listener: (nothing) -> tcp-request connection reject" in reported
    on_purpose = ("--skip", "vip-answers-here")
    assert f"if this machine need not be served: `hadeploy up {' '.join(on_purpose)}" in reported
    over_tls.ok("up", *on_purpose)
    assert over_tls.ok("up", *on_purpose, "--json").document["changes"] == 0
    over_tls.ok("verify", *on_purpose)
    over_tls.ok("status", *on_purpose)
    assert verdicts(over_tls) == (4, 4)
    assert " ".join(on_purpose) in over_tls.run("status").out
    del over_tls.inventory["templates"]
    over_tls.up()
    assert over_tls.up()["changes"] == 0
    assert verdicts(over_tls) == (0, 0)


@pytest.mark.exhaustive
def test_a_rule_on_the_vip_gives_the_vip_back_to_the_node_that_served(over_tls: Cluster) -> None:
    (holder,) = over_tls.holders()
    rule = f"tcp-request connection reject if {{ dst {over_tls.lab.vip} }}"
    over_tls.inventory["templates"] = {"extra": {"listener": rule}}
    # With another limit of open files the containers are made anew, so the VIP is handed over.
    over_tls.inventory["haproxy"] = {"maxconn": 4100}
    result = over_tls.run("up")
    reported = " ".join(result.err.split())
    assert result.code == 1, reported
    assert f"port 9443 of {over_tls.lab.vip} answered TLS before the change, and closes" in reported
    assert "templates.extra.listener: (nothing) -> tcp-request connection reject" in reported
    assert f"{holder}: {PUT_BACK}" in reported
    assert reported.count("; kept off the VIP") == 2
    eventually(lambda: over_tls.holders() == [holder], "it has the VIP again")
    with probing(over_tls, tls=True) as probe:
        del over_tls.inventory["templates"]
        over_tls.up()
    assert probe.failed == []
    assert over_tls.up()["changes"] == 0
    assert verdicts(over_tls) == (0, 0)


def test_a_rule_on_the_vip_keeps_it_off_the_nodes_that_have_the_rule(over_tls: Cluster) -> None:
    """Only the holder can see it; a backup that has it must not get the VIP later."""
    (holder,) = over_tls.holders()
    rule = f"tcp-request connection reject if {{ dst {over_tls.lab.vip} }}"
    over_tls.inventory["templates"] = {"extra": {"listener": rule}}
    result = over_tls.run("up", "--json")
    assert result.code == 1
    left = result.document["nodes"]
    assert left.pop(holder) == "restored"
    assert set(left.values()) == {"kept-off"}
    assert over_tls.holders() == [holder]
    assert over_tls.run("status").code == 4
    del over_tls.inventory["templates"]
    over_tls.ok("up")
    assert over_tls.up()["changes"] == 0
    assert over_tls.run("status").code == 0


@pytest.mark.exhaustive
def test_a_listener_that_answered_before_and_does_not_now_is_down(served: Cluster) -> None:
    served.inventory["listeners"] = [{"balance": "roundrobin"}]
    served.up()
    for node in served.lab.nodes:
        # The configuration is changed by hand, on the node.
        served.node(
            node,
            "sed -i 's/ check$/ check send-proxy/' /etc/hadeploy/kube-lb/haproxy/haproxy.cfg && "
            "kill -USR2 $(docker inspect --format '{{.State.Pid}}' kube-lb-haproxy)",
        )
    eventually(lambda: served.request() not in served.lab.nodes, "no client is answered")
    assert verdicts(served) == (4, 7)
    assert "answered HTTP" in served.run("status").out
    served.up()
    assert verdicts(served) == (0, 0)


def closing(cluster: Cluster) -> Result:
    """`verify`, where haproxy closes every connection that comes from another node."""
    return cluster.run("verify", "--json", "--timeout", "0")


@pytest.mark.exhaustive
def test_a_listener_for_the_interface_lo_alone_is_reported(served: Cluster) -> None:
    other = next(node for node in served.lab.nodes if node not in served.holders())
    served.node(
        other,
        f"sed -i '/^ *bind .*:9443/s/$/ interface lo/' {ROOT}/haproxy/haproxy.cfg && "
        "kill -USR2 $(docker inspect --format '{{.State.Pid}}' kube-lb-haproxy)",
    )
    loopback = "ss -Hltn 'sport = :9443'"
    eventually(lambda: "%lo" in served.node(other, loopback), "it listens for lo alone")
    result = served.run("verify", "--timeout", "0", "--json")
    assert (result.code, (other, "port-listens") in result.failures()) == (4, True)
    assert "%lo:9443 only, so clients cannot reach it" in result.out
    assert "%lo:9443 only" in served.run("verify", "--timeout", "0").out
    served.up()
    assert verdicts(served) == (0, 0)


FREEZE = "kill -STOP $(ss -Hltnp 'sport = :6443' | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u)"


@pytest.mark.exhaustive
def test_an_api_server_that_freezes_during_a_change_is_no_reason_to_go_back(
    over_tls: Cluster,
) -> None:
    (holder,) = over_tls.holders()
    first = next(node for node in over_tls.lab.nodes if node != holder)
    # With leastconn a connection that a frozen server holds keeps the next ones away from it.
    over_tls.inventory["listeners"] = [{"balance": "roundrobin"}]
    try:
        # That is asked between the reload and the questions.
        with over_tls.instead_of(first, "ss", "-Hltn", FREEZE):
            result = over_tls.run("up")
        assert PUT_BACK not in result.err
        assert "error:" not in result.err
        frozen = over_tls.run("verify", "--timeout", "0")
        assert frozen.code == 4
        assert f"{first} accepts connections but does not answer" in " ".join(frozen.out.split())
    finally:
        over_tls.node(first, FREEZE.replace("STOP", "CONT"))
    assert over_tls.up()["changes"] == 0
    assert verdicts(over_tls) == (0, 0)


@pytest.mark.exhaustive
def test_a_connection_that_is_closed_at_once_is_no_answer(fresh: Cluster) -> None:
    # Nothing was served before, so nothing is compared: it has to be seen through the VIP.
    rule = "tcp-request connection reject unless { src 127.0.0.0/8 }"
    fresh.inventory["templates"] = {"extra": {"listener": rule}}
    result = fresh.run("up", "--timeout", "3")
    assert result.code == 4
    assert "closes every connection at once, although 3 backends are up" in result.out
    assert verdicts(fresh) == (4, 7)
    reported = closing(fresh)
    assert {proof for _, proof in reported.failures()} == {"vip-answers-node", "vip-answers-here"}
    del fresh.inventory["templates"]
    fresh.up()
    # Only this machine is refused.
    for how in ("-j REJECT --reject-with tcp-reset", "-j DROP"):
        rule = f"INPUT -s {fresh.lab.addressing.controller.v4.ip} -p tcp --dport 9443 {how}"
        for node in fresh.lab.nodes:
            fresh.node(node, f"iptables -I {rule}")
        try:
            # It is in the VIP's network, so it is a client like others.
            reported = closing(fresh)
            assert (reported.code, reported.failures()) == (4, [(None, "vip-answers-here")])
            status = fresh.run("status")
            assert status.code == 4
            assert "cannot be reached from this machine" in status.out
        finally:
            for node in fresh.lab.nodes:
                fresh.node(node, f"iptables -D {rule}")
    assert verdicts(fresh) == (0, 0)


@pytest.mark.exhaustive
def test_a_listener_on_loopback_only_serves_no_client(fresh: Cluster) -> None:
    bind = "bind {{ bind }}:{{ listener.port }}"
    with_template(fresh, bind, "bind 127.0.0.1:{{ listener.port }}")
    result = fresh.run("up")
    assert result.code == 1, result.out
    reported = "haproxy listens on 127.0.0.1:9443 only, so it does not serve "
    assert reported + fresh.lab.vip in result.err
    for node in fresh.lab.nodes:
        fresh.node(node, "docker ps --all --quiet | xargs -r docker rm --force >/dev/null")
    # Nothing of that is in the way of the right one.
    del fresh.inventory["templates"]
    fresh.up()
    eventually(lambda: all_up(fresh), "all API servers are up")
    with_template(fresh, bind, "bind 127.0.0.1:{{ listener.port }}")
    told_now = refused(fresh).err
    assert reported + fresh.lab.vip in told_now
    assert PUT_BACK in told_now
    del fresh.inventory["templates"]
    assert fresh.up()["changes"] == 0
