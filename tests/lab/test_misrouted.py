"""A node that cannot answer on the VIP although all else of it is well."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.harness import HAPROXY, Cluster, eventually
from tests.lab.traffic import probing


@contextmanager
def not_routed(cluster: Cluster, *nodes: str) -> Iterator[None]:
    """What these nodes send from the VIP goes nowhere."""
    rule = f"from {cluster.lab.vip} prohibit pref 50"
    for node in nodes:
        cluster.node(node, f"ip rule add {rule}")
    try:
        yield
    finally:
        for node in nodes:
            cluster.node(node, f"ip rule del {rule}")


def test_a_handover_to_a_node_that_does_not_answer_is_taken_back(served: Cluster) -> None:
    (holder,) = served.holders()
    backups = [node for node in served.lab.nodes if node != holder]
    served.inventory["haproxy"] = {"maxconn": 7000}
    with not_routed(served, *backups):
        result = served.run("up")
        assert result.code == 1, result.err
        assert served.holders() == [holder]
        assert "got the VIP and did not answer on it" in " ".join(result.err.split())
        with probing(served) as probe:
            served.run("status")
        assert probe.failed == []
    served.up()
    assert len(served.holders()) == 1
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_node_that_does_not_answer_keeps_the_vip_if_the_former_holder_cannot_have_it(
    served: Cluster,
) -> None:
    """Kept off all nodes, the VIP would be on none also after the rule is gone."""
    (holder,) = served.holders()
    backups = [node for node in served.lab.nodes if node != holder]
    served.inventory["haproxy"] = {"maxconn": 7000}
    stop, _ = served.lab.exec_command(holder, ["sh", "-c", f"docker stop {HAPROXY} >/dev/null"])
    with not_routed(served, *backups):
        result = served.accident(f"shell:{shlex.join(stop)}", "handing over", "up", "--json")
    assert result.code == 1, result.err
    assert result.document["nodes"] == {holder: "partial", **dict.fromkeys(backups, "new")}
    eventually(served.request, "a backup has the VIP and serves")
    (now,) = served.holders()
    assert now in backups
    served.node(holder, f"docker start {HAPROXY}")
    served.up()
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_drain_after_which_no_node_answers_is_taken_back(served: Cluster) -> None:
    (holder,) = served.holders()
    backups = [node for node in served.lab.nodes if node != holder]
    with not_routed(served, *backups):
        result = served.run("drain", holder)
        assert result.code == 1, result.err
        assert served.holders() == [holder]
        with probing(served) as probe:
            status = served.run("status")
        assert probe.failed == []
        assert ", drained" not in status.out
    served.up()
    served.ok("drain", holder)
    assert served.holders() != [holder]
    served.ok("undrain", holder)
