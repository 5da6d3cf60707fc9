"""The VIP is on one machine of the segment, not only on one node of the inventory."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.faults_document import record_between
from tests.lab.harness import KEEPALIVED, Cluster, Result, eventually
from tests.lab.test_members import without
from tests.lab.traffic import probing


def reported(result: Result) -> str:
    """Everything that a command printed, in one line."""
    return " ".join(f"{result.out} {result.err}".split())


@pytest.mark.parametrize(
    "gone", ["n3", pytest.param("n1", marks=pytest.mark.exhaustive)], ids=["lowest", "preferred"]
)
def test_a_forgotten_node_that_returns_is_seen_by_every_command(served: Cluster, gone: str) -> None:
    address = served.lab.address(gone)
    served.lab.link(gone, up=False)
    without(served, gone)
    warning = (
        f"{address} is forgotten, not stopped: when it is back on the network, it takes part again"
    )
    assert warning in reported(served.ok("up", "--forget", address))
    still = served.ok("status")
    assert "is healthy" in still.out
    assert f"{address} was forgotten but not stopped" in reported(still)
    assert served.up()["changes"] == 0

    with probing(served) as probe:
        (holder,) = served.holders()
        served.lab.link(gone, up=True)
        # It receives the adverts of the holder, of which it is still a peer.
        eventually(lambda: state_of(served, gone) == "BACKUP", "it takes part again")
        assert served.holders() == [holder]
        saw = f"the forgotten node {address} is back on the network"
        for command in ("verify", "status", "check", "plan"):
            result = served.ok(command)
            assert saw in reported(result)
            assert "hadeploy up --prune" in reported(result)
        assert served.up()["changes"] == 0
        served.ok("up", "--prune")
    assert probe.failed == []
    assert served.node(gone, "docker ps --all --quiet; ls /etc/hadeploy", check=False) == ""
    assert len(served.holders()) == 1
    assert "forgotten" not in served.ok("status").out
    conf = served.node(served.holders()[0], "cat /etc/hadeploy/kube-lb/keepalived/keepalived.conf")
    assert address not in conf
    which = "holder" if gone == "n1" else "backup"
    record_between("a forgotten node returns", which, "up", 0, saw, probe, "`up --prune`")


@contextmanager
def unplugged(cluster: Cluster, node: str) -> Iterator[None]:
    """The node's cable ends nowhere; its link stays up, so its keepalived becomes MASTER."""
    addressing = cluster.lab.addressing
    link = ("ip", "link", "set", addressing.scope(node))
    subprocess.run([*link, "nomaster"], check=True)
    try:
        yield
    finally:
        subprocess.run([*link, "master", addressing.bridge], check=True)


def test_the_hint_for_a_forgotten_node_removes_its_vip(served: Cluster) -> None:
    address = served.lab.address("n3")
    with unplugged(served, "n3"):
        eventually(lambda: "n3" in served.holders(), "it is MASTER")
        without(served, "n3")
        results = [
            served.ok(*command)
            for command in (("up", "--forget", address), ("status",), ("verify",))
        ]
        pattern = r"before it is connected, run there: `(.*?)`;"
        advised = [set(re.findall(pattern, reported(result))) for result in results]
        (line,) = advised[0]
        assert advised == [{line}] * len(results)
        served.node("n3", line)
        assert "n3" not in served.holders()
        served.lab.restart_docker("n3")
        assert served.node("n3", "docker ps --all --quiet") == ""
    assert len(served.holders()) == 1
    served.ok("up", "--prune")


@pytest.mark.exhaustive
def test_a_forgotten_node_that_is_no_peer_takes_the_vip_and_is_named(
    served: Cluster,
) -> None:
    address = served.lab.address("n3")
    served.lab.link("n3", up=False)
    without(served, "n3")
    served.ok("up", "--forget", address)
    for node in ("n1", "n2"):
        # As if the adverts were lost on the way.
        served.node(node, f"iptables -I OUTPUT -d {address} -p vrrp -j DROP")
    try:
        served.lab.link("n3", up=True)
        eventually(lambda: "n3" in served.holders(), "it has the VIP again")
        noticed(served, address)
        served.ok("up", "--prune")
    finally:
        for node in ("n1", "n2"):
            served.node(node, f"iptables -D OUTPUT -d {address} -p vrrp -j DROP")
    assert len(served.holders()) == 1


@pytest.mark.exhaustive
def test_a_forgotten_node_that_is_back_with_a_former_vip_is_removed(fresh: Cluster) -> None:
    address, subnet = fresh.lab.address("n3"), fresh.lab.vip.rpartition(".")[0]
    former, new = f"{subnet}.101", f"{subnet}.102"
    fresh.inventory["vip"] = [fresh.lab.vip, former]
    fresh.up()
    fresh.lab.link("n3", up=False)
    without(fresh, "n3")
    fresh.ok("up", "--forget", address)
    fresh.inventory["vip"] = [fresh.lab.vip, new]
    changed = reported(fresh.ok("up", "--yes"))
    assert f"{address} was forgotten but not stopped, and keeps the old VIP list" in changed
    fresh.lab.link("n3", up=True)
    eventually(lambda: "n3" in fresh.holders(former), "it has the VIP that it had before")
    fresh.ok("up", "--yes", "--prune")
    assert fresh.holders(former) == []
    assert len(fresh.holders()) == 1
    assert fresh.node("n3", "docker ps --all --quiet; ls /etc/hadeploy", check=False) == ""
    assert fresh.up()["changes"] == 0


def noticed(served: Cluster, address: str) -> None:
    """Every command reports the forgotten node that has the VIP, with a hint."""
    back = f"the forgotten node {address}"
    status = served.run("status")
    assert (status.code, "is healthy" in status.out) == (4, False)
    verify = served.run("verify", "--timeout", "0", "--json")
    assert verify.code == 4
    assert {(None, "vip-held-once"), (None, "vrrp-members")} <= set(verify.failures())
    assert verify.document["diagnosis"][0]["cause"] == "forgotten-node-back"
    others = [served.run("check"), served.run("plan"), served.run("up")]
    assert [result.code for result in others] == [3, 3, 3]
    for result in [status, verify, *others]:
        assert back in reported(result)
        assert "hadeploy up --prune" in reported(result)
    assert f"{served.lab.vip} is in use by {back}" in reported(others[-1])


def state_of(cluster: Cluster, node: str) -> str:
    """The state that the keepalived of a node has entered last."""
    log = cluster.node(
        node, f"docker logs {KEEPALIVED} 2>&1 | grep -o 'Entering [A-Z]*' | tail -n 1"
    )
    return log.rpartition(" ")[2]


def test_a_node_that_answers_is_not_forgotten(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    address = served.lab.address(other)
    without(served, other)
    refused = served.run("up", "--forget", address)
    assert refused.code == 3
    assert f"{address} cannot be forgotten: it answers on the network" in reported(refused)


def test_a_node_that_holds_the_vip_is_not_forgotten(served: Cluster) -> None:
    (holder,) = served.holders()
    address = served.lab.address(holder)
    without(served, holder)
    before = served.snapshot()
    refused = served.run("up", "--forget", address)
    assert refused.code == 3
    assert f"{address} cannot be forgotten" in refused.err
    assert served.snapshot() == before


@pytest.mark.exhaustive
def test_a_vip_that_keepalived_would_never_remove_is_named_with_what_removes_it(
    fresh: Cluster,
) -> None:
    vip = fresh.lab.vip
    fresh.node("n2", f"ip address add {vip}/32 dev lo")
    try:
        check = fresh.run("check", "--json")
        found = [c for c in check.document["checks"] if c["verdict"] == "fail"]
        assert [(c["id"], c["node"]) for c in found] == [("vip-free", "n2")]
        assert fresh.run("up").code == 3
        fresh.node("n2", advice(found[0]["fix"]))
        fresh.up()

        fresh.node("n3", f"ip address add {vip}/24 dev eth0")
        verify = fresh.run("verify", "--timeout", "0", "--json")
        assert (None, "vip-held-once") in verify.failures()
        (diagnosis,) = verify.document["diagnosis"]
        assert (diagnosis["cause"], diagnosis["nodes"]) == ("misplaced-vip", ["n3"])
        # Whether the third node gets an answer depends on whose ARP reply it believes.
        assert fresh.run("status").code in (4, 7)
        begun = time.monotonic()
        # It would wait for a minute for what waiting mends.
        assert fresh.run("verify").code == 4
        assert time.monotonic() - begun < 30
        fresh.node("n3", advice(diagnosis["fix"]))
        fresh.ok("verify")
    finally:
        for node, place in (("n2", "32 dev lo"), ("n3", "24 dev eth0")):
            fresh.node(node, f"ip address del {vip}/{place}", check=False)


def advice(fix: str) -> str:
    """The command in a sentence of advice."""
    command = re.search(r"on the node: (.*?); also remove it", fix)
    assert command, fix
    return command[1]


@pytest.mark.parametrize("which", ["holder", pytest.param("backup", marks=pytest.mark.exhaustive)])
def test_a_node_that_does_not_answer_arp(served: Cluster, which: str) -> None:
    (holder,) = served.holders()
    backups = [node for node in served.lab.nodes if node != holder]
    ignore = "net.ipv4.conf.eth0.arp_ignore"
    mute = [holder] if which == "holder" else backups
    for node in mute:
        served.node(node, f"sysctl -qw {ignore}=8")
    try:
        if which == "holder":
            result = served.run("verify", "--timeout", "0")
            assert result.code == 4
            assert f"{holder}, which has {served.lab.vip}, does not answer ARP" in reported(result)
            assert served.run("status").code == 4
        else:
            result = served.run("drain", holder)
            assert result.code != 0
            assert "would take over the VIP but does not answer ARP" in reported(result)
            assert served.holders() == [holder]
    finally:
        for node in mute:
            served.node(node, f"sysctl -qw {ignore}=0")
    served.ok("verify")
