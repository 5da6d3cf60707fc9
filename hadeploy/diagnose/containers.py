"""Containers that do not run, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import ObservedNode, Owner
from hadeploy.verify.proofs import unstable

# Log lines in the evidence: enough for a reason, few enough for several nodes on a screen.
LOG_LINES = 3
# 128 + SIGKILL
KILLED = 137
# The exit codes of a container that was stopped: 0, 128 + SIGKILL, 128 + SIGTERM.
STOP_EXIT_CODES = (0, KILLED, 143)


# The consequences of a program that does not answer, and of one that does not run.
SILENT_HAPROXY = ("check-fails", "vip-unheard")
STOPPED = (*SILENT_HAPROXY, "program-silent", "check-not-run", "not-applied")
DOCKER_DOWN = Cause(
    "docker-down",
    "the Docker engine does not answer",
    "`docker version` fails on the node",
    "start the engine",
    STOPPED,
)


@recognises(DOCKER_DOWN)
def docker(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Nodes whose Docker engine does not answer."""
    for node, state in context.nodes:
        if state.docker is None:
            yield Diagnosis(
                DOCKER_DOWN.id,
                (node.label,),
                "the Docker engine does not answer, so the state of the containers is unknown",
                "systemctl status docker; journalctl -u docker",
                tuple(f"{node.label}: {line}" for line in state.docker_error.splitlines()[-1:]),
            )


PORT_TAKEN = Cause(
    "port-taken",
    "another program listens on a port of the cluster",
    "the owner of the listening socket is not the cluster's haproxy",
    "stop that program, or choose another port",
    ("container-restarting", "container-stopped", "config-refused", *STOPPED),
)


@recognises(PORT_TAKEN)
def ports(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Ports of the cluster on which another program listens."""
    for node, state in context.nodes:
        # In any state: a restarting container may have a process a moment later.
        ours = {container.id for container in state.ours(context.cluster.name)}
        for port in context.cluster.haproxy_ports:
            sockets = haproxy_sockets(context.cluster, state, port)
            owners = {o for s in sockets for o in s.owners if o.container not in ours}
            if state.docker is None:
                # Without the engine, the cluster of a container is unknown.
                owners = {owner for owner in owners if not owner.container}
            if owners:
                yield Diagnosis(
                    PORT_TAKEN.id,
                    (node.label,),
                    f"another program listens on port {port}",
                    f"stop it, or choose another port; find it with: ss -ltnp 'sport = :{port}'",
                    tuple(f"{node.label}: {_owner(owner, state)}" for owner in sorted(owners)),
                    "haproxy",
                )


def _owner(owner: Owner, state: ObservedNode) -> str:
    text = f"{owner.name} (pid {owner.pid})"
    if owner.container:
        names = [c.name for c in state.containers if c.id == owner.container]
        names += [f.container.name for f in state.foreign if f.container.id == owner.container]
        text += f" in the container {names[0] if names else owner.container[:12]}"
    return text


CONTAINER_RESTARTING = Cause(
    "container-restarting",
    "a container restarts again and again",
    "the engine's restart count, the exit status (and whether memory ran out), the last log lines",
    "see its log",
    STOPPED,
)
PROGRAM_SILENT = Cause(
    "program-silent",
    "a program runs but does not answer",
    "the container is paused; one of its processes is stopped (SIGSTOP); or it is up, but the "
    "health port of haproxy does not answer, or keepalived writes no dump",
    "unpause or restart the container",
    ("check-not-run", *SILENT_HAPROXY),
)
CONTAINER_MISSING = Cause(
    "container-missing",
    "a container is missing",
    "no container of that name",
    "`hadeploy up`",
    STOPPED,
)
CONTAINER_STOPPED = Cause(
    "container-stopped",
    "a container is stopped",
    "its state, exit status and end time; its last log lines, unless it was stopped from outside",
    "`hadeploy up` starts it",
    STOPPED,
)


@recognises(CONTAINER_RESTARTING, PROGRAM_SILENT, CONTAINER_MISSING, CONTAINER_STOPPED)
def containers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Containers that are missing, stopped or paused, or that restart again and again."""
    for node, state, role, container in context.programs:
        name = context.cluster.container_names[0 if role == "haproxy" else 1]
        if state.docker is None:
            continue
        if container is None:
            yield Diagnosis(
                CONTAINER_MISSING.id,
                (node.label,),
                f"container {name} is missing",
                "`hadeploy up` creates it",
                (f"{node.label}: no container of that name",),
                role,
            )
        elif container.status == "paused":
            yield Diagnosis(
                PROGRAM_SILENT.id,
                (node.label,),
                f"{name} is paused",
                f"docker unpause {name}",
                (f"{node.label}: Docker reports it as paused",),
                role,
            )
        elif restarting(container, state.now):
            yield Diagnosis(
                CONTAINER_RESTARTING.id,
                (node.label,),
                f"{name} restarts again and again",
                f"docker logs --tail 30 {name}",
                (
                    f"{node.label}: {container.restarts} restarts, {_end(container)}",
                    *log_end(context, node.label, role),
                ),
                role,
            )
        elif not container.running:
            yield Diagnosis(
                CONTAINER_STOPPED.id,
                (node.label,),
                f"{name} is stopped",
                "`hadeploy up` starts it",
                (f"{node.label}: {_end(container)}", *_failure_log(context, node.label, container)),
                role,
            )


def _failure_log(
    context: DiagnosisContext, node: str, container: ObservedContainer
) -> Iterator[str]:
    """The end of the log, unless the container was stopped from outside."""
    if container.exit_code not in STOP_EXIT_CODES:
        yield from log_end(context, node, container.role or "")


def restarting(container: ObservedContainer, now: int) -> bool:
    """Whether the engine has restarted the container, and it is not stable since."""
    again = container.restarts > 0 and container.status in ("running", "restarting")
    return again and unstable(container, now) is not None


def _end(container: ObservedContainer) -> str:
    state = container.raw.get("State", {})
    if container.running:
        return f"the last one at {state.get('StartedAt', '?')[:19]}Z"
    text = f"exit status {container.exit_code}"
    if state.get("OOMKilled"):
        return f"{text}: out of memory"
    if container.exit_code == KILLED:
        text += ": killed (SIGKILL)"
    return f"{text} at {state['FinishedAt'][:19]}Z" if state.get("FinishedAt") else text


def log_end(context: DiagnosisContext, node: str, role: str) -> list[str]:
    """The end of a container's log, as evidence."""
    return [
        f"{node}: | {line}" for line in context.diagnostics(node).logs.get(role, ())[-LOG_LINES:]
    ]


@recognises(PROGRAM_SILENT)
def silent(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Programs that run but do not answer."""
    for node, state, role, container in context.programs:
        answers = state.serving if role == "haproxy" else state.vrrp
        if not container or unstable(container, state.now) or answers is not None:
            continue
        frozen = role in context.diagnostics(node.label).frozen
        listening = role == "haproxy" and state.listeners(context.cluster.haproxy.health_port)
        evidence = "one of its processes is stopped (SIGSTOP)" if frozen else "its container runs"
        if listening:
            evidence += f", and port {context.cluster.haproxy.health_port} still listens"
        yield Diagnosis(
            PROGRAM_SILENT.id,
            (node.label,),
            f"{container.name} {'is frozen' if frozen else 'does not answer'}",
            f"`docker restart {container.name}`; `docker logs --tail 30 {container.name}` first",
            (f"{node.label}: {evidence}",),
            role,
        )
