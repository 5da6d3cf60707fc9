"""Containers that do not run, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import ObservedContainer, ObservedNode, Owner
from hadeploy.verify.proofs import unstable

# Of a log: enough for the reason, and several nodes fit on a screen.
LAST_WORDS = 3
# Docker's, for a process that was ended by SIGKILL.
KILLED = 137
# Such, SIGTERM, and a process that ended as it was told to.
ENDED_FROM_OUTSIDE = (0, KILLED, 143)


# What follows where a program does not answer, and where it does not run.
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
    """Nodes whose engine does not answer."""
    for node, look in context.nodes:
        if look.docker is None:
            yield Diagnosis(
                DOCKER_DOWN.id,
                (node.label,),
                "the Docker engine does not answer, so nothing is known of the containers",
                "systemctl status docker; journalctl -u docker",
                tuple(f"{node.label}: {line}" for line in look.docker_error.splitlines()[-1:]),
            )


PORT_TAKEN = Cause(
    "port-taken",
    "another program has one of our ports",
    "the owner of the listening socket is not our haproxy",
    "stop it, or choose another port",
    ("container-restarting", "container-stopped", "config-refused", *STOPPED),
)


@recognises(PORT_TAKEN)
def ports(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Ports of ours that somebody else has."""
    for node, look in context.nodes:
        # Whatever their state: one that restarts may have a process by the time we look for it.
        ours = {container.id for container in look.ours(context.cluster.name)}
        for port in context.cluster.haproxy_ports:
            sockets = haproxy_sockets(context.cluster, look, port)
            owners = {o for s in sockets for o in s.owners if o.container not in ours}
            if look.docker is None:
                # Whose containers they are, only the engine knows.
                owners = {owner for owner in owners if not owner.container}
            if owners:
                yield Diagnosis(
                    PORT_TAKEN.id,
                    (node.label,),
                    f"another program has port {port}",
                    f"stop it, or choose another port; who has it: ss -ltnp 'sport = :{port}'",
                    tuple(f"{node.label}: {_owner(owner, look)}" for owner in sorted(owners)),
                    "haproxy",
                )


def _owner(owner: Owner, look: ObservedNode) -> str:
    text = f"{owner.name} (pid {owner.pid})"
    if owner.container:
        names = [c.name for c in look.containers if c.id == owner.container]
        names += [f.container.name for f in look.foreign if f.container.id == owner.container]
        text += f" in the container {names[0] if names else owner.container[:12]}"
    return text


CONTAINER_RESTARTING = Cause(
    "container-restarting",
    "a container ends again and again",
    "the engine's restart count, the exit status (and whether memory ran out), its last lines",
    "what its log says",
    STOPPED,
)
PROGRAM_SILENT = Cause(
    "program-silent",
    "a program runs and does not answer",
    "the container is paused; a process of it is stopped (SIGSTOP); or it is up and neither "
    "haproxy's health port nor keepalived's dump answers",
    "unpause or restart the container",
    ("check-not-run", *SILENT_HAPROXY),
)
CONTAINER_MISSING = Cause(
    "container-missing",
    "a container is not there",
    "no container of that name",
    "`hadeploy up`",
    STOPPED,
)
CONTAINER_STOPPED = Cause(
    "container-stopped",
    "a container is stopped",
    "its state, exit status and time of its end; its last lines, unless it was ended from outside",
    "`hadeploy up` starts it",
    STOPPED,
)


@recognises(CONTAINER_RESTARTING, PROGRAM_SILENT, CONTAINER_MISSING, CONTAINER_STOPPED)
def containers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Containers that are not there, stopped, paused, or that do not stay up."""
    for node, look, role, container in context.programs:
        name = context.cluster.container_names[0 if role == "haproxy" else 1]
        if look.docker is None:
            continue
        if container is None:
            yield Diagnosis(
                CONTAINER_MISSING.id,
                (node.label,),
                f"the container {name} is not there",
                "`hadeploy up` makes it",
                (f"{node.label}: no container of that name",),
                role,
            )
        elif container.status == "paused":
            yield Diagnosis(
                PROGRAM_SILENT.id,
                (node.label,),
                f"{name} is paused",
                f"docker unpause {name}",
                (f"{node.label}: docker says that it is paused",),
                role,
            )
        elif restarting(container, look.now):
            yield Diagnosis(
                CONTAINER_RESTARTING.id,
                (node.label,),
                f"{name} ends again and again",
                f"docker logs --tail 30 {name}",
                (
                    f"{node.label}: {container.restarts} restarts, {_end(container)}",
                    *last_words(context, node.label, role),
                ),
                role,
            )
        elif not container.running:
            yield Diagnosis(
                CONTAINER_STOPPED.id,
                (node.label,),
                f"{name} is stopped",
                "`hadeploy up` starts it",
                (f"{node.label}: {_end(container)}", *_whole(context, node.label, container)),
                role,
            )


def _whole(context: DiagnosisContext, node: str, container: ObservedContainer) -> Iterator[str]:
    """What it said, unless it was ended from outside and said its usual farewell."""
    if container.exit_code not in ENDED_FROM_OUTSIDE:
        yield from last_words(context, node, container.role or "")


def restarting(container: ObservedContainer, now: int) -> bool:
    """Whether it does not stay up: the engine has restarted it, and it is not up for long."""
    again = container.restarts > 0 and container.status in ("running", "restarting")
    return again and unstable(container, now) is not None


def _end(container: ObservedContainer) -> str:
    state = container.raw.get("State", {})
    if container.running:
        return f"the last one at {state.get('StartedAt', '?')[:19]}Z"
    words = f"exit status {container.exit_code}"
    if state.get("OOMKilled"):
        return f"{words}: killed for want of memory"
    if container.exit_code == KILLED:
        words += ": killed (SIGKILL)"
    return f"{words} at {state['FinishedAt'][:19]}Z" if state.get("FinishedAt") else words


def last_words(context: DiagnosisContext, node: str, role: str) -> list[str]:
    """The end of a container's log, as evidence."""
    return [f"{node}: | {line}" for line in context.seen(node).logs.get(role, ())[-LAST_WORDS:]]


@recognises(PROGRAM_SILENT)
def silent(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Programs that run and do not answer."""
    for node, look, role, container in context.programs:
        answers = look.serving if role == "haproxy" else look.vrrp
        if not container or unstable(container, look.now) or answers is not None:
            continue
        frozen = role in context.seen(node.label).frozen
        listening = role == "haproxy" and look.listeners(context.cluster.haproxy.health_port)
        seen = "a process of it is stopped (SIGSTOP)" if frozen else "its container runs"
        if listening:
            seen += f", and port {context.cluster.haproxy.health_port} still listens"
        yield Diagnosis(
            PROGRAM_SILENT.id,
            (node.label,),
            f"{container.name} {'is frozen' if frozen else 'does not answer'}",
            f"`docker restart {container.name}`; `docker logs --tail 30 {container.name}` first",
            (f"{node.label}: {seen}",),
            role,
        )
