"""Which known_hosts files are asked."""

from __future__ import annotations

import threading
from pathlib import Path

import paramiko
import pytest
from fabric import Config
from paramiko.config import SSHConfig

from hadeploy.transport.connect import Dialer, parse_hop
from hadeploy.transport.hostkeys import TrustOnFirstUse, known_hosts_files
from tests.unit import builders


def test_the_inventory_replaces_all_others() -> None:
    assert known_hosts_files("/x/known", {"userknownhostsfile": "/y"}) == [Path("/x/known")]


def test_the_ssh_config_is_followed() -> None:
    config = {"userknownhostsfile": "/a /b", "globalknownhostsfile": "/c"}
    assert known_hosts_files(None, config) == [Path("/a"), Path("/b"), Path("/c")]


def test_the_defaults_are_those_of_openssh() -> None:
    first, *others = known_hosts_files(None, {})
    assert first == Path("~/.ssh/known_hosts").expanduser()
    assert Path("/etc/ssh/ssh_known_hosts") in others


def test_a_key_is_written_on_a_line_of_its_own(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("first ssh-ed25519 AAAA")
    key = paramiko.ECDSAKey.generate()
    policy = TrustOnFirstUse(known, threading.Lock())
    policy.missing_host_key(paramiko.SSHClient(), "second", key)
    policy.missing_host_key(paramiko.SSHClient(), "third", key)
    assert [line.split()[0] for line in known.read_text().splitlines()] == [
        "first",
        "second",
        "third",
    ]


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("bastion", (None, "bastion", None)),
        ("ops@bastion:2222", ("ops", "bastion", 2222)),
        ("ops@[2001:db8::9]:2222", ("ops", "2001:db8::9", 2222)),
        ("[2001:db8::9]", (None, "2001:db8::9", None)),
        ("2001:db8::9", (None, "2001:db8::9", None)),
        ("a@b@198.51.100.7", ("a@b", "198.51.100.7", None)),
    ],
)
def test_a_jump_host_is_written_as_for_ssh(
    text: str, hop: tuple[str | None, str, int | None]
) -> None:
    assert parse_hop(text) == hop


def test_several_jump_hosts_are_gone_through_in_the_order_of_the_list() -> None:
    cluster = builders.cluster(ssh={"jump": "a,b:2222", "config": "/dev/null"})
    dialer = Dialer(cluster, Path())
    config = Config(lazy=True, ssh_config=SSHConfig.from_text("Host *.11\n"))
    dialer.__dict__["config"] = config
    first, second, target = dialer._hops(cluster.nodes[0])
    assert (first.host, second.host, second.port) == ("a", "b", 2222)
    assert (target.gateway, second.gateway, first.gateway) == (second, first, False)
