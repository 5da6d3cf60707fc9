"""`hadeploy drill` that is interrupted, or killed: what was broken is mended all the same."""

from __future__ import annotations

import pytest

from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster, eventually


@pytest.mark.parametrize("kind", ["interrupt", "terminate"])
def test_a_drill_that_is_interrupted_is_mended_first(served: Cluster, kind: str) -> None:
    result = served.accident(kind, "haproxy-stop: failure caused", "drill", "--yes")
    assert result.code == 130
    assert "interrupted: repairing the failure first" in result.err
    served.ok("verify")
    assert no_traces(served)


def test_a_drill_that_is_interrupted_before_it_breaks_something_breaks_nothing(
    served: Cluster,
) -> None:
    before = served.snapshot()
    result = served.accident("interrupt", "Drill: haproxy-stop", "drill", "--yes")
    assert result.code == 130
    assert "causing the failure" not in result.err
    assert served.snapshot() == before
    assert no_traces(served)


def test_a_drill_that_is_interrupted_as_it_begins_does_not_wait_for_its_end(
    served: Cluster,
) -> None:
    (holder,) = served.holders()
    # Longer than it takes to write the word to mend.
    with served.instead_of(holder, "sha256sum", '""', "sleep 1"):
        moment = "waiting for the VIP to move"
        result = served.accident("interrupt", moment, "drill", "--yes", "--hold", "60")
    assert result.code == 130
    # Seconds in which it was broken: a node that mends itself takes more than the 60.
    form = "{{.State.StartedAt}} {{.State.FinishedAt}}"
    script = f"docker inspect --format '{form}' {HAPROXY} | xargs -n 1 date +%s -d"
    started, finished = map(int, served.node(holder, script).split())
    assert 0 <= started - finished < 60
    served.ok("verify")
    assert no_traces(served)


@pytest.mark.exhaustive
def test_a_node_mends_itself_when_the_drill_is_killed(served: Cluster) -> None:
    (holder,) = served.holders()
    killed = served.accident(
        "kill", "haproxy-hang: failure caused", "drill", "haproxy-hang", "--yes"
    )
    assert killed.code == -9
    eventually(lambda: served.holders() not in ([holder], []), "another node has the VIP")
    eventually(lambda: frozen(served, holder) == "", "haproxy goes on", seconds=60)
    served.ok("verify")
    eventually(lambda: no_traces(served), "nothing is left of the drill")


def test_a_node_that_is_cut_off_comes_back_when_the_drill_is_killed(served: Cluster) -> None:
    (holder,) = served.holders()
    command = ("drill", "link-down", "--yes", "--allow-link-down", "--hold", "10")
    # What the node says later does not get out before it has its link again.
    killed = served.accident("kill", "link-down: causing the failure", *command)
    assert killed.code == -9

    def linked() -> bool:
        return "LOWER_UP" in served.node(holder, "ip link show eth0")

    eventually(lambda: not linked(), "it is cut off")
    eventually(linked, "it has its link again")
    eventually(lambda: served.run("verify").code == 0, "all is well", seconds=60)
    eventually(lambda: no_traces(served), "nothing is left of the drill")


def frozen(cluster: Cluster, node: str) -> str:
    """The processes of a node's haproxy that are stopped."""
    return cluster.node(node, f"docker container top {HAPROXY} -o pid,stat | awk '$2 ~ /^T/'")


def no_traces(cluster: Cluster) -> bool:
    """Whether nothing of a drill is left on any node, no process either."""
    script = f"""
        ls /run/hadeploy | grep -v lock
        pgrep -af 'docker [e]vents|docker [l]ogs|ip -[t]s' || true
        docker inspect --format '{{{{.State.Status}}}}' {HAPROXY} {KEEPALIVED} | grep -v running
        true"""
    return not any(cluster.node(node, script) for node in cluster.lab.nodes)
