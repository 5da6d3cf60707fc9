"""The status on one screen, in a terminal of 80 columns."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from hadeploy.observe.observed_node import BackendServer
from hadeploy.status.build import cluster_status
from hadeploy.status.render import render_status, since
from hadeploy.status.snapshot import ClusterSnapshot
from tests.unit import builders
from tests.unit.status.snapshots import change, container, drained, situation, vip


def lines(seen: ClusterSnapshot, width: int = 80) -> list[str]:
    status, proofs = cluster_status(seen, "2026-01-01T00:00:00+00:00")
    console = Console(width=width, file=io.StringIO())
    with console.capture() as shown:
        console.print(render_status(seen.cluster.name, status, proofs))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_a_healthy_cluster() -> None:
    versions = {"haproxy": "3.2.21", "keepalived": "2.3.4"}
    assert lines(situation(change("n1", "n2", "n3", versions=versions))) == [
        "c is healthy; 198.51.100.100 on n1",
        "node  VRRP             haproxy  keepalived  sessions  config",
        "n1    MASTER 250, VIP  up 1 h   up 1 h             7  in sync",
        "n2    BACKUP 240       up 1 h   up 1 h             0  in sync",
        "n3    BACKUP 230       up 1 h   up 1 h             0  in sync",
        "kube-apiserver :9443  3 of 3 backends are up: n1, n2, n3",
        "haproxy     haproxy:3.2.21 (3.2.21)",
        "keepalived  osixia/keepalived:2.3.4 (2.3.4)",
        "docker      20.10.24",
        "applied     2026-01-01 by me@laptop, hadeploy 0",
    ]


def test_what_is_wrong_is_below_the_nodes() -> None:
    seen = situation(
        *drained("n2"),
        container("n1", "haproxy", restarts=2, started=builders.NOW - 60.0),
        vip("n2", here=True),
        change("n1", docker="28.0.1"),
        away=("n3",),
    )
    shown = lines(seen, 200)
    assert shown[0] == "c is degraded; 198.51.100.100 on n1 and n2"
    assert [line.split()[:4] for line in shown[2:5]] == [
        ["n1", "MASTER", "250,", "VIP"],
        ["n2", "FAULT", "240,", "VIP,"],
        ["n3", "unreachable", "-", "-"],
    ]
    assert "up 1 min, 2 restarts" in shown[2]
    assert "✗ 198.51.100.100 is bound on n1 and n2" in "\n".join(shown[5:])
    assert [line for line in shown if line.startswith("docker")] == [
        "docker      n1: 28.0.1",
        "docker      n2: 20.10.24",
    ]


def test_backends_are_shown_as_each_haproxy_sees_them() -> None:
    name = "kube-apiserver-backend"
    up = tuple(BackendServer(name, f"n{i}", "UP", address=f"198.51.100.1{i}:6443") for i in (1, 2))
    down = dataclasses.replace(
        up[1], status="DOWN", check="L4CON", check_answer="Connection refused"
    )
    seen = situation(change("n1", "n2", backends=(up[0], down)), change("n3", backends=up))
    shown = lines(seen, 120)
    assert [line.strip() for line in shown[-6:-4]] == [
        "kube-apiserver :9443  1 of 2 backends are up: n1",
        "n2 198.51.100.12:6443 is DOWN (L4CON, Connection refused) for n1, n2; is UP for n3",
    ]


def test_the_other_run_is_reported() -> None:
    seen = situation(change("n2", lock={"owner": "ann@desk", "purpose": "up"}))
    assert lines(seen)[0].endswith("; ann@desk is changing it (`up`)")


@pytest.mark.parametrize("width", [80, 100])
def test_long_names_fit(width: int) -> None:
    cluster = builders.cluster(
        nodes=[{"name": f"load-balancer-{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3)],
        listeners=[{"name": "kube-apiserver"}, {"name": "ingress", "port": 443}],
    )
    assert max(map(len, lines(situation(cluster=cluster), width))) <= width


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (200_000, "2 d")],
)
def test_times_in_their_largest_unit(seconds: int, reported: str) -> None:
    assert since(seconds) == reported
