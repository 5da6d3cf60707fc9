"""The facts of a node's machine; output of programs is captured from real nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadeploy.observe.gather import skew
from hadeploy.observe.host import (
    Nofile,
    parse_advert_sources,
    parse_host,
    parse_links,
    parse_neighbour,
    parse_nofile,
)
from hadeploy.scripts.protocol import Message, Reply, parse_line

CAPTURED = Path(__file__).parent / "captured"


def captured(name: str) -> Reply:
    """What preflight.sh said, with every line that begins a message marked by @."""
    messages: list[Message] = []
    for line in (CAPTURED / name).read_text().splitlines():
        if line.startswith("@"):
            message = parse_line(f"@t {line[1:]}", "t")
            assert message
            messages.append(message)
        elif messages:
            messages[-1].body.append(line)
    return Reply(tuple(messages), 0)


def test_a_node_of_the_lab_is_read() -> None:
    host = parse_host(captured("host.txt"))
    assert host.thorough
    assert host.links["eth0"].up
    assert host.links["eth0"].mac.startswith("02:00:")
    assert host.docker["ServerVersion"].startswith("20.10")
    assert host.free["docker"] > 10**9
    assert host.free_inodes["docker"] > 10**6
    assert host.nofile is not None
    assert host.nofile.most == 1048576
    assert len(host.iptables) == 2
    assert host.resolution is not None
    assert not host.selinux
    assert list(host.neighbours.values()) == [""]


def test_an_empty_answer_of_a_node_is_parsed() -> None:
    host = parse_host(Reply((), 0))
    assert not host.thorough
    assert not host.links


def test_facts_are_read_by_their_names() -> None:
    host = parse_host(
        Reply(
            (
                Message("fact", ("net/ipv4/ip_nonlocal_bind", "1")),
                Message("fact", ("modules",), ["ip_vs 1", "nf_tables 2"]),
                Message("fact", ("empty",)),
            ),
            0,
        )
    )
    assert host.facts["net/ipv4/ip_nonlocal_bind"] == "1"
    assert host.facts["modules"].splitlines() == ["ip_vs 1", "nf_tables 2"]
    assert host.facts["empty"] == ""
    assert host.nonlocal_bind


LINKS = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN\\    link/loopback 00:00:00:00:00:00
2: eth0@if119: <BROADCAST,UP,LOWER_UP> mtu 1500 state UP\\    link/ether 02:00:c6:12:13:0b brd
3: bond0.10@bond0: <NO-CARRIER,UP> mtu 1500 state DOWN\\    link/ether 02:00:c6:12:13:0c brd
"""


def test_interfaces_are_read_with_what_is_below_them_left_out() -> None:
    links = parse_links(LINKS)
    assert {name: link.up for name, link in links.items()} == {
        "lo": True,
        "eth0": True,
        "bond0.10": False,
    }
    assert links["eth0"].mac == "02:00:c6:12:13:0b"


@pytest.mark.parametrize(
    ("text", "mac"),
    [
        ("198.18.19.100 dev eth0 lladdr 02:00:c6:12:13:01 REACHABLE", "02:00:c6:12:13:01"),
        ("2001:db8::1 dev eth0 lladdr 02:00:c6:12:13:01 router STALE", "02:00:c6:12:13:01"),
        ("198.18.19.100 dev eth0 INCOMPLETE", ""),
        ("198.18.19.100 dev eth0  FAILED", ""),
        ("", ""),
    ],
)
def test_who_answered_is_read(text: str, mac: str) -> None:
    assert parse_neighbour(text) == mac


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("most=1048576\nhard=4096\ncapabilities=000001fffeffffff", Nofile(1048576, 4096, False)),
        ("most=1048576\nhard=4096\ncapabilities=000001ffffffffff", Nofile(1048576, 4096, True)),
        ("most=1048576\nhard=unlimited\ncapabilities=", Nofile(1048576, None, False)),
        ("most=1048576", None),
        ("", None),
    ],
)
def test_limits_are_read(text: str, expected: Nofile | None) -> None:
    assert parse_nofile(text) == expected


@pytest.mark.parametrize(
    ("now", "expected"), [(100, 0), (101, 0), (99, -0.5), (98, -1.5), (110, 8), (90, -9.5)]
)
def test_only_a_sure_difference_of_clocks_counts(now: int, expected: float) -> None:
    assert skew(now, 100.5, 102.0) == expected


# Logs of a listener beside a sender with the same virtual_router_id, complete.
START = "Mon Nov 23 20:09:37 2026: (listener) Entering BACKUP STATE (init)"
HEARD = [
    ("", None),
    (START, ()),
    (f"{START}\n(listener) removing VIPs.", ()),
    (f"{START}\n(listener) advertisement interval mismatch mine=255 sec rcv'd=1 sec", ("",)),
    (f"{START}\n(listener) received a 1 auth, expecting 0!", ("",)),
    (f"{START}\n(listener) wrong version. Received 3 and expect 2", ("",)),
    (
        f"{START}\n(listener) master set to 198.18.19.12\n(listener) advertisement interval"
        " mismatch with 198.18.19.12 mine=255 sec rcv'd=1 sec",
        ("198.18.19.12",),
    ),
    (
        f"{START}\n(listener) received a 1 auth from 198.18.19.12, expecting 0!",
        ("198.18.19.12",),
    ),
    (
        f"{START}\n(listener) wrong VRRP version from 198.18.19.12. Received 3 and expect 2",
        ("198.18.19.12",),
    ),
]


@pytest.mark.parametrize(("log", "heard"), HEARD)
def test_what_the_listener_logs_is_read(log: str, heard: tuple[str, ...] | None) -> None:
    assert parse_advert_sources(log) == heard
