"""What foreign containers claim, and what starts them again."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.adopt.conflicts import haproxy_claims, keepalived_claims, stopped_conflicts
from hadeploy.adopt.managers import compose_project
from hadeploy.adopt.side_by_side import to_disable, with_disabling
from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.stopped_foreign import StoppedForeign
from hadeploy.plan.steps import NodePlan, Plan
from tests.unit.adopt import classic_nodes

POD = {"io.kubernetes.pod.name": "haproxy-n1", "io.kubernetes.pod.namespace": "kube-system"}
SWARM = {"com.docker.swarm.service.name": "lb"}
COMPOSE = {
    "com.docker.compose.project": "lb",
    "com.docker.compose.project.working_dir": "/srv/lb",
}


def stopped(**labels: str) -> ObservedNode:
    """The captured pair, after `docker stop`."""
    node = classic_nodes.observed("multicast-n1")
    containers = tuple(
        StoppedForeign(
            dataclasses.replace(f.container, status="exited", raw=_raw(f.container.raw, labels)),
            f.role,
            True,
            True,
            f.path,
            f.config,
        )
        for f in node.foreign
    )
    return dataclasses.replace(
        node, foreign=(), sockets=(), keepaliveds={}, stopped_foreign=containers
    )


def _raw(raw: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    return {**raw, "Config": {**raw["Config"], "Labels": labels}}


def labelled(**labels: str) -> ObservedNode:
    """The captured pair, as it runs, with labels."""
    node = classic_nodes.observed("multicast-n1")
    foreign = tuple(
        dataclasses.replace(
            f, container=dataclasses.replace(f.container, raw=_raw(f.container.raw, labels))
        )
        for f in node.foreign
    )
    return dataclasses.replace(node, foreign=foreign)


def found(node: ObservedNode, *, adopt: bool = False, **inventory: object) -> list[Finding]:
    context = CheckContext(classic_nodes.inventory(**inventory), {node.node: node}, adopt)
    checks = ("conflicting-containers", "set-up-by-hand")
    return [f for f in evaluate(context) if f.check in checks and f.verdict != "pass"]


def test_a_stopped_pair_is_named_with_what_it_claims() -> None:
    haproxy, keepalived = found(stopped())
    assert haproxy.message == (
        "the container diamond-haproxy (haproxy:2.6.12) claims port 9443; it starts when Docker or "
        "the node restarts (restart policy always)"
    )
    assert f"claims the VIP {classic_nodes.VIP}; it starts when" in keepalived.message
    assert {haproxy.verdict, keepalived.verdict} == {"fail"}
    assert haproxy.fix == (
        "`hadeploy up --adopt` keeps it stopped; or on the node: docker update --restart no "
        "diamond-haproxy"
    )
    assert found(stopped(), adopt=True) == []


def test_one_that_claims_nothing_is_a_warning() -> None:
    other = found(stopped(), vip="198.19.122.101", listeners=[{"port": 9999}])
    assert [f.verdict for f in other] == ["warn", "warn"]
    assert all("claims nothing of this cluster" in f.message for f in other)


def test_an_unreadable_configuration_is_refused() -> None:
    node = stopped()
    blind = tuple(dataclasses.replace(s, config=b"", path="") for s in node.stopped_foreign)
    for finding in found(dataclasses.replace(node, stopped_foreign=blind)):
        assert finding.verdict == "fail"
        assert "has a configuration that cannot be read" in finding.message


def test_a_published_port_counts_for_every_program() -> None:
    node = stopped()
    raw = {
        **node.stopped_foreign[0].container.raw,
        "HostConfig": {
            "RestartPolicy": {"Name": "always"},
            "NetworkMode": "default",
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "9443"}], "81/tcp": None},
        },
    }
    web = dataclasses.replace(
        node.stopped_foreign[0],
        role=None,
        config=b"",
        container=dataclasses.replace(node.stopped_foreign[0].container, raw=raw),
    )
    (conflict,) = stopped_conflicts(
        classic_nodes.inventory(), "eth0", dataclasses.replace(node, stopped_foreign=(web,))
    )
    assert conflict.claims == ("port 9443",)


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize(
    ("labels", "said", "fix"),
    [
        (POD, "the kubelet", "move its manifest out of /etc/kubernetes/manifests"),
        (SWARM, "Docker swarm", "docker service rm lb"),
    ],
)
def test_a_container_with_a_manager_is_not_taken_over(
    labels: dict[str, str], said: str, fix: str, adopt: bool
) -> None:
    findings = found(labelled(**labels), adopt=adopt)
    assert {f.check for f in findings} == {"conflicting-containers"}
    for finding in findings:
        assert finding.verdict == "fail"
        assert f"cannot be taken over: {said} starts it again" in finding.message
        assert fix in (finding.fix or "")


def test_a_compose_project_is_mentioned_when_it_is_taken_over() -> None:
    for node in (labelled(**COMPOSE), stopped(**COMPOSE)):
        findings = found(node, adopt=True)
        assert [f.verdict for f in findings] == ["warn", "warn"]
        assert "the docker compose project lb (/srv/lb)" in findings[0].message


def test_the_router_id_is_a_claim_on_the_same_interface_and_family() -> None:
    text = (
        "vrrp_instance a {{\n interface {0}\n virtual_router_id 53\n"
        " virtual_ipaddress {{\n {1}\n }}\n}}\n"
    )
    cluster = classic_nodes.inventory()
    assert keepalived_claims(cluster, "eth0", text.format("eth0", "192.0.2.1")) == (
        "virtual_router_id 53",
    )
    assert keepalived_claims(cluster, "eth1", text.format("eth0", "192.0.2.1")) == ()
    assert keepalived_claims(cluster, "eth0", text.format("eth0", "2001:db8::1/64")) == ()
    assert keepalived_claims(cluster, "eth1", text.format("eth0", f"{classic_nodes.VIP}/24")) == (
        f"the VIP {classic_nodes.VIP}",
    )


def test_the_health_port_is_a_claim_too() -> None:
    text = "frontend a\n bind 127.0.0.1:19443\nlisten b\n bind :80\n"
    assert haproxy_claims(classic_nodes.inventory(), text) == ("port 19443",)


def test_they_are_stopped_first_and_keepalived_before_haproxy() -> None:
    node, cluster = stopped(), classic_nodes.inventory()
    disabled = to_disable(cluster, {"n1": node}, set())
    plan = with_disabling(cluster, Plan((NodePlan("n1", ()),)), disabled, {"n1": node})
    assert [step.action for step in plan.nodes[0].steps] == [
        "disable-container",
        "disable-container",
        "write-record",
    ]
    assert plan.nodes[0].steps[1].subject == "diamond-haproxy"
    assert plan.warnings == ()


def test_labels_are_shown_without_what_a_terminal_obeys() -> None:
    node = stopped(**{"com.docker.compose.project": "a\x1b[2Jb"})
    assert compose_project(node.stopped_foreign[0].container) == "a?[2Jb"


@pytest.mark.parametrize("labels", [POD, SWARM])
def test_one_that_a_manager_may_start_again_is_a_warning(labels: dict[str, str]) -> None:
    node = stopped(**labels)
    never = {"HostConfig": {"RestartPolicy": {"Name": "no"}, "NetworkMode": "host"}}
    node = dataclasses.replace(
        node,
        stopped_foreign=tuple(
            dataclasses.replace(
                s, container=dataclasses.replace(s.container, raw={**s.container.raw, **never})
            )
            for s in node.stopped_foreign
        ),
    )
    for adopt in (False, True):
        haproxy, keepalived = found(node, adopt=adopt)
        assert {haproxy.verdict, keepalived.verdict} == {"warn"}
        assert "claims port 9443; it does not run; " in haproxy.message
        assert f"claims the VIP {classic_nodes.VIP}; it does not run; " in keepalived.message
        assert keepalived.message.endswith(" may start it again")
    assert to_disable(classic_nodes.inventory(), {"n1": node}, set()) == {}


def test_a_running_one_that_claims_nothing_is_named_by_check_alone() -> None:
    node = classic_nodes.observed("multicast-n1")
    (one,) = (f for f in node.foreign if f.role == "haproxy")
    theirs = StoppedForeign(one.container, "haproxy", True, False, one.path, b"frontend a\n")
    host = dataclasses.replace(node.host, thorough=True, haproxies={7: one.container.id})
    alone = dataclasses.replace(
        node, foreign=(), sockets=(), keepaliveds={}, stopped_foreign=(theirs,), host=host
    )
    (finding,) = found(alone)
    assert finding.verdict == "warn"
    assert "runs haproxy and claims nothing of this cluster; it runs; it starts" in finding.message
    assert finding.fix == (
        "if it is not needed: docker update --restart no diamond-haproxy && "
        "docker stop diamond-haproxy"
    )
    quick = dataclasses.replace(host, thorough=False)
    assert found(dataclasses.replace(alone, host=quick)) == []
