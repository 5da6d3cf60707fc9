"""`down` removes all of hadeploy and nothing of other software."""

from __future__ import annotations

import pytest

from tests.lab.faults_document import record_between
from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually


def test_down_leaves_no_container_no_file_no_address(served: Cluster) -> None:
    document = served.ok("down", "--yes", "--json").document
    assert document["changes"] > 0
    for node in served.lab.nodes:
        assert served.node(node, "docker ps --all --quiet") == ""
        assert served.node(node, "ls -d /etc/hadeploy 2>/dev/null", check=False) == ""
    assert served.holders() == []
    again = served.ok("down", "--yes", "--json").document
    assert again["changes"] == 0


def test_down_does_not_run_unasked(served: Cluster) -> None:
    before = served.snapshot()
    result = served.run("down")
    assert result.code == 2
    assert "--yes" in result.err
    assert served.snapshot() == before


def test_down_asks_on_a_terminal_and_no_means_no(served: Cluster) -> None:
    before = served.snapshot()
    code, shown = served.typed("n\n", "down")
    assert code == 130
    assert "Remove cluster kube-lb? [y/N]" in shown
    assert served.snapshot() == before
    code, shown = served.typed("y\n", "down")
    assert code == 0
    assert "Nothing of hadeploy is left on the nodes." in shown
    assert served.holders() == []


def test_foreign_things_are_left_alone(served: Cluster) -> None:
    served.node(
        "n2",
        "docker run --detach --name stranger --network host --entrypoint sleep haproxy:2.6.12 600",
    )
    served.node("n2", f"echo mine >{ROOT}/haproxy/notes.txt")
    try:
        removed = served.ok("down", "--yes")
        assert f"warning: n2: not removed from {ROOT}: haproxy/notes.txt" in removed.err
        assert served.node("n2", "docker ps --format '{{.Names}}'") == "stranger"
        assert served.node("n2", f"cat {ROOT}/haproxy/notes.txt") == "mine"
    finally:
        served.node("n2", f"docker rm --force stranger; rm -rf {ROOT}")


def test_an_orphaned_vip_is_removed(served: Cluster) -> None:
    (holder,) = served.holders()
    served.node(holder, f"docker kill {KEEPALIVED}")
    eventually(lambda: len(served.holders()) == 2, "a second node has taken the VIP")
    served.ok("down", "--yes")
    assert served.holders() == []


def test_an_address_that_no_record_names_is_kept_and_reported(fresh: Cluster) -> None:
    fresh.node("n2", f"ip address add {fresh.lab.vip}/32 dev eth0")
    try:
        result = fresh.run("down", "--yes", "--json")
        assert result.code == 4
        assert [e["node"] for e in result.document["errors"]] == ["n2"]
        assert fresh.holders() == ["n2"]
    finally:
        fresh.node("n2", f"ip address del {fresh.lab.vip}/32 dev eth0")


def test_a_half_removed_cluster_is_removed_wholly(served: Cluster) -> None:
    served.node("n1", f"docker stop {KEEPALIVED} && docker rm {KEEPALIVED}")
    served.node("n3", f"docker stop --time 2 {HAPROXY}; rm {ROOT}/applied.json")
    served.ok("down", "--yes")
    assert served.run("down", "--yes", "--json").document["changes"] == 0


def test_a_node_that_only_the_records_name_is_not_lost(served: Cluster) -> None:
    before = served.snapshot()
    served.inventory["nodes"] = [n for n in served.inventory["nodes"] if n["name"] != "n3"]
    refused = served.run("down", "--yes")
    assert refused.code == 3
    assert "hadeploy up --prune" in refused.err
    assert f"{served.lab.address('n3')} was a node of this cluster" in refused.err
    assert served.snapshot() == before


@pytest.mark.exhaustive
def test_a_node_that_is_down_can_be_left_out(served: Cluster) -> None:
    (holder,) = served.holders()
    away = next(node for node in served.lab.nodes if node != holder)
    served.lab.stop_node(away)
    refused = served.run("down", "--yes")
    assert refused.code == 3
    assert f"hadeploy down --allow-degraded {away}" in refused.err
    # It is no way round to leave it out of the inventory: the records name it.
    nodes = list(served.inventory["nodes"])
    served.inventory["nodes"] = [node for node in nodes if node["name"] != away]
    address = served.lab.address(away)
    refused = served.run("down", "--yes")
    assert refused.code == 3
    saw = f"{address} was a node of this cluster"
    assert saw in refused.err
    record_between("a node is dead and left out", "backup", "down", 3, saw, None, "`down --forget`")
    assert served.request()
    result = served.ok("down", "--yes", "--forget", address)
    assert f"{address} is not removed" in " ".join(result.err.split())
    assert not served.request()
    # Back on the network it has the VIP; one command takes it into account.
    served.lab.start_node(away)
    eventually(lambda: served.holders() == [away], "it takes the VIP", 60)
    assert "--prune --former" in served.run("up").err
    served.ok("up", "--yes", "--prune", "--former", address)
    assert away not in served.holders()
    served.inventory["nodes"] = nodes


def test_not_every_node_can_be_left_out(served: Cluster) -> None:
    out = [word for node in served.lab.nodes for word in ("--allow-degraded", node)]
    refused = served.run("down", "--yes", *out)
    assert refused.code == 2
    assert "--allow-degraded leaves out every node" in refused.err


@pytest.mark.exhaustive
def test_a_node_that_is_left_out_is_reported(served: Cluster) -> None:
    away = "n3"
    served.lab.stop_node(away)
    result = served.ok("down", "--yes", "--allow-degraded", away)
    assert f"{away} is not removed" in " ".join(result.err.split())
    assert "Nothing of hadeploy is left on the other nodes." in result.out
