"""Each check as a table: how a node differs, and the findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hadeploy.check.all_checks import IDS
from hadeploy.check.archive import Archive
from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext
from hadeploy.check.ssh import refused
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.applied import Applied
from hadeploy.observe.host import Host, Link, Nofile
from hadeploy.observe.observed_node import Address, ObservedNode, Owner, Socket
from hadeploy.observe.subnets import unsafe_to_probe
from tests.unit import builders

# Made of a connection, and of what backends answer.
NOT_REACHED = {"api-certificate", "ssh-host-key", "ssh-login", "ssh-reach"}
UP = frozenset({"UP", "LOWER_UP"})
INFO = {"ServerVersion": "20.10.24", "DockerRootDir": "/var/lib/docker", "SecurityOptions": []}
FIT = Host(
    links={"eth0": Link(UP, "02:00:00:00:00:01")},
    thorough=True,
    neighbours={builders.VIP: ""},
    docker=INFO,
    free={"docker": 10**11, "root": 10**11},
    nofile=Nofile(1048576, 1048576, True),
    resolution=0.01,
    advert_sources=(),
    facts={
        "net/ipv4/ip_local_port_range": "32768 60999",
        "net/netfilter/nf_conntrack_count": "731",
        "net/netfilter/nf_conntrack_max": "262144",
    },
)


def fit(node: str = "n2") -> ObservedNode:
    return dataclasses.replace(builders.empty(node), host=FIT)


def host(**changes: Any) -> Callable[[ObservedNode], ObservedNode]:
    def bend(look: ObservedNode) -> ObservedNode:
        return dataclasses.replace(look, host=dataclasses.replace(look.host, **changes))

    return bend


def node(**changes: Any) -> Callable[[ObservedNode], ObservedNode]:
    return lambda look: dataclasses.replace(look, **changes)


def wrong(
    look: ObservedNode, archives: Mapping[str, Archive] | None = None, **inventory: Any
) -> list[tuple[str, str, str]]:
    context = CheckContext(
        builders.cluster(**inventory), {look.node: look}, archives=archives or {}
    )
    return [(f.check, f.verdict, f.message) for f in evaluate(context) if f.verdict != "pass"]


def test_a_good_node_passes_every_check() -> None:
    look = fit()
    found = evaluate(
        CheckContext(builders.cluster(), {"n1": fit("n1"), "n2": look, "n3": fit("n3")})
    )
    assert {f.verdict for f in found} == {"pass"}
    assert set(IDS) - {f.check for f in found} == NOT_REACHED


ENFORCING = {**INFO, "SecurityOptions": ["name=selinux"]}


def tracking(count: str, most: str) -> Callable[[ObservedNode], ObservedNode]:
    names = ("net/netfilter/nf_conntrack_count", "net/netfilter/nf_conntrack_max")
    return host(facts=dict(zip(names, (count, most), strict=True)))


CASES: list[Any] = [
    (
        tracking("52429", "65536"),
        "connection-tracking",
        "warn",
        "the kernel tracks 52429 connections of at most 65536",
    ),
    (
        host(facts={"net/ipv4/ip_local_port_range": "1024 65535"}),
        "ephemeral-ports",
        "warn",
        "outgoing connections may use ports 9443, 19443; their range is 1024 to 65535",
    ),
    (host(units={"docker.boot": "disabled"}), "docker", "warn", "do not start when the node"),
    (
        host(units={"haproxy": "inactive", "haproxy.boot": "enabled"}),
        "host-services",
        "warn",
        "haproxy would start on the host when the node boots",
    ),
    (
        host(read_only=frozenset({"root"})),
        "our-folder",
        "fail",
        "/etc/hadeploy/c is on a read-only",
    ),
    (
        host(read_only=frozenset({"docker"})),
        "disk-space",
        "fail",
        "/var/lib/docker is on a read-only file system",
    ),
    (
        host(docker=ENFORCING, selinux=True, label="system_u:object_r:etc_t:s0"),
        "selinux",
        "warn",
        "SELinux enforces",
    ),
    (
        host(docker={**INFO, "SecurityOptions": ["name=rootless"]}),
        "host-network",
        "fail",
        "rootless",
    ),
    (host(docker={**INFO, "SecurityOptions": ["name=userns"]}), "host-network", "fail", "remaps"),
    (
        host(docker={**INFO, "DockerRootDir": "/var/snap/docker/common"}),
        "host-network",
        "fail",
        "Docker is a snap",
    ),
    (host(free={"docker": 10**8}), "disk-space", "fail", "100 MB are free in /var/lib/docker"),
    (host(free={"docker": 10**9}), "disk-space", "warn", "only 1000 MB are free"),
    (
        host(free_inodes={"root": 99}),
        "disk-space",
        "fail",
        "99 inodes are free for /etc/hadeploy/c",
    ),
    (
        host(free_inodes={"docker": 9}),
        "disk-space",
        "fail",
        "9 inodes are free for /var/lib/docker",
    ),
    (host(free={"run": 4096}), "disk-space", "fail", "4 kB are free for /run"),
    (host(free_inodes={"run": 0}), "disk-space", "fail", "0 inodes are free for /run"),
    (host(free={"root": 1000}), "disk-space", "fail", "1 kB are free for /etc/hadeploy/c"),
    (host(nofile=Nofile(1024, None, True)), "nofile", "fail", "the kernel allows 1024"),
    (host(nofile=Nofile(1048576, 4096, False)), "nofile", "fail", "hard limit is 4096"),
    (host(links={"eth0": Link(frozenset(), "")}), "interface", "fail", "eth0 is down"),
    (host(links={"eth0": Link(frozenset({"UP"}), "")}), "interface", "fail", "has no carrier"),
    (
        host(neighbours={builders.VIP: "02:aa:aa:aa:aa:aa"}),
        "vip-free",
        "warn",
        "in use, by 02:aa:aa:aa:aa:aa: n1 or n3, which could not be observed, or another machine",
    ),
    (
        host(gateways=frozenset({builders.VIP})),
        "vip-subnet",
        "fail",
        "address of the default router",
    ),
    (host(units={"haproxy": "active"}), "host-services", "warn", "haproxy runs on the host"),
    (node(missing=("perl",)), "tools", "warn", "lacks perl"),
    (host(haproxies={7: ""}), "host-services", "warn", "haproxy runs on the host"),
    (
        host(haproxies={7: ""}, haproxy_users={7: "nobody (uid 65534)"}),
        "host-services",
        "warn",
        "haproxy, or a process of that name, runs on the host: 7 of user nobody (uid 65534)",
    ),
    (node(keepaliveds={7: ""}), "host-services", "warn", "keepalived runs on the host"),
    (
        host(selinux=True, docker={**INFO, "SecurityOptions": ["name=selinux"]}),
        "selinux",
        "warn",
        "which may be unable to read /etc/hadeploy/c",
    ),
    (node(skew=7.4), "clock", "warn", "its clock is 7 s ahead of this machine's"),
    (node(skew=-3600.0), "clock", "warn", "its clock is 3600 s behind this machine's"),
    (host(resolution=5.0), "name-resolution", "warn", "the resolution of its own name took 5.0 s"),
    (
        host(
            iptables={
                "iptables": "# Generated by iptables-save v1\n*filter\n:INPUT DROP [0:0]\nCOMMIT"
            }
        ),
        "firewall",
        "warn",
        "iptables drops",
    ),
    (
        node(sockets=(Socket("*", 19443, (Owner("java", 7),)),)),
        "ports",
        "fail",
        "port 19443 is taken by java (pid 7)",
    ),
    (
        node(images={"haproxy:3.2.21": "i"}, architectures={"haproxy:3.2.21": "arm64"}),
        "image",
        "fail",
        "haproxy:3.2.21 on the node is for arm64, but the node is amd64",
    ),
]


@pytest.mark.parametrize(("bend", "check", "verdict", "message"), CASES)
def test_a_node_that_fails_a_check_is_found(
    bend: Callable[[ObservedNode], ObservedNode], check: str, verdict: str, message: str
) -> None:
    found = wrong(bend(fit()))
    assert found
    assert {(c, v) for c, v, _ in found} == {(check, verdict)}
    assert message in found[0][2]


FINE: list[Any] = [
    tracking("52428", "65536"),
    # No limit.
    tracking("52429", "0"),
    tracking("9" * 5000, "65536"),
    tracking("", "65536"),
    host(nofile=Nofile(1048576, 4096, True)),
    host(nofile=None),
    host(selinux=True),
    host(thorough=False, docker={}, free={}, neighbours={}, resolution=None),
    host(haproxies={7: "f" * 64}),
    host(docker=ENFORCING, selinux=True, label="system_u:object_r:container_file_t:s0"),
    host(units={"docker": "active", "docker.boot": "enabled", "keepalived.boot": "disabled"}),
    node(skew=4.9),
    node(addresses=(*fit().addresses, Address("eth0", builders.VIP, 32))),
    node(
        machine="aarch64", images={"haproxy:3.2.21": "i"}, architectures={"haproxy:3.2.21": "arm64"}
    ),
    # The rules of the other family are not read.
    host(
        iptables={
            "ip6tables": "# Generated by ip6tables-save v1\n*filter\n:INPUT DROP [0:0]\nCOMMIT"
        }
    ),
]


@pytest.mark.parametrize("bend", FINE)
def test_a_good_node_passes(bend: Callable[[ObservedNode], ObservedNode]) -> None:
    assert wrong(bend(fit())) == []


def test_a_stranger_with_the_vip_fails_once_all_nodes_were_asked() -> None:
    observed = {name: fit(name) for name in ("n1", "n2", "n3")}
    observed["n2"] = host(neighbours={builders.VIP: "02:aa:aa:aa:aa:aa"})(observed["n2"])
    found = [f for f in evaluate(CheckContext(builders.cluster(), observed)) if f.verdict != "pass"]
    assert [(f.check, f.node, f.verdict) for f in found] == [("vip-free", "n2", "fail")]
    assert "02:aa:aa:aa:aa:aa" in found[0].message


@pytest.mark.parametrize(
    "bend",
    [
        # Another node of the cluster has it, or had it a moment ago.
        node(addresses=(*fit("n1").addresses, Address("eth0", builders.VIP, 32))),
        host(links={"eth0": Link(UP, "02:aa:aa:aa:aa:aa")}),
    ],
)
def test_a_node_of_the_cluster_with_the_vip_is_no_stranger(
    bend: Callable[[ObservedNode], ObservedNode],
) -> None:
    asked = host(neighbours={builders.VIP: "02:aa:aa:aa:aa:aa"})(fit("n2"))
    observed = {"n1": bend(fit("n1")), "n2": asked, "n3": fit("n3")}
    found = evaluate(CheckContext(builders.cluster(), observed))
    assert {f.verdict for f in found} == {"pass"}


HEARD: list[tuple[tuple[str, ...] | None, str, int, str | None]] = [
    (None, "multicast", 3, None),
    ((), "multicast", 3, "pass"),
    (("198.51.100.77",), "multicast", 3, "fail"),
    (("198.51.100.77",), "unicast", 3, "warn"),
    (("198.51.100.13",), "multicast", 3, None),
    (("",), "multicast", 3, "fail"),
    # It may be the node that was not asked.
    (("",), "multicast", 2, None),
    (("198.51.100.77",), "multicast", 2, "fail"),
]


@pytest.mark.parametrize(("heard", "mode", "asked", "verdict"), HEARD)
def test_who_else_uses_our_virtual_router_id(
    heard: tuple[str, ...] | None, mode: str, asked: int, verdict: str | None
) -> None:
    observed = {f"n{i}": fit(f"n{i}") for i in range(1, asked + 1)}
    observed["n1"] = host(advert_sources=heard)(observed["n1"])
    found = evaluate(CheckContext(builders.cluster(vrrp={"mode": mode}), observed))
    reported = [f.verdict for f in found if f.check == "virtual-router-id" and f.node == "n1"]
    assert reported == ([verdict] if verdict else [])


def test_an_unnamed_speaker_may_be_a_keepalived_of_our_nodes() -> None:
    observed = {f"n{i}": fit(f"n{i}") for i in (1, 2, 3)}
    observed["n1"] = host(advert_sources=("",))(observed["n1"])
    observed["n3"] = node(keepaliveds={7: "f" * 64})(observed["n3"])
    found = evaluate(CheckContext(builders.cluster(), observed))
    assert {f.verdict for f in found} == {"pass"}


@pytest.mark.parametrize(("number", "verdict"), [(53, None), (77, "warn")])
def test_an_unnamed_speaker_of_a_new_virtual_router_id_is_foreign(
    number: int, verdict: str | None
) -> None:
    observed: dict[str, ObservedNode] = {**builders.healthy(builders.cluster())}
    observed["n1"] = host(advert_sources=("",))(observed["n1"])
    cluster = builders.cluster(vrrp={"virtual_router_id": number})
    found = evaluate(CheckContext(cluster, observed))
    reported = [f.verdict for f in found if f.check == "virtual-router-id"]
    assert reported == ([verdict] if verdict else [])


VIPS = [
    ("198.51.100.100", ""),
    ("198.51.101.100", "is in no subnet of eth0, which has 198.51.100.0/24"),
    ("198.51.100.0", "is the network address of 198.51.100.0/24"),
    ("198.51.100.255", "is the broadcast address of 198.51.100.0/24"),
    ("2001:db8::100", "is in no subnet of eth0, which has no IPv6 subnet"),
]


@pytest.mark.parametrize(("vip", "why"), VIPS)
def test_a_misplaced_vip_is_not_to_be_asked(vip: str, why: str) -> None:
    cluster = builders.cluster().model_copy(
        update={"vip": type(builders.cluster(vip=builders.VIP).vip)([_interface(vip)])}
    )
    found = unsafe_to_probe(cluster, {"n2": fit()})
    assert found == ({vip: f"{vip} {why}"} if why else {})
    assert unsafe_to_probe(cluster, {}) == {}


def _interface(text: str) -> Any:
    import ipaddress  # noqa: PLC0415

    return ipaddress.ip_interface(text)


def test_a_vip_that_is_already_there_does_not_make_its_own_subnet() -> None:
    look = node(addresses=(*fit().addresses, Address("eth0", "198.51.101.100", 24)))(fit())
    found = wrong(look, vip="198.51.101.100")
    assert [(c, v) for c, v, _ in found] == [("vip-subnet", "fail"), ("vip-free", "fail")]


A = Path("h.tar")
ARCHIVES = [
    (Archive(A, size=10**6, images={"haproxy:3.2.21": "amd64"}), ""),
    (Archive(A, size=10**6, images={"haproxy:3.2.21": ""}), ""),
    (
        Archive(A, size=10**6, images={"haproxy:3.2.21": "arm64"}),
        "is for arm64, but the node is amd64",
    ),
    (
        Archive(A, images={"haproxy:3": "amd64"}),
        "h.tar does not contain haproxy:3.2.21, but haproxy:3",
    ),
    (Archive(A, missing=True), "h.tar: no such file"),
    (Archive(A, problem="it is not an archive of `docker save`"), "h.tar: it is not an archive"),
]


@pytest.mark.parametrize(("archive", "message"), ARCHIVES)
def test_an_archive_must_hold_the_image_for_the_node(archive: Archive, message: str) -> None:
    images = {"haproxy": {"archive": "h.tar"}}
    found = wrong(fit(), {"haproxy": archive}, images=images)
    assert bool(found) == bool(message)
    assert all(c == "image" and v == "fail" and message in m for c, v, m in found)


def test_an_archive_that_needs_more_room_than_there_is_fails() -> None:
    archive = Archive(A, size=10**9, images={"haproxy:3.2.21": "amd64"})
    found = wrong(
        host(free={"docker": 10**9})(fit()),
        {"haproxy": archive},
        images={"haproxy": {"archive": "h.tar"}},
    )
    assert [(c, v) for c, v, _ in found] == [("disk-space", "fail")]


def connect(stage: Any) -> HadeployError:
    return HadeployError("no", stage=stage, node="n1", operation="connecting to a@b:22", hint="h")


DOORS = [
    (connect("ssh-reach"), [("ssh-reach", "fail")]),
    (connect("ssh-host-key"), [("ssh-reach", "pass"), ("ssh-host-key", "fail")]),
    (
        connect("ssh-login"),
        [("ssh-reach", "pass"), ("ssh-host-key", "pass"), ("ssh-login", "fail")],
    ),
    (
        HadeployError("sudo requires a password", node="n1", operation="observing", stage="sudo"),
        [("ssh-reach", "pass"), ("ssh-host-key", "pass"), ("ssh-login", "pass"), ("sudo", "fail")],
    ),
    (
        HadeployError("no sign of life", node="n1", code=ExitCode.FAILED),
        [("ssh-reach", "pass"), ("ssh-host-key", "pass"), ("ssh-login", "pass"), ("tools", "fail")],
    ),
]


@pytest.mark.parametrize(("error", "expected"), DOORS)
def test_how_far_a_node_let_us_in(error: HadeployError, expected: list[tuple[str, str]]) -> None:
    entries = " (ssh config: Host b, *)"
    found = refused(error, f"a@b:22{entries}")
    assert [(f.check, f.verdict) for f in found] == expected
    assert {f.node for f in found} == {"n1"}
    # Where SSH itself fails, the entry that was used may be why.
    failed = found[-1]
    assert failed.message.endswith(entries) == failed.check.startswith("ssh-")


@pytest.mark.parametrize(
    ("reserved", "fix"),
    [
        ("", "ip_local_reserved_ports=9443,19443,"),
        ("9000-9443", "ip_local_reserved_ports=9000-9443,19443,"),
        ("8080,9000-9500,19443", None),
        ("forged \x1b[31m 9443", "ip_local_reserved_ports=9443,19443,"),
    ],
)
def test_ports_that_are_reserved_already_stay_reserved(reserved: str, fix: str | None) -> None:
    names = ("net/ipv4/ip_local_port_range", "net/ipv4/ip_local_reserved_ports")
    facts = dict(zip(names, ("1024 65535", reserved), strict=True))
    look = host(facts=facts)(fit())
    found = evaluate(CheckContext(builders.cluster(), {look.node: look}))
    (finding,) = [f for f in found if f.check == "ephemeral-ports"]
    assert fix in finding.fix if fix and finding.fix else finding.verdict == "pass"


def test_an_invalid_port_range_is_not_judged() -> None:
    look = host(facts={"net/ipv4/ip_local_port_range": "9" * 5000})(fit())
    found = evaluate(CheckContext(builders.cluster(), {look.node: look}))
    assert not [f for f in found if f.check == "ephemeral-ports"]


def test_a_former_node_that_one_record_alone_names() -> None:
    cluster = builders.cluster()
    members = tuple(str(node.address) for node in cluster.nodes)
    record = Applied((), "eth0", "x", "", "0.1", {}, members=members)
    observed = {n: dataclasses.replace(fit(n), applied=record) for n in ("n1", "n2", "n3")}
    forged = dataclasses.replace(record, members=(*members, "198.51.100.99"))
    observed["n3"] = dataclasses.replace(observed["n3"], applied=forged)
    (found,) = [f for f in evaluate(CheckContext(cluster, observed)) if f.check == "former-nodes"]
    assert "was a node of this cluster, by the record of n3 alone, and is not" in found.message
    assert "remove /etc/hadeploy/c/applied.json on n3" in (found.fix or "")
    everywhere = {n: dataclasses.replace(look, applied=forged) for n, look in observed.items()}
    (found,) = [f for f in evaluate(CheckContext(cluster, everywhere)) if f.check == "former-nodes"]
    assert "198.51.100.99 was a node of this cluster and is not in the inventory" in found.message
