"""Every SSH setting gives a route or an error, without a connection."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hadeploy.errors import HadeployError
from hadeploy.remote.node_routes import NodeRoutes
from hadeploy.remote.retry import PermanentError
from hadeploy.remote.ssh_options import HostOptions, Query, options_of
from tests.unit import builders
from tests.unit.examples import examples

texts = st.text(alphabet="ax@:,[]%.$`\u00b2-1 ", max_size=8) | st.sampled_from(
    ["root@lb1", "lb1:22", "lb1:99999", "[::1]:22", "[::1", "::1", "@", "a,b", "none", "a@b@c"]
)


class Empty:
    """An SSH config that says nothing, or what a test wants."""

    def __init__(self) -> None:
        self.said: dict[str, tuple[str, ...]] = {}
        self.error: HadeployError | None = None

    def load_defaults(self) -> None:
        """There are none."""

    def options(self, query: Query) -> HostOptions:
        if self.error:
            raise self.error
        dump = {
            "hostname": (query.host,),
            "user": (query.user or "me",),
            "port": (str(query.port or 22),),
        }
        return options_of({**dump, **self.said}, {}, query, {})


def node_routes(**ssh: Any) -> NodeRoutes:
    where = {"address": "198.51.100.11", "ssh": ssh.pop("node", {})}
    routes = NodeRoutes(builders.cluster(ssh=ssh, nodes=[where]), Path())
    routes.__dict__["ssh_config"] = Empty()
    return routes


@examples(50)
@given(texts, texts, texts, st.none() | st.integers(1, 65535))
def test_any_text(user: str, host: str, jump: str, port: int | None) -> None:
    with contextlib.suppress(ValidationError, HadeployError):
        one = node_routes(user=user, jump=jump, node={"host": host, "port": port})
        assert str(one.route(one.cluster.nodes[0]))


@pytest.mark.parametrize("host", ["root@lb1", "lb1:22", "[2001:db8::1]", "@", ":22", "-x", "a,b"])
def test_a_host_is_a_name_or_an_address_and_nothing_else(host: str) -> None:
    with pytest.raises(ValidationError):
        node_routes(node={"host": host})


@pytest.mark.parametrize(
    "host", ["lb1", "lb_1.example.com", "2001:db8::1", "fe80::1%eth0", "h\u00e4"]
)
def test_names_and_addresses_of_every_kind(host: str) -> None:
    one = node_routes(node={"host": host, "port": 2222})
    assert f"@{host}:2222" in str(one.route(one.cluster.nodes[0]))


@pytest.mark.parametrize("jump", ["ops@", "a:b", "a:", "[::1", "a,,b", "ssh://a", "lb1:1:2"])
def test_a_jump_host_that_is_none(jump: str) -> None:
    with pytest.raises(ValidationError):
        node_routes(jump=jump)


def test_each_warning_is_shown_once() -> None:
    shown: list[str] = []
    one = node_routes()
    one.__dict__["ssh_config"].said = {"bindaddress": ("198.51.100.1",)}
    quiet = dataclasses.replace(one, warn=shown.append)
    quiet.__dict__["ssh_config"] = one.ssh_config
    nodes = one.cluster.nodes
    quiet.prepare([*nodes, *nodes])
    quiet.prepare(nodes)
    (warning,) = shown
    assert warning.startswith("the SSH config sets BindAddress 198.51.100.1: ")


def test_a_mistake_of_all_nodes_is_reported_once() -> None:
    one = node_routes()
    one.__dict__["ssh_config"].error = PermanentError("config line 2: Bad port")
    with pytest.raises(PermanentError, match="config line 2"):
        one.prepare([*one.cluster.nodes, *one.cluster.nodes])
