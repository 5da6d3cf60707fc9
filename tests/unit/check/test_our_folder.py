"""The folder of the cluster is its own, and stays where it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.check.finding import CheckContext
from hadeploy.check.our_folder import our_folder
from hadeploy.observe.host import Host
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.other_clusters import OtherCluster
from tests.unit import builders

CLUSTER = builders.cluster()


def reported(look: ObservedNode) -> tuple[str, str]:
    (finding,) = our_folder(CheckContext(CLUSTER, {"n1": look}), CLUSTER.nodes[0], look)
    return finding.verdict, finding.message


def look(**changes: Any) -> ObservedNode:
    return dataclasses.replace(builders.healthy(CLUSTER)["n1"], **changes)


def mounted(source: str, **changes: Any) -> ObservedNode:
    """A node whose haproxy has its files from there."""
    there = look()
    containers = tuple(
        dataclasses.replace(
            c,
            raw={
                **c.raw,
                "Mounts": [
                    {"Destination": "/usr/local/etc/haproxy", "Source": f"{source}/haproxy"}
                ],
            },
        )
        for c in there.containers
        if c.role == "haproxy"
    )
    return dataclasses.replace(there, containers=containers, **changes)


def test_a_cluster_whose_files_are_elsewhere_is_not_moved() -> None:
    moved = (
        "fail",
        "this cluster's files are in /srv/a/c; hadeploy does not move them to /etc/hadeploy/c",
    )
    assert reported(mounted("/srv/a/c", applied=None)) == moved
    assert reported(mounted("/srv/a/c", detached=frozenset({"haproxy"}))) == moved
    # The same folder, by a link.
    assert reported(mounted("/srv/a/c"))[0] == "pass"
    assert reported(mounted("/etc/hadeploy/c", applied=None))[0] == "pass"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("blocked", "/x is not a directory, so /etc/hadeploy/c cannot be created"),
        ("inside", "/etc/hadeploy/c is inside /x, the directory of another cluster"),
        (
            "foreign",
            "/etc/hadeploy/c is used otherwise: hadeploy did not write /x",
        ),
    ],
)
def test_a_folder_that_cannot_be_ours_is_refused(kind: str, message: str) -> None:
    assert reported(look(host=Host(folder={kind: "/x"}))) == ("fail", message)


def test_records_of_other_places() -> None:
    inner = OtherCluster("inner", root="/etc/hadeploy/c/inner")
    assert reported(look(other_clusters=(inner,))) == (
        "fail",
        "/etc/hadeploy/c contains the directory of the hadeploy cluster inner",
    )
    older = OtherCluster(CLUSTER.name, root="/srv/old/c")
    assert reported(look(other_clusters=(older,))) == (
        "warn",
        "this cluster has another, unused directory on this node: /srv/old/c",
    )
