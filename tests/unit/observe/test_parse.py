"""Captured outputs of the real programs, and what is read from them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from hadeploy.observe import parse
from hadeploy.observe.observed_node import (
    Address,
    BackendServer,
    ObservedFile,
    Owner,
    Socket,
    VrrpState,
)
from hadeploy.observe.parse_haproxy import parse_backends, parse_serving, parse_sessions
from hadeploy.observe.parse_network import parse_addresses, parse_sockets
from hadeploy.observe.parse_vrrp import parse_counters, parse_log, parse_vrrp
from hadeploy.scripts.protocol import Message, Reply

CAPTURED = Path(__file__).parent / "captured"


def captured(name: str) -> str:
    return (CAPTURED / name).read_text()


@pytest.mark.parametrize("version", ["2.0.19", "2.2.7", "2.3.3", "2.3.4"])
@pytest.mark.parametrize("state", ["MASTER", "BACKUP", "FAULT"])
def test_the_state_of_keepalived_is_read_in_every_version(version: str, state: str) -> None:
    # That dump is of an instance whose router_id has no configuration id.
    assert parse_vrrp(captured(f"keepalived-{version}-{state}.txt")) == VrrpState(
        state, 250, 250, "n1"
    )


@pytest.mark.parametrize("version", ["2.0.19", "2.2.7", "2.3.3", "2.3.4"])
def test_the_configuration_of_keepalived_is_read_in_every_version(version: str) -> None:
    state = parse_vrrp(captured(f"keepalived-{version}-BACKUP.txt"))
    assert state
    assert state.instance
    assert state.instance.settings == {
        "virtual_router_id": "151",
        "vrrp_version": "2",
        "advert_int": "1 sec",
        "authentication": "SIMPLE_PASSWORD",
        "mode": "unicast",
    }
    assert state.instance.source == "198.51.100.11"
    assert state.instance.peers == ("198.51.100.12", "198.51.100.13")
    assert state.instance.vips == ("198.51.100.100",)
    assert state.instance.master == "198.51.100.12"
    fault = parse_vrrp(captured(f"keepalived-{version}-FAULT.txt"))
    assert fault
    assert fault.instance
    assert fault.instance.tracker_faults == 1


def test_the_vip_of_the_other_family_is_no_part_of_the_adverts() -> None:
    state = parse_vrrp(captured("keepalived-2.3.3-dual-stack.txt"))
    assert state
    assert state.instance
    assert state.instance.vips == ("198.51.100.100",)
    assert state.instance.places == {
        ("eth0", "198.51.100.100/32"),
        ("eth0", "2001:db8::100/128"),
    }


STATISTICS = """\
VRRP Instance: hadeploy
  Advertisements:
    Received: {received}
    Sent: {sent}
  Packet Errors:
    TTL: 2
  Authentication Errors:
    Failure: {refused}
  Priority Zero:
    Received: 7
    Sent: 8
"""


def test_statistics_are_compared_unless_keepalived_was_restarted_in_between() -> None:
    before = parse_counters(STATISTICS.format(received=5, sent=9, refused=1))
    after = parse_counters(STATISTICS.format(received=6, sent=13, refused=4))
    assert before
    assert after
    since = after.since(before)
    assert (since.received, since.sent) == (1, 4)
    assert since.refused == {"Packet Errors: TTL": 0, "Authentication Errors: Failure": 3}
    assert before.since(after) == before
    assert parse_counters("") is None


def test_a_log_line_lacks_its_own_timestamp_and_requests_of_hadeploy() -> None:
    text = """Mon Nov 23 22:18:27 2026: (hadeploy) Entering BACKUP STATE
Mon Nov  2 22:18:28 2026: Printing VRRP data for process(7) on signal
[NOTICE]   (1) : Loading success."""
    assert parse_log(text) == (
        "(hadeploy) Entering BACKUP STATE",
        "[NOTICE]   (1) : Loading success.",
    )


def test_the_configuration_id_is_the_end_of_the_router_id() -> None:
    text = " Router ID = lb-1-0123456789abcdef\n   State = BACKUP\n   Priority = 240\n"
    assert parse_vrrp(text) == VrrpState("BACKUP", 240, 240, "0123456789abcdef")


def test_a_silent_keepalived_has_no_state() -> None:
    assert parse_vrrp("") is None


def test_addresses_are_read_from_json_and_from_text_alike() -> None:
    as_json = parse_addresses(captured("ip-address.json"), "")
    as_text = parse_addresses("", captured("ip-address.txt"))
    assert as_json == as_text
    assert Address("eth0", "198.51.100.12", 24) in as_json
    assert Address("eth0", "198.51.100.100", 32) in as_json
    assert Address("lo", "::1", 128) in as_json


def test_sockets_are_read_with_their_owners() -> None:
    sockets = parse_sockets(captured("ss.txt"), {5636: "c" * 64})
    assert Socket("0.0.0.0", 9443, (Owner("haproxy", 5636, "c" * 64),)) in sockets
    assert Socket("127.0.0.1", 19443, (Owner("haproxy", 5636, "c" * 64),)) in sockets
    assert Socket("*", 6443, (Owner("python3", 52),)) in sockets
    assert [s.address for s in sockets if s.port == 22] == [
        "198.51.100.12",
        "2001:db8:c633:6400::12",
    ]


@pytest.mark.parametrize(
    ("local", "address"),
    [
        ("0.0.0.0%lo", "0.0.0.0%lo"),
        ("[::]%lo", "::%lo"),
        ("0.0.0.0%eth0", "0.0.0.0"),
        ("[fe80::1]%eth0", "fe80::1"),
        ("[fe80::1%eth0]", "fe80::1"),
    ],
)
def test_a_socket_on_loopback_only_is_reported_as_such(local: str, address: str) -> None:
    (socket,) = parse_sockets(f"LISTEN 0 4096 {local}:9443 0.0.0.0:*\n", {})
    assert (socket.address, socket.port) == (address, 9443)


def test_containers_are_read_from_inspect() -> None:
    haproxy, keepalived = parse.parse_containers(captured("containers.json"))
    assert (haproxy.name, haproxy.cluster, haproxy.role) == (
        "kube-lb-haproxy",
        "kube-lb",
        "haproxy",
    )
    assert (haproxy.status, haproxy.running, haproxy.restarts) == ("running", True, 0)
    assert haproxy.pid > 0
    assert haproxy.started > 1_700_000_000
    assert len(haproxy.spec or "") == 16
    assert (keepalived.status, keepalived.running) == ("exited", False)


def test_a_container_that_is_named_twice_is_one() -> None:
    text = captured("containers.json")
    doubled = text.rstrip().removesuffix("]") + "," + text.lstrip().removeprefix("[")
    assert len(parse.parse_containers(doubled)) == 2


def test_no_containers_is_an_empty_list() -> None:
    assert parse.parse_containers("[]") == ()
    assert parse.parse_containers("") == ()


def test_backends_are_read_from_haproxys_statistics() -> None:
    servers = parse_backends(captured("stats.csv"))
    assert servers == tuple(
        BackendServer("kube-apiserver-backend", f"n{i}", "UP" if i < 3 else "DOWN")
        for i in (1, 2, 3)
    )
    assert [s.up for s in servers] == [True, True, False]
    assert [(s.check, s.sessions) for s in servers] == [("L4OK", 0), ("L4OK", 0), ("L4CON", 0)]


def test_a_check_that_is_under_way_has_its_last_outcome() -> None:
    text = captured("stats.csv").replace(",L4CON,", ",* L7STS,")
    assert [s.check for s in parse_backends(text)] == ["L4OK", "L4OK", "L7STS"]


def test_a_full_server_is_reported_with_its_queue() -> None:
    text = captured("stats.csv").replace(
        "kube-apiserver-backend,n1,0,0,0,1,,", "kube-apiserver-backend,n1,2,3,5,5,5,"
    )
    first, second, _ = parse_backends(text)
    assert (first.full, first.sessions, first.limit, first.queued) == (True, 5, 5, 2)
    assert (second.full, second.limit, second.queued) == (False, 0, 0)


def test_sessions_are_those_of_the_frontends() -> None:
    text = captured("stats.csv").replace(
        "kube-apiserver,FRONTEND,,,0,", "kube-apiserver,FRONTEND,,,12,"
    )
    assert parse_sessions(text) == {"hadeploy-health": 1, "kube-apiserver": 12}
    assert parse_sessions("HTTP/1.1 503 Service Unavailable\n") == {}


def test_the_serving_configuration_is_read_from_the_redirect() -> None:
    assert parse_serving("HTTP/1.1 302 Found\r\nlocation: /0123abcd\r\n\r\n") == "0123abcd"
    assert parse_serving("") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T15:04:05.5Z", 1795446245.5),
        ("2026-11-23T16:04:05.123456789+01:00", 1795446245.123456789),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
    ],
)
def test_dockers_times_are_read(text: str, seconds: float) -> None:
    assert parse.parse_time(text) == pytest.approx(seconds)


def test_files_that_were_read_together() -> None:
    contents = base64.b64encode(b"one\n" + b"\0\xfftwo").decode()
    reply = Reply(
        (
            Message("file", ("644", "0:0", "haproxy/haproxy.cfg")),
            Message("file", ("600", "0:1", "track/a", "b")),
            Message("file", ("600", "0:0", "served")),
            Message("contents", ("4", "5", "0"), [contents]),
        ),
        0,
    )
    assert parse.parse_files(reply) == (
        ObservedFile("haproxy/haproxy.cfg", 0o644, "0:0", b"one\n"),
        ObservedFile("track/a b", 0o600, "0:1", b"\0\xfftwo"),
        ObservedFile("served", 0o600, "0:0", b""),
    )


def test_files_that_were_read_one_by_one() -> None:
    messages = (
        Message("file", ("644", "0:0", "served"), [base64.b64encode(b"a").decode()]),
        Message("file", ("600", "0:0", "locked"), ["base64: cannot open"]),
    )
    assert [file.content for file in parse.parse_files(Reply(messages, 0))] == [b"a", b""]
