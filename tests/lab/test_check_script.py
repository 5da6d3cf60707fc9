"""A check of haproxy that takes the VIP away goes back on the first node."""

from __future__ import annotations

import pytest

from tests.lab.harness import ROOT, Cluster
from tests.lab.traffic import probing

SCRIPT = f"cat {ROOT}/keepalived/check-haproxy.sh"
TELLS = "printf . >/tmp/hadeploy-checked\n"
CURL = "exec curl -sf http://127.0.0.1:{{ haproxy.health_port }}/health\n"


def own_check(cluster: Cluster, text: str, *, shell: str = "/bin/bash") -> None:
    """A template of the user's for the check script."""
    folder = cluster.folder / "templates"
    folder.mkdir(exist_ok=True)
    (folder / "check-haproxy.sh.j2").write_text(f"#!{shell}\n{text}")
    cluster.inventory["templates"] = {"folder": str(folder)}


def refused(cluster: Cluster) -> str:
    """`up` with a check that fails: one node tries it, and goes back; returns what it says."""
    (holder,) = cluster.holders()
    before = {node: cluster.node(node, SCRIPT) for node in cluster.lab.nodes}
    containers = cluster.containers()
    with probing(cluster) as probe:
        result = cluster.run("up")
    assert probe.failed == []
    assert result.code == 1, result.err
    assert result.err.count("previous configuration, restored") == 1
    assert f"{holder}: unchanged" in result.err
    assert cluster.holders() == [holder]
    assert {node: cluster.node(node, SCRIPT) for node in cluster.lab.nodes} == before
    assert cluster.containers() == containers
    return result.err


def test_a_check_that_the_image_cannot_run_goes_back_on_the_first_node(served: Cluster) -> None:
    own_check(served, CURL)
    reported = refused(served)
    assert "failed while proving keepalived/check-haproxy.sh" in reported
    assert "the check /etc/keepalived/check-haproxy.sh fails in kube-lb-keepalived" in reported
    assert "exit code 127" in reported
    assert "curl: not found" in reported
    # One that passes is applied.
    own_check(served, f"{TELLS}exec 3<>/dev/tcp/127.0.0.1/{{{{ haproxy.health_port }}}}\n")
    (holder,) = served.holders()
    with probing(served) as probe:
        served.up()
    assert probe.failed == []
    assert served.holders() == [holder]


@pytest.mark.exhaustive
def test_a_check_that_fails_goes_back_however_it_is_run(served: Cluster) -> None:
    own_check(served, TELLS + CURL)
    assert "curl: not found" in refused(served)
    # With a reload of keepalived in the same turn.
    served.inventory["vrrp"] = {"check": {"interval": 2, "fall": 2}}
    assert "curl: not found" in refused(served)
    # keepalived takes a check that cannot be started for one that passes.
    own_check(served, "", shell="/usr/bin/nothing-of-that-name")
    assert "fails in kube-lb-keepalived with exit code" in refused(served)
