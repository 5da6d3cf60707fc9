"""The proofs of a cluster that serves, from observations. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from hadeploy.adopt.recognise import with_adopt
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.roles import Role
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import ObservedNode, Socket
from hadeploy.observe.subnets import GIVE_BACK, lost_subnet, misplaced
from hadeploy.plan.takeover_candidates import drains
from hadeploy.verify.answers import Supplied, supplied, target_of
from hadeploy.verify.backends import backend_proofs
from hadeploy.verify.capacity import capacity_proofs
from hadeploy.verify.other_keepaliveds import other_keepaliveds
from hadeploy.verify.proof import Proof, Verdict
from hadeploy.verify.segment import segment_proofs

# A container that crashes at its start runs for a moment; after restarts, wait longer.
STABLE_SECONDS = 2
STABLE_AFTER_RESTART_SECONDS = 10
UNKNOWN_BACKENDS = (
    "haproxy has no section with the default name for the backends, so their state is unknown; "
    "keep the names of the default template"
)
# For a connection to one of its own addresses, Linux also uses that address as source.
_FROM_ITSELF = "; connections of the holder to the VIP have the VIP as source address"
_NO_ADVERTS = (
    "check whether the network or a firewall drops VRRP (IP protocol 112) between the nodes, as "
    "security groups of clouds do by default; switches may drop multicast"
)
_CORRECT = "correct `vip`"
_APPLY = "`hadeploy plan` shows the difference, `hadeploy up` applies it"
CLOSED = (
    "check whether haproxy rejects the client, or the backends reject haproxy: tcp-request, "
    "send-proxy, ssl and mode in `templates`"
)


def prove(
    cluster: Cluster, desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> list[Proof]:
    """All proofs from observations, in the order of the nodes in the inventory.

    Args:
        desired: by node label.
        observed: by node label.
    """
    found: list[Proof] = []
    behind = {
        (str(vip.ip), listener.port): supplied(cluster, observed, str(vip.ip), listener)
        for vip in cluster.vip
        for listener in cluster.listeners
    }
    for node in cluster.nodes:
        if node.label not in observed:
            continue
        state = observed[node.label]
        found += _containers(cluster, state)
        found += _ports(cluster, state, desired[node.label])
        found += _through(cluster, state, behind)
        found += _vrrp(cluster, state, desired[node.label])
        found += _claimed_once(cluster, state, desired[node.label])
        if state.vrrp:
            found.append(_check_runs(cluster, state))
    found += segment_proofs(cluster, observed)
    found += backend_proofs(cluster, observed)
    found += capacity_proofs(cluster, observed)
    hints = with_adopt(cluster, observed, [proof.hint for proof in found])
    return [dataclasses.replace(p, hint=hint) for p, hint in zip(found, hints, strict=True)]


def _containers(cluster: Cluster, state: ObservedNode) -> Iterator[Proof]:
    for name in cluster.container_names:
        container = state.container(name)
        problem = unstable(container, state.now)
        hint = "`hadeploy up` starts it" if container is None else f"docker logs --tail 30 {name}"
        if state.docker is None:
            problem, hint = "is unknown: the Docker engine does not answer", "start the engine"
        if problem is None and container is not None and container.cluster != cluster.name:
            problem = "does not belong to this cluster"
        yield Proof(
            "container-running",
            "fail" if problem else "pass",
            f"{name} {problem or 'runs'}",
            state.node,
            hint if problem else None,
        )


def unstable(container: ObservedContainer | None, now: int) -> str | None:
    """Why a container does not run stably; None if it does.

    Args:
        container: None if it is missing.
        now: the node's clock, seconds since the epoch.
    """
    if container is None:
        return "is missing"
    if not container.running:
        return f"is {container.status} (exit status {container.exit_code})"
    needed = STABLE_AFTER_RESTART_SECONDS if container.restarts else STABLE_SECONDS
    if now - container.started < needed:
        return f"has just started ({container.restarts} restarts)"
    return None


def _runs(state: ObservedNode, name: str) -> bool:
    container = state.container(name)
    return container is not None and container.running


def _ports(cluster: Cluster, state: ObservedNode, desired: DesiredNode) -> Iterator[Proof]:
    dead = not _runs(state, cluster.container_names[0])
    for listener in cluster.listeners:
        sockets = haproxy_sockets(cluster, state, listener.port)
        haproxy = state.ours_of(cluster.name, "haproxy")
        others = {o.name for s in sockets if not s.belongs_to(haproxy) for o in s.owners}
        if not sockets:
            verdict, message = "fail", f"nothing listens on port {listener.port}"
        elif state.docker is None:
            verdict, message = (
                "fail",
                f"the owner of port {listener.port} is unknown: the Docker engine does not answer",
            )
        elif not all(socket.belongs_to(haproxy) for socket in sockets):
            names = ", ".join(sorted(others)) or "an unknown process"
            verdict, message = (
                "fail",
                f"port {listener.port} belongs to {names}, not only to haproxy of this cluster",
            )
        elif bound := _elsewhere(cluster, sockets):
            verdict, message = (
                "fail",
                f"haproxy listens on {bound} only, so clients cannot reach it",
            )
        else:
            verdict, message = "pass", f"haproxy listens on port {listener.port}"
        yield Proof(
            "port-listens",
            "fail" if verdict == "fail" else "pass",
            message,
            state.node,
            "`hadeploy plan` shows the missing steps" if verdict == "fail" else None,
            brief=str(listener.port),
            follows=dead and (not sockets or state.docker is None),
        )
    wanted = desired.config_id("haproxy")
    if state.serving is None:
        yield Proof(
            "haproxy-answers",
            "fail",
            "haproxy does not answer its health check",
            state.node,
            "check whether it is stopped or frozen",
            follows=dead,
        )
    elif state.serving != wanted:
        yield Proof(
            "haproxy-answers",
            "fail",
            "haproxy runs another configuration than the inventory's",
            state.node,
            _APPLY,
            lasting=_not_applied(state, desired, "haproxy"),
        )
    elif state.health_port_users:
        port = cluster.haproxy.health_port
        who = state.health_port_users[0]
        yield Proof(
            "haproxy-answers",
            "warn",
            "haproxy serves this configuration, but its health port is full: "
            f"{who.connections} connections of user {who.shown}",
            state.node,
            f"end these connections: `ss -tnp dst 127.0.0.1:{port}` names the processes",
        )
    else:
        yield Proof("haproxy-answers", "pass", "haproxy runs this configuration", state.node)


def _not_applied(state: ObservedNode, desired: DesiredNode, role: Role) -> bool:
    """Whether the inventory has changed and the new configuration is not applied yet."""
    applied = state.applied.config_ids.get(role) if state.applied else None
    return bool(applied) and applied != desired.config_id(role)


def _elsewhere(cluster: Cluster, sockets: list[Socket]) -> str | None:
    """The addresses of the sockets, if one of the VIPs is not among them."""
    bound = {socket.address for socket in sockets}
    for vip in cluster.vip:
        if not bound & {"*", "::" if vip.version == 6 else "0.0.0.0", str(vip.ip)}:  # noqa: S104
            return ", ".join(f"{socket.address}:{socket.port}" for socket in sockets)
    return None


def _through(
    cluster: Cluster, state: ObservedNode, behind: Mapping[tuple[str, int], Supplied]
) -> Iterator[Proof]:
    """Connections to each VIP; without a backend, haproxy correctly closes them at once."""
    for vip in cluster.vip:
        for listener in cluster.listeners:
            target = target_of(vip, listener)
            answer = state.vip_answers.get((str(vip.ip), listener.port))
            backends = behind[str(vip.ip), listener.port]
            verdict: Verdict = "fail"
            if answer is None:
                node = cluster.node(state.node)
                why = misplaced(vip.ip, cluster, node, state)
                message = f"{target} was not tried: {why or 'nothing is applied here yet'}"
                hint = _CORRECT if why else "hadeploy up"
                hint = GIVE_BACK if lost_subnet(vip.ip, cluster, node, state) else hint
            elif not answer.reached:
                message = f"{target} {answer.now} from this node"
                hint = backends.full or "check whether a firewall drops ARP or the port"
                if answer.word == "refused":
                    hint = "check that haproxy listens, and whether a firewall rejects the port"
            elif answer.closed and backends.up:
                message = f"{target} {backends.problem(answer)}"
                hint = CLOSED + _FROM_ITSELF if state.holds(str(vip.ip)) else CLOSED
                hint = backends.full or hint
            elif answer.closed and not backends.known:
                verdict = "fail" if backends.served else "warn"
                message, hint = f"{target} {answer.now}", UNKNOWN_BACKENDS
            else:
                verdict, message, hint = "pass", f"{target} {answer.now}", ""
            yield Proof(
                "vip-answers-node",
                verdict,
                message,
                state.node,
                hint or None,
                follows=answer is None and not _runs(state, cluster.container_names[0]),
                lasting=hint in (_CORRECT, GIVE_BACK),
            )


def _vrrp(cluster: Cluster, state: ObservedNode, desired: DesiredNode) -> Iterator[Proof]:
    holding = any(state.holds(str(vip.ip)) for vip in cluster.vip)
    haproxy, keepalived = cluster.container_names
    follows = lasting = False
    hint = f"docker logs --tail 30 {keepalived}"
    vrrp_state = state.vrrp.state if state.vrrp else None
    if state.vrrp is None:
        verdict, message = False, "keepalived does not report its state"
        follows = not _runs(state, keepalived)
    elif state.vrrp.config_id != desired.config_id("keepalived"):
        verdict, message = False, "keepalived runs another configuration than the inventory's"
        lasting = _not_applied(state, desired, "keepalived")
        hint = _APPLY if lasting else hint
    elif vrrp_state == "FAULT":
        drained = drains(state)
        verdict = bool(drained) and not holding
        follows = not drained and not holding and not _runs(state, haproxy)
        message = f"keepalived is in FAULT ({', '.join(drained) or 'its haproxy check fails'})"
    elif vrrp_state == "BACKUP" and state.vrrp.instance and not state.vrrp.instance.master:
        # It takes the VIP after three missing adverts.
        verdict, message = False, "keepalived is BACKUP and receives no adverts from the holder"
        hint = _NO_ADVERTS
    else:
        verdict = (vrrp_state == "MASTER") == holding
        message = f"keepalived is {vrrp_state} and the VIP is {'here' if holding else 'not here'}"
    yield Proof(
        "keepalived-agrees",
        "pass" if verdict else "fail",
        message,
        state.node,
        None if verdict else hint,
        brief=f"{vrrp_state or 'silent'}{', holds the VIP' if holding else ''}",
        follows=follows and not verdict,
        lasting=lasting,
    )


def _claimed_once(cluster: Cluster, state: ObservedNode, desired: DesiredNode) -> Iterator[Proof]:
    """Whether another keepalived is configured with the VIP, even if it does not hold it yet."""
    found = other_keepaliveds(cluster, desired.facts.interface, state)
    others = [other for other in found if other.claims != ()]
    for other in others:
        if other.claims:
            message = f"{other.name} also claims {' and '.join(other.claims)}"
            yield Proof("vip-claimed-once", "fail", message, state.node, other.fix, lasting=True)
        else:
            message = f"another keepalived runs here with an unknown configuration: {other.name}"
            yield Proof("vip-claimed-once", "warn", message, state.node, other.fix)
    if not others and state.docker is not None:
        yield Proof("vip-claimed-once", "pass", "no other keepalived claims the VIP", state.node)


def _check_runs(cluster: Cluster, state: ObservedNode) -> Proof:
    """Whether keepalived runs its check; it counts a check that it cannot start as passed."""
    check = cluster.vrrp.check
    age = state.check_age
    if age is not None and age <= 2 * (check.interval + check.timeout) + 2:
        return Proof("check-runs", "pass", "keepalived checks haproxy", state.node)
    message = "keepalived never checks haproxy" if age is None else f"its last check is {age} s old"
    return Proof(
        "check-runs",
        "fail",
        message,
        state.node,
        f"docker logs --tail 30 {cluster.container_names[1]}",
    )


def unreachable_proofs(errors: Mapping[str, HadeployError]) -> list[Proof]:
    """A failed proof for each unreachable node.

    Args:
        errors: by node label.
    """
    return [
        Proof(
            "node-reachable",
            "fail",
            f"{error.operation}: {error.message}; its state is unknown; it may hold the VIP",
            node,
            error.hint,
        )
        for node, error in errors.items()
    ]
