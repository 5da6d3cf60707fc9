"""The verdict of `status`, and its proofs. Pure.

The proofs of `verify` come first. The proofs in this module are not part of `verify`: a successful
run guarantees them, or they may fail while a cluster is set up.
"""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.recognise import recognise
from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster, Listener
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.order import holders
from hadeploy.plan.steps import Step
from hadeploy.plan.takeover_candidates import drains, takeover_candidates
from hadeploy.status.cluster_status import Health
from hadeploy.status.snapshot import ClusterSnapshot
from hadeploy.verify.answers import answer_proofs, supplied
from hadeploy.verify.backends import (
    BACKENDS,
    FIRST_TIME,
    GONE,
    UNEVEN,
    Supply,
    listener_supplies,
)
from hadeploy.verify.certificates import backends_up, certificate_proofs, refused_listeners
from hadeploy.verify.proof import Proof, failed
from hadeploy.verify.proofs import prove, unreachable_proofs

OUTAGE = "vip-serves"


def judge(snapshot: ClusterSnapshot) -> tuple[Health, list[Proof]]:
    """The verdict, and the proofs that it is based on."""
    unreachable = unreachable_proofs(snapshot.unreachable)
    if not snapshot.observed:
        return "unknown", unreachable
    if not snapshot.records:
        nothing = Proof(
            OUTAGE,
            "fail",
            "nothing is applied on any reachable node",
            hint="hadeploy up",
        )
        return "down", [nothing, *unreachable]
    force = snapshot.in_force()
    proofs = [
        *(p for p in prove(force.cluster, force.desired, force.observed) if p.name != BACKENDS),
        *_served(force.cluster, force),
        *_backends(force),
        *answer_proofs(force.cluster, force.observed, force.certificates),
        *_certificates(force),
        *_takeover(force),
        *_engines(snapshot),
        *_left_behind(snapshot),
        *_configurations(snapshot),
        *unreachable,
    ]
    if any(proof.name == OUTAGE for proof in failed(proofs)):
        return "down", proofs
    # A warning means only that this machine may be in another network.
    proofs += [proof for proof in snapshot.here if proof.verdict != "warn"]
    return "degraded" if failed(proofs) else "healthy", proofs


def _served(cluster: Cluster, force: ClusterSnapshot) -> Iterator[Proof]:
    """Whether each VIP serves clients on each listener."""
    for vip in map(str, (vip.ip for vip in cluster.vip)):
        holding = holders([vip], force.observed.values())
        for listener in cluster.listeners:
            backends = supplied(cluster, force.observed, vip, listener, force.certificates)
            answers = {
                node: answer
                for node, state in force.observed.items()
                if (answer := state.vip_answers.get((vip, listener.port))) is not None
            }
            serving = [n for n in holding if _serves(cluster, force.observed[n], listener)]
            # The holder's own connection does not use the network, so it counts only if there is
            # no other.
            others = [answers[n] for n in answers if n not in holding]
            witnesses = others or list(answers.values())
            target = f"{vip} port {listener.port}"
            if not holding and any(answer.reached for answer in answers.values()):
                yield Proof(OUTAGE, "pass", f"{target} is served by an unreachable node")
            elif not holding:
                yield Proof(OUTAGE, "fail", f"{target} is served by no node")
            elif not serving:
                where = " and ".join(holding)
                yield Proof(OUTAGE, "fail", f"{target} is not served by {where}, which has the VIP")
            elif witnesses and not any(answer.reached for answer in witnesses):
                yield Proof(OUTAGE, "fail", f"{target} is unreachable from all other nodes")
            elif witnesses and all(not a.reached or backends.problem(a) for a in witnesses):
                problems = dict.fromkeys(map(backends.problem, witnesses))
                message = f"{target} {' and '.join(filter(None, problems))}"
                yield Proof(OUTAGE, "fail", message)
            else:
                yield Proof(OUTAGE, "pass", f"{target} is served by {' and '.join(serving)}")


def _serves(cluster: Cluster, state: ObservedNode, listener: Listener) -> bool:
    sockets = state.listeners(listener.port)
    by_hand = recognise(cluster, state)
    if by_hand is not None and any(by_hand.owns(socket) for socket in sockets):
        # `up --adopt` has not changed this node yet. The previous haproxy serves clients.
        return True
    if state.serving is not None:
        return bool(sockets)
    # A frozen haproxy listens on its health port but does not answer. A haproxy that does not have
    # this health_port yet does not listen there.
    haproxy = state.ours_of(cluster.name, "haproxy")
    frozen = state.listeners(cluster.haproxy.health_port)
    return not frozen and any(socket.belongs_to(haproxy) for socket in sockets)


def _backends(force: ClusterSnapshot) -> Iterator[Proof]:
    """A listener serves if one backend is up."""
    for state in listener_supplies(force.cluster, force.observed):
        name = state.listener
        if state.supply is Supply.LOST:
            message = f"{name}: no backend is up any more on {state.node}"
            yield Proof(OUTAGE, "fail", message, hint=GONE)
        elif state.supply is Supply.NOT_YET:
            yield Proof(BACKENDS, "fail", f"{name}: no backend is up", hint=FIRST_TIME)
        elif state.supply is Supply.UNEVEN:
            message = f"{name}: {state.node} reaches no backend; other nodes do"
            yield Proof(BACKENDS, "fail", message, hint=UNEVEN)
        elif state.supply is Supply.PARTIAL:
            yield Proof(BACKENDS, "warn", f"{name}: {state.message}{state.named}")
        else:
            yield Proof(BACKENDS, "pass", f"{name}: all backends are up")


def _certificates(force: ClusterSnapshot) -> Iterator[Proof]:
    """A listener does not serve if clients refuse the certificates of all backends."""
    up = backends_up(force.cluster, force.observed)
    yield from certificate_proofs(force.cluster, force.certificates, up)
    for listener in refused_listeners(force.cluster, force.certificates, up):
        message = f"{listener.name}: clients refuse the certificates of all backends"
        yield Proof(OUTAGE, "fail", message)


def _takeover(force: ClusterSnapshot) -> Iterator[Proof]:
    """Whether another node could take over the VIP."""
    vips = [str(vip.ip) for vip in force.cluster.vip]
    holding = holders(vips, force.observed.values())
    if len(force.cluster.nodes) == 1 or len(holding) != 1:
        return
    others = takeover_candidates(force.cluster, force.observed, holding[0])
    problem = takeover_problem(force.cluster, force.observed, holding[0])
    if others and problem:
        # keepalived elects by priority, even if a node with a lower one serves better.
        yield Proof("takeover-possible", "warn", problem.message, hint=problem.hint)
    elif others:
        yield Proof("takeover-possible", "pass", f"{' and '.join(others)} could take over the VIP")
    else:
        yield Proof(
            "takeover-possible",
            "fail",
            f"no other node could take over the VIP from {holding[0]}",
            hint="all other nodes are unhealthy or drained",
        )


def _engines(snapshot: ClusterSnapshot) -> Iterator[Proof]:
    """Containers run on without their engine, but their state is unknown."""
    for node, state in snapshot.observed.items():
        if state.docker is None:
            message = "the Docker engine does not answer; the state of the containers is unknown"
            yield Proof("docker-answers", "fail", message, node, "systemctl status docker")
        else:
            yield Proof("docker-answers", "pass", f"Docker {state.docker} answers", node)


def _left_behind(snapshot: ClusterSnapshot) -> Iterator[Proof]:
    """Nodes that are still drained by an interrupted run."""
    for node, state in snapshot.observed.items():
        if layout.RUN_DRAIN in drains(state) and not state.lock:
            message = "still drained by an interrupted run"
            yield Proof("handover-finished", "fail", message, node, "`hadeploy up` ends the drain")


def _configurations(snapshot: ClusterSnapshot) -> Iterator[Proof]:
    """Drift is a failure; a pending change of the inventory is a warning."""
    for node, state in snapshot.observed.items():
        steps = snapshot.steps(node)
        drift = [step for step in steps if step.drift]
        if drift:
            first, *others = [f"{step.subject}: {step.reason}" for step in drift]
            more = f" (and {len(others)} more)" if others else ""
            hint = "`hadeploy plan` shows the difference, `hadeploy up` restores the node"
            follows = all(_has_own_proof(step, state) for step in drift)
            yield Proof("configuration-in-sync", "fail", first + more, node, hint, follows=follows)
        elif steps:
            message = f"{len(steps)} steps pending ({steps[0].subject}: {steps[0].reason})"
            hint = "`hadeploy plan` shows them"
            yield Proof("configuration-in-sync", "warn", message, node, hint)
        else:
            yield Proof("configuration-in-sync", "pass", "matches the inventory", node)


def _has_own_proof(step: Step, state: ObservedNode) -> bool:
    """Whether a proof of the containers or their programs already reports the drift."""
    container = state.container(step.subject)
    stopped = step.role is not None and (container is None or not container.running)
    return step.action == "reload-container" or (stopped and step.action != "write-file")
