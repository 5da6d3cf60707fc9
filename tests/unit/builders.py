"""Values for tests of pure functions: a healthy cluster of three nodes, which a test changes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hadeploy.answers.answer import Answer
from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import Container, DesiredNode, NodeFacts, configuration_id
from hadeploy.desired.docker_run import specification
from hadeploy.desired.templates import environment
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.observed_node import (
    Address,
    BackendServer,
    ObservedFile,
    Owner,
    Socket,
    VrrpState,
)
from tests.unit import nodes
from tests.unit.nodes import Node

VIP = nodes.VIP
NOW = 1_800_000_000
KEEPALIVED_PID = 4000


def cluster(**changes: Any) -> Cluster:
    """The inventory of three nodes n1, n2, n3."""
    nodes = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3)]
    return Cluster.model_validate({"name": "c", "vip": VIP, "nodes": nodes, **changes})


def desired(of: Cluster) -> dict[str, DesiredNode]:
    """The desired state of its nodes."""
    return dict(_desired(of))


@functools.cache
def _desired(of: Cluster) -> dict[str, DesiredNode]:
    facts = {node.label: NodeFacts("eth0") for node in of.nodes}
    return desired_nodes(of, facts, environment(None), None)


def empty(node: str) -> Node:
    """A node that nothing was ever done to."""
    return Node(
        node=node,
        fingerprint="f" * 16,
        lock={},
        now=NOW,
        machine="x86_64",
        root=True,
        missing=(),
        docker="20.10.24",
        docker_error="",
        containers=(),
        images={},
        files=(),
        detached=frozenset(),
        kept=(),
        addresses=(Address("lo", "127.0.0.1", 8), Address("eth0", f"198.51.100.1{node[1:]}", 24)),
        sockets=(),
        vrrp=None,
        check_age=None,
        keepaliveds={},
        serving=None,
        backends=(),
        vip_answers={},
        applied=None,
    )


def running(container: Container, pid: int) -> ObservedContainer:
    """A container made from that specification, up for an hour."""
    return ObservedContainer(
        name=container.name,
        id=container.name,
        image_id=f"sha256:{container.image}",
        image=container.image,
        cluster=container.cluster,
        spec=specification(container),
        role=container.role,
        status="running",
        started=NOW - 3600.0,
        restarts=0,
        exit_code=0,
        pid=pid,
        raw=inspected(container),
    )


def inspected(container: Container) -> dict[str, Any]:
    """The part of `docker container inspect` with the container's settings."""
    return {
        "Config": {
            "Image": container.image,
            "Entrypoint": [container.entrypoint],
            "Cmd": list(container.arguments),
            "StopSignal": container.stop_signal,
            "StopTimeout": container.stop_timeout,
            "User": container.user or "",
        },
        "HostConfig": {
            "RestartPolicy": {"Name": "unless-stopped"},
            "NetworkMode": "host",
            "ReadonlyRootfs": True,
            "Privileged": False,
            "Binds": [":".join(mount) for mount in container.mounts],
            "Tmpfs": dict(path.split(":", 1) for path in container.tmpfs),
            "PidsLimit": container.pids,
            "Memory": container.memory * 2**20,
            "CapAdd": list(container.capabilities),
            "Ulimits": [
                {"Name": name, "Hard": limit, "Soft": limit}
                for name, limit in (
                    ("nofile", container.nofile),
                    ("fsize", container.file_size and container.file_size * 2**20),
                )
                if limit
            ],
            "LogConfig": {
                "Config": {
                    "max-file": str(container.log_max_file),
                    "max-size": container.log_max_size,
                }
            },
        },
    }


def healthy(of: Cluster, holder: str = "n1") -> dict[str, Node]:
    """Every node as it should be, the VIP on one."""
    return {
        label: healthy_node(of, state, holder=label == holder)
        for label, state in desired(of).items()
    }


def node(label: str, *, of: Cluster, holder: bool = False) -> Node:
    """A node as it should be."""
    return healthy_node(of, desired(of)[label], holder=holder)


def each(looks: dict[str, Node], change: Callable[[Node], Node]) -> dict[str, Node]:
    """The same difference on all nodes."""
    return {label: change(look) for label, look in looks.items()}


@functools.cache
def healthy_node(of: Cluster, state: DesiredNode, *, holder: bool = False) -> Node:
    """One node as it should be."""
    look = empty(state.node)
    haproxy, keepalived = state.container("haproxy"), state.container("keepalived")
    files = [ObservedFile(f.path, f.mode, "0:0", f.content.encode()) for f in state.files]
    files += [ObservedFile(f"track/{name}", 0o644, "0:0", b"0\n") for name in ("drain", "handover")]
    files.append(ObservedFile("applied.json", 0o600, "0:0", b"{}"))
    addresses = look.addresses + ((Address("eth0", VIP, 32),) if holder else ())
    return look.with_(
        containers=(running(haproxy, 3000), running(keepalived, KEEPALIVED_PID)),
        images={c.image: f"sha256:{c.image}" for c in (haproxy, keepalived)},
        files=tuple(files),
        addresses=addresses,
        sockets=(
            *(
                Socket("0.0.0.0", listener.port, (Owner("haproxy", 3001, haproxy.name),))
                for listener in of.listeners
            ),
            Socket("127.0.0.1", of.haproxy.health_port, (Owner("haproxy", 3001, haproxy.name),)),
        ),
        vrrp=VrrpState(
            "MASTER" if holder else "BACKUP",
            state.priority,
            state.priority,
            state.config_id("keepalived"),
        ),
        check_age=1,
        keepaliveds={KEEPALIVED_PID: keepalived.name},
        serving=state.config_id("haproxy"),
        backends=tuple(
            BackendServer(f"{listener.name}-backend", f"n{i}", "UP")
            for listener in of.listeners
            for i in (1, 2, 3)
        ),
        sessions={listener.name: 7 if holder else 0 for listener in of.listeners},
        vip_answers={(VIP, listener.port): Answer("tls") for listener in of.listeners},
        applied=Applied(
            tuple(str(vip.ip) for vip in of.vip),
            "eth0",
            "me@laptop",
            "2026-01-01",
            "0",
            {f.path: f.sha256 for f in state.files},
            state.members,
            configuration_id(desired(of)),
            config_ids={role: state.config_id(role) for role in ("haproxy", "keepalived")},
            ports=tuple(listener.port for listener in of.listeners),
        ),
    )
