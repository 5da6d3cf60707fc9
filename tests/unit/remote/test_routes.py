"""The way to a node, hop by hop."""

from __future__ import annotations

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.remote.retry import PermanentError
from hadeploy.remote.routes import Route, parse_hop, route_to
from hadeploy.remote.ssh_options import HostOptions, Query, options_of
from tests.unit import builders

NODE = "198.51.100.11"


def resolver(**jumps: str) -> dict[Query, HostOptions]:
    """An SSH config that has a ProxyJump, or a ProxyCommand (`!...`), for some hosts."""

    class Answers(dict[Query, HostOptions]):
        def __missing__(self, query: Query) -> HostOptions:
            said = jumps.get(query.host) or jumps.get("node" if query.host == NODE else "", "none")
            key = "proxycommand" if said.startswith("!") else "proxyjump"
            dump = {
                "hostname": (query.host,),
                "user": (query.user or "me",),
                "port": (str(query.port or 22),),
                key: (said.removeprefix("!"),),
            }
            self[query] = options_of(dump, {}, query, {})
            return self[query]

    return Answers()


def route(inventory: str | None = None, **jumps: str) -> Route:
    cluster = builders.cluster(ssh={"jump": inventory} if inventory else {}, nodes=[NODE])
    return route_to(cluster, cluster.nodes[0], resolver(**jumps).__getitem__)


@pytest.mark.parametrize(
    ("inventory", "jumps", "hosts"),
    [
        (None, {}, [NODE]),
        ("a,b:2222", {}, ["a", "b", NODE]),
        (None, {"node": "a,b"}, ["a", "b", NODE]),
        ("none", {"node": "a,b"}, [NODE]),
        # As with ssh: the first jump host's own options count, those of the others do not.
        (None, {"node": "a,b", "a": "z", "b": "y"}, ["z", "a", "b", NODE]),
        # `Host *` with a ProxyJump.
        (None, {"node": "a", "a": "a"}, ["a", NODE]),
    ],
)
def test_hops(inventory: str | None, jumps: dict[str, str], hosts: list[str]) -> None:
    assert [hop.hostname for hop in route(inventory, **jumps).hops] == hosts


def test_users_and_ports_of_jump_hosts() -> None:
    assert str(route("root@a:2222,b")) == (f"me@{NODE}:22 through me@b:22 through root@a:2222")


def test_a_proxy_command_of_the_first_jump_host() -> None:
    way = route("a", a="!nc %h %p")
    assert way.hops[0].proxy_command == "nc a 22"
    assert str(way).endswith("through me@a:22 through a ProxyCommand")


def test_jump_hosts_in_a_circle() -> None:
    with pytest.raises(HadeployError, match="form a loop") as error:
        route(node="a", a="b", b="a")
    assert error.value.code == ExitCode.USAGE


def test_a_host_that_is_its_own_jump_host_for_ssh() -> None:
    def resolve(query: Query) -> HostOptions:
        if query.jump is None:
            raise PermanentError(f"jumphost loop via {query.host}")
        return resolver()[query]

    cluster = builders.cluster(nodes=[NODE])
    assert [hop.hostname for hop in route_to(cluster, cluster.nodes[0], resolve).hops] == [NODE]


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("bastion", (None, "bastion", None)),
        ("ops@bastion:2222", ("ops", "bastion", 2222)),
        ("ops@[2001:db8::9]:2222", ("ops", "2001:db8::9", 2222)),
        ("[2001:db8::9]", (None, "2001:db8::9", None)),
        ("2001:db8::9", (None, "2001:db8::9", None)),
        ("a@b@198.51.100.7", ("a@b", "198.51.100.7", None)),
        ("ssh://ops@bastion:22", ("ops", "bastion", 22)),
    ],
)
def test_a_jump_host_is_written_as_for_ssh(
    text: str, hop: tuple[str | None, str, int | None]
) -> None:
    assert parse_hop(text) == hop


@pytest.mark.parametrize("hop", ["ops@", "a:b", "a:\u00b2", "@", ""])
def test_a_jump_host_of_an_ssh_config_that_is_none(hop: str) -> None:
    with pytest.raises(HadeployError, match="no \\[user@\\]host"):
        parse_hop(hop)
