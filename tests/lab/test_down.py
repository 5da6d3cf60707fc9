"""`down` leaves nothing of ours, and everything of others."""

from __future__ import annotations

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
    assert "Nothing of ours is left on the nodes." in shown
    assert served.holders() == []


def test_foreign_things_are_left_alone(served: Cluster) -> None:
    served.node(
        "n2",
        "docker run --detach --name stranger --network host --entrypoint sleep haproxy:2.6.12 600",
    )
    served.node("n2", f"echo mine >{ROOT}/haproxy/notes.txt")
    try:
        served.ok("down", "--yes")
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


def test_an_address_that_no_record_of_ours_names_is_kept_and_told(fresh: Cluster) -> None:
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
