"""A plan that cannot work is refused before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.harness import HAPROXY, Cluster

OWN = "listen own\n    bind {bind}\n    server a 127.0.0.1:6443"


def refused(cluster: Cluster) -> list[str]:
    """What `plan` and `up` say; neither changes anything."""
    before = cluster.snapshot()
    planned, applied = cluster.run("plan", "--json"), cluster.run("up", "--json", "--yes")
    assert cluster.snapshot() == before
    assert planned.document["errors"] == applied.document["errors"]
    assert planned.code in (2, 3)
    return sorted({error["message"] for error in planned.document["errors"]})


@pytest.mark.parametrize(
    ("bind", "reported"),
    [
        ("*:22", "port 22 is taken by sshd"),
        ("*:20-30", "port 22 is taken by sshd"),
        ("127.0.0.1:6443,:22", "port 22 is taken by sshd"),
        ("{vip}:7800", "on a node that does not hold the VIP"),
        ("192.0.2.7:7800", "the node does not have the address 192.0.2.7"),
    ],
)
def test_a_port_of_a_template_that_cannot_be_bound_is_refused(
    served: Cluster, bind: str, reported: str
) -> None:
    line = bind.format(vip=served.lab.vip)
    served.inventory["templates"] = {"extra": {"defaults": OWN.format(bind=line)}}
    found = refused(served)
    assert any(reported in what and f"`bind {line}`" in what for what in found), found


@pytest.mark.exhaustive
def test_a_template_may_bind_a_privileged_port(served: Cluster) -> None:
    before = dict(served.inventory)
    served.inventory["templates"] = {"extra": {"defaults": OWN.format(bind="*:81")}}
    served.up()
    assert "LISTEN" in served.node("n2", "ss -Hltn 'sport = :81'")
    assert served.up()["changes"] == 0
    served.inventory = before
    served.up()


@contextmanager
def prepared(cluster: Cluster, script: str) -> Iterator[None]:
    """Something on n2, which is removed afterwards."""
    cluster.node("n2", script)
    try:
        yield
    finally:
        cluster.node("n2", "rm -rf /srv/odd")


@pytest.mark.exhaustive
def test_a_cluster_is_not_moved_to_another_folder(served: Cluster) -> None:
    served.inventory["paths"] = {"root": "/srv/odd"}
    assert refused(served) == [
        "this cluster's files are in /etc/hadeploy/kube-lb; hadeploy does not move them to "
        "/srv/odd/kube-lb"
    ]
    for command in (["status"], ["verify"], ["down", "--yes"], ["drain", "n2"]):
        result = served.run(*command)
        assert (result.code, "set `paths.root: /etc/hadeploy` again" in result.err) == (3, True)
    # By a link it is the same folder.
    for node in served.lab.nodes:
        served.node(node, "ln -s ../etc/hadeploy /srv/odd")
    try:
        assert served.up()["changes"] > 0
        assert served.up()["changes"] == 0
        assert "another" not in str(served.ok("check", "--json").document["checks"])
        del served.inventory["paths"]
        served.up()
    finally:
        for node in served.lab.nodes:
            served.node(node, "rm /srv/odd")


@pytest.mark.parametrize(
    ("script", "root", "reported"),
    [
        ("touch /srv/odd", "/srv/odd", "/srv/odd is not a directory"),
        ("touch /srv/odd", "/srv/odd/deeper", "/srv/odd is not a directory"),
        ("ln -s nowhere /srv/odd", "/srv/odd", "/srv/odd is not a directory"),
        (
            "mkdir -p /srv/odd/a; cp -r /etc/hadeploy/kube-lb/applied.json /srv/odd/a",
            "/srv/odd/a/b",
            "is inside /srv/odd/a, the directory of another cluster",
        ),
        (
            "mkdir -p /srv/odd/second; touch /srv/odd/second/haproxy.conf",
            "/srv/odd",
            "hadeploy did not write /srv/odd/second/haproxy.conf",
        ),
    ],
)
def test_a_folder_that_cannot_be_the_clusters_is_refused(
    served: Cluster, script: str, root: str, reported: str
) -> None:
    served.inventory |= {
        "name": "second",
        "vip": served.lab.vip.rpartition(".")[0] + ".101",
        "vrrp": {"virtual_router_id": 99},
        "haproxy": {"health_port": 19500},
        "listeners": [{"port": 9500}],
        "paths": {"root": root},
    }
    with prepared(served, script):
        found = refused(served)
    assert len(found) == 1
    assert reported in found[0]


def planned(cluster: Cluster, node: str) -> set[tuple[str, str]]:
    """The steps of one node: what is done, and with what."""
    turns = cluster.ok("plan", "--json").document["plan"]
    return {
        (s["action"], s["subject"]) for turn in turns if turn["node"] == node for s in turn["steps"]
    }


def test_a_tag_that_means_another_image_or_none_is_seen(served: Cluster) -> None:
    haproxy = served.inventory["images"]["haproxy"]["reference"]
    served.node("n2", f"docker tag {haproxy} former:1 && docker commit {HAPROXY} {haproxy}")
    try:
        assert ("recreate-container", HAPROXY) in planned(served, "n2")
        served.node("n2", f"docker rmi {haproxy}")
        assert ("load-image", haproxy) in planned(served, "n2")
    finally:
        served.node("n2", f"docker tag former:1 {haproxy} && docker rmi former:1")
    assert planned(served, "n2") == set()
