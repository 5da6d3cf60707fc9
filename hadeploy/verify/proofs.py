"""What must be true of a cluster that serves. Pure: proofs from observations."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from hadeploy.adopt.recognise import with_adopt
from hadeploy.desired.desired_node import DesiredNode, Role
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import ObservedContainer, ObservedNode, Socket
from hadeploy.observe.subnets import GIVE_BACK, lost_subnet, misplaced
from hadeploy.plan.takeover_candidates import drains
from hadeploy.verify.answers import Supplied, supplied, target_of
from hadeploy.verify.backends import backend_proofs
from hadeploy.verify.capacity import capacity_proofs
from hadeploy.verify.other_keepaliveds import other_keepaliveds
from hadeploy.verify.proof import Proof, Verdict
from hadeploy.verify.segment import segment_proofs

# A container that crashes at start looks fine for a moment; a restarted one must last longer.
STABLE_SECONDS = 2
STABLE_AFTER_RESTART_SECONDS = 10
UNKNOWN_BACKENDS = (
    "haproxy has no section of the usual name for the backends, so it is not known whether they "
    "are up: keep the names of the shipped template"
)
# Linux uses the address that is connected to as source, if that is its own.
_FROM_ITSELF = "; what the VIP's holder asks comes from the VIP itself"
_DEAF = (
    "does the network, or a firewall, drop VRRP (IP protocol 112) between the nodes? a cloud's "
    "security groups do by default, and switches may drop multicast"
)
_CORRECT = "correct `vip`"
_APPLY = "`hadeploy plan` shows the difference, `hadeploy up` applies it"
CLOSED = (
    "does haproxy reject it, or the backends what haproxy sends them? look for tcp-request, "
    "send-proxy, ssl and mode in `templates`"
)


def prove(
    cluster: Cluster, desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> list[Proof]:
    """Every proof that observations can give, nodes in the inventory's order.

    Args:
        cluster: the inventory.
        desired: by node label.
        observed: the same nodes.
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
        look = observed[node.label]
        found += _containers(cluster, look)
        found += _ports(cluster, look, desired[node.label])
        found += _through(cluster, look, behind)
        found += _vrrp(cluster, look, desired[node.label])
        found += _claimed_once(cluster, look, desired[node.label])
        if look.vrrp:
            found.append(_check_runs(cluster, look))
    found += segment_proofs(cluster, observed)
    found += backend_proofs(cluster, observed)
    found += capacity_proofs(cluster, observed)
    hints = with_adopt(cluster, observed, [proof.hint for proof in found])
    return [dataclasses.replace(p, hint=hint) for p, hint in zip(found, hints, strict=True)]


def _containers(cluster: Cluster, look: ObservedNode) -> Iterator[Proof]:
    for name in cluster.container_names:
        container = look.container(name)
        problem = unstable(container, look.now)
        hint = "`hadeploy up` starts it" if container is None else f"docker logs --tail 30 {name}"
        if look.docker is None:
            problem, hint = "cannot be seen: the Docker engine does not answer", "start the engine"
        if problem is None and container is not None and container.cluster != cluster.name:
            problem = "is not ours"
        yield Proof(
            "container-running",
            "fail" if problem else "pass",
            f"{name} {problem or 'runs'}",
            look.node,
            hint if problem else None,
        )


def unstable(container: ObservedContainer | None, now: int) -> str | None:
    """Why a container cannot be said to run, in words; None if it can.

    Args:
        container: None if it is not there.
        now: the node's clock, seconds since the epoch.
    """
    if container is None:
        return "is missing"
    if not container.running:
        return f"is {container.status} (exit status {container.exit_code})"
    needed = STABLE_AFTER_RESTART_SECONDS if container.restarts else STABLE_SECONDS
    if now - container.started < needed:
        return f"was started only just now ({container.restarts} restarts)"
    return None


def _runs(look: ObservedNode, name: str) -> bool:
    container = look.container(name)
    return container is not None and container.running


def _ports(cluster: Cluster, look: ObservedNode, desired: DesiredNode) -> Iterator[Proof]:
    dead = not _runs(look, cluster.container_names[0])
    for listener in cluster.listeners:
        sockets = haproxy_sockets(cluster, look, listener.port)
        haproxy = look.ours_of(cluster.name, "haproxy")
        others = {o.name for s in sockets if not s.belongs_to(haproxy) for o in s.owners}
        if not sockets:
            verdict, seen = "fail", f"nothing listens on port {listener.port}"
        elif look.docker is None:
            verdict, seen = "fail", f"the engine does not tell whose port {listener.port} is"
        elif not all(socket.belongs_to(haproxy) for socket in sockets):
            names = ", ".join(sorted(others)) or "a process that the node does not name"
            verdict, seen = (
                "fail",
                f"port {listener.port} belongs to {names}, not to our haproxy alone",
            )
        elif bound := _elsewhere(cluster, sockets):
            verdict, seen = "fail", f"haproxy listens on {bound} only, so clients do not reach it"
        else:
            verdict, seen = "pass", f"haproxy listens on port {listener.port}"
        yield Proof(
            "port-listens",
            "fail" if verdict == "fail" else "pass",
            seen,
            look.node,
            "`hadeploy plan` shows what is missing there" if verdict == "fail" else None,
            brief=str(listener.port),
            follows=dead and (not sockets or look.docker is None),
        )
    wanted = desired.config_id("haproxy")
    if look.serving is None:
        yield Proof(
            "haproxy-answers",
            "fail",
            "haproxy does not answer its health check",
            look.node,
            "is it stopped, or frozen?",
            follows=dead,
        )
    elif look.serving != wanted:
        yield Proof(
            "haproxy-answers",
            "fail",
            "haproxy serves another configuration than the inventory's",
            look.node,
            _APPLY,
            lasting=_not_applied(look, desired, "haproxy"),
        )
    else:
        yield Proof("haproxy-answers", "pass", "haproxy serves this configuration", look.node)


def _not_applied(look: ObservedNode, desired: DesiredNode, role: Role) -> bool:
    """Whether the inventory was changed since, and no program was told to read that yet."""
    applied = look.applied.config_ids.get(role) if look.applied else None
    return bool(applied) and applied != desired.config_id(role)


def _elsewhere(cluster: Cluster, sockets: list[Socket]) -> str | None:
    """What sockets are bound to, if a connection to some VIP would find none of them."""
    bound = {socket.address for socket in sockets}
    for vip in cluster.vip:
        if not bound & {"*", "::" if vip.version == 6 else "0.0.0.0", str(vip.ip)}:  # noqa: S104
            return ", ".join(f"{socket.address}:{socket.port}" for socket in sockets)
    return None


def _through(
    cluster: Cluster, look: ObservedNode, behind: Mapping[tuple[str, int], Supplied]
) -> Iterator[Proof]:
    """What a listener that has no backend answers is as it should be: haproxy closes at once."""
    for vip in cluster.vip:
        for listener in cluster.listeners:
            target = target_of(vip, listener)
            answer = look.through.get((str(vip.ip), listener.port))
            stands = behind[str(vip.ip), listener.port]
            verdict: Verdict = "fail"
            if answer is None:
                node = cluster.node(look.node)
                why = misplaced(vip.ip, cluster, node, look)
                seen = f"{target} was not tried: {why or 'nothing was applied here yet'}"
                hint = _CORRECT if why else "hadeploy up"
                hint = GIVE_BACK if lost_subnet(vip.ip, cluster, node, look) else hint
            elif not answer.reached:
                seen = f"{target} {answer.now} from here"
                hint = stands.full or "does something drop ARP, or the port, between the nodes?"
                if answer.word == "refused":
                    hint = "does haproxy listen there? does a firewall reject the port?"
            elif answer.closed and stands.up:
                seen = f"{target} {stands.problem(answer)}"
                hint = CLOSED + _FROM_ITSELF if look.holds(str(vip.ip)) else CLOSED
                hint = stands.full or hint
            elif answer.closed and not stands.known:
                verdict = "fail" if stands.served else "warn"
                seen, hint = f"{target} {answer.now}", UNKNOWN_BACKENDS
            else:
                verdict, seen, hint = "pass", f"{target} {answer.now}", ""
            yield Proof(
                "vip-answers-node",
                verdict,
                seen,
                look.node,
                hint or None,
                follows=answer is None and not _runs(look, cluster.container_names[0]),
                lasting=hint in (_CORRECT, GIVE_BACK),
            )


def _vrrp(cluster: Cluster, look: ObservedNode, desired: DesiredNode) -> Iterator[Proof]:
    holding = any(look.holds(str(vip.ip)) for vip in cluster.vip)
    haproxy, keepalived = cluster.container_names
    follows = lasting = False
    hint = f"docker logs --tail 30 {keepalived}"
    state = look.vrrp.state if look.vrrp else None
    if look.vrrp is None:
        verdict, seen = False, "keepalived does not tell its state"
        follows = not _runs(look, keepalived)
    elif look.vrrp.config_id != desired.config_id("keepalived"):
        verdict, seen = False, "keepalived runs another configuration than the inventory's"
        lasting = _not_applied(look, desired, "keepalived")
        hint = _APPLY if lasting else hint
    elif state == "FAULT":
        drained = drains(look)
        verdict = bool(drained) and not holding
        follows = not drained and not holding and not _runs(look, haproxy)
        seen = f"keepalived is in FAULT ({', '.join(drained) or 'its haproxy check fails'})"
    elif state == "BACKUP" and look.vrrp.spoken and not look.vrrp.spoken.master:
        # It takes the VIP when it has waited for three of them.
        verdict, seen = False, "keepalived is BACKUP and has heard no advert of the VIP's holder"
        hint = _DEAF
    else:
        verdict = (state == "MASTER") == holding
        seen = f"keepalived is {state} and the VIP is {'here' if holding else 'not here'}"
    yield Proof(
        "keepalived-agrees",
        "pass" if verdict else "fail",
        seen,
        look.node,
        None if verdict else hint,
        brief=f"{state or 'silent'}{', holds the VIP' if holding else ''}",
        follows=follows and not verdict,
        lasting=lasting,
    )


def _claimed_once(cluster: Cluster, look: ObservedNode, desired: DesiredNode) -> Iterator[Proof]:
    """One that claims the VIP, too, need not hold it yet."""
    found = other_keepaliveds(cluster, desired.facts.interface, look)
    others = [other for other in found if other.claims != ()]
    for other in others:
        if other.claims:
            seen = f"{other.name} claims {' and '.join(other.claims)}, too"
            yield Proof("vip-claimed-once", "fail", seen, look.node, other.fix, lasting=True)
        else:
            seen = f"another keepalived runs here, and what it claims is not known: {other.name}"
            yield Proof("vip-claimed-once", "warn", seen, look.node, other.fix)
    if not others and look.docker is not None:
        yield Proof("vip-claimed-once", "pass", "no other keepalived claims the VIP", look.node)


def _check_runs(cluster: Cluster, look: ObservedNode) -> Proof:
    """keepalived takes a check that it cannot start for one that succeeds."""
    check = cluster.vrrp.check
    age = look.check_age
    if age is not None and age <= 2 * (check.interval + check.timeout) + 2:
        return Proof("check-runs", "pass", "keepalived checks haproxy", look.node)
    seen = "keepalived never checks haproxy" if age is None else f"its last check is {age} s old"
    return Proof(
        "check-runs",
        "fail",
        seen,
        look.node,
        f"docker logs --tail 30 {cluster.container_names[1]}",
    )


def unreachable_proofs(errors: Mapping[str, HadeployError]) -> list[Proof]:
    """A node that cannot be reached is not proven.

    Args:
        errors: why, by node label.
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
