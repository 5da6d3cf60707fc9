"""Which known_hosts files are asked."""

from __future__ import annotations

from pathlib import Path

from hadeploy.transport.hostkeys import known_hosts_files


def test_the_inventory_replaces_all_others() -> None:
    assert known_hosts_files("/x/known", {"userknownhostsfile": "/y"}) == [Path("/x/known")]


def test_the_ssh_config_is_followed() -> None:
    config = {"userknownhostsfile": "/a /b", "globalknownhostsfile": "/c"}
    assert known_hosts_files(None, config) == [Path("/a"), Path("/b"), Path("/c")]


def test_the_defaults_are_those_of_openssh() -> None:
    first, *others = known_hosts_files(None, {})
    assert first == Path("~/.ssh/known_hosts").expanduser()
    assert Path("/etc/ssh/ssh_known_hosts") in others
