"""What a template makes haproxy bind is there to be bound."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.check.finding import CheckContext
from hadeploy.check.planned_ports import planned_ports
from hadeploy.desired.layout import HAPROXY_UID
from hadeploy.observe.host import Host
from hadeploy.observe.observed_node import Owner, Socket
from tests.unit import builders

SSHD = (Owner("sshd", 7),)


def problems(*binds: str, host: Host | None = None, **inventory: Any) -> list[str]:
    lines = "\n".join(f"    bind {bind}" for bind in binds)
    extra = {"defaults": f"listen own\n{lines}\n    server a 127.0.0.1:1"}
    cluster = builders.cluster(templates={"extra": extra}, **inventory)
    look = builders.healthy(builders.cluster(**inventory))["n1"]
    sockets = (
        *look.sockets,
        Socket("0.0.0.0", 22, SSHD),
        Socket("[::]", 22, SSHD),
        Socket("127.0.0.1", 5000, SSHD),
        Socket("*", 5001, SSHD),
    )
    look = dataclasses.replace(look, sockets=sockets, host=host or look.host)
    context = CheckContext(cluster, {"n1": look})
    desired = builders.desired(cluster)["n1"]
    return [f.message for f in planned_ports(context, cluster.nodes[0], look, desired)]


TAKEN = "cannot be bound: port {} is taken by sshd (pid 7)"


@pytest.mark.parametrize(
    ("bind", "reported"),
    [
        ("*:22", TAKEN.format(22)),
        ("*:20-65535", TAKEN.format(22)),
        ("*:4000-5000", TAKEN.format(5000)),
        ("127.0.0.1:5000", TAKEN.format(5000)),
        ("[::1]:5001", TAKEN.format(5001)),
        (f"{builders.VIP}:7000", "cannot be bound on a node that does not hold the VIP"),
        ("192.0.2.7:7000", "cannot be bound: the node does not have the address 192.0.2.7"),
        ("*:6443", "cannot be bound: port 6443 is that of a backend on this node"),
    ],
)
def test_an_address_that_cannot_be_bound_is_reported_with_its_line(
    bind: str, reported: str
) -> None:
    (message, *_) = problems(bind)
    assert message == f"`bind {bind}` of the new haproxy.cfg {reported}"


@pytest.mark.parametrize(
    "bind",
    [
        "*:7000,127.0.0.1:7001",
        "[::]:5000",
        "198.51.100.11:5000",
        "127.0.0.1:6443",
        "192.0.2.7:7000 transparent",
        "/tmp/own.sock",
        "*:9000-9999",
    ],
)
def test_an_address_that_can_be_bound_is_not_reported(bind: str) -> None:
    assert problems(bind) == []


def test_the_kernel_may_allow_addresses_that_the_node_does_not_have() -> None:
    assert (
        problems(f"{builders.VIP}:7000", host=Host(facts={"net/ipv4/ip_nonlocal_bind": "1"})) == []
    )


def test_a_privileged_port_of_a_template_gives_haproxy_the_right_to_bind_it() -> None:
    def user(bind: str) -> str | None:
        text = f"listen own\n    bind {bind}\n    server a 127.0.0.1:1"
        cluster = builders.cluster(templates={"extra": {"defaults": text}})
        return builders.desired(cluster)["n1"].container("haproxy").user

    assert user("*:81") == user("127.0.0.1:8000,:1000-2000") == "root"
    assert user("*:8100") == f"{HAPROXY_UID}:{HAPROXY_UID}"
